package account

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
)

// mostRow is the longest line of JSON, and mostRows the most rows of a file: what
// is larger comes in parts.
const (
	mostRow  = 64 << 10 // bytes
	mostRows = 1_000_000
)

// A Row is an account as another product exported it. Columns of CSV have the names
// of its members in JSON; roles are separated by spaces there.
type Row struct {
	Line          int      `json:"-"`
	Name          string   `json:"name"`
	Email         string   `json:"email"`
	EmailVerified bool     `json:"email_verified"`
	GivenName     string   `json:"given_name"`
	FamilyName    string   `json:"family_name"`
	Locale        string   `json:"locale"`
	Roles         []string `json:"roles"`
	PasswordHash  string   `json:"password_hash"` // as [secret.Import] reads it; empty: none
}

// A RowError is a row that cannot be read. Nothing of the row stands in it but the
// names of columns.
type RowError struct {
	Line   int
	Reason string
}

func (e *RowError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// columns set a member by the name of its column.
var columns = map[string]func(*Row, string) error{
	"name":           func(r *Row, text string) error { r.Name = text; return nil },
	"email":          func(r *Row, text string) error { r.Email = text; return nil },
	"email_verified": func(r *Row, text string) (err error) { r.EmailVerified, err = yes(text); return err },
	"given_name":     func(r *Row, text string) error { r.GivenName = text; return nil },
	"family_name":    func(r *Row, text string) error { r.FamilyName = text; return nil },
	"locale":         func(r *Row, text string) error { r.Locale = text; return nil },
	"roles":          func(r *Row, text string) error { r.Roles = strings.Fields(text); return nil },
	"password_hash":  func(r *Row, text string) error { r.PasswordHash = text; return nil },
}

func yes(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "1":
		return true, nil
	case "", "false", "no", "0":
		return false, nil
	}
	return false, errors.New("email_verified is true or false")
}

// ReadCSV reads rows of RFC 4180, the first of which names the columns, in any
// order. A row that cannot be read comes as a *RowError, and the next one follows;
// after another error, and a *RowError for the first line, nothing does.
func ReadCSV(from io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		r := csv.NewReader(from)
		header, err := r.Read()
		if err != nil {
			yield(Row{}, csvError(err, 1))
			return
		}
		header = slices.Clone(header)
		header[0] = strings.TrimPrefix(header[0], "\ufeff") // as spreadsheets begin
		for i, name := range header {
			if columns[name] == nil || slices.Contains(header[:i], name) {
				yield(Row{}, &RowError{Line: 1, Reason: fmt.Sprintf("column %d is unknown or doubled; there are name, email, email_verified, given_name, family_name, locale, roles and password_hash", i+1)})
				return
			}
		}
		r.ReuseRecord = true
		for {
			record, err := r.Read()
			if err == io.EOF {
				return
			}
			if err != nil {
				// After a quotation mark in the wrong place nobody knows where rows begin.
				if !yield(Row{}, csvError(err, 0)) || !errors.Is(err, csv.ErrFieldCount) {
					return
				}
				continue
			}
			line, _ := r.FieldPos(0)
			row := Row{Line: line}
			for i, text := range record {
				// A copy: the reader uses its memory again.
				if err = columns[header[i]](&row, strings.Clone(text)); err != nil {
					err = &RowError{Line: line, Reason: err.Error()}
					break
				}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

func csvError(err error, line int) error {
	if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
		return &RowError{Line: parse.StartLine, Reason: parse.Err.Error()}
	}
	if err == io.EOF {
		return &RowError{Line: line, Reason: "the line with the names of the columns is missing"}
	}
	return err
}

// ReadLines reads rows of JSON, one object a line. A row that cannot be read comes
// as a *RowError, and the next one follows; after another error nothing does.
func ReadLines(from io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		lines := bufio.NewScanner(from)
		lines.Buffer(nil, mostRow)
		line := 0
		for lines.Scan() {
			line++
			text := lines.Bytes()
			if line == 1 {
				text = bytes.TrimPrefix(text, []byte("\ufeff")) // as some editors begin
			}
			text = bytes.TrimSpace(text)
			if len(text) == 0 {
				continue
			}
			row := Row{Line: line}
			var err error
			if problem := wire.DecodeJSON(text, &row); problem != nil || text[0] != '{' { // null is no row
				// What the decoder says may quote what stands there.
				row, err = Row{}, &RowError{Line: line, Reason: "not a JSON object with the members of an account, each once"}
			}
			if !yield(row, err) {
				return
			}
		}
		if errors.Is(lines.Err(), bufio.ErrTooLong) {
			yield(Row{}, &RowError{Line: line + 1, Reason: fmt.Sprintf("longer than %d bytes; nothing after it was read", mostRow)})
		} else if lines.Err() != nil {
			yield(Row{}, lines.Err())
		}
	}
}

// What became of a row.
const (
	Created = "created"
	Exists  = "exists"  // there is an account of this name: it was left as it is
	Refused = "refused" // for the reason that is given
)

// An Outcome says what became of one row.
type Outcome struct {
	Line   int    `json:"line"`
	Name   string `json:"name,omitempty"`
	Result string `json:"result"`
	Reason string `json:"reason,omitempty"`
}

// Import creates an account for each row and tells each what became of it. An
// account of that name is left alone, so that a file can be imported again after it
// was broken off. Dry does all but write. It goes on after a row that is refused,
// and returns an error where the store or the reader fails.
func (p *People) Import(ctx context.Context, rows iter.Seq2[Row, error], dry bool, by store.By, tell func(Outcome)) error {
	seen := map[string]bool{} // what a dry run would have created
	n := 0
	for row, err := range rows {
		refused := (*RowError)(nil)
		if errors.As(err, &refused) {
			tell(Outcome{Line: refused.Line, Result: Refused, Reason: refused.Reason})
			continue
		}
		if err != nil {
			return fmt.Errorf("import accounts: %w", err)
		}
		if n++; n > mostRows {
			return fmt.Errorf("import accounts: more than %d rows; split the file", mostRows)
		}
		result, err := p.importRow(ctx, row, dry, seen, by)
		switch {
		case err == nil:
			tell(Outcome{Line: row.Line, Name: row.Name, Result: result})
		case isRefusal(err):
			tell(Outcome{Line: row.Line, Name: row.Name, Result: Refused, Reason: err.Error()})
		default:
			return fmt.Errorf("import accounts: line %d: %w", row.Line, err)
		}
	}
	return nil
}

func (p *People) importRow(ctx context.Context, row Row, dry bool, seen map[string]bool, by store.By) (string, error) {
	a, err := p.resulting(row.Name, store.Profile{
		Email: row.Email, EmailVerified: row.EmailVerified, GivenName: row.GivenName, FamilyName: row.FamilyName,
		FullName: strings.TrimSpace(row.GivenName + " " + row.FamilyName), Locale: row.Locale,
	}, row.Roles)
	if err != nil {
		return "", err
	}
	// By the name alone: a verified address of another is a conflict, not this person.
	switch there, err := p.Accounts.FindBy(ctx, a.Key); {
	case err == nil && there.Key == a.Key, seen[a.Key]:
		return Exists, nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return "", err
	}
	if err := p.free(ctx, a); err != nil {
		return "", err
	}
	var factors []store.Factor
	if row.PasswordHash != "" {
		v, err := p.Passwords.Checker.Import(ctx, row.PasswordHash, p.Random)
		if err != nil {
			return "", err
		}
		f, err := newFactor(p.Random, p.Now(), a.ID, store.FactorPassword, "", v.Encoded())
		if err != nil {
			return "", err
		}
		factors = append(factors, f)
	}
	if dry {
		seen[a.Key] = true
		return Created, nil
	}
	return Created, taken(p.Accounts.Create(ctx, a, factors, by))
}

// isRefusal reports whether the row is at fault, and not the server.
func isRefusal(err error) bool {
	for _, one := range []error{ErrName, ErrEmail, ErrProfile, ErrTaken, secret.ErrForm, secret.ErrLimit} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}
