package server

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
)

// TraceHeader is the response header that carries the trace id. Clients of other
// gateways read this name already.
const TraceHeader = "X-Request-Id"

// An intake is what every process of ours does with every request, whatever it
// answers.
type intake struct {
	metrics  *metrics
	registry *prometheus.Registry
	logger   *slog.Logger
	lines    activity.LineHandler // the logger's handler, where it is one
	now      func() time.Time
	machine  bool // now is the machine's clock
	random   io.Reader
	recorded func(*activity.Fact) // takes every fact when it is complete; nil: nobody does
}

func newIntake(now func() time.Time, random io.Reader, log *slog.Logger) intake {
	registry := prometheus.NewRegistry()
	f := intake{
		metrics: newMetrics(registry), registry: registry, logger: log, now: now, random: random,
		machine: reflect.ValueOf(now).Pointer() == reflect.ValueOf(time.Now).Pointer(),
	}
	if log != nil { // nil where nothing is answered
		f.lines, _ = log.Handler().(activity.LineHandler)
	}
	return f
}

// observe gives every request a trace id and a fact, keeps it within the limits
// of HTTP, and writes its one log line at the end.
func (f *intake) observe(next http.Handler) http.Handler {
	next = limit.Request(next, limit.RequestLimits{Refuse: refuseHTTP})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now() // monotonic: durations are real time, also under another clock
		x := &exchange{method: r.Method, fact: activity.Fact{Started: began}}
		x.fact.Trace = f.trace(&x.random)
		if !f.machine { // whose reading is dear on a virtual machine: once is enough
			x.fact.Started = f.now()
		}
		x.seen.ResponseWriter = w
		x.ctx.Context, x.ctx.fact, x.ctx.began = r.Context(), &x.fact, began
		x.trace[0] = x.fact.Trace
		h := w.Header()
		h[TraceHeader] = x.trace[:]
		h["X-Content-Type-Options"] = nosniff
		if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
			// RFC 9112 §6.1, row S11: a Content-Length beside it may have been
			// dropped before we see it; who is in front of us may have believed
			// that one, so nothing behind this request is the next.
			h["Connection"] = []string{"close"}
		}
		if r.TLS != nil {
			h["Strict-Transport-Security"] = []string{"max-age=31536000; includeSubDomains"}
		}
		defer func() { f.finish(x, recover()) }()
		next.ServeHTTP(&x.seen, r.WithContext(&x.ctx))
	})
}

// An exchange is a request while it is answered, in one piece of memory.
type exchange struct {
	method string
	fact   activity.Fact
	ctx    requestContext
	seen   activity.Answer
	random [16]byte  // that the trace id is made of
	trace  [1]string // as a header has it
	line   activity.Line
}

var nosniff = []string{"nosniff"} // shared: nobody changes a value of a header

// finish writes what is known about a request. A panic in a handler is a fault
// of ours: it is logged with its stack and the client gets server_error.
func (f *intake) finish(x *exchange, panicked any) {
	fact, seen, took := &x.fact, &x.seen, time.Since(x.ctx.began)
	if panicked != nil && panicked != http.ErrAbortHandler {
		fact.Refusal = refusal.Ours.From(fmt.Errorf("panic: %v\n%s", panicked, debug.Stack()))
		if seen.Status == 0 {
			writePlain(seen, refusal.Ours)
		}
	}
	if fact.After != nil {
		// What was written may still be in a buffer until the handler returns.
		_ = http.NewResponseController(seen).Flush()
		fact.After(context.WithoutCancel(&x.ctx))
	}
	if f.recorded != nil {
		f.recorded(fact)
	}
	f.metrics.count(fact, seen.Status, took)
	// It names the route, never the path that was sent, and holds neither secret nor
	// token.
	x.line = activity.Line{Fact: fact, Method: activity.Method(x.method), Status: seen.Status, Bytes: seen.Bytes, Took: took}
	x.line.Log(&x.ctx, f.logger, f.lines, x.ctx.began.Add(took))
	if panicked == http.ErrAbortHandler {
		panic(panicked) // an answer that broke off must look broken off
	}
}

func (f *intake) trace(random *[16]byte) string {
	if _, err := io.ReadFull(f.random, random[:]); err != nil {
		return "" // an answer without a trace id is better than none
	}
	var trace [32]byte
	hex.Encode(trace[:], random[:])
	return string(trace[:])
}

// refuseHTTP answers a request that broke a limit of HTTP, before any endpoint
// saw it.
func refuseHTTP(w http.ResponseWriter, r *http.Request, status int, what string) {
	reason := map[int]*refusal.Reason{
		http.StatusRequestURITooLong:           refusal.URLTooLong,
		http.StatusRequestHeaderFieldsTooLarge: refusal.HeadersTooLarge,
		http.StatusUnsupportedMediaType:        refusal.EncodingUnknown,
	}[status]
	if reason == nil {
		reason = refusal.Ours
	}
	activity.Of(r.Context()).Refusal = reason.From(fmt.Errorf("%s", what))
	w.Header().Set("Connection", "close")
	writePlain(w, reason)
}

// notFound answers for paths that nothing is mounted at.
func notFound(w http.ResponseWriter, r *http.Request) {
	activity.Of(r.Context()).Refusal = &refusal.Refusal{Reason: refusal.PathUnknown}
	writePlain(w, refusal.PathUnknown)
}

// hostUnknown answers for host names under which nothing is mounted. The log
// says the name: a proxy that puts another one there is found by it.
func hostUnknown(w http.ResponseWriter, r *http.Request) {
	const longest = 253 // RFC 1035 §2.3.4, as text
	activity.Of(r.Context()).Refusal = refusal.HostUnknown.From(fmt.Errorf("host %q", r.Host[:min(len(r.Host), longest)]))
	writePlain(w, refusal.HostUnknown)
}

// writePlain answers where no environment, and so no dialect, is known.
func writePlain(w http.ResponseWriter, r *refusal.Reason) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(r.HTTPStatus())
	fmt.Fprintf(w, `{"error":%q,"error_description":%q}`, r.Code, r.Text)
}
