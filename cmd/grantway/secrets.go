package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
)

// secretFlags say which secret a client gets. A secret is never an argument:
// those can be seen by every user of the machine, and are kept in histories.
type secretFlags struct {
	file    string
	hash    bool
	expires string
}

func (g *secretFlags) register(c *cobra.Command) {
	p := c.Flags()
	p.StringVar(&g.file, "secret-file", "", "a `file` with the secret that its programs have already, - for standard input; without one, a secret is made")
	p.BoolVar(&g.hash, "hash", false, "what --secret-file names is the secret's hash, as another product stored it")
	p.StringVar(&g.expires, "expires", "", "when the secret ends: in so long (90d, 12h) or then (2027-03-31, 2027-03-31T18:00:00Z)")
}

// read returns the members of a request that the flags stand for.
func (g *secretFlags) read(s *session) (secret, hash *string, expires *time.Time, err error) {
	if g.expires != "" {
		at, err := until("--expires", g.expires, time.Now())
		if err != nil {
			return nil, nil, nil, &usageError{err}
		}
		expires = &at
	}
	if g.file == "" {
		if g.hash {
			return nil, nil, nil, &usageError{errors.New("--hash says what --secret-file holds: name one")}
		}
		return nil, nil, expires, nil
	}
	text, err := readSecret(g.file, s.InOrStdin())
	if err != nil {
		return nil, nil, nil, err
	}
	if g.hash {
		return nil, &text, expires, nil
	}
	return &text, nil, expires, nil
}

// readSecret reads a secret, or a hash, without the end of its line.
func readSecret(path string, in io.Reader) (string, error) {
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("--secret-file: %w", err)
		}
		defer func() { _ = file.Close() }() // nothing was written
		in = file
	}
	const longest = 8 << 10
	text, err := wire.ReadLimited(in, longest)
	if err != nil {
		return "", fmt.Errorf("--secret-file: %w", err)
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if line == "" {
		return "", errors.New("--secret-file: it is empty")
	}
	return line, nil
}

// until reads when something ends. A date means its beginning, in UTC.
func until(flag, text string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n > 0 {
			return now.AddDate(0, 0, int(n)), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s %q is neither so long (90d, 12h) nor a time (2027-03-31, 2027-03-31T18:00:00Z)", flag, text)
}

// shownSecret are the lines about a secret that was added.
func shownSecret(changed admin.Changed) [][2]string {
	switch {
	case changed.SecretID != "":
	case changed.Client.Type == store.TypeNative || changed.Client.Type == store.TypeBrowser:
		return [][2]string{{"client secret", "none: it keeps no secret"}}
	default:
		return [][2]string{{"client secret", "none yet: it is generated in the portal, or by 'grantway secrets add'"}}
	}
	fields := [][2]string{{"secret id", changed.SecretID}}
	if changed.Secret != "" {
		fields = append(fields, [2]string{"client secret", changed.Secret})
	}
	for _, s := range changed.Client.Secrets {
		if s.ID == changed.SecretID && !s.ExpiresAt.IsZero() {
			fields = append(fields, [2]string{"expires", moment(s.ExpiresAt, "")})
		}
	}
	return fields
}

func writeSecrets(out io.Writer, secrets []admin.ShownSecret) error {
	var rows [][]string
	for _, s := range secrets {
		ends := day(s.ExpiresAt, "never")
		if !s.Live {
			ends = "expired " + ends
		}
		hint := "-"
		if s.Hint != "" {
			hint = "…" + s.Hint
		}
		rows = append(rows, []string{s.ID, hint, day(s.CreatedAt, "-"), ends, day(s.LastUsedAt, "never"), cmp.Or(s.LastUsedFrom, "-")})
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(out, "It has no secret.")
		return err
	}
	return writeTable(out, []string{"SECRET ID", "HINT", "CREATED", "EXPIRES", "LAST USED", "FROM"}, 5, rows)
}

func secretsCommand() *cobra.Command {
	f := &adminFlags{}
	secrets := &cobra.Command{
		Use:   "secrets",
		Short: "Add, list and revoke the secrets of a client",
		Long: `Add, list and revoke the secrets of a client. Several may be live, so that a
rotation overlaps: add one, put it in place, wait until the old one is not used
any more (LAST USED), revoke the old one.`,
	}
	f.register(secrets)
	secrets.AddCommand(secretsAdd(f), secretsList(f), secretsRevoke(f))
	return secrets
}

func secretsAdd(f *adminFlags) *cobra.Command {
	var given secretFlags
	add := &cobra.Command{
		Use:   "add CLIENT",
		Short: "Add a secret beside those that the client has",
		Example: `  grantway secrets add -e staging acme --expires 90d
  grantway secrets add -e staging acme --secret-file - < acme.secret`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.clientIDs,
		RunE: f.work(func(s *session, args []string) (err error) {
			var n admin.NewSecret
			if n.Secret, n.Hash, n.ExpiresAt, err = given.read(s); err != nil {
				return err
			}
			changed, err := s.change(http.MethodPost, s.client(args[0])+"/secrets", n)
			if err != nil {
				return err
			}
			defer s.sayOnce(changed)
			if f.json {
				return writeJSON(s.OutOrStdout(), changed)
			}
			return writeFields(s.OutOrStdout(), shownSecret(changed))
		}),
	}
	given.register(add)
	return add
}

func secretsList(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "list CLIENT",
		Short:             "List a client's secrets: their last characters and dates",
		Example:           `  grantway secrets list -e staging acme`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.clientIDs,
		RunE: f.work(func(s *session, args []string) error {
			list, err := ask[admin.SecretList](s.Context(), s.to, http.MethodGet, s.client(args[0])+"/secrets", nil)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(s.OutOrStdout(), list)
			}
			return writeSecrets(s.OutOrStdout(), list.Secrets)
		}),
	}
}

func secretsRevoke(f *adminFlags) *cobra.Command {
	return f.destroying(&cobra.Command{
		Use:   "revoke CLIENT SECRET",
		Short: "Revoke a secret and end the tokens that it obtained",
		Long: `Revoke a secret by its id and end the tokens that it obtained. The ids are those
of 'grantway secrets list'.`,
		Example: `  grantway secrets revoke -e staging acme 4mTq9ZbX01Lk`,
		Args:    cobra.ExactArgs(2),
		RunE: f.work(func(s *session, args []string) error {
			c, err := s.found(args[0])
			if err != nil {
				return err
			}
			known, others := false, 0
			for _, one := range c.Secrets {
				if one.ID == args[1] {
					known = true
				} else if one.Live {
					others++
				}
			}
			if !known {
				return fmt.Errorf("the client %s has no secret %q; 'grantway secrets list' shows those that it has", c.ID, args[1])
			}
			what := fmt.Sprintf("The secret %s of the client %s (%s) of %s stops working, and the tokens that it obtained end now.", args[1], c.ID, printable(c.Name), s.env)
			if others == 0 {
				what += " The client has no other that works."
			}
			if err := s.confirm(what); err != nil {
				return err
			}
			return s.done(http.MethodDelete, s.client(c.ID)+"/secrets/"+url.PathEscape(args[1]), "revoked "+args[1])
		}),
		ValidArgsFunction: f.secretIDs,
	})
}

// secretIDs completes the client, and then its secrets.
func (f *adminFlags) secretIDs(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return f.clientIDs(c, args, typed)
	}
	return f.completeIn(c, func(ctx context.Context, to *administrator, path string) ([]cobra.Completion, error) {
		list, err := ask[admin.SecretList](ctx, to, http.MethodGet, path+"/clients/"+url.PathEscape(args[0])+"/secrets", nil)
		var ids []cobra.Completion
		for _, one := range list.Secrets {
			ids = append(ids, cobra.CompletionWithDesc(one.ID, "last used "+day(one.LastUsedAt, "never")))
		}
		return ids, err
	})
}
