// Package endpoint holds the authorization server's endpoints, one file for each
// that its metadata names (RFC 8414 §2).
//
// An endpoint reads a request and writes an answer; what it does in between is
// the work of the packages below: clientauth proves the client, a grant says
// what may be issued, token issues it. Which paths lead here is package
// server's, how an answer looks is the dialect's.
package endpoint

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/clientauth"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// Answers writes what the endpoints of one environment say. It is the only
// place that does.
type Answers struct {
	Dialect *dialect.Dialect
	Issuer  string // under which the error pages are
	Realm   string
	Strict  bool
	Plain   bool
}

// refuse writes the refusal that err holds.
func (a *Answers) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refused := refusal.Of(waiting(err))
	activity.Of(r.Context()).Refusal = refused

	answer := a.Dialect.Refuse(refused, dialect.Question{
		Issuer: a.Issuer, Method: r.Method, Realm: a.Realm, Basic: r.Header.Get("Authorization") != "", Strict: a.Strict, Plain: a.Plain,
	})
	h := w.Header()
	noStore(h)
	if answer.Challenge != "" {
		h.Set("WWW-Authenticate", answer.Challenge)
	}
	if answer.Status == http.StatusMethodNotAllowed {
		h.Set("Allow", http.MethodPost)
	}
	if answer.Status == http.StatusRequestEntityTooLarge {
		h.Set("Connection", "close") // the rest of the body was not read
	}
	if refused.Retryable() {
		h.Set("Retry-After", retryAfter(err))
	}
	if answer.Body != nil {
		h.Set("Content-Type", a.Dialect.ContentType)
	}
	h.Set("Content-Length", strconv.Itoa(len(answer.Body)))
	w.WriteHeader(answer.Status)
	w.Write(answer.Body) // a client that has gone is no concern of ours
}

// send writes a good answer.
func send(w http.ResponseWriter, body []byte) {
	if len(body) > shortAnswer {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.Write(body) // a client that has gone asks again
}

// shortAnswer is the length in bytes up to which net/http itself says how long an
// answer is.
const shortAnswer = 2 << 10

// answers has room for most answers; who writes them is done with it then.
var answers = sync.Pool{New: func() any { return new([1 << 10]byte) }}

// waiting turns what passes by itself into its refusal.
func waiting(err error) error {
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, secret.ErrBusy) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) { // it waited for its turn too long
		return refusal.Unavailable.From(err)
	}
	return err
}

// tooMany refuses who asks too often.
func tooMany(wait time.Duration) error {
	return &clientauth.RetryAfter{Err: refusal.TooManyQuestions, Wait: wait}
}

// retryAfter is the Retry-After of a refusal, in whole seconds (RFC 9110 §10.2.3).
func retryAfter(err error) string {
	wait := time.Second
	if known, ok := errors.AsType[*clientauth.RetryAfter](err); ok {
		wait = known.Wait
	}
	return strconv.FormatInt(max(1, int64((wait+time.Second-1)/time.Second)), 10)
}

// noStore: RFC 6749 §5.1; errors are no less private than tokens.
func noStore(h http.Header) {
	h["Cache-Control"] = noStoreValue
	h["Pragma"] = noCacheValue
}

// Values of headers that all answers share. Nobody changes them: net/http copies
// headers before it writes them.
var (
	noStoreValue = []string{"no-store"}
	noCacheValue = []string{"no-cache"}
	jsonValue    = []string{"application/json"}
)

// A Document is an answer that is the same for everybody until its issuer
// changes: metadata, keys.
type Document struct {
	Body   func() []byte // JSON; called for each request
	MaxAge time.Duration // how long a reader may keep it
	Type   string        // media type; empty means application/json
}

// ServeHTTP answers GET and HEAD. The document is public: any page may read it.
func (d *Document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", cmp.Or(d.Type, "application/json"))
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(d.MaxAge/time.Second)))
	h.Set("Access-Control-Allow-Origin", "*")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.Body()))
}
