package console

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/store"
)

// Bounds of an export. What is longer is cut off, and the last line says so.
const (
	mostRows      = 100_000
	changesAtOnce = 1000
	talliesAtOnce = 10_000 // a day is added up for each of them: of 10 000 clients, once or twice
	cutOff        = "There is more: narrow the question."

	// readTime is how long reading some rows may take, as all of another answer may. All
	// of an export takes as long as its reader takes rows.
	readTime = 15 * time.Second
)

// A sheet is an export that is being written, as CSV or as JSON lines. The first
// error is kept, and ends it.
type sheet struct {
	out   *limit.Steady
	names []string
	csv   *csv.Writer // nil: JSON lines
	lines *json.Encoder
	err   error
}

// export begins the answer.
func (v *visit) export(name string, names ...string) (*sheet, error) {
	s := &sheet{out: limit.NewSteady(v.w), names: names}
	h := v.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Referrer-Policy", "no-referrer")
	name += "-" + v.c.Now().UTC().Format("2006-01-02")
	switch v.field("format") {
	case "csv":
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present") // RFC 4180 §3
		h.Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
		s.csv = csv.NewWriter(s.out)
	case "jsonl", "":
		h.Set("Content-Type", "application/jsonl; charset=utf-8")
		h.Set("Content-Disposition", `attachment; filename="`+name+`.jsonl"`)
		s.lines = json.NewEncoder(s.out)
	default:
		return nil, errAsked
	}
	v.w.WriteHeader(http.StatusOK)
	if s.csv != nil && v.r.Method != http.MethodHead {
		s.err = s.csv.Write(names)
		s.csv.Flush()
	}
	// Adding up the first rows may take a while, in which the reader sees it begin.
	_ = http.NewResponseController(v.w).Flush()
	return s, nil
}

// row writes a row. As CSV its values are texts.
func (s *sheet) row(values ...any) {
	if s.err != nil {
		return
	}
	if s.csv == nil {
		object := make(map[string]any, len(values))
		for i, value := range values {
			if value != "" {
				object[s.names[i]] = value
			}
		}
		s.err = s.lines.Encode(object)
		return
	}
	cells := make([]string, len(values))
	for i, value := range values {
		switch is := value.(type) {
		case string:
			cells[i] = cell(is)
		case json.RawMessage:
			cells[i] = cell(string(is))
		case int64:
			cells[i] = strconv.FormatInt(is, 10)
		case time.Time:
			cells[i] = is.UTC().Format(time.RFC3339Nano)
		}
	}
	s.err = s.csv.Write(cells)
}

// cell keeps a text from being a formula in a spreadsheet, which would do what a
// stranger called their application. Where semicolons, tabs or line ends separate
// cells, as in spreadsheets of many countries, a formula could begin behind each.
func cell(text string) string {
	const separators = ";\t\r\n"
	var b strings.Builder
	for begins, rest := true, text; rest != ""; {
		first := rest[0]
		if begins && (formula(rest) || len(rest) == len(text) && first != ';' && strings.IndexByte(separators, first) >= 0) {
			b.WriteByte('\'')
		}
		b.WriteByte(first)
		begins, rest = strings.IndexByte(separators, first) >= 0, rest[1:]
	}
	return b.String()
}

// formula reports whether a spreadsheet that begins a cell here would calculate it:
// it takes quotation marks off first.
func formula(text string) bool {
	text = strings.TrimLeft(text, `" `)
	return text != "" && strings.IndexByte("=+-@", text[0]) >= 0
}

// end writes what is left. A reader that has gone is no concern of ours; that the
// store failed must look broken off.
func (s *sheet) end(err error) {
	if s.csv != nil {
		s.csv.Flush()
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// exportChanges writes the changes that the filter lets through.
func (v *visit) exportChanges() error {
	e, err := v.environment()
	if err != nil {
		return err
	}
	q, _, err := v.asked(e)
	if err != nil {
		return err
	}
	s, err := v.export("changes-"+e.Name, "seq", "at", "kind", "about", "client", "actor", "trace", "detail")
	if err != nil || v.r.Method == http.MethodHead {
		return err
	}
	s.end(pages(v.r.Context(), s, changesAtOnce, func(ctx context.Context, limit int) (int, bool, error) {
		q.Limit = limit
		some, err := e.History.Search(ctx, q)
		for i := range some {
			c := &some[i]
			s.row(c.Seq, c.At, c.Kind, c.ID, c.Client, c.Actor, c.Trace, json.RawMessage(c.Detail))
			q.Before = c.Seq
		}
		return len(some), len(some) == limit, err
	}))
	return nil
}

// exportActivity writes what happened, added up by the day.
func (v *visit) exportActivity() error {
	e, err := v.environment()
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(v.field("days"))
	if v.field("days") == "" {
		days, err = 30, nil
	}
	if err != nil || days < 1 || days > 400 {
		return errAsked
	}
	s, err := v.export("activity-"+e.Name, "day", "client", "api", "event", "refusal", "count")
	if err != nil || v.r.Method == http.MethodHead {
		return err
	}
	q := store.TallyQuery{
		Client: v.field("client"), Since: day(v.c.Now()).AddDate(0, 0, 1-days), Days: true, ByClient: true, ByAPI: true,
	}
	until := v.c.Now()
	s.end(pages(v.r.Context(), s, talliesAtOnce, func(ctx context.Context, limit int) (int, bool, error) {
		q.Until, q.Limit = q.Since.Add(24*time.Hour), limit // a day at a time: each is one short question
		some, err := e.Activity.Tallies(ctx, q)
		for i := range some {
			t := &some[i]
			s.row(t.Hour.UTC().Format(time.DateOnly), t.Client, t.API, t.Event, t.Refusal, t.Count)
			q.After = *t
		}
		if len(some) < limit {
			q.Since, q.After = q.Until, store.Tally{}
		}
		return len(some), !q.Since.After(until), err
	}))
	return nil
}

// pages writes page after page, of so many rows at most, until there is none left or
// it is enough. Next writes one and says how many rows it had and whether there may
// be more.
func pages(ctx context.Context, s *sheet, atOnce int, next func(ctx context.Context, limit int) (int, bool, error)) error {
	for rows := 0; ; {
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil // the reader has gone
		}
		s.out.Again()
		reading, read := context.WithTimeout(context.WithoutCancel(ctx), readTime)
		n, more, err := next(reading, min(atOnce, mostRows-rows))
		read()
		rows += n
		switch {
		case err != nil:
			return err
		case s.err != nil || !more:
			return nil
		case rows >= mostRows:
			last := make([]any, len(s.names))
			for i := range last {
				last[i] = ""
			}
			last[2] = cutOff
			s.row(last...)
			return nil
		}
	}
}
