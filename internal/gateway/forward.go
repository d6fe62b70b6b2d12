package gateway

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// forward passes a request on and the answer back, as a gateway of RFC 9110 §7.
// It does what httputil.ReverseProxy does, for half of what that costs: the
// request's own headers are rewritten instead of a copy, parts of the answer are
// sent together, and buffers are used again. What changes its protocol goes
// through the library; see switched.
func (g *Gateway) forward(w http.ResponseWriter, r *http.Request, c *call) {
	if r.Body != nil {
		// The transport may read on after it has answered; not beyond this.
		defer r.Body.Close()
	}
	c.early.w, c.early.http10 = w, !r.ProtoAtLeast(1, 1)
	c.trace.Got1xxResponse = c.early.pass
	target := g.target(r, c)
	out := (&http.Request{
		Method: r.Method, URL: &target, Host: target.Host, Header: r.Header, Body: r.Body, ContentLength: r.ContentLength,
	}).WithContext(httptrace.WithClientTrace(r.Context(), &c.trace))
	origin := g.originOf(r)
	endHop(out.Header)
	g.introduce(out.Header, c, origin)

	answer, err := g.settings.Transport.RoundTrip(out)
	c.early.end()
	if err == nil && answer.StatusCode == http.StatusSwitchingProtocols {
		answer.Body.Close()
		err = errors.New("the API changes the protocol unasked")
	}
	if err != nil {
		g.failed(w, r, c, err)
		return
	}
	g.pass(w, c, answer)
}

// target is where a request goes on: the path byte for byte as it was matched,
// the query as it came, since rules are about paths only.
func (g *Gateway) target(r *http.Request, c *call) url.URL {
	to := url.URL{Scheme: c.rule.upstream.Scheme, Host: c.rule.upstream.Host, RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery}
	to.Path, to.RawPath = unescape(c.rule.prefix + c.path)
	return to
}

// endHop removes what is meant for the connection to us alone (RFC 9110 §7.6.1):
// first what Connection names.
func endHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				h.Del(name)
			}
		}
	}
	trailers := slices.ContainsFunc(h["Te"], func(line string) bool { return strings.Contains(line, "trailers") })
	for name := range h {
		switch name {
		case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
			delete(h, name)
		}
	}
	if trailers {
		h["Te"] = takesTrailers
	}
}

var takesTrailers = []string{"trailers"}

// pass writes the API's answer. It panics with http.ErrAbortHandler where the
// answer breaks off, so that what the client got looks broken off.
func (g *Gateway) pass(w http.ResponseWriter, c *call, answer *http.Response) {
	defer answer.Body.Close()
	endHop(answer.Header)
	g.returned(answer, c)
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
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			left -= int64(n)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n > 0 && left != 0 {
			if connection == nil {
				connection = http.NewResponseController(w)
			}
			if err := connection.Flush(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
				return err
			}
		}
	}
}

const bufferSize = 32 << 10 // bytes

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// early passes interim answers (RFC 9110 §15.2) while the final one is awaited.
type early struct {
	mu     sync.Mutex
	w      http.ResponseWriter
	http10 bool // which knows none
	ended  bool
}

// pass is httptrace.ClientTrace.Got1xxResponse, on another goroutine.
func (e *early) pass(status int, sent textproto.MIMEHeader) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended || e.http10 || status == http.StatusContinue { // the server says that itself when a body is asked for
		return nil
	}
	h := e.w.Header()
	kept := maps.Clone(h)
	clear(h)
	endHop(http.Header(sent))
	add(h, http.Header(sent))
	e.w.WriteHeader(status)
	clear(h)
	maps.Copy(h, kept)
	return nil
}

// end is called when there is a final answer: the headers are its own then.
func (e *early) end() {
	e.mu.Lock()
	e.ended = true
	e.mu.Unlock()
}

// patient is a body whose every part must come in time, however long the whole
// takes. The transport's Close does not reach the body itself, which would wait
// for a sender who waits for us; after it, nothing is read.
type patient struct {
	body       io.Reader
	connection *http.ResponseController
	closed     atomic.Bool
}

// partTimeout is how long a sender may be silent in the middle of a body.
const partTimeout = 10 * time.Second

// Read is io.Reader's.
func (p *patient) Read(b []byte) (int, error) {
	if p.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	_ = p.connection.SetReadDeadline(time.Now().Add(partTimeout))
	n, err := p.body.Read(b)
	if err != nil {
		_ = p.connection.SetReadDeadline(time.Time{})
		if err != io.EOF {
			err = &senderError{err}
		}
	}
	return n, err
}

// Close is io.Closer's.
func (p *patient) Close() error {
	p.closed.Store(true)
	return nil
}

// A senderError is why a request's body could not be read to its end.
type senderError struct{ err error }

func (e *senderError) Error() string { return e.err.Error() }
func (e *senderError) Unwrap() error { return e.err }
