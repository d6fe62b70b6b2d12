package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	oauthclient "github.com/grantway/grantway/client"
)

// loginFlags are what `grantway login` can be told beside its profile.
type loginFlags struct {
	profileFlags
	port      uint16
	noBrowser bool
	within    time.Duration
}

func loginCommand() *cobra.Command {
	f := &loginFlags{}
	command := &cobra.Command{
		Use:   "login",
		Short: "Sign in with the browser, for APIs that ask who you are",
		Long: `Sign in with the browser, for APIs that ask who you are (authorization code with
PKCE). 'grantway token' and 'grantway curl' have your token then, and renew it,
until 'grantway logout'.

The browser comes back to this machine, to the profile's redirect_uri, which the
client must be registered with: http://127.0.0.1/callback, on a free port, where
the profile does not say otherwise. Servers that compare the port too need one
(redirect_uri: http://localhost:8400/callback, or --port).

` + exitHelp,
		Example: `  grantway login
  grantway login --profile me --no-browser
  grantway login --issuer https://auth.example.com --client-id cli \
    --scope openid,notes:read`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.run(c)
		},
	}
	f.register(command)
	f.registerRedirect(command)
	flags := command.Flags()
	flags.Uint16Var(&f.port, "port", 0, "the port that the browser comes back to (default: that of redirect_uri, else a free one)")
	flags.BoolVar(&f.noBrowser, "no-browser", false, "print where to sign in, and open no browser")
	flags.DurationVar(&f.within, "timeout", 5*time.Minute, "how long to wait for you")
	return command
}

func (f *loginFlags) run(c *cobra.Command) error {
	if f.within <= 0 {
		return &usageError{errors.New("--timeout is a time: 5m")}
	}
	a, err := f.ask(c)
	if err != nil {
		return err
	}
	switch {
	case !a.People:
		return &usageError{fmt.Errorf("%s asks for itself, without a person: 'grantway token' needs no login\nFor a person, write grant: authorization_code", a.called())}
	case a.cache == nil:
		return errors.New("there is no cache folder to keep the token in: set HOME or XDG_CACHE_HOME")
	}
	ctx, cancel := context.WithTimeout(c.Context(), f.within)
	defer cancel()
	l, err := listenLoopback(a.RedirectURI, f.port)
	if err != nil {
		return err
	}
	defer l.close()
	in, err := a.client.SignIn(ctx, l.uri, a.SignInParams)
	if err != nil {
		return a.explain(err)
	}
	said := c.ErrOrStderr()
	l.serve(&landing{
		path: l.path, hosts: l.hosts, exchange: func(answer map[string][]string) (oauthclient.Token, error) {
			return a.client.Exchange(ctx, in, answer)
		},
		stranger: func() {
			fmt.Fprintln(said, "warning: an answer that does not belong to this sign-in came, and was refused; still waiting")
		},
	})
	f.show(c.Context(), said, in.URL)
	select {
	case end := <-l.ended:
		l.close() // once the page is sent
		if end.err != nil {
			return a.explain(end.err)
		}
		if !a.cache.renewed.Load() {
			return errors.New("you signed in, and the token could not be kept, so it is lost; mend the cache folder, and sign in again")
		}
		return a.signedIn(said, end.token)
	case <-ctx.Done():
	}
	if c.Context().Err() != nil {
		return errors.New("interrupted")
	}
	return &statusError{fmt.Errorf("nobody signed in within %v\nIf the server showed an error: is %s a redirect URI of the client %s?", f.within, l.uri, a.ClientID), exitSignIn}
}

// show opens the browser, and says where to go in any case: whether a window came
// up, only the person sees.
func (f *loginFlags) show(ctx context.Context, out io.Writer, at string) {
	if f.noBrowser {
		fmt.Fprintf(out, "Open this in a browser of this machine:\n\n%s\n\n", at)
		return
	}
	fmt.Fprintf(out, "Your browser opens. If it does not, open this there:\n\n%s\n\n", at)
	words := map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}[runtime.GOOS]
	if words == nil {
		words = []string{"xdg-open"}
	}
	// The address is http or https: SignIn has seen to that.
	browser := exec.CommandContext(ctx, words[0], append(words[1:], at)...)
	browser.Cancel = func() error { return nil } // it is the person's, and stays
	if browser.Start() == nil {
		go func() { _ = browser.Wait() }() // what became of it, the person sees
	}
}

// signedIn says what the person has now.
func (a *asking) signedIn(out io.Writer, t oauthclient.Token) error {
	text := "Signed in"
	if a.Name != "" {
		text += " for the profile " + a.Name
	}
	if len(t.Scopes) > 0 {
		text += fmt.Sprintf(", with %s", printable(fmt.Sprint(t.Scopes)))
	}
	until := t.Expires.Local().Format("15:04")
	if t.Refresh != "" {
		text += ". The token is renewed when it is needed."
	} else {
		text += ". It lasts until " + until + "; the server gives nothing to renew it with."
	}
	_, err := fmt.Fprintln(out, text)
	return err
}
