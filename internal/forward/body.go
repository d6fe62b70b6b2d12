package forward

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// A Patient is a body whose every part must come in time, however long the whole
// takes. The transport's Close does not reach the body itself, which would wait
// for a sender who waits for us; after it, nothing is read.
type Patient struct {
	body       io.Reader
	connection *http.ResponseController
	closed     atomic.Bool
}

// Patiently returns the body of a request, of which at most so many bytes are read.
func Patiently(w http.ResponseWriter, body io.ReadCloser, limit int64) *Patient {
	return &Patient{body: http.MaxBytesReader(w, body, limit), connection: http.NewResponseController(w)}
}

// partTimeout is how long a sender may be silent in the middle of a body.
const partTimeout = 10 * time.Second

// Read is io.Reader's.
func (p *Patient) Read(b []byte) (int, error) {
	if p.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	_ = p.connection.SetReadDeadline(time.Now().Add(partTimeout))
	n, err := p.body.Read(b)
	switch err {
	case nil: // the deadline stays, for what nobody reads any more
	case io.EOF:
		_ = p.connection.SetReadDeadline(time.Time{}) // the answer may take its time
	default:
		err = &SenderError{err}
	}
	return n, err
}

// Close is io.Closer's.
func (p *Patient) Close() error {
	p.closed.Store(true)
	return nil
}

// A SenderError is why a request's body could not be read to its end.
type SenderError struct{ err error }

func (e *SenderError) Error() string { return e.err.Error() }
func (e *SenderError) Unwrap() error { return e.err }
