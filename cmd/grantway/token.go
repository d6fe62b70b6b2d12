package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	oauthclient "github.com/grantway/grantway/client"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/oauth"
)

// tokenFlags are what `grantway token` can be told beside its profile.
type tokenFlags struct {
	profileFlags
	json, header, fresh, forget bool
	curl                        string
}

func tokenCommand() *cobra.Command {
	f := &tokenFlags{}
	command := &cobra.Command{
		Use:   "token",
		Short: "Print an access token, from any OAuth server",
		Long: `Print an access token, from any OAuth server, and nothing else. It is kept in
your cache folder, where you alone can read it, and asked for anew shortly
before it ends; programs that run at the same time share one request.

As whom and where is said by a profile (docs/CLIENT.md) or by flags. A secret is
never one of them: name the environment variable or the file that holds it.

` + exitHelp,
		Example: `  grantway token
  grantway token --profile staging --scope notes:write --json
  curl -H "$(grantway token --header)" https://api.example.com/notes
  grantway token --issuer https://auth.example.com --client-id acme \
    --secret-env ACME_SECRET --audience https://api.example.com`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.run(c)
		},
	}
	f.register(command)
	flags := command.Flags()
	flags.BoolVar(&f.json, "json", false, "print the answer: the token, and how many seconds it still lives")
	flags.BoolVar(&f.header, "header", false, "print the header that carries the token")
	flags.StringVar(&f.curl, "curl", "", "print a curl command that calls this `URL` with the token")
	flags.BoolVar(&f.fresh, "fresh", false, "ask for a new one, whatever is kept")
	flags.BoolVar(&f.forget, "forget", false, "forget the one that is kept, and print nothing")
	return command
}

func (f *tokenFlags) run(c *cobra.Command) error {
	ways := 0
	for _, chosen := range []bool{f.json, f.header, f.curl != "", f.forget} {
		if chosen {
			ways++
		}
	}
	if ways > 1 || f.fresh && f.forget {
		return &usageError{errors.New("--json, --header, --curl and --forget: one of them, and --fresh without --forget")}
	}
	a, err := f.ask(c)
	if err != nil {
		return err
	}
	if f.forget {
		return a.explain(a.client.Forget(c.Context()))
	}
	if f.curl != "" {
		if err := a.suits(f.curl); err != nil {
			return err
		}
	}
	t, err := a.client.Token(c.Context())
	if err == nil && f.fresh && a.cache != nil && !a.cache.renewed.Load() {
		t, err = a.client.Renew(c.Context(), t)
	}
	if err != nil {
		return a.explain(err)
	}
	return f.write(c.OutOrStdout(), t)
}

// suits holds the URL of --curl to the profile's APIs, where it names any.
func (a *asking) suits(text string) error {
	if len(a.APIs) > 0 {
		_, err := a.allowed(text)
		return err
	}
	u, err := apiURL(text)
	if err == nil && u.Scheme != "https" && (u.Scheme != "http" || !catalogue.Loopback(u)) {
		err = errors.New("the token would travel in the clear: write https")
	}
	return err
}

// writtenToken is the answer of a token endpoint (RFC 6749 §5.1) as it is now. The
// refresh token stays in the cache: used elsewhere, it would end what was allowed.
type writtenToken struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int64  `json:"expires_in"` // seconds that are left
	Scope   string `json:"scope,omitempty"`
	ID      string `json:"id_token,omitempty"`
}

func (f *tokenFlags) write(out io.Writer, t oauthclient.Token) error {
	var err error
	switch {
	case f.json:
		err = writeJSON(out, writtenToken{
			t.Access.Reveal(), oauth.TokenTypeBearer, int64(time.Until(t.Expires) / time.Second), oauth.FormatScope(t.Scopes), t.ID.Reveal(),
		})
	case f.header:
		_, err = fmt.Fprintln(out, "Authorization: "+t.Header())
	case f.curl != "":
		_, err = fmt.Fprintf(out, "curl -H %s %s\n", inQuotes("Authorization: "+t.Header()), inQuotes(f.curl))
	default:
		_, err = fmt.Fprintln(out, t.Access.Reveal())
	}
	return err
}

// inQuotes makes a text one word of a shell.
func inQuotes(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
