package main

import (
	"bufio"
	"bytes"
	"io"
	"sync"
	"time"
)

// A logWriter writes the lines of the log some at a time: a write to the
// operating system for each line costs as much as half of what a token request
// does besides signing. A line waits for a tenth of a second at most, and one
// that is not INFO for nothing, so that what went wrong is there to read.
type logWriter struct {
	mu   sync.Mutex
	to   *bufio.Writer
	stop chan struct{}
	done chan struct{}
}

const logDelay = 100 * time.Millisecond

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
