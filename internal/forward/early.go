package forward

import (
	"maps"
	"net/http"
	"net/textproto"
	"sync"
)

// Early passes interim answers (RFC 9110 §15.2) while the final one is awaited. Begin
// comes first.
type Early struct {
	mu     sync.Mutex
	w      http.ResponseWriter
	http10 bool // which knows none
	ended  bool
}

// Begin says whom the answers are for.
func (e *Early) Begin(w http.ResponseWriter, r *http.Request) {
	e.w, e.http10 = w, !r.ProtoAtLeast(1, 1)
}

// Pass is httptrace.ClientTrace.Got1xxResponse, on another goroutine.
func (e *Early) Pass(status int, sent textproto.MIMEHeader) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended || e.http10 || status == http.StatusContinue { // the server says that itself when a body is asked for
		return nil
	}
	h := e.w.Header()
	kept := maps.Clone(h)
	clear(h)
	EndHop(http.Header(sent))
	add(h, http.Header(sent))
	e.w.WriteHeader(status)
	clear(h)
	maps.Copy(h, kept)
	return nil
}

// End is called when there is a final answer: the headers are its own then.
func (e *Early) End() {
	e.mu.Lock()
	e.ended = true
	e.mu.Unlock()
}
