package forward

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// A reader notes until when it has to take what it is sent.
type reader struct {
	header   http.Header
	deadline time.Time
	did      []string
}

func (r *reader) Header() http.Header { return r.header }
func (r *reader) WriteHeader(int)     {}

func (r *reader) note(what string) {
	if left := time.Until(r.deadline); !r.deadline.IsZero() && left > 0 && left <= takeTime {
		what += " in time"
	}
	r.did = append(r.did, what)
}

func (r *reader) Write(b []byte) (int, error) {
	r.note("write")
	return len(b), nil
}

func (r *reader) FlushError() error {
	r.note("flush")
	return nil
}

func (r *reader) SetWriteDeadline(t time.Time) error {
	r.deadline = t
	return nil
}

// A waited body notes for how long its sender may take.
type waited struct {
	io.Reader
	by *reader
}

func (w waited) Read(b []byte) (int, error) {
	w.by.note("wait")
	return w.Reader.Read(b)
}

func (w waited) Close() error { return nil }

// TestTaken: the same for what the library copies.
func TestTaken(t *testing.T) {
	w := &reader{header: http.Header{}}
	taken := Taken{w}
	for range 2 {
		if _, err := io.WriteString(taken, "a"); err != nil {
			t.Fatal(err)
		}
		if err := http.NewResponseController(taken).Flush(); err != nil {
			t.Fatal(err)
		}
		w.deadline = time.Now().Add(-time.Hour) // long ago
	}
	if !slices.Equal(w.did, []string{"write in time", "flush in time", "write in time", "flush in time"}) {
		t.Errorf("%q", w.did)
	}
}

// TestReaderStandsStill: who reads has a time for each part, and who sends has none.
func TestReaderStandsStill(t *testing.T) {
	for _, row := range []struct {
		name   string
		length int64
		body   io.Reader
		want   []string
	}{
		{"all at once", 3, iotest.DataErrReader(strings.NewReader("abc")), []string{"wait", "write"}},
		{"in parts", 3, iotest.OneByteReader(strings.NewReader("abc")), []string{
			"wait", "write in time", "flush in time", "wait", "write in time", "flush in time", "wait", "write in time", "wait in time",
		}},
		{"of no known length", -1, strings.NewReader("abc"), []string{"flush", "wait", "write in time", "flush in time", "wait"}},
	} {
		w := &reader{header: http.Header{}}
		Answer(w, &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: row.length, Body: waited{row.body, w}})
		if !slices.Equal(w.did, row.want) {
			t.Errorf("%s: %q", row.name, w.did)
		}
	}
}
