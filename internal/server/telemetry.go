package server

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	otelresource "go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/store"
)

// Tracing sends a span of each request to an OpenTelemetry collector, with spans
// below it for calls of APIs and for opaque tokens in the store. Its trace id is
// that of the answer and of the log line. A nil *Tracing does nothing and costs
// nothing.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// StartTracing reads the OTEL_… variables that OpenTelemetry specifies. It
// returns nil, without an error, unless OTEL_EXPORTER_OTLP_ENDPOINT or
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT names a collector, and where
// OTEL_SDK_DISABLED is true or OTEL_TRACES_EXPORTER none. Spans travel as OTLP
// over HTTP; another OTEL_EXPORTER_OTLP_PROTOCOL is an error. Close it.
func StartTracing(ctx context.Context, env func(string) (string, bool), random io.Reader, log *slog.Logger) (*Tracing, error) {
	get := func(name string) string { v, _ := env(name); return v }
	if get("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" ||
		get("OTEL_SDK_DISABLED") == "true" || get("OTEL_TRACES_EXPORTER") == "none" {
		return nil, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		if p := get(name); p != "" && p != "http/protobuf" {
			return nil, fmt.Errorf("%s is %q; spans are sent as http/protobuf only, to port 4318 as a rule", name, p)
		}
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("the exporter of traces: %w", err)
	}
	about, err := otelresource.New(ctx, otelresource.WithAttributes(attribute.String("service.name", "grantway")),
		otelresource.WithTelemetrySDK(), otelresource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.LogAttrs(context.Background(), slog.LevelWarn, "traces not sent", slog.Any("error", err))
	}))
	return tracingTo(random, sdktrace.WithBatcher(exporter), sdktrace.WithResource(about)), nil
}

func tracingTo(random io.Reader, options ...sdktrace.TracerProviderOption) *Tracing {
	p := sdktrace.NewTracerProvider(append(options, sdktrace.WithIDGenerator(sameIDs{random}))...)
	return &Tracing{p, p.Tracer("github.com/grantway/grantway")}
}

// Close sends what was not sent yet, for five seconds at most.
func (t *Tracing) Close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return t.provider.Shutdown(ctx)
}

// sameIDs gives a request's span the trace id that the request has already. Span
// ids only have to differ within a trace.
type sameIDs struct{ random io.Reader }

// NewIDs is sdktrace.IDGenerator's.
func (g sameIDs) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	_, err := hex.Decode(id[:], []byte(activity.Of(ctx).Trace))
	if err != nil || !id.IsValid() {
		id = trace.TraceID{15: 1} // a request without a trace id: the randomness failed
	}
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID is sdktrace.IDGenerator's.
func (g sameIDs) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	if _, err := io.ReadFull(g.random, id[:]); err != nil || !id.IsValid() {
		id = trace.SpanID{7: 1}
	}
	return id
}

var w3c propagation.TraceContext

// around traces requests below observe. The traceparent of a peer that is
// trusted is continued; anybody else's would let strangers decide what is
// sampled and mix their requests with other people's.
func (t *Tracing) around(next http.Handler, trusted func() []netip.Prefix) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, fact := r.Context(), activity.Of(r.Context())
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			address := peer.Addr().Unmap().WithZone("")
			if slices.ContainsFunc(trusted(), func(p netip.Prefix) bool { return p.Contains(address) }) {
				ctx = w3c.Extract(ctx, propagation.HeaderCarrier(r.Header))
			}
		}
		ctx, span := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
		if id := span.SpanContext().TraceID().String(); id != fact.Trace {
			fact.Trace = id
			w.Header()[TraceHeader] = []string{id}
		}
		defer func() { finishSpan(span, fact, r.Method, statusOf(w)) }()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// finishSpan says in a span what the log line says, but for the client's secret.
func finishSpan(span trace.Span, fact *activity.Fact, method string, status int) {
	if span.IsRecording() {
		name := activity.Method(method)
		if fact.Route != "" {
			name += " " + fact.Route
		}
		span.SetName(name)
		all := []attribute.KeyValue{
			attribute.String("http.request.method", activity.Method(method)), attribute.String("http.route", fact.Route),
			attribute.Int("http.response.status_code", status), attribute.String("grantway.environment", fact.Environment),
		}
		for name, value := range map[string]string{"grantway.client": fact.Client, "grantway.api": fact.API, "grantway.event": fact.Event} {
			if value != "" {
				all = append(all, attribute.String(name, value))
			}
		}
		if fact.Refusal != nil {
			all = append(all, attribute.String("grantway.refusal", fact.Refusal.ID))
		}
		span.SetAttributes(all...)
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
	}
	span.End()
}

// statusOf is what was answered, 0 when nothing was.
func statusOf(w http.ResponseWriter) int {
	for {
		switch at := w.(type) {
		case *activity.Answer:
			return at.Status
		case interface{ Unwrap() http.ResponseWriter }:
			w = at.Unwrap()
		default:
			return 0
		}
	}
}

// calls traces the calls of APIs, and tells the API the trace.
func (t *Tracing) calls(transport http.RoundTripper) http.RoundTripper {
	if t == nil {
		return transport
	}
	return tracedCalls{t, transport}
}

type tracedCalls struct {
	*Tracing
	http.RoundTripper
}

// RoundTrip is http.RoundTripper's. The span ends with the head of the answer.
func (t tracedCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, span := t.tracer.Start(r.Context(), "call", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("server.address", r.URL.Host), attribute.String("http.request.method", activity.Method(r.Method))))
	defer span.End()
	r = r.Clone(ctx)
	r.Header.Del("Tracestate") // the caller's, where they are not trusted
	w3c.Inject(ctx, propagation.HeaderCarrier(r.Header))
	w, err := t.RoundTripper.RoundTrip(r)
	if err != nil {
		span.SetStatus(codes.Error, "no answer")
		return w, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", w.StatusCode))
	return w, nil
}

// tokens traces what is written of opaque tokens, and what is read.
func (t *Tracing) tokens(stored store.Tokens) store.Tokens {
	if t == nil {
		return stored
	}
	return tracedTokens{stored, t}
}

type tracedTokens struct {
	store.Tokens
	*Tracing
}

// Save implements store.Tokens.
func (t tracedTokens) Save(ctx context.Context, one store.Token) error {
	ctx, span := t.tracer.Start(ctx, "store token")
	err := t.Tokens.Save(ctx, one)
	endSpan(span, err)
	return err
}

// Find implements store.Tokens.
func (t tracedTokens) Find(ctx context.Context, hash [32]byte, now time.Time) (store.Token, error) {
	ctx, span := t.tracer.Start(ctx, "find token")
	found, err := t.Tokens.Find(ctx, hash, now)
	if errors.Is(err, store.ErrNotFound) {
		endSpan(span, nil)
	} else {
		endSpan(span, err)
	}
	return found, err
}

func endSpan(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, "the store did not answer")
	}
	span.End()
}
