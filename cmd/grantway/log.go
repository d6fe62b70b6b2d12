package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/activity"
)

// A logWriter writes the lines of the log some at a time: a write to the
// operating system for each line costs as much as half of what a token request
// does besides signing. A line waits for a tenth of a second at most, and one
// that is not INFO for nothing, so that what went wrong is there to read.
type logWriter struct {
	mu     sync.Mutex
	to     *bufio.Writer
	second second

	stop chan struct{}
	done chan struct{}
}

const logDelay = 100 * time.Millisecond

// newLog returns the log of a server: lines of JSON on w.
func newLog(w *logWriter) *slog.Logger {
	return slog.New(lineHandler{slog.NewJSONHandler(w, nil), w})
}

// A lineHandler writes what slog.JSONHandler does, the usual line of a request
// without slog's detours.
type lineHandler struct {
	slog.Handler // writes all other lines
	to           *logWriter
}

// Handle writes one record.
func (h lineHandler) Handle(ctx context.Context, r slog.Record) error {
	var line *activity.Line
	r.Attrs(func(a slog.Attr) bool {
		line, _ = a.Value.Any().(*activity.Line)
		return false
	})
	if line != nil && r.Level == slog.LevelInfo && r.NumAttrs() == 1 && h.HandleLine(r.Time, line) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// HandleLine is part of activity.LineHandler.
func (h lineHandler) HandleLine(at time.Time, line *activity.Line) bool {
	return h.to.request(at, line)
}

// request writes the line of a request, or reports that it cannot.
func (w *logWriter) request(at time.Time, line *activity.Line) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := append(w.to.AvailableBuffer(), `{"time":"`...)
	b = w.second.appendTime(b, at)
	b = append(b, `","level":"INFO","msg":"request"`...)
	b, ok := line.AppendJSON(b)
	if ok {
		_, _ = w.to.Write(append(b, '}', '\n')) // as with every line, there is nobody to tell
	}
	return ok
}

// A second is the last one that was written: most lines share it with the line
// before.
type second struct {
	unix       int64
	in         *time.Location
	text, zone string // 2006-01-02T15:04:05 and Z or +07:00
}

// appendTime appends a time as time.RFC3339Nano has it.
func (s *second) appendTime(b []byte, at time.Time) []byte {
	if unix, in := at.Unix(), at.Location(); in != s.in || unix != s.unix {
		*s = second{unix, in, at.Format("2006-01-02T15:04:05"), at.Format("Z07:00")}
	}
	b = append(b, s.text...)
	if nano := at.Nanosecond(); nano != 0 {
		digits := [10]byte{'.'}
		for i := 9; i > 0; i-- {
			digits[i] = byte('0' + nano%10)
			nano /= 10
		}
		b = append(b, bytes.TrimRight(digits[:], "0")...)
	}
	return append(b, s.zone...)
}

func newLogWriter(to io.Writer) *logWriter {
	w := &logWriter{to: bufio.NewWriterSize(to, 64<<10), stop: make(chan struct{}), done: make(chan struct{})}
	go w.flush()
	return w
}

// Write takes one line, as slog's handlers give it.
func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.to.Write(line)
	if err == nil && !bytes.Contains(line[:min(len(line), 80)], []byte(`"level":"INFO"`)) {
		err = w.to.Flush()
	}
	return n, err
}

func (w *logWriter) flush() {
	defer close(w.done)
	tick := time.NewTicker(logDelay)
	defer tick.Stop()
	for open := true; open; {
		select {
		case <-tick.C:
		case <-w.stop:
			open = false
		}
		w.mu.Lock()
		_ = w.to.Flush() // a log that cannot be written has nobody to tell
		w.mu.Unlock()
	}
}

// Close writes what is left.
func (w *logWriter) Close() error {
	close(w.stop)
	<-w.done
	return nil
}
