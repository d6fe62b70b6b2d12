// Command recipe gets a token, calls with it and has it renewed, all by package
// client:
//
//	go run . call    one call
//	go run . job     a scheduled job: one batch, and a status for the scheduler
//	go run . sync    a data sync: page after page with one token
//
// TOKEN_URL, API_URL, CLIENT_ID, CLIENT_SECRET and, where it is needed, SCOPE come
// from the environment. It is a program to copy and no part of the server; the
// protocol's details, RFC 6749 and RFC 6750, are the package's.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/grantway/grantway/client"
)

func main() {
	err := run(os.Args[1:])
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "recipe:", err)
	if passes(err) {
		os.Exit(75) // EX_TEMPFAIL: the scheduler comes back
	}
	os.Exit(1) // a person has to mend something
}

var errBusy = errors.New("the API is busy")

// passes reports whether time is enough to cure it.
func passes(err error) bool {
	_, refused := errors.AsType[*client.RefusedError](err) // wrong credentials, for example
	_, strange := errors.AsType[*client.AnswerError](err)  // no token endpoint at all
	_, unsent := errors.AsType[*url.Error](err)
	return errors.Is(err, errBusy) || unsent && !refused && !strange
}

func run(args []string) error {
	c, err := client.New(client.Config{
		TokenURL: os.Getenv("TOKEN_URL"), // or Issuer, where there is metadata
		ClientID: os.Getenv("CLIENT_ID"),
		Secret:   client.Static(os.Getenv("CLIENT_SECRET")),
		Target:   client.Target{Scopes: strings.Fields(os.Getenv("SCOPE"))},
		// Jobs that run every minute share a token with this:
		// Cache: client.NewFiles("/var/lib/my-job/tokens"),
	})
	if err != nil {
		return err
	}
	api := &api{base: os.Getenv("API_URL"), http: c.HTTP()}
	switch strings.Join(args, " ") {
	case "call":
		var page json.RawMessage
		if err := api.call(http.MethodGet, "/moves?limit=1", nil, &page); err != nil {
			return err
		}
		fmt.Printf("%s\n", page)
		return nil
	case "job":
		return api.job(time.Now())
	case "sync":
		return api.sync()
	}
	return errors.New("say call, job or sync")
}

type api struct {
	base string
	http *http.Client // each request carries a token, and is sent again once after a 401
}

func (a *api) job(now time.Time) error {
	measured := map[string]any{"account_id": "account-001", "measured_on": now.Format(time.DateOnly), "weight_kg": 70.5}
	var stored struct {
		ID string `json:"id"`
	}
	if err := a.call(http.MethodPost, "/biometrics", measured, &stored); err != nil {
		return err
	}
	fmt.Println("stored", stored.ID)
	return nil
}

func (a *api) sync() error {
	for offset, total := 0, 1; offset < total; offset += 50 {
		var page struct {
			Items []json.RawMessage `json:"items"`
			Total int               `json:"total"`
		}
		if err := a.call(http.MethodGet, fmt.Sprintf("/moves?limit=50&offset=%d", offset), nil, &page); err != nil {
			return err
		}
		for _, move := range page.Items {
			fmt.Printf("%s\n", move)
		}
		total = page.Total
	}
	return nil
}

// call sends what is in, if anything, and reads the answer into out.
func (a *api) call(method, path string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, a.base+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := a.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500:
		return fmt.Errorf("%w (%d)", errBusy, answer.StatusCode)
	case answer.StatusCode >= 300:
		return fmt.Errorf("%s %s: status %d", method, path, answer.StatusCode)
	}
	return json.NewDecoder(answer.Body).Decode(out)
}
