package main

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// lines is what has reached the operating system.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestLogWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lines
		w := newLogWriter(&out)
		log := slog.New(slog.NewJSONHandler(w, nil))
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
