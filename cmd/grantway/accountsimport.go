package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/admin"
)

func accountsImport(f *adminFlags) *cobra.Command {
	var format string
	var dry bool
	imports := &cobra.Command{
		Use:   "import FILE",
		Short: "Create accounts from a file, with the hashes of their passwords",
		Long: `Create accounts from a file of another product: CSV, whose first line names the
columns, or JSON lines, one object each. A row has name, and may have email,
email_verified, given_name, family_name, locale, roles and password_hash
(bcrypt, PBKDF2, argon2, and what Spring Security writes).

An account that is there already stays as it is, so the command can be repeated
after it was broken off. Rows that are refused are listed with the reason, and
the exit status is 1 then; the others are imported.`,
		Example: `  grantway accounts import -e staging people.csv --dry-run
  grantway accounts import -e staging people.csv
  grantway accounts import people.jsonl --json > report.json
  zcat people.csv.gz | grantway accounts import - --format csv`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return []cobra.Completion{"csv", "jsonl", "ndjson"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: f.work(func(s *session, args []string) error {
			file, size, err := openImport(s, args[0])
			if err != nil {
				return err
			}
			defer func() { _ = file.Close() }() // nothing was written
			i := &importing{session: s, dry: dry, seen: map[string]bool{}, report: importReport{DryRun: dry, Rows: []admin.Outcome{}}}
			read := i.progress(file, size)
			var rows iter.Seq2[account.Row, error]
			switch formatOf(format, args[0]) {
			case "csv":
				rows = account.ReadCSV(read)
			case "jsonl":
				rows = account.ReadLines(read)
			default:
				return &usageError{fmt.Errorf("is %s CSV or JSON lines? Say --format csv or --format jsonl", args[0])}
			}
			failed := i.run(rows)
			i.bar(nil)
			return errors.Join(i.tell(failed), failed)
		}),
	}
	imports.Flags().StringVar(&format, "format", "", "csv or jsonl, where the name of the file does not say it")
	imports.Flags().BoolVar(&dry, "dry-run", false, "say what would become of each row, and create nothing")
	completeWords(imports, "format", "csv", "jsonl")
	return imports
}

func formatOf(said, name string) string {
	switch text := cmp.Or(said, strings.TrimPrefix(filepath.Ext(name), ".")); strings.ToLower(text) {
	case "csv":
		return "csv"
	case "jsonl", "ndjson":
		return "jsonl"
	}
	return ""
}

// openImport opens the file, - for standard input, of a size that is not known.
func openImport(s *session, name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(s.InOrStdin()), -1, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = &usageError{fmt.Errorf("%s is a folder", name)}
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

// An importReport says what became of a file.
type importReport struct {
	DryRun  bool            `json:"dry_run"`
	Created int             `json:"created"`
	Existed int             `json:"existed"`
	Refused int             `json:"refused"`
	Rows    []admin.Outcome `json:"refused_rows"`
}

// importing is a file on its way to the server.
type importing struct {
	*session
	dry    bool
	bar    func(n *int) // shows how many rows are done; nil: it is over
	batch  []admin.ImportRow
	bytes  int             // about, of the batch
	seen   map[string]bool // names that a dry run would have created
	report importReport
}

// batchBytes is how large the rows of a request may be, about: half of a body.
const batchBytes = admin.MaxBody / 2

// run sends the rows in batches. A row that cannot be read is refused here.
func (i *importing) run(rows iter.Seq2[account.Row, error]) error {
	for row, err := range rows {
		if wrong, ok := errors.AsType[*account.RowError](err); ok {
			i.outcome(admin.Outcome{Line: wrong.Line, Result: account.Refused, Reason: wrong.Reason})
			continue
		}
		if err != nil {
			return errors.Join(i.send(), fmt.Errorf("read the file: %w", err))
		}
		size := len(row.Name) + len(row.Email) + len(row.GivenName) + len(row.FamilyName) + len(row.Locale) + len(row.PasswordHash) + len(strings.Join(row.Roles, "")) + 200
		if len(i.batch) == admin.MaxImport || len(i.batch) > 0 && i.bytes+size > batchBytes {
			if err := i.send(); err != nil {
				return err
			}
		}
		i.bytes += size
		i.batch = append(i.batch, admin.ImportRow{Line: row.Line, PasswordHash: row.PasswordHash, Person: admin.Person{
			Name: row.Name, Email: row.Email, EmailVerified: row.EmailVerified, GivenName: row.GivenName,
			FamilyName: row.FamilyName, Locale: row.Locale, Roles: row.Roles,
		}})
	}
	return i.send()
}

// send sends the batch. A server that is busy is asked again: what a request did
// create is there already at the next.
func (i *importing) send() error {
	if len(i.batch) == 0 {
		return nil
	}
	const tries = 5
	for try := 1; ; try++ {
		done, err := ask[admin.Imported](i.Context(), i.to, http.MethodPost, i.path+"/accounts/import", admin.AccountImport{Rows: i.batch, DryRun: i.dry})
		if err == nil {
			for _, o := range done.Outcomes {
				i.outcome(o)
			}
			i.batch, i.bytes = i.batch[:0], 0
			return nil
		}
		if busy, ok := errors.AsType[*refused](err); !ok || busy.Status != http.StatusServiceUnavailable || try == tries {
			return fmt.Errorf("from line %d on nothing is certain: %w\nRun the command again to go on: what is there already stays as it is", i.batch[0].Line, err)
		}
		select {
		case <-i.Context().Done():
			return i.Context().Err()
		case <-time.After(time.Duration(try) * time.Second):
		}
	}
}

func (i *importing) outcome(o admin.Outcome) {
	r := &i.report
	if i.dry && o.Result == account.Created {
		key, _ := account.NameKey(o.Name) // the server took the name
		if i.seen[key] {
			o.Result = account.Exists // in another batch
		}
		i.seen[key] = true
	}
	switch o.Result {
	case account.Created:
		r.Created++
	case account.Exists:
		r.Existed++
	default:
		r.Refused++
		r.Rows = append(r.Rows, o)
	}
	n := r.Created + r.Existed + r.Refused
	i.bar(&n)
}

// progress returns a reader of the file that shows how far it is, where somebody
// looks.
func (i *importing) progress(file io.Reader, size int64) io.Reader {
	i.bar = func(*int) {}
	out, ok := i.ErrOrStderr().(*os.File)
	if !ok || !term.IsTerminal(int(out.Fd())) {
		return file
	}
	bar := progressbar.NewOptions64(size, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription("accounts"),
		progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	i.bar = func(n *int) {
		if n == nil {
			_ = bar.Finish() // nothing depends on what is shown
			return
		}
		bar.Describe(strconv.Itoa(*n) + " accounts")
	}
	return io.TeeReader(file, bar)
}

// tell reports, and says by an error that rows were refused.
func (i *importing) tell(failed error) error {
	r := &i.report
	slices.SortStableFunc(r.Rows, func(a, b admin.Outcome) int { return cmp.Compare(a.Line, b.Line) })
	if i.json {
		if err := writeJSON(i.OutOrStdout(), r); err != nil {
			return err
		}
	} else {
		if len(r.Rows) > 0 {
			var rows [][2]string
			for _, o := range r.Rows {
				rows = append(rows, [2]string{"line " + strconv.Itoa(o.Line), strings.TrimPrefix(o.Name+": "+o.Reason, ": ")})
			}
			if err := writeFields(i.OutOrStdout(), rows); err != nil {
				return err
			}
			fmt.Fprintln(i.OutOrStdout())
		}
		verb := "created"
		if i.dry {
			verb = "would be created"
		}
		fmt.Fprintf(i.OutOrStdout(), "%d %s, %d are there already, %d refused\n", r.Created, verb, r.Existed, r.Refused)
	}
	if r.Refused > 0 && failed == nil {
		return errors.New("rows were refused; correct them and run the command again: what is there already stays as it is")
	}
	return nil
}
