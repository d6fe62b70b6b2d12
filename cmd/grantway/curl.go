package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/catalogue"
)

// curlFlags are what `grantway curl` can be told beside its profile: the part of
// curl's own that a call of an API needs, under curl's names.
type curlFlags struct {
	profileFlags
	method, out           string
	data, headers         []string
	json                  string
	include, fail, follow bool
}

func curlCommand() *cobra.Command {
	f := &curlFlags{}
	command := &cobra.Command{
		Use:   "curl URL",
		Short: "Call an API with the right token, which is renewed and never shown",
		Long: `Call an API with the right token, which is renewed and never shown. It is not
curl, and knows a few of its flags. A 401 that says the token is bad has it
renewed, and the call is made once more.

The token goes to the APIs that the profile lists under apis, over https (or on
this machine), and to no other host, after a redirect neither. With one API, a
path will do for the URL.

` + exitHelp + `
22: with --fail, the API answered with 400 or more.`,
		Example: `  grantway curl /notes
  grantway curl -i --json '{"text":"hello"}' https://api.example.com/notes
  grantway curl -X PUT -H 'Content-Type: text/csv' -d @rows.csv /rows
  grantway curl -f -o notes.json --profile staging /notes`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			return f.run(c, args[0])
		},
	}
	f.register(command)
	f.registerAPI(command)
	flags := command.Flags()
	flags.StringVarP(&f.method, "request", "X", "", "the `method` (default: GET, or POST with data)")
	flags.StringArrayVarP(&f.data, "data", "d", nil, "send `data` as a form does; @FILE is a file as it is, @- the standard input; several are joined by &")
	flags.StringVar(&f.json, "json", "", "send `data` as JSON; @FILE and @- as with --data")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "send a `header`: 'Name: value'")
	flags.BoolVarP(&f.include, "include", "i", false, "print the answer's status and headers before its body")
	flags.StringVarP(&f.out, "output", "o", "", "write the body into a `file`")
	flags.BoolVarP(&f.fail, "fail", "f", false, "make an answer of 400 or more an error, with the status 22, and print no body")
	flags.BoolVarP(&f.follow, "location", "L", false, "follow redirects; the token stays with the first host")
	return command
}

func (f *curlFlags) run(c *cobra.Command, text string) error {
	a, err := f.ask(c)
	if err != nil {
		return err
	}
	u, err := a.allowed(text)
	if err != nil {
		return err
	}
	r, err := f.request(c, u.String())
	if err != nil {
		return err
	}
	caller := a.client.HTTP()
	caller.CheckRedirect = f.redirect
	answer, err := caller.Do(r)
	if err != nil {
		return a.explain(err)
	}
	defer answer.Body.Close()
	if f.include {
		if err := writeHead(c.OutOrStdout(), answer); err != nil {
			return err
		}
	}
	if f.fail && answer.StatusCode >= 400 {
		return &statusError{fmt.Errorf("the API answers %s", printable(answer.Status)), exitAnswer}
	}
	out := c.OutOrStdout()
	if f.out == "" {
		_, err = io.Copy(out, answer.Body)
		return err
	}
	file, err := os.Create(f.out)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, answer.Body)
	return errors.Join(err, file.Close())
}

// request is what the flags say, without the token.
func (f *curlFlags) request(c *cobra.Command, url string) (*http.Request, error) {
	var body io.Reader
	sent, kind := f.data, "application/x-www-form-urlencoded"
	if c.Flags().Changed("json") {
		if len(f.data) > 0 {
			return nil, &usageError{errors.New("--data or --json, not both")}
		}
		sent, kind = []string{f.json}, "application/json"
	}
	method := f.method
	if len(sent) > 0 {
		var parts [][]byte
		for _, one := range sent {
			part, err := content(one, c.InOrStdin())
			if err != nil {
				return nil, err
			}
			parts = append(parts, part)
		}
		body = bytes.NewReader(bytes.Join(parts, []byte("&"))) // which can be sent again
		if method == "" {
			method = http.MethodPost
		}
	}
	r, err := http.NewRequestWithContext(c.Context(), method, url, body)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--request %q is not a method", printable(f.method))}
	}
	r.Header.Set("User-Agent", "grantway")
	r.Header.Set("Accept", "*/*")
	if body != nil {
		r.Header.Set("Content-Type", kind)
	}
	if kind == "application/json" {
		r.Header.Set("Accept", kind)
	}
	given := http.Header{}
	for _, h := range f.headers {
		name, value, ok := strings.Cut(h, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch canonical := http.CanonicalHeaderKey(name); {
		case !ok || name == "" || strings.ContainsAny(h, "\r\n"):
			return nil, &usageError{errors.New("--header takes 'Name: value'")}
		case slices.Contains([]string{"Authorization", "Host", "Content-Length", "Transfer-Encoding", "Connection"}, canonical):
			return nil, &usageError{fmt.Errorf("the header %s is put in by this command", canonical)}
		default:
			given[canonical] = append(given[canonical], value)
		}
	}
	for name, values := range given {
		r.Header[name] = values
	}
	return r, nil
}

// content is what a piece of data stands for.
func content(text string, in io.Reader) ([]byte, error) {
	path, isFile := strings.CutPrefix(text, "@")
	switch {
	case !isFile:
		return []byte(text), nil
	case path == "-":
		return io.ReadAll(in)
	}
	return os.ReadFile(path)
}

// redirect follows where that was asked for. To another origin go neither the token
// (package client sees to that) nor the headers and data that were meant for the API.
func (f *curlFlags) redirect(next *http.Request, before []*http.Request) error {
	if !f.follow {
		return http.ErrUseLastResponse
	}
	if len(before) >= 10 {
		return errors.New("the API redirects without end")
	}
	home := catalogue.APIOrigin(before[0].URL)
	left := slices.ContainsFunc(before, func(r *http.Request) bool { return catalogue.APIOrigin(r.URL) != home })
	switch back := catalogue.APIOrigin(next.URL) == home; {
	case back && left:
		return fmt.Errorf("%s sends the call back to the API, where it would have the token", before[len(before)-1].URL.Host)
	case back:
		return nil
	}
	if next.Method != http.MethodGet && next.Method != http.MethodHead {
		return fmt.Errorf("the API sends the data on to another host, %s, which this command does not follow", next.URL.Host)
	}
	next.Header = http.Header{"User-Agent": {"grantway"}, "Accept": {"*/*"}}
	return nil
}

// writeHead writes status and headers as they are, by name.
func writeHead(out io.Writer, answer *http.Response) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\r\n", answer.Proto, answer.Status)
	if err := answer.Header.Write(&b); err != nil {
		return err
	}
	b.WriteString("\r\n")
	_, err := out.Write(b.Bytes())
	return err
}
