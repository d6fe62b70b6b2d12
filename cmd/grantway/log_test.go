package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/installed"
	"github.com/grantway/grantway/internal/refusal"
)

func TestLogWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out installed.Output
		w := newLogWriter(&out)
		log := newLog(w)
		log.Info("first")
		if got := out.String(); got != "" {
			t.Errorf("an INFO line was written at once: %s", got)
		}
		time.Sleep(logDelay + time.Millisecond)
		if !strings.Contains(out.String(), "first") {
			t.Error("a line waits for longer than the delay")
		}
		log.Info("second")
		log.Error("third")
		if got := out.String(); !strings.Contains(got, "second") || !strings.Contains(got, "third") {
			t.Errorf("an error waits, or overtakes the lines before it: %s", got)
		}
		log.Info("last")
		if err := w.Close(); err != nil || !strings.Contains(out.String(), "last") {
			t.Errorf("what was left is lost: %v %s", err, out.String())
		}
	})
}

// TestLineHandler: a request's line is, byte for byte, what slog.JSONHandler makes
// of it, whatever is in it.
func TestLineHandler(t *testing.T) {
	full := activity.Fact{
		Trace: "0af7", Environment: "live", Event: "token.issued", Route: "token", Client: "c1", Secret: "s1",
		Grant: "client_credentials", API: "orders", Scopes: 2,
	}
	odd := []string{"", "a b", `"`, `\`, "<&>", "é", "\x00\n\t", "\x7f", "\xff", "\u2028", "~"}
	lines := []*activity.Line{
		{Fact: &full, Method: "POST", Status: 200, Bytes: 12, Took: time.Millisecond},
		{Fact: &activity.Fact{}, Method: "other"},
		{Fact: &activity.Fact{Notes: []string{"secret-exposed"}}},
		{Fact: &activity.Fact{Refusal: refusal.SecretWrong.From(errors.New(`cause "x"`))}, Status: 401},
	}
	for _, text := range odd {
		for _, field := range []func(*activity.Fact) *string{
			func(f *activity.Fact) *string { return &f.Trace },
			func(f *activity.Fact) *string { return &f.Environment },
			func(f *activity.Fact) *string { return &f.Event },
			func(f *activity.Fact) *string { return &f.Route },
			func(f *activity.Fact) *string { return &f.Client },
			func(f *activity.Fact) *string { return &f.Secret },
			func(f *activity.Fact) *string { return &f.Grant },
			func(f *activity.Fact) *string { return &f.API },
		} {
			fact := full
			*field(&fact) = text
			lines = append(lines, &activity.Line{Fact: &fact, Method: "GET", Status: 200})
		}
		lines = append(lines, &activity.Line{Fact: &full, Method: text})
	}
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelError} {
		for _, line := range lines {
			var want, got bytes.Buffer
			r := slog.NewRecord(time.Date(2026, 11, 22, 1, 2, 3, 40, time.UTC), level, "request", 0)
			r.AddAttrs(slog.Any("", line))
			w := newLogWriter(&got)
			if err := slog.NewJSONHandler(&want, nil).Handle(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if err := newLog(w).Handler().Handle(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			w.Close()
			if got.String() != want.String() {
				t.Errorf("\n%swant\n%s", got.String(), want.String())
			}
		}
	}
}
