package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/account"
)

// maxMoving is the longest file of another product, in bytes. It is read as a
// whole; one of people that is longer is split.
const maxMoving = 256 << 20

// What another product gives out, before this one has judged it.
type moving struct {
	clients []coming
	people  []peopleFile
	left    []leftOut
}

// A coming client is one that another product knows.
type coming struct {
	id, name   string
	kind       string // as our types are; empty: to be told from the rest
	secret     string
	hash       string
	grants     []string // in the names of RFC 6749 where they have one
	scopes     []string
	granted    []grantedAt
	redirects  []string
	logouts    []string // where people may be sent after they signed out
	notice     string   // where it is told that a session has ended
	idTokenAlg string
	left       []string // what is not taken over, and why
	refused    string   // why it cannot come at all; empty: it can
}

// grantedAt is what a client may ask for at one API, which its audience names.
type grantedAt struct {
	audience string
	scopes   []string
	all      bool // every scope of the API
}

// leave notes what of a client stays behind.
func (c *coming) leave(format string, values ...any) {
	c.left = append(c.left, fmt.Sprintf(format, values...))
}

// A peopleFile is a file with people.
type peopleFile struct {
	name string
	rows iter.Seq2[account.Row, error]
	left *[]leftOut // people who stay, once the rows were read
}

// staysError says that a person is not to come, who is nobody's fault.
type staysError struct{ name, why string }

func (e *staysError) Error() string { return e.why }

// leftOut is something of a file that is not taken over.
type leftOut struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// A product reads the files of one product.
type product struct {
	name  string
	title string
	read  func([]movingFile) (*moving, error)
}

// A movingFile is a file of another product.
type movingFile struct {
	name string
	data []byte
}

func readMoving(s *session, names []string) ([]movingFile, error) {
	var files []movingFile
	for _, name := range names {
		file, _, err := openImport(s, name)
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(file, maxMoving+1))
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
		if len(data) > maxMoving {
			return nil, fmt.Errorf("%s is larger than %d MiB: split it", name, maxMoving>>20)
		}
		files = append(files, movingFile{name, bytes.TrimPrefix(data, []byte("\ufeff"))})
	}
	return files, nil
}

// wrong says what of a file cannot be read, without quoting from it: what stands
// there may be a secret.
func (f *movingFile) wrong(line int, format string, values ...any) error {
	return fmt.Errorf("%s:%d: %s", f.name, line, fmt.Sprintf(format, values...))
}

func (f *movingFile) isJSON() bool {
	text := bytes.TrimLeft(f.data, " \t\r\n")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// A record is an object of JSON, or a row of CSV with the names of its columns in
// lower case.
type record struct {
	line    int
	members map[string]json.RawMessage
}

// has reports whether the record has all these members.
func (r *record) has(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { _, ok := r.members[name]; return !ok })
}

// into reads the record into a struct.
func (r *record) into(f *movingFile, v any) error {
	text, err := json.Marshal(r.members)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return f.wrong(r.line, "the member %s is a %s, which is not expected", wrong.Field, wrong.Value)
	}
	if err != nil {
		return f.wrong(r.line, "an object cannot be read")
	}
	return nil
}

// records reads all objects of JSON, one after the other or in arrays, and in what
// stands under one of the wrappers.
func (f *movingFile) records(wrappers ...string) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		d := json.NewDecoder(bytes.NewReader(f.data))
		line, counted := 1, int64(0)
		at := func() int {
			offset := d.InputOffset()
			for offset < int64(len(f.data)) && strings.IndexByte(" \t\r\n,", f.data[offset]) >= 0 {
				offset++
			}
			line += bytes.Count(f.data[counted:offset], []byte("\n"))
			counted = offset
			return line
		}
		open := false // within an array
		for {
			here := at()
			if !open && counted < int64(len(f.data)) && f.data[counted] == '[' {
				if _, err := d.Token(); err != nil {
					yield(record{}, f.wrong(here, "is not JSON"))
					return
				}
				open = true
				continue
			}
			if open && !d.More() {
				if _, err := d.Token(); err != nil {
					yield(record{}, f.wrong(here, "is not JSON: an array does not end"))
					return
				}
				open = false
				continue
			}
			r := record{line: here}
			switch err := d.Decode(&r.members); {
			case err == io.EOF && !open:
				return
			case err != nil || r.members == nil:
				yield(record{}, f.wrong(here, "is not a JSON object"))
				return
			}
			if !unwrap(f, r, wrappers, yield) {
				return
			}
		}
	}
}

// unwrap yields a record, or what is within it.
func unwrap(f *movingFile, r record, wrappers []string, yield func(record, error) bool) bool {
	for _, name := range wrappers {
		inner, ok := r.members[name]
		if !ok {
			continue
		}
		within := movingFile{name: f.name, data: inner}
		for found, err := range within.records() {
			if found.line += r.line - 1; !yield(found, err) {
				return false
			}
		}
		return true
	}
	return yield(r, nil)
}

// rows reads CSV, the first line of which names the columns.
func (f *movingFile) rows() iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		c := csv.NewReader(bytes.NewReader(f.data))
		header, err := c.Read()
		if err != nil {
			yield(record{}, f.wrong(1, "the line with the names of the columns is missing"))
			return
		}
		header = slices.Clone(header)
		for {
			fields, err := c.Read()
			if err == io.EOF {
				return
			}
			if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
				yield(record{}, f.wrong(wrong.StartLine, "is not CSV: %v", wrong.Err))
				return
			}
			line, _ := c.FieldPos(0)
			r := record{line: line, members: map[string]json.RawMessage{}}
			for i, text := range fields {
				name := strings.ToLower(strings.TrimSpace(header[i]))
				if text == "" || strings.EqualFold(text, "null") || text == `\N` {
					continue // as databases write nothing
				}
				r.members[name], _ = json.Marshal(text)
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// columns are the names of a CSV's columns, in lower case.
func (f *movingFile) columns() []string {
	header, err := csv.NewReader(bytes.NewReader(f.data)).Read()
	if err != nil {
		return nil
	}
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(header[i]))
	}
	return header
}

// all reads a file of either kind.
func (f *movingFile) all(wrappers ...string) iter.Seq2[record, error] {
	if f.isJSON() {
		return f.records(wrappers...)
	}
	return f.rows()
}

// peopleOf makes a file of people of one, each record of which row reads. A person
// who is not to come is a *staysError.
func peopleOf(f movingFile, wrappers []string, row func(*movingFile, *record) (account.Row, error)) peopleFile {
	var left []leftOut
	return peopleFile{f.name, func(yield func(account.Row, error) bool) {
		for r, err := range f.all(wrappers...) {
			var read account.Row
			if err == nil {
				read, err = row(&f, &r)
			}
			if stays, ok := errors.AsType[*staysError](err); ok {
				left = append(left, leftOut{cmp.Or(stays.name, fmt.Sprintf("%s:%d", f.name, r.line)), stays.why})
				continue
			}
			read.Line = r.line
			if !yield(read, err) {
				return
			}
		}
	}, &left}
}

// unknownFile says that a file is none of those that are read.
func unknownFile(f *movingFile, known string) error {
	return fmt.Errorf("%s is none of what this command reads: %s\nSee docs/MOVING_IN.md", f.name, known)
}
