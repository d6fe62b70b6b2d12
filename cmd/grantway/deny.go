package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/disk"
	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
)

// denyFlags are what `grantway deny` can be told.
type denyFlags struct {
	*adminFlags
	span    string
	signed  string // a file to take a denial from
	out     string // a file to write the signed denial to
	print   bool
	pending bool
}

func denyCommand() *cobra.Command {
	f := &denyFlags{adminFlags: &adminFlags{}}
	deny := &cobra.Command{
		Use:   "deny {token|grant|secret|client|account|key} [ID]",
		Short: "End tokens at once, also while the database is down",
		Long: `End the tokens of a grant, a secret, a client, an account or a signing key, or
one token, at once: at this server and at the gateways that hear it, whether its
database answers or not. The server remembers what was denied, over a restart
too, and writes it into the database as soon as that answers.

A token is named by its id, or given on standard input, never as an argument.
New tokens can still be had, unless --for says for how long they end, too; a
denied key signs no more.

With several servers, each that cannot reach the database has to be told: take
the signed denial from one with --out, and hand it to the others with --signed.
It is good only in its environment, and doing it again changes nothing.

While the database answers, 'grantway clients disable', 'grantway secrets
revoke' and 'grantway keys retire' do more.`,
		Example: `  grantway deny client acme -e production --for 1h
  grantway deny secret 4mTq9ZbX01Lk -e production --yes
  grantway deny token -e production --yes < token
  grantway deny key -e production --out denial \
    nI3eUyGZbgCv0X1YzYkqKpNzH7f8xVrGmQ2sT4uWc5o
  grantway deny --signed denial -e production \
    --server https://two.admin.example.com
  grantway deny --pending -e production`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: f.words,
	}
	deny.RunE = func(c *cobra.Command, args []string) error {
		if err := f.check(args); err != nil {
			return err
		}
		err := f.work(f.run)(c, args)
		if errors.Is(err, store.ErrUnavailable) {
			err = fmt.Errorf("%w\nNo server runs here, and none can start without its store. Name one that runs with --data or --server", err)
		}
		return err
	}
	f.register(deny)
	p := deny.Flags()
	p.StringVar(&f.span, "for", "", "end the tokens, too, that are issued in the next `duration`: 1h; a day at most")
	p.StringVar(&f.signed, "signed", "", "do what another server signed: a `file`, - for standard input")
	p.StringVarP(&f.out, "out", "o", "", "write the signed denial to a `file`, for other servers")
	p.BoolVar(&f.print, "print", false, "print the signed denial, for other servers, and nothing else")
	p.BoolVar(&f.pending, "pending", false, "list what is denied and not yet in the database")
	return f.destroying(deny)
}

// words completes the kind, and the id where a server can list those.
func (f *denyFlags) words(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch {
	case len(args) == 0:
		return revocation.Kinds, cobra.ShellCompDirectiveNoFileComp
	case len(args) == 1 && args[0] == store.RevokedClient:
		return f.clientIDs(c, nil, typed)
	case len(args) == 1 && args[0] == store.RevokedKey:
		return f.keyIDs(c, nil, typed)
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// check refuses words that make no sense together, before anybody is asked.
func (f *denyFlags) check(args []string) error {
	wrong := func(text string) error { return &usageError{errors.New(text)} }
	switch {
	case f.pending && (len(args) > 0 || f.signed != "" || f.out != "" || f.print || f.span != ""):
		return wrong("--pending only lists")
	case f.signed != "" && (len(args) > 0 || f.span != ""):
		return wrong("--signed holds the kind, the id and the times already")
	case f.print && (f.json || f.out != ""):
		return wrong("--print, --json and --out say three ways: take one; --json has the signed denial, too")
	case f.pending, f.signed != "":
		return nil
	case len(args) == 0:
		return wrong("what is to be denied? One of " + strings.Join(revocation.Kinds, ", ") + "; or --signed, or --pending")
	case !slices.Contains(revocation.Kinds, args[0]):
		return wrong(fmt.Sprintf("%q cannot be denied; these can: %s", printable(args[0]), strings.Join(revocation.Kinds, ", ")))
	case len(args) == 1 && args[0] != store.RevokedToken:
		return wrong("which " + args[0] + "? Say its id")
	case len(args) == 2 && isToken(args[1]):
		return wrong("a token is no argument: every user of this machine could read it. Give it on standard input, or say its id, the jti")
	case f.span != "" && (args[0] == store.RevokedToken || args[0] == store.RevokedKey):
		return wrong("--for makes no sense with a " + args[0] + ": it ends for good")
	}
	_, err := f.seconds()
	return err
}

// isToken reports whether a word is an access token instead of the id of one.
func isToken(word string) bool {
	_, opaque := secret.ParseOpaque(word)
	return opaque || strings.Count(word, ".") == 2 && strings.HasPrefix(word, "ey") && len(word) > 80
}

// seconds is --for.
func (f *denyFlags) seconds() (*int64, error) {
	if f.span == "" {
		return nil, nil
	}
	d, err := time.ParseDuration(f.span)
	if err != nil || d < time.Second || d > revocation.Longest {
		return nil, &usageError{fmt.Errorf("--for %q is no duration from 1s to 24h", printable(f.span))}
	}
	seconds := int64(d / time.Second)
	return &seconds, nil
}

func (f *denyFlags) run(s *session, args []string) error {
	switch {
	case f.pending:
		return s.pendingDenials()
	case f.signed != "":
		text, err := readSigned(s, f.signed)
		if err != nil {
			return err
		}
		done, err := ask[admin.Denied](s.Context(), s.to, http.MethodPost, s.path+"/denials/signed", admin.SignedDenial{Signed: text})
		if err != nil {
			return err
		}
		return f.say(s, &done)
	}
	kind, id := args[0], ""
	sent := admin.NewDenial{Kind: kind}
	if len(args) == 2 {
		id = args[1]
		sent.ID = &id
	} else {
		token, err := readToken(s)
		if err != nil {
			return err
		}
		sent.Token = &token
	}
	var err error
	if sent.For, err = f.seconds(); err != nil {
		return err
	}
	if err := s.confirm(f.what(kind, id, s.env)); err != nil {
		return err
	}
	done, err := f.deny(s.Context(), s, &sent)
	if err != nil {
		return err
	}
	if err := f.say(s, &done); err != nil {
		return err
	}
	s.mistyped(kind, id)
	return nil
}

// mistyped warns of an id that nobody has: what was denied is in force, and ends
// nothing. While the database does not answer, it says nothing.
func (s *session) mistyped(kind, id string) {
	unknown := func(err error) bool {
		no, answered := errors.AsType[*refused](err)
		return answered && no.Status == http.StatusNotFound
	}
	advice := ""
	switch kind {
	case store.RevokedClient:
		if _, err := s.found(id); unknown(err) {
			advice = "'grantway clients list' shows those that there are"
		}
	case store.RevokedAccount:
		if _, err := ask[admin.Account](s.Context(), s.to, http.MethodGet, s.path+"/accounts/"+url.PathEscape(id), nil); unknown(err) {
			advice = "'grantway accounts show NAME' says a person's id"
		}
	}
	if advice != "" {
		fmt.Fprintf(s.ErrOrStderr(), "warning: no %s of %s has the id %s, so that nothing may have ended; %s\n", kind, s.env, printable(id), advice)
	}
}

func (f *denyFlags) deny(ctx context.Context, s *session, sent *admin.NewDenial) (admin.Denied, error) {
	if sent.Kind == store.RevokedKey {
		return ask[admin.Denied](ctx, s.to, http.MethodPost, s.path+"/keys/"+url.PathEscape(*sent.ID)+"/deny", nil)
	}
	return ask[admin.Denied](ctx, s.to, http.MethodPost, s.path+"/denials", sent)
}

// what says what ends.
func (f *denyFlags) what(kind, id, environment string) string {
	switch {
	case id == "":
		return "The token on standard input ends now, in " + environment + "."
	case kind == store.RevokedToken:
		return "The token " + printable(id) + " of " + environment + " ends now."
	case kind == store.RevokedKey:
		return "The key " + printable(id) + " of " + environment + " signs no more, and everything that it signed ends now, for ever."
	}
	text := "All tokens of the " + kind + " " + printable(id) + " of " + environment + " end now"
	if f.span != "" {
		text += ", and those that are issued in the next " + f.span
	}
	return text + "."
}

// readToken reads a token from standard input, which is then not there to answer
// questions.
func readToken(s *session) (string, error) {
	if !s.yes {
		return "", &usageError{errors.New("the token comes on standard input, so nobody can be asked: add --yes")}
	}
	text, err := wire.ReadLimited(s.InOrStdin(), 16<<10)
	if err != nil {
		return "", fmt.Errorf("the token on standard input: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", &usageError{errors.New("there is no token on standard input: grantway deny token < FILE")}
	}
	return token, nil
}

func readSigned(s *session, path string) (string, error) {
	in := s.InOrStdin()
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("--signed: %w", err)
		}
		defer func() { _ = file.Close() }() // nothing was written
		in = file
	}
	text, err := wire.ReadLimited(in, 16<<10)
	if err != nil {
		return "", fmt.Errorf("--signed: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// say prints what was done.
func (f *denyFlags) say(s *session, done *admin.Denied) error {
	if f.out != "" {
		if err := disk.Write(f.out, []byte(done.Signed+"\n")); err != nil {
			return fmt.Errorf("it is denied, but not written for other servers: %w\nDo it again, with another --out or --print", err)
		}
	}
	switch {
	case f.json:
		return writeJSON(s.OutOrStdout(), done)
	case f.print:
		_, err := fmt.Fprintln(s.OutOrStdout(), done.Signed)
		return err
	}
	stored := "yes"
	if !done.Denial.Stored {
		stored = "when the database answers; it is in force all the same"
	}
	fields := [][2]string{{"denied", done.Denial.Kind + " " + done.Denial.ID}}
	if done.Denial.Kind != store.RevokedKey {
		fields = append(fields, [2]string{"tokens until", moment(done.Denial.IssuedBefore, "-")})
	}
	return writeFields(s.OutOrStdout(), append(fields, [2]string{"stored", stored}))
}

// pendingDenials lists what waits for the database.
func (s *session) pendingDenials() error {
	list, err := ask[admin.DenialList](s.Context(), s.to, http.MethodGet, s.path+"/denials", nil)
	if err != nil {
		return err
	}
	if s.json {
		return writeJSON(s.OutOrStdout(), list)
	}
	var rows [][]string
	for _, d := range list.Denials {
		rows = append(rows, []string{d.Kind, d.ID, moment(d.DeniedAt, "-"), d.Actor})
	}
	if len(rows) == 0 {
		return s.none("Nothing waits for the database of " + s.env + ".")
	}
	return writeTable(s.OutOrStdout(), []string{"KIND", "ID", "DENIED", "BY"}, 1, rows)
}
