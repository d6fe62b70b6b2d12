package server

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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
	now      func() time.Time
	random   io.Reader
	recorded func(*activity.Fact) // takes every fact when it is complete; nil: nobody does
}

func newIntake(now func() time.Time, random io.Reader, log *slog.Logger) intake {
	registry := prometheus.NewRegistry()
	return intake{metrics: newMetrics(registry), registry: registry, logger: log, now: now, random: random}
}

// observe gives every request a trace id and a fact, keeps it within the limits
// of HTTP, and writes its one log line at the end.
func (f *intake) observe(next http.Handler) http.Handler {
	next = limit.Request(next, limit.RequestLimits{Refuse: refuseHTTP})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fact := &activity.Fact{Trace: f.trace(), Started: f.now()}
		began := time.Now() // monotonic: durations are real time, also under another clock
		h := w.Header()
		h[TraceHeader] = []string{fact.Trace}
		h["X-Content-Type-Options"] = []string{"nosniff"}
		if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
			// RFC 9112 §6.1, row S11: a Content-Length beside it may have been
			// dropped before we see it; who is in front of us may have believed
			// that one, so nothing behind this request is the next.
			h["Connection"] = []string{"close"}
		}
		if r.TLS != nil {
			h["Strict-Transport-Security"] = []string{"max-age=31536000; includeSubDomains"}
		}
		seen := &recorder{ResponseWriter: w}
		r = r.WithContext(activity.With(r.Context(), fact))
		defer func() {
			f.finish(r.Context(), fact, r.Method, seen, time.Since(began), recover())
		}()
		next.ServeHTTP(seen, r)
	})
}

// finish writes what is known about a request. A panic in a handler is a fault
// of ours: it is logged with its stack and the client gets server_error.
func (f *intake) finish(ctx context.Context, fact *activity.Fact, method string, seen *recorder, took time.Duration, panicked any) {
	if panicked != nil && panicked != http.ErrAbortHandler {
		fact.Refusal = refusal.Ours.From(fmt.Errorf("panic: %v\n%s", panicked, debug.Stack()))
		if seen.status == 0 {
			writePlain(seen, refusal.Ours)
		}
	}
	if fact.After != nil {
		// What was written may still be in a buffer until the handler returns.
		_ = http.NewResponseController(seen).Flush()
		fact.After(context.WithoutCancel(ctx))
	}
	if f.recorded != nil {
		f.recorded(fact)
	}
	f.metrics.count(fact, seen.status, took)
	f.log(ctx, fact, method, seen, took)
	if panicked == http.ErrAbortHandler {
		panic(panicked) // an answer that broke off must look broken off
	}
}

// log writes the request's one line. It names the route, never the path that was
// sent, and holds neither secret nor token.
func (f *intake) log(ctx context.Context, fact *activity.Fact, method string, seen *recorder, took time.Duration) {
	level := slog.LevelInfo
	if seen.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !f.logger.Enabled(ctx, level) {
		return
	}
	line := make([]slog.Attr, 0, 16)
	line = append(line,
		slog.String("trace", fact.Trace), slog.String("environment", fact.Environment),
		slog.String("method", known(method)), slog.String("route", fact.Route),
		slog.Int("status", seen.status), slog.Int64("bytes", seen.bytes), slog.Duration("took", took))
	for _, member := range []struct{ name, value string }{
		{"event", fact.Event},
		{"client", fact.Client},
		{"secret_id", fact.Secret},
		{"grant", fact.Grant},
		{"api", fact.API},
	} {
		if member.value != "" {
			line = append(line, slog.String(member.name, member.value))
		}
	}
	if fact.Scopes > 0 {
		line = append(line, slog.Int("scopes", fact.Scopes))
	}
	if r := fact.Refusal; r != nil {
		line = append(line, slog.String("refusal", r.ID), slog.String("reason", r.Error()))
	}
	if len(fact.Notes) > 0 {
		line = append(line, slog.Any("notes", fact.Notes))
	}
	f.logger.LogAttrs(ctx, level, "request", line...)
}

// known keeps invented methods out of logs and metrics.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

func (f *intake) trace() string {
	var random [16]byte
	if _, err := io.ReadFull(f.random, random[:]); err != nil {
		return "" // an answer without a trace id is better than none
	}
	return hex.EncodeToString(random[:])
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

// writePlain answers where no environment, and so no dialect, is known.
func writePlain(w http.ResponseWriter, r *refusal.Reason) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(r.HTTPStatus())
	fmt.Fprintf(w, `{"error":%q,"error_description":%q}`, r.Code, r.Text)
}

// A recorder notices what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
