package admin

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
)

// A Problem is an answer to a request that was not done (RFC 9457), and an error.
type Problem struct {
	Type     string  `json:"type" doc:"A page about the kind of problem, or about:blank: the status says it all."`
	Title    string  `json:"title" doc:"The kind of problem in words."`
	Status   int     `json:"status" doc:"The status of the answer."`
	Detail   string  `json:"detail" doc:"What is wrong with this request."`
	Instance string  `json:"instance,omitempty" doc:"The trace id under which the server logged the request."`
	Errors   []Fault `json:"errors,omitempty" doc:"Everything that is wrong with what was sent."`

	allow string // the Allow header of a 405
	retry int    // the Retry-After header of a 409 or 429, in seconds; 0: none
}

// A Fault is one thing that is wrong with what was sent.
type Fault struct {
	Field   string `json:"field" doc:"Where: a member as in scopes[2], a JSON Pointer, or a parameter."`
	Problem string `json:"problem" doc:"What is wrong with it."`
	Hint    string `json:"hint,omitempty" doc:"What to do."`
}

// Error returns the detail and the faults, one a line.
func (p *Problem) Error() string {
	text := p.Detail
	for _, f := range p.Errors {
		text += "\n  " + f.Field + ": " + f.Problem
		if f.Hint != "" {
			text += "\n    " + f.Hint
		}
	}
	return text
}

// refuse answers a request that was not done. It is the one place that does.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	fact := activity.Of(r.Context())
	p.complete(fact.Trace)
	h := w.Header()
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer") // RFC 6750 §3
	case http.StatusMethodNotAllowed:
		h.Set("Allow", p.allow)
	case http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close") // the rest of the body is not read
	case http.StatusTooManyRequests, http.StatusConflict:
		if p.retry > 0 {
			h.Set("Retry-After", strconv.Itoa(p.retry))
		}
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
		fact.Refusal = refusal.Unavailable.From(err)
	case http.StatusInternalServerError:
		fact.Refusal = refusal.Ours.From(err)
	}
	h.Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_, _ = w.Write(encoded(p)) // a caller that is gone needs no answer
}

const problemType = "application/problem+json"

// complete says what every problem says.
func (p *Problem) complete(trace string) {
	p.Type, p.Title, p.Instance = "about:blank", http.StatusText(p.Status), trace
}

// problemOf says what an error means to the caller.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		said := *p
		return &said
	}
	if faults, ok := errors.AsType[partner.Faults](err); ok {
		p := &Problem{Status: http.StatusUnprocessableEntity, Detail: "What was sent cannot be done as it is."}
		for _, f := range faults {
			p.Errors = append(p.Errors, Fault(f))
		}
		return p
	}
	if wrong, ok := errors.AsType[*wire.JSONError](err); ok {
		return &Problem{Status: http.StatusBadRequest, Detail: "The body is not the JSON that is read here.", Errors: []Fault{{
			Field: wrong.Pointer, Problem: wrong.Error(),
		}}}
	}
	for _, known := range []struct {
		err    error
		status int
		detail string
	}{
		{ErrUnauthenticated, http.StatusUnauthorized, "Send an access token in the Authorization header."},
		{ErrForbidden, http.StatusForbidden, "You lack the permission for this."},
		{wire.ErrTooLarge, http.StatusRequestEntityTooLarge, "The body is larger than 1 MiB."},
		{partner.ErrDeclared, http.StatusConflict, "The client stands in grantway.yaml and can be changed only there."},
		{partner.ErrRaced, http.StatusConflict, "Others are changing the client at the same time. Look at it, and try again."},
		{store.ErrNotFound, http.StatusNotFound, "There is nothing of this id here: no such client, secret, account, API token, partner or request."},
		{store.ErrLast, http.StatusConflict, "The last owner stays one: make somebody else an owner first."},
		{store.ErrConflict, http.StatusConflict, "The id is in use, or was once: ids are never used a second time."},
		{store.ErrMoved, http.StatusPreconditionFailed, "It has changed since you looked at it. Look again, and send the ETag of that answer."},
		{store.ErrUnavailable, http.StatusServiceUnavailable, "The store does not answer; nothing was changed."},
		{secret.ErrBusy, http.StatusServiceUnavailable, "Too many secrets are being hashed; nothing was changed."},
	} {
		if errors.Is(err, known.err) {
			return &Problem{Status: known.status, Detail: known.detail}
		}
	}
	return &Problem{Status: http.StatusInternalServerError, Detail: "The server could not do it. The reason is in its log, under the trace id."}
}
