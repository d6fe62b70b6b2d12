package proxy

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/refusal"
)

// An exchange is a request while it is answered.
type exchange struct {
	activity.Answer
	fact   activity.Fact
	line   activity.Line
	trace  [1]string // as a header has it
	method string
}

// observe gives every request a trace id and writes its one log line at the end.
func (p *Proxy) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{Answer: activity.Answer{ResponseWriter: w}, fact: activity.Fact{Trace: p.trace(), Started: p.now()}, method: r.Method}
		x.trace[0] = x.fact.Trace
		h := w.Header()
		h["X-Request-Id"], h["X-Content-Type-Options"] = x.trace[:], nosniff
		if r.TLS != nil {
			h["Strict-Transport-Security"] = strict
		}
		if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
			h["Connection"] = []string{"close"} // RFC 9112 §6.1: who is in front may have believed a Content-Length
		}
		defer func() { p.finish(x, recover()) }()
		next.ServeHTTP(x, r.WithContext(activity.With(r.Context(), &x.fact)))
	})
}

var (
	nosniff = []string{"nosniff"} // shared: nobody changes a value of a header
	strict  = []string{"max-age=31536000"}
)

func (p *Proxy) trace() string {
	var random [16]byte
	if _, err := io.ReadFull(p.random, random[:]); err != nil {
		return "" // an answer without a trace id is better than none
	}
	return hex.EncodeToString(random[:])
}

// finish writes what is known about a request. The line names the route, never the
// path or query that were sent.
func (p *Proxy) finish(x *exchange, panicked any) {
	if panicked != nil && panicked != http.ErrAbortHandler {
		x.fact.Refusal = refusal.Ours.From(fmt.Errorf("panic: %v\n%s", panicked, debug.Stack()))
		if x.Status == 0 {
			http.Error(x, `{"error":"server_error"}`, http.StatusInternalServerError)
		}
	}
	now := p.now()
	x.line = activity.Line{Fact: &x.fact, Method: activity.Method(x.method), Status: x.Status, Bytes: x.Bytes, Took: now.Sub(x.fact.Started)}
	x.line.Log(context.Background(), p.log, p.lines, now)
	if panicked == http.ErrAbortHandler {
		panic(panicked) // an answer that broke off must look broken off
	}
}
