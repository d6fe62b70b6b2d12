package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	oauthclient "github.com/grantway/grantway/client"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/oauth"
)

// Exit statuses of the commands that ask for tokens, beside those of all commands.
const (
	exitDenied = 3  // the server says no: mend what it names
	exitBusy   = 4  // no token now, and nobody's fault here: wait
	exitSignIn = 5  // a person has to sign in
	exitAnswer = 22 // the API's answer, where --fail makes it an error
)

const exitHelp = `The status is 0, or 3 where the server says no (wrong credentials, a scope that
is not allowed: mend it), 4 where no token can be had now (server down or busy:
wait), 5 where a person has to sign in, 2 for a word that is off, else 1.`

// statusError is an error with a status of its own.
type statusError struct {
	error
	status int
}

func (e *statusError) Unwrap() error { return e.error }

// profileFlags say as whom and where tokens are asked for: by a profile of a file,
// or all by themselves.
type profileFlags struct {
	file, name string
	entry      catalogue.ProfileEntry // what the flags say
	secretEnv  string
	params     []string
}

// alone are the flags that make up a profile. The others go with one of a file, too.
var alone = []string{"token-url", "client-id", "secret-env", "secret-file", "auth", "grant", "param", "redirect-uri", "api"}

func (f *profileFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.file, "profiles", "", "the `file` with the profiles (default: profiles.yaml in grantway/ of your configuration folder)")
	flags.StringVar(&f.name, "profile", "", "the profile, by `name` (default: the one that the file says)")
	flags.StringVar(&f.entry.Issuer, "issuer", "", "without a profile: the `URL` of the issuer, whose metadata says the rest")
	flags.StringVar(&f.entry.TokenURL, "token-url", "", "or the `URL` of its token endpoint")
	flags.StringVar(&f.entry.ClientID, "client-id", "", "the `id` of the client")
	flags.StringVar(&f.secretEnv, "secret-env", "", "the environment variable with its secret, by `name`")
	flags.StringVar(&f.entry.SecretFile, "secret-file", "", "the `file` with its secret, that you alone can read; - is the standard input")
	flags.StringVar(&f.entry.Auth, "auth", "", "how the client says who it is: `basic`, basic_raw, body or json")
	flags.StringVar(&f.entry.Grant, "grant", "", "`client_credentials` (with a secret), or authorization_code: a person signs in")
	flags.StringArrayVar(&f.params, "param", nil, "a further parameter of the token request, `name=value`; may be said several times")
	flags.StringSliceVar((*[]string)(&f.entry.Scopes), "scope", nil, "what to ask for: `scopes`, with commas; instead of the profile's")
	flags.StringVar(&f.entry.Audience, "audience", "", "the `audience` to ask for; instead of the profile's")
	flags.StringArrayVar((*[]string)(&f.entry.Resources), "resource", nil, "the `URL` of the API to ask for (RFC 8707); instead of the profile's")
	for name, words := range map[string][]cobra.Completion{
		"auth": {"basic", "basic_raw", "body", "json"}, "grant": {oauth.GrantClientCredentials, oauth.GrantAuthorizationCode},
		"issuer": nil, "token-url": nil, "client-id": nil, "secret-env": nil, "param": nil, "scope": nil, "audience": nil, "resource": nil,
	} {
		_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
	_ = c.RegisterFlagCompletionFunc("profile", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		all, err := f.load()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return all.Names(), cobra.ShellCompDirectiveNoFileComp
	})
}

// registerAPI is for commands that send a token to an API.
func (f *profileFlags) registerAPI(c *cobra.Command) {
	c.Flags().StringArrayVar((*[]string)(&f.entry.APIs), "api", nil, "without a profile: an API that may see the token, by its `origin`")
}

// registerRedirect is for commands to which a person comes back.
func (f *profileFlags) registerRedirect(c *cobra.Command) {
	c.Flags().StringVar(&f.entry.RedirectURI, "redirect-uri", "", "without a profile: the `URI` that is registered (default http://127.0.0.1/callback)")
}

func (f *profileFlags) load() (*catalogue.Profiles, error) {
	path := f.file
	if path == "" {
		folder, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("the folder of your configuration: %w\nName the file: --profiles FILE", err)
		}
		path = filepath.Join(folder, "grantway", "profiles.yaml")
	}
	all, err := catalogue.LoadProfiles(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s\nWrite it (docs/CLIENT.md), name another with --profiles, or say --issuer and --client-id", path)
	}
	return all, err
}

// profile is what flags and file say together.
func (f *profileFlags) profile(c *cobra.Command) (*catalogue.Profile, error) {
	flags := c.Flags()
	if !flags.Changed("issuer") && !flags.Changed("token-url") {
		for _, name := range alone {
			if flags.Changed(name) {
				return nil, &usageError{fmt.Errorf("--%s goes with --issuer or --token-url; a profile says it itself", name)}
			}
		}
		return f.fromFile(c)
	}
	if flags.Changed("profile") || flags.Changed("profiles") {
		return nil, &usageError{errors.New("the issuer is the profile's or that of --issuer and --token-url, not both")}
	}
	for _, p := range f.params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, &usageError{errors.New("--param takes name=value")}
		}
		f.entry.Params = append(f.entry.Params, catalogue.Entry[string]{Key: name, Value: value})
	}
	f.entry.Secret = catalogue.Variable(f.secretEnv)
	if f.entry.RedirectURI == "" {
		f.entry.RedirectURI = "http://127.0.0.1/callback"
	}
	p, err := catalogue.CheckProfile(f.entry, os.LookupEnv)
	if faults, ok := errors.AsType[catalogue.Faults](err); ok {
		return nil, &usageError{inFlags(faults)}
	}
	return p, err
}

func (f *profileFlags) fromFile(c *cobra.Command) (*catalogue.Profile, error) {
	all, err := f.load()
	if err != nil {
		return nil, err
	}
	p, err := all.Choose(f.name, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	for name, set := range map[string]func(){
		"scope": func() { p.Scopes = f.entry.Scopes }, "audience": func() { p.Audience = f.entry.Audience },
		"resource": func() { p.Resources = f.entry.Resources },
	} {
		if c.Flags().Changed(name) {
			set()
		}
	}
	return p, nil
}

// inFlags says what is wrong with the keys of a profile in the words of the flags.
func inFlags(faults catalogue.Faults) error {
	var lines []string
	for _, fault := range faults {
		key, rest, _ := strings.Cut(fault.Path, "[")
		if rest != "" {
			rest = "[" + rest
		}
		line := fault.Problem
		switch key {
		case "":
		case "secret":
			line = "--secret-env: " + line
		case "apis":
			line = "--api" + rest + ": " + line
		default:
			line = "--" + strings.ReplaceAll(key, "_", "-") + ": " + line
		}
		if fault.Hint != "" {
			line += "\n    " + fault.Hint
		}
		lines = append(lines, line)
	}
	return errors.New(strings.Join(lines, "\n"))
}

// An asking is a profile in use.
type asking struct {
	*catalogue.Profile
	client *oauthclient.Client
	cache  *notedCache // nil: nothing outlives the command
}

// ask makes a client of the profile, with the cache of the user's.
func (f *profileFlags) ask(c *cobra.Command) (*asking, error) {
	p, err := f.profile(c)
	if err != nil {
		return nil, err
	}
	warn := func(err error) { fmt.Fprintln(c.ErrOrStderr(), "warning:", printable(plain(err))) }
	config := oauthclient.Config{
		Issuer: p.Issuer, TokenURL: p.TokenURL, AuthorizationURL: p.AuthorizationURL, ClientID: p.ClientID,
		Auth: oauthclient.Auth(p.Auth), Extra: p.Params, Report: warn,
		Target: oauthclient.Target{Scopes: p.Scopes, Audience: p.Audience, Resource: p.Resources},
	}
	if p.People {
		config.Grant, config.Account = oauth.GrantAuthorizationCode, p.Name // one person for each profile
	}
	value := p.Secret.Reveal()
	if p.SecretFile != "" {
		if value, err = ownSecret(p.SecretFile, c); err != nil {
			return nil, err
		}
	}
	if value != "" {
		config.Secret = oauthclient.Static(value)
	}
	a := &asking{Profile: p}
	folder, err := os.UserCacheDir()
	if err != nil {
		warn(fmt.Errorf("tokens are not kept: %w", err))
	} else {
		a.cache = &notedCache{Cache: oauthclient.NewFiles(filepath.Join(folder, "grantway"))}
		config.Cache = a.cache
	}
	if a.client, err = oauthclient.New(config); err != nil {
		return nil, fmt.Errorf("%s: %w", a.called(), err)
	}
	return a, nil
}

// called is what to call a profile in messages.
func (a *asking) called() string {
	if a.Name == "" {
		return "these flags"
	}
	return "the profile " + a.Name
}

// ownSecret reads a secret from a file that nobody else can read.
func ownSecret(path string, c *cobra.Command) (string, error) {
	if path != "-" {
		info, err := os.Stat(path)
		if err != nil {
			return "", fmt.Errorf("the secret's file: %w", err)
		}
		if info.Mode().IsRegular() && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			return "", fmt.Errorf("others than you can read or write the secret in %s\nchmod 600 %s", path, path)
		}
	}
	return readSecret(path, c.InOrStdin())
}

// A notedCache notes whether another token is kept than was.
type notedCache struct {
	oauthclient.Cache
	renewed atomic.Bool
}

// Update is client.Cache's.
func (n *notedCache) Update(ctx context.Context, key string, f func([]byte) ([]byte, error)) error {
	other := false
	err := n.Cache.Update(ctx, key, func(kept []byte) ([]byte, error) {
		keep, err := f(kept)
		other = err == nil && keep != nil && !bytes.Equal(keep, kept)
		return keep, err
	})
	if err == nil && other {
		n.renewed.Store(true)
	}
	return err
}

// explain says the cause of a failure and its cure, in the command's words, and
// gives it its status.
func (a *asking) explain(err error) error {
	refused, isRefused := errors.AsType[*oauthclient.RefusedError](err)
	busy, isBusy := errors.AsType[*oauthclient.BusyError](err)
	strange, isStrange := errors.AsType[*oauthclient.AnswerError](err)
	signIn := "Sign in: grantway login"
	if a.Name != "" {
		signIn += " --profile " + a.Name
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, oauthclient.ErrSignIn):
		return &statusError{errors.New("nobody has signed in, or what they allowed is over\n" + signIn), exitSignIn}
	case isRefused:
		text := "the server refuses"
		if refused.Code != "" {
			text += ": " + string(refused.Code)
		} else if refused.Status != 0 {
			text += fmt.Sprintf(" with status %d", refused.Status)
		}
		if refused.Description != "" {
			text += ": " + refused.Description
		}
		if refused.Code == oauth.InvalidGrant && a.People {
			return &statusError{errors.New(text + "\n" + signIn), exitSignIn}
		}
		text += "\nIn " + a.called() + ": " + refused.Cure()
		if refused.URI != "" {
			text += "\nThe server says more at " + refused.URI
		}
		return &statusError{errors.New(text), exitDenied}
	case isBusy:
		wait := max(time.Until(busy.RetryAt), time.Second).Round(time.Second)
		return &statusError{fmt.Errorf("no token can be had now: %s\nTry again in %v", printable(plain(busy.Err)), wait), exitBusy}
	case isStrange:
		return &statusError{errors.New(printable(plain(strange))), exitDenied}
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	}
	return errors.New(printable(plain(err)))
}

// plain is an error without the name of the package that it comes from, and
// without the query of a URL.
func plain(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		where, bad := url.Parse(u.URL)
		if bad == nil {
			return u.Op + " " + where.Scheme + "://" + where.Host + where.EscapedPath() + ": " + plain(u.Err)
		}
		return plain(u.Err)
	}
	return strings.TrimPrefix(err.Error(), "client: ")
}

// allowed holds a URL to the APIs that may see the token: one that goes to another
// host is lost.
func (a *asking) allowed(text string) (*url.URL, error) {
	if strings.HasPrefix(text, "/") && len(a.APIs) == 1 {
		text = a.APIs[0] + text
	}
	u, err := apiURL(text)
	if err != nil {
		return nil, err
	}
	origin := catalogue.APIOrigin(u)
	for _, api := range a.APIs {
		if api == origin {
			return u, nil
		}
	}
	hint := "add it to its apis, if it is"
	if a.Name == "" {
		hint = "say --api " + origin + ", if it is"
	}
	return nil, fmt.Errorf("%s is not an API of %s, so it does not get the token\nTo change that: %s", origin, a.called(), hint)
}

func apiURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" || u.User != nil {
		return nil, &usageError{fmt.Errorf("%q is not the URL of an API", printable(text))}
	}
	return u, nil
}
