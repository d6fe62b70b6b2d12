package activity_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/activity"
)

func TestAnswer(t *testing.T) {
	for _, row := range []struct {
		what   string
		write  func(http.ResponseWriter)
		status int
		bytes  int64
	}{
		{"nothing", func(http.ResponseWriter) {}, 0, 0},
		{"a body", func(w http.ResponseWriter) { _, _ = w.Write([]byte("abc")) }, 200, 3}, // a recorder takes all
		{"the first status counts", func(w http.ResponseWriter) { w.WriteHeader(404); w.WriteHeader(500) }, 404, 0},
		{"interim ones do not", func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(204) }, 204, 0},
		{"another protocol is an answer", func(w http.ResponseWriter) { w.WriteHeader(101) }, 101, 0},
	} {
		t.Run(row.what, func(t *testing.T) {
			a := activity.Answer{ResponseWriter: httptest.NewRecorder()}
			row.write(&a)
			if a.Status != row.status || a.Bytes != row.bytes {
				t.Errorf("%d with %d bytes", a.Status, a.Bytes)
			}
		})
	}
}

func TestMethod(t *testing.T) {
	for method, want := range map[string]string{"GET": "GET", "OPTIONS": "OPTIONS", "get": "other", "": "other", "X\n": "other"} {
		if got := activity.Method(method); got != want {
			t.Errorf("%q is logged as %q", method, got)
		}
	}
}

// TestLineLog: a line is an error where the fault is ours, and nothing where
// nobody reads it.
func TestLineLog(t *testing.T) {
	for _, row := range []struct {
		status int
		level  slog.Level
		want   string
	}{
		{499, slog.LevelInfo, "level=INFO msg=request"},
		{500, slog.LevelInfo, "level=ERROR msg=request"},
		{499, slog.LevelError, ""},
		{500, slog.LevelError, "level=ERROR msg=request"},
	} {
		var b bytes.Buffer
		l := activity.Line{Fact: &activity.Fact{}, Status: row.status}
		l.Log(t.Context(), slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: row.level})), nil, time.Unix(0, 0))
		if got := b.String(); !strings.Contains(got, row.want) || row.want == "" && got != "" {
			t.Errorf("%d from %v on: %s", row.status, row.level, got)
		}
	}
}
