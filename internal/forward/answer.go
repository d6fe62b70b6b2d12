package forward

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Answer writes an answer whose headers were looked at, and closes its body. It
// panics with http.ErrAbortHandler where the answer breaks off, so that what the
// client got looks broken off.
func Answer(w http.ResponseWriter, answer *http.Response) {
	h := w.Header()
	add(h, answer.Header)
	if h["Content-Type"] == nil {
		h["Content-Type"] = nil // the server would guess one
	}
	announced := len(answer.Trailer)
	if announced > 0 {
		h["Trailer"] = slices.Sorted(maps.Keys(answer.Trailer))
	}
	w.WriteHeader(answer.StatusCode)
	if err := transfer(w, answer); err != nil {
		panic(http.ErrAbortHandler)
	}
	answer.Body.Close() // trailers are known from then on
	if len(answer.Trailer) == 0 {
		return
	}
	_ = http.NewResponseController(w).Flush() // a short answer would get a length, and then no trailers
	if len(answer.Trailer) == announced {
		add(h, answer.Trailer)
		return
	}
	for name, values := range answer.Trailer {
		h[http.TrailerPrefix+name] = values
	}
}

// A Taken is an answer over HTTP/1 whose every part who reads has takeTime for; in
// HTTP/2 it would end streams that are silent. What is hijacked has no such time.
type Taken struct{ http.ResponseWriter }

// Write is io.Writer's.
func (t Taken) Write(b []byte) (int, error) {
	_ = http.NewResponseController(t.ResponseWriter).SetWriteDeadline(time.Now().Add(takeTime))
	return t.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (t Taken) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// add gives headers that are not used elsewhere to h, beside what stands there.
func add(h, more http.Header) {
	for name, values := range more {
		if there := h[name]; len(there) > 0 {
			values = append(slices.Clip(there), values...)
		}
		h[name] = values
	}
}

// transfer passes the body on. Whatever comes is sent at once, since an event is
// worth nothing late; but where the length is known, and so who reads waits for
// all of it, the headers wait for the first part, and the last part for the end.
//
// Who reads has takeTime for each part: what comes in several keeps the API's
// connection until it was taken. The API may take as long as it likes.
func transfer(w http.ResponseWriter, answer *http.Response) error {
	if answer.Body == http.NoBody {
		return nil
	}
	left := answer.ContentLength // negative: not known
	var connection *http.ResponseController
	if left < 0 {
		connection = http.NewResponseController(w)
		if err := connection.Flush(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	buffer := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buffer)
	for {
		n, err := answer.Body.Read(buffer[:])
		if n > 0 {
			left -= int64(n)
			if left != 0 && connection == nil {
				connection = http.NewResponseController(w)
			}
			if connection != nil {
				// A connection that cannot keep time (in tests) is served all the same.
				_ = connection.SetWriteDeadline(time.Now().Add(takeTime))
			}
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n > 0 && left != 0 {
			if err := connection.Flush(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
				return err
			}
			_ = connection.SetWriteDeadline(time.Time{}) // one of HTTP/2 would end the stream also while nothing is written
		}
	}
}

const (
	bufferSize = 32 << 10         // bytes
	takeTime   = 30 * time.Second // to take a part, or less than it
)

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}
