package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/audit"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

// exitAltered is the status of a verification that found something.
const exitAltered = 6

func auditCommand() *cobra.Command {
	f := &adminFlags{}
	group := &cobra.Command{
		Use:   "audit",
		Short: "Verify that nobody altered the record of changes, and export it",
		Long: `Every change is recorded in the transaction that makes it. Within a minute the
server seals it into a chain of hashes, and signs each seal: a checkpoint. With
home.audit.checkpoints in the configuration, checkpoints leave the machine, so
that not even whoever has the database and its keys can replace the chain
unseen.`,
	}
	f.register(group)
	group.AddCommand(auditVerify(f), auditStatus(f), auditExport(f), auditKeys(f))
	return group
}

func auditVerify(f *adminFlags) *cobra.Command {
	var left []string
	var keySet, export string
	verify := &cobra.Command{
		Use:   "verify",
		Short: "Say which changes were altered, taken out, put in or cut off",
		Long: `Read all changes and seals of an environment, compute the chain again, and
compare it with the seals, with their signatures, and with what left before:

  --checkpoints  finds a chain that was cut off at its end, or replaced as a
                 whole and signed again
  --key          believes these keys, from 'grantway audit keys' of before,
                 instead of those that the server names
  --export       says of each change what it was, to the column

Without --export, what was altered is said by the run that was sealed together:
the changes of a minute. The status is 0 when nothing is wrong, 6 when something
is, and 1 when it could not be verified.`,
		Example: `  grantway audit verify -e production --checkpoints /mnt/worm/checkpoints
  grantway audit verify -e production --key audit-keys.json \
    --checkpoints checkpoints --export changes.jsonl --json`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			v := audit.Verifier{Environment: s.env, Source: chain{s}}
			var err error
			if v.Keys, err = s.auditKeys(keySet); err != nil {
				return err
			}
			for _, name := range left {
				some, err := readCheckpoints(name)
				if err != nil {
					return fmt.Errorf("--checkpoints: %w", err)
				}
				v.Left = append(v.Left, some...)
			}
			if export != "" {
				file, err := os.Open(export)
				if err != nil {
					return fmt.Errorf("--export: %w", err)
				}
				defer file.Close() //nolint:errcheck // nothing was written
				v.Copy = exported(file)
			}
			progress, finish := s.bar("changes")
			v.Progress = progress
			report, err := v.Verify(s.Context())
			finish()
			if err != nil {
				return err
			}
			return s.verified(report, len(left) > 0)
		}),
	}
	p := verify.Flags()
	p.StringArrayVar(&left, "checkpoints", nil, "a `file` of checkpoints that left; may be repeated")
	p.StringVar(&keySet, "key", "", "a `file` with the keys to believe, a JWKS")
	p.StringVar(&export, "export", "", "a `file` that 'grantway audit export' wrote before")
	return verify
}

// verified says what was found.
func (s *session) verified(r *audit.Report, compared bool) error {
	out := s.OutOrStdout()
	if s.json {
		if err := writeJSON(out, r); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(out, "%s: %s, %s; sealed through change %d\n", s.env, count(int(r.Changes), "change"), count(int(r.Seals), "seal"), r.Sealed)
		if compared || r.Copied > 0 {
			fmt.Fprintf(out, "compared with %s that left and %s\n", count(r.Checkpoints, "checkpoint"), count(int(r.Copied), "exported change"))
		}
		for _, fault := range r.Faults {
			fmt.Fprintln(out, printable(faultLine(&fault)))
		}
		if r.More > 0 {
			fmt.Fprintf(out, "and %d more\n", r.More)
		}
	}
	switch {
	case !compared:
		fmt.Fprintln(s.ErrOrStderr(), "Without --checkpoints, a chain that was replaced as a whole, and signed again, is not found.")
	case r.Checkpoints == 0:
		fmt.Fprintf(s.ErrOrStderr(), "No checkpoint of %s was given: a chain that was replaced as a whole is not found.\n", s.env)
	}
	if !r.Intact() {
		return &statusError{fmt.Errorf("the record of %s is not what it was: %s", s.env, count(len(r.Faults)+r.More, "fault")), exitAltered}
	}
	if !s.json {
		fmt.Fprintln(out, "nothing was altered")
	}
	return nil
}

func faultLine(f *audit.Fault) string {
	which := "change " + digits(f.From)
	if f.Through != f.From {
		which = "changes " + digits(f.From) + " to " + digits(f.Through)
	}
	if !f.At.IsZero() {
		which += ", " + f.At.UTC().Format(time.RFC3339)
	}
	return f.Kind + ": " + which + ": " + f.Text
}

func auditStatus(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "status",
		Short:             "Show how far changes are sealed and passed on",
		Example:           `  grantway audit status -e production`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			is, err := ask[admin.AuditStatus](s.Context(), s.to, http.MethodGet, s.path+"/seals/status", nil)
			if err != nil {
				return err
			}
			if s.json {
				return writeJSON(s.OutOrStdout(), is)
			}
			waiting := digits(is.Waiting)
			if !is.WaitingFrom.IsZero() {
				waiting += ", since " + moment(is.WaitingFrom, "")
			}
			ledger := is.Ledger
			if ledger == "" {
				ledger = "none: see home.audit.checkpoints"
			}
			return writeFields(s.OutOrStdout(), [][2]string{
				{"environment", s.env},
				{"newest change", digits(is.Newest)},
				{"sealed through", digits(is.Sealed) + ", " + moment(is.SealedAt, "never")},
				{"waiting", waiting},
				{"checkpoint file", ledger},
				{"checkpoint webhook", passed(is.Checkpoints)},
				{"change webhook", passed(is.Webhook)},
			})
		}),
	}
}

func passed(p *admin.Passed) string {
	if p == nil {
		return "none"
	}
	return "through change " + digits(p.Through) + ", " + moment(p.At, "never")
}

func auditKeys(f *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "keys",
		Short: "Print the keys that sign checkpoints, to be kept elsewhere",
		Long: `Print the public keys that sign the checkpoints of an environment, as a JWKS
(RFC 7517). Keep them where whoever runs the server cannot change them, and give
them to 'grantway audit verify --key'. A new key signs every 90 days, so print
them again after 'grantway keys list --purpose audit' shows another one.`,
		Example:           `  grantway audit keys -e production > audit-keys.json`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) error {
			text, err := s.auditJWKS()
			if err == nil {
				_, err = fmt.Fprintln(s.OutOrStdout(), text)
			}
			return err
		}),
	}
}

func (s *session) auditJWKS() (string, error) {
	all, err := ask[admin.AuditKeys](s.Context(), s.to, http.MethodGet, s.path+"/seals/keys", nil)
	var keys []string
	for _, k := range all.Keys {
		keys = append(keys, k.JWK)
	}
	return `{"keys":[` + strings.Join(keys, ",") + `]}`, err
}

// auditKeys are the keys of a file, or those that the server names.
func (s *session) auditKeys(file string) ([]jose.PublicKey, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--key: %w", err)
		}
		keys, err := jose.ParseJWKSet(text)
		if err == nil && len(keys) == 0 {
			err = errors.New("it holds no key")
		}
		if err != nil {
			return nil, fmt.Errorf("--key %s: %w", file, err)
		}
		return keys, nil
	}
	text, err := s.auditJWKS()
	if err != nil {
		return nil, err
	}
	return jose.ParseJWKSet([]byte(text))
}

func readCheckpoints(name string) ([]string, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // nothing was written
	return audit.ReadLedger(file)
}

// exported reads the changes of an export.
func exported(from io.Reader) func() (*audit.Entry, error) {
	lines := json.NewDecoder(from)
	return func() (*audit.Entry, error) {
		for {
			var one exportLine
			switch err := lines.Decode(&one); {
			case errors.Is(err, io.EOF):
				return nil, nil
			case err != nil:
				return nil, fmt.Errorf("--export: %w", err)
			case one.Change != nil:
				return one.Change, nil
			}
		}
	}
}

// A chain is an environment's changes and seals, as the admin API tells them.
type chain struct{ *session }

// Changes, Seals and Newest are audit.Source's.
func (c chain) Changes(ctx context.Context, after int64, limit int) ([]store.Change, error) {
	page, err := ask[admin.SealedChanges](ctx, c.to, http.MethodGet, c.path+"/seals/changes"+numbers(after, limit), nil)
	var all []store.Change
	for _, e := range page.Changes {
		all = append(all, e.Change())
	}
	return all, err
}

func (c chain) Seals(ctx context.Context, after int64, limit int) ([]store.Seal, error) {
	page, err := ask[admin.SealPage](ctx, c.to, http.MethodGet, c.path+"/seals"+numbers(after, limit), nil)
	var all []store.Seal
	for _, s := range page.Seals {
		one := store.Seal{From: s.From, Through: s.Through, Checkpoint: s.Checkpoint, At: s.At}
		copy(one.Hash[:], s.Hash)
		all = append(all, one)
	}
	return all, err
}

func (c chain) Newest(ctx context.Context) (int64, error) {
	page, err := ask[admin.SealedChanges](ctx, c.to, http.MethodGet, c.path+"/seals/changes?limit=1", nil)
	return page.Newest, err
}

func numbers(after int64, limit int) string {
	return "?after=" + digits(after) + "&limit=" + strconv.Itoa(min(limit, admin.MaxSealedPage))
}

// bar shows how far something is, where somebody looks.
func (s *session) bar(what string) (show func(done, of int64), finish func()) {
	out, ok := s.ErrOrStderr().(*os.File)
	if !ok || !term.IsTerminal(int(out.Fd())) {
		return func(int64, int64) {}, func() {}
	}
	bar := progressbar.NewOptions64(1, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	return func(done, of int64) {
		bar.ChangeMax64(of)
		_ = bar.Set64(done) // nothing depends on what is shown
	}, func() { _ = bar.Finish() }
}
