package proxy

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/refusal"
)

// An exchange is a request while it is answered.
type exchange struct {
	http.ResponseWriter
	fact   activity.Fact
	line   activity.Line
	trace  [1]string // as a header has it
	method string
	status int
	bytes  int64
}

// observe gives every request a trace id and writes its one log line at the end.
func (p *Proxy) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{ResponseWriter: w, method: r.Method}
		x.fact = activity.Fact{Trace: p.trace(), Started: p.now()}
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
		if x.status == 0 {
			http.Error(x, `{"error":"server_error"}`, http.StatusInternalServerError)
		}
	}
	level, now := slog.LevelInfo, p.now()
	if x.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	ctx := context.Background()
	if p.log.Enabled(ctx, level) {
		x.line = activity.Line{Fact: &x.fact, Method: known(x.method), Status: x.status, Bytes: x.bytes, Took: now.Sub(x.fact.Started)}
		if p.lines == nil || level != slog.LevelInfo || !p.lines.HandleLine(now, &x.line) {
			record := slog.NewRecord(now, level, "request", 0)
			record.AddAttrs(slog.Any("", &x.line))
			_ = p.log.Handler().Handle(ctx, record) // a log that cannot be written has nobody to tell
		}
	}
	if panicked == http.ErrAbortHandler {
		panic(panicked) // an answer that broke off must look broken off
	}
}

// known keeps invented methods out of logs.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// WriteHeader is http.ResponseWriter's.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= http.StatusOK {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write is http.ResponseWriter's.
func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := x.ResponseWriter.Write(b)
	x.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }
