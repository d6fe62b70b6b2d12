package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/grantway/grantway/internal/installed"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"grantway": main})
}

// TestScripts runs testdata/script: the command line as people type it. Beside
// the commands of testscript there are
//
//	await FILE                    until a program in the background has written it
//	until REGEXP PROGRAM …        runs a program until it ends well and prints that
//	capture NAME REGEXP           a variable from the first group in the last stdout
//	token STATUS URL ID SECRET    a token request; a token is in $TOKEN then
//	get STATUS URL                a request with $TOKEN
//	rows N FILE                   a file of so many accounts to import, and the first once more
//
// Both leave the answer's trace id in $TRACE.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_DATA_HOME", e.Getenv("WORK")+"/share")
			examples, err := filepath.Abs("../../examples")
			if err != nil {
				return err
			}
			e.Setenv("EXAMPLES", examples)
			for _, name := range []string{"PORT", "HOME_PORT"} {
				e.Setenv(name, freePort(t))
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await, "until": untilPrinted, "capture": capture, "token": token, "get": get, "rows": rows,
		},
		RequireExplicitExec: true,
	})
}

func freePort(t *testing.T) string {
	_, port, _ := net.SplitHostPort(installed.FreeAddress(t))
	return port
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s was not written", args[0])
}

func untilPrinted(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[0])
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if ts.Exec(args[1], args[2:]...) == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("%v does not print %s", args[1:], args[0])
}

func capture(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if found == nil {
		ts.Fatalf("%s does not match", args[1])
	}
	ts.Setenv(args[0], found[1])
}

func rows(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	text := "name\n"
	for i := range n + 1 {
		text += fmt.Sprintf("person%d\n", i%n)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

func token(ts *testscript.TestScript, _ bool, args []string) {
	body := send(ts, args[0], func() (*http.Response, error) {
		return http.PostForm(args[1], url.Values{
			"grant_type": {"client_credentials"}, "client_id": {args[2]}, "client_secret": {args[3]},
		})
	})
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		ts.Fatalf("%v in %s", err, body)
	}
	if answer.AccessToken != "" {
		ts.Setenv("TOKEN", answer.AccessToken)
	}
}

func get(ts *testscript.TestScript, _ bool, args []string) {
	send(ts, args[0], func() (*http.Response, error) {
		r, err := http.NewRequest(http.MethodGet, args[1], nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+ts.Getenv("TOKEN"))
		return http.DefaultClient.Do(r)
	})
}

// send wants the status at once, or from a server that is still starting.
func send(ts *testscript.TestScript, status string, request func() (*http.Response, error)) []byte {
	w, err := request()
	for deadline := time.Now().Add(patience); err != nil && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
		w, err = request()
	}
	ts.Check(err)
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	ts.Check(err)
	ts.Setenv("TRACE", w.Header.Get("X-Request-Id"))
	if got := fmt.Sprint(w.StatusCode); got != status {
		ts.Fatalf("status %s, want %s: %s", got, status, body)
	}
	return body
}
