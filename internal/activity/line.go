package activity

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// A Line is what the log says about one request. As the value of an attribute
// without a key, every slog.Handler writes its members one by one. One that
// writes JSON may use AppendJSON instead, which costs a third of the time.
type Line struct {
	*Fact
	Method string
	Status int
	Bytes  int64 // of the answer's body
	Took   time.Duration
}

// A LineHandler is a slog.Handler that takes a request's line without the record
// around it.
type LineHandler interface {
	slog.Handler

	// HandleLine writes a line of level INFO, which its user has found enabled, and
	// message "request", or reports that Handle must. l is not kept.
	HandleLine(at time.Time, l *Line) bool
}

// Log writes the line: an error where the status says that the fault is ours.
// lines is the logger's handler where it is one, else nil. The caller keeps l as
// it is from here on.
func (l *Line) Log(ctx context.Context, logger *slog.Logger, lines LineHandler, at time.Time) {
	level := slog.LevelInfo
	if l.Status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !logger.Enabled(ctx, level) || level == slog.LevelInfo && lines != nil && lines.HandleLine(at, l) {
		return
	}
	// Without slog.Logger between, which looks for the caller on the stack.
	record := slog.NewRecord(at, level, "request", 0)
	record.AddAttrs(slog.Any("", l))
	_ = logger.Handler().Handle(ctx, record) // a log that cannot be written has nobody to tell
}

// LogValue is the group of all members. Those that are empty are left out, except
// the ones that every request has.
func (l *Line) LogValue() slog.Value {
	line := make([]slog.Attr, 0, 16)
	line = append(line,
		slog.String("trace", l.Trace), slog.String("environment", l.Environment),
		slog.String("method", l.Method), slog.String("route", l.Route),
		slog.Int("status", l.Status), slog.Int64("bytes", l.Bytes), slog.Int64("took_us", l.Took.Microseconds()))
	for _, member := range []struct{ name, value string }{
		{"event", l.Event},
		{"client", l.Client},
		{"secret_id", l.Secret},
		{"grant", l.Grant},
		{"api", l.API},
	} {
		if member.value != "" {
			line = append(line, slog.String(member.name, member.value))
		}
	}
	if l.Scopes > 0 {
		line = append(line, slog.Int("scopes", l.Scopes))
	}
	if r := l.Refusal; r != nil {
		line = append(line, slog.String("refusal", r.ID), slog.String("reason", r.Error()))
	}
	if len(l.Notes) > 0 {
		line = append(line, slog.Any("notes", l.Notes))
	}
	return slog.GroupValue(line...)
}

// AppendJSON appends the members as slog.JSONHandler writes them, each with a
// comma before it. It reports false, and what it returns means nothing, for a
// line that has more to say than that all is well: strings that need escapes, a
// refusal, remarks.
func (l *Line) AppendJSON(b []byte) (_ []byte, ok bool) {
	if l.Refusal != nil || len(l.Notes) > 0 {
		return b, false
	}
	ok = true
	text := func(name, value string) {
		ok = ok && plain(value)
		b = append(append(append(b, name...), value...), '"')
	}
	text(`,"trace":"`, l.Trace)
	text(`,"environment":"`, l.Environment)
	text(`,"method":"`, l.Method)
	text(`,"route":"`, l.Route)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(l.Status), 10)
	b = strconv.AppendInt(append(b, `,"bytes":`...), l.Bytes, 10)
	b = strconv.AppendInt(append(b, `,"took_us":`...), l.Took.Microseconds(), 10)
	if l.Event != "" {
		text(`,"event":"`, l.Event)
	}
	if l.Client != "" {
		text(`,"client":"`, l.Client)
	}
	if l.Secret != "" {
		text(`,"secret_id":"`, l.Secret)
	}
	if l.Grant != "" {
		text(`,"grant":"`, l.Grant)
	}
	if l.API != "" {
		text(`,"api":"`, l.API)
	}
	if l.Scopes > 0 {
		b = strconv.AppendInt(append(b, `,"scopes":`...), int64(l.Scopes), 10)
	}
	return b, ok
}

// plain reports whether a string is itself in JSON.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
