package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/server"
	"github.com/grantway/grantway/internal/store"
)

func keysCommand() *cobra.Command {
	f := &adminFlags{}
	group := &cobra.Command{
		Use:   "keys",
		Short: "List, rotate and remove signing keys; change the sealing key",
		Long: `List, rotate and remove the keys that sign for an environment; change the
sealing key under which they lie in the stores. They sign its access tokens;
with --purpose id, the ID tokens of people who sign in, with --purpose feed, its
feed of revocations, and with --purpose audit, the checkpoints of its changes.

A key is a standby first: published, so that every verifier knows it before it
signs. Then it is active, and signs. Then it is retired: published until its
last token has expired. The server rotates by itself, every 90 days. Keys of all
purposes live in the same way.`,
	}
	f.register(group)
	group.AddCommand(keysList(f), keysRotate(f), keysRetire(f), keysRekey(f))
	return group
}

// keyIDs completes the ids of keys that can be removed.
func (f *adminFlags) keyIDs(c *cobra.Command, given []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	query := ""
	if flag := c.Flag("purpose"); flag != nil {
		query = "?purpose=" + url.QueryEscape(flag.Value.String())
	}
	return f.completeIn(c, func(ctx context.Context, to *administrator, path string) ([]cobra.Completion, error) {
		list, err := ask[admin.KeyList](ctx, to, http.MethodGet, path+"/keys"+query, nil)
		var ids []cobra.Completion
		for _, k := range list.Keys {
			if k.State != store.KeyGone && !slices.Contains(given, k.ID) {
				ids = append(ids, cobra.CompletionWithDesc(k.ID, k.State))
			}
		}
		return ids, err
	})
}

// purposeFlag says which keys a command is about.
func purposeFlag(c *cobra.Command) *string {
	purpose := c.Flags().String("purpose", keys.AccessToken, "what the keys sign: `"+keys.AccessToken+"`, "+keys.ID+", "+keys.Feed+" or "+keys.Audit)
	_ = c.RegisterFlagCompletionFunc("purpose", cobra.FixedCompletions([]cobra.Completion{
		cobra.CompletionWithDesc(keys.AccessToken, "access tokens"), cobra.CompletionWithDesc(keys.ID, "ID tokens"),
		cobra.CompletionWithDesc(keys.Feed, "the feed of revocations, and denials"), cobra.CompletionWithDesc(keys.Audit, "checkpoints of changes"),
	}, cobra.ShellCompDirectiveNoFileComp))
	return purpose
}

// keyList asks about keys, or changes them, and warns of what it warns of.
func (s *session) keyList(method, path, purpose string, body any) (admin.KeyList, error) {
	list, err := ask[admin.KeyList](s.Context(), s.to, method, s.path+"/keys"+path+"?purpose="+url.QueryEscape(purpose), body)
	for _, warning := range list.Warnings {
		fmt.Fprintln(s.ErrOrStderr(), "warning:", printable(warning))
	}
	return list, err
}

// writeKeys prints the keys; those that are gone only where all are wanted.
func (s *session) writeKeys(list admin.KeyList, all bool) error {
	if s.json {
		return writeJSON(s.OutOrStdout(), list)
	}
	var rows [][]string
	for _, k := range list.Keys {
		since := map[string]time.Time{
			store.KeyStandby: k.CreatedAt, store.KeyActive: k.ActivatedAt, store.KeyRetired: k.RetiredAt, store.KeyGone: k.RemovedAt,
		}[k.State]
		if all || k.State != store.KeyGone {
			rows = append(rows, []string{k.ID, k.Algorithm, k.State, inUTC(since, "2006-01-02 15:04", "-")})
		}
	}
	if len(rows) == 0 {
		return s.none("There is no such key in " + s.env + ".")
	}
	return writeTable(s.OutOrStdout(), []string{"KEY ID", "ALG", "STATE", "SINCE (UTC)"}, 3, rows)
}

func keysList(f *adminFlags) *cobra.Command {
	var all bool
	var purpose *string
	list := &cobra.Command{
		Use:   "list",
		Short: "List the keys, the oldest first",
		Example: `  grantway keys list -e production
  grantway keys list -e production --all
  grantway keys list -e production --purpose id
  grantway keys list -e production --purpose feed`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			found, err := s.keyList(http.MethodGet, "", *purpose, nil)
			if err != nil {
				return err
			}
			return s.writeKeys(found, all)
		}),
	}
	list.Flags().BoolVar(&all, "all", false, "those that are gone, too")
	purpose = purposeFlag(list)
	return list
}

func keysRotate(f *adminFlags) *cobra.Command {
	var sent admin.KeyRotation
	var purpose *string
	rotate := &cobra.Command{
		Use:   "rotate",
		Short: "Let the standby sign, and retire the key that signed so far",
		Long: `Let the standby sign, and retire the key that signed so far. No token is refused
because of it. A standby that verifiers may not know yet is not let to sign; the
refusal says when it will be.`,
		Example: `  grantway keys rotate -e production
  grantway keys rotate -e production --algorithm RS256
  grantway keys rotate -e production --purpose feed
  grantway keys rotate -e production --emergency`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			changed, err := s.keyList(http.MethodPost, "/rotate", *purpose, sent)
			if err != nil {
				return err
			}
			return s.writeKeys(changed, false)
		}),
	}
	rotate.Flags().StringVar(&sent.Algorithm, "algorithm", "", "rotate only the key of this `algorithm`")
	rotate.Flags().BoolVar(&sent.Emergency, "emergency", false, "do not wait until every verifier knows the next key")
	purpose = purposeFlag(rotate)
	return rotate
}

func keysRetire(f *adminFlags) *cobra.Command {
	var emergency bool
	var purpose *string
	retire := &cobra.Command{
		Use:   "retire KEY... --emergency",
		Short: "Remove keys that somebody else may have; their tokens end at once",
		Long: `Remove keys that somebody else may have. They are published no more, and every
gateway refuses their tokens within a second; verifiers that only read the key
set do so when they read it again, after five minutes at most. Where the active
key goes, the standby signs. What is erased cannot be had back.

While the database is down, 'grantway deny key KEY' does the same.

To retire a key without harm, use 'grantway keys rotate'.`,
		Example: `  grantway keys retire --emergency nI3eUyGZbgCv0X1YzYkqKpNzH7f8xVrGmQ2sT4uWc5o
  grantway keys retire --emergency --purpose feed \
    cGpa0X1YzYkqKpNzH7f8xVrGmQ2sT4uWc5oZbgCvnI3`,
		Args: cobra.MinimumNArgs(1),
		RunE: f.work(func(s *session, ids []string) error {
			if !emergency {
				return &usageError{errors.New("the keys' tokens would end at once: add --emergency, or use 'grantway keys rotate'")}
			}
			list, err := s.keyList(http.MethodGet, "", *purpose, nil)
			if err != nil {
				return err
			}
			// A bad standby goes before the active key, whose place it would take.
			chosen, err := choose(list.Keys, ids, *purpose)
			if err != nil {
				return err
			}
			end := "tokens signed with them end at once:"
			switch *purpose {
			case keys.Feed:
				end = "what they signed of the feed is believed no more:"
			case keys.ID:
				end = "applications refuse ID tokens that they signed:"
			}
			what := []string{"These keys of " + s.env + " go for ever, and " + end}
			for _, k := range chosen {
				what = append(what, "  "+k.ID+": "+tokens(&k, time.Now()))
			}
			if err := s.confirm(strings.Join(what, "\n")); err != nil {
				return err
			}
			for _, k := range chosen {
				if list, err = s.keyList(http.MethodDelete, "/"+url.PathEscape(k.ID), *purpose, nil); err != nil {
					return err
				}
			}
			return s.writeKeys(list, false)
		}),
		ValidArgsFunction: f.keyIDs,
	}
	retire.Flags().BoolVar(&emergency, "emergency", false, "say that you mean it")
	purpose = purposeFlag(retire)
	return f.destroying(retire)
}

// choose finds keys by their ids, standbys first.
func choose(all []admin.SigningKey, ids []string, purpose string) ([]admin.SigningKey, error) {
	var chosen []admin.SigningKey
	for _, id := range ids {
		at := slices.IndexFunc(all, func(k admin.SigningKey) bool { return k.ID == id })
		if at < 0 {
			return nil, fmt.Errorf("there is no key %s of purpose %s in this environment", printable(id), printable(purpose))
		}
		chosen = append(chosen, all[at])
	}
	slices.SortStableFunc(chosen, func(a, b admin.SigningKey) int {
		switch first, second := a.State == store.KeyStandby, b.State == store.KeyStandby; {
		case first == second:
			return 0
		case first:
			return -1
		}
		return 1
	})
	return chosen, nil
}

// tokens says what ends with a key.
func tokens(k *admin.SigningKey, now time.Time) string {
	switch left := k.TokensUntil.Sub(now); {
	case k.State == store.KeyGone:
		return "gone already"
	case k.State == store.KeyStandby:
		return "standby, has signed nothing"
	case k.Purpose != keys.AccessToken:
		return k.State
	case left <= 0:
		return k.State + ", its tokens have expired"
	default:
		return fmt.Sprintf("%s, the tokens of %d minutes", k.State, int((left+time.Minute-1)/time.Minute))
	}
}

func keysRekey(f *adminFlags) *cobra.Command {
	var next string
	var lost bool
	rekey := &cobra.Command{
		Use:   "rekey --new file:PATH|env:NAME",
		Short: "Put the keys of all environments under another sealing key",
		Long: `Put the keys of all environments under another sealing key: those that sign,
and those that refresh tokens and people's authenticators depend on. The servers
must be stopped, on every machine: this command works on the stores itself. Set
sealing_key to the new one before they start again. 'openssl rand -hex 32' makes
one.

It can be done again after an interruption. Backups of before hold the keys
under the old sealing key: where that one leaked, rotate and retire them.

Nothing ends by it, but a sign-in that is under way begins anew.

With --lost, keys that do not open with the new sealing key are removed, and the
next start makes new ones. All their tokens end, refresh tokens too: people sign
in again at each application. No code of an authenticator app is right any more:
who has one signs in with a recovery code or a passkey and sets it up again, or
an operator removes it with 'grantway accounts reset NAME --factors'. Passwords,
passkeys and recovery codes stay.`,
		Example: `  grantway keys rekey --new file:/etc/grantway/sealing-2.key
  grantway keys rekey --new env:SEALING_KEY_2`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			s := &session{Command: c, adminFlags: f}
			switch {
			case next == "":
				return &usageError{errors.New("--new says where the new sealing key is: file:PATH or env:NAME")}
			case f.server != "" || f.data != "" || f.environment != "":
				return &usageError{errors.New("rekey works on all stores that --config names, while no server runs")}
			}
			return s.rekey(next, lost)
		},
	}
	rekey.Flags().StringVar(&next, "new", "", "where the new sealing key is: `file:PATH` or env:NAME")
	rekey.Flags().BoolVar(&lost, "lost", false, "the old sealing key is lost: remove the keys that are under it")
	return f.destroying(rekey)
}

func (s *session) rekey(from string, lost bool) error {
	c, err := catalogue.Load(s.config, os.LookupEnv)
	if err != nil {
		return err
	}
	unlock, err := lockFolder(c.Data)
	if held, ok := errors.AsType[*heldError](err); ok {
		return fmt.Errorf("%w\nStop it first: it would go on sealing with the old key", held)
	}
	if err != nil {
		return err
	}
	defer unlock()
	next, err := keys.ReadSeal(from, os.LookupEnv)
	if err != nil {
		return fmt.Errorf("--new: %w", err)
	}
	var old *keys.Seal
	if lost {
		err = s.confirm("Keys that do not open with " + from + " go for ever, in all environments. Authenticator apps have to be\nset up again, people sign in again at each application, and of the keys that sign all their tokens end.")
	} else if old, err = keys.ReadSeal(c.SealingKey, os.LookupEnv); err != nil {
		err = fmt.Errorf("the old one: %w\nIf it is lost for ever: --lost", err)
	}
	if err != nil {
		return err
	}
	done, err := server.Reseal(s.Context(), c, old, next, time.Now)
	writeResealed(s.OutOrStdout(), done)
	if errors.Is(err, keys.ErrSealed) {
		return fmt.Errorf("%w\nIs %s the sealing key that the servers had? If that one is lost for ever: --lost", err, c.SealingKey)
	}
	if err != nil {
		return fmt.Errorf("%w\nDo it again, with the same sealing keys, once the cause is gone", err)
	}
	fmt.Fprintf(s.ErrOrStderr(), "Now set sealing_key: %s in %s, on every machine, and start the servers.\n", from, s.config)
	return nil
}

func writeResealed(out io.Writer, done []server.Resealing) {
	for _, one := range done {
		switch {
		case one.Removed > 0:
			fmt.Fprintf(out, "%s: %s removed\n", one.Environment, count(one.Removed, "key"))
		case one.Sealed > 0:
			fmt.Fprintf(out, "%s: %s sealed\n", one.Environment, count(one.Sealed, "key"))
		default:
			fmt.Fprintf(out, "%s: nothing to do\n", one.Environment)
		}
	}
}
