package server

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/grantway/grantway/internal/activity"
)

// A tracedSite is a server whose spans are kept, before an API that says what it
// was sent.
type tracedSite struct {
	url   string
	spans *tracetest.InMemoryExporter
	seen  http.Header // by the API
}

func tracing(t *testing.T, trusted ...netip.Prefix) *tracedSite {
	t.Helper()
	s := &tracedSite{spans: tracetest.NewInMemoryExporter()}
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.seen = r.Header.Clone() })
	o, err := options(setup{example: "fitness", api: api}, "http://127.0.0.1", t.TempDir(), func() time.Time { return begin }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	o.Catalogue.Listen.Trusted = trusted
	o.Tracing = tracingTo(rand.Reader, sdktrace.WithSyncer(s.spans))
	server, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	l := httptest.NewServer(server.Handler())
	s.url = l.URL
	t.Cleanup(func() {
		l.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *tracedSite) get(t *testing.T, path, parent string) http.Header {
	t.Helper()
	s.spans.Reset()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if parent != "" {
		r.Header.Set("Traceparent", parent)
		r.Header.Set("Tracestate", "theirs=1")
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	_, _ = io.Copy(io.Discard, w.Body)
	until(t, "the span, which may end a moment after the answer", func() bool {
		spans := s.spans.GetSpans()
		return len(spans) > 0 && spans[len(spans)-1].SpanKind.String() == "server"
	})
	return w.Header
}

const (
	theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	parent = "00-" + theirs + "-00f067aa0ba902b7-01"
)

func TestTraceIsThatOfTheAnswer(t *testing.T) {
	s := tracing(t)
	id := s.get(t, "/nowhere?client_secret=zqsecret", parent).Get(TraceHeader)
	spans := s.spans.GetSpans()
	if len(spans) != 1 {
		t.Fatalf("%d spans", len(spans))
	}
	if got := spans[0].SpanContext.TraceID().String(); got != id || got == theirs {
		t.Errorf("the span's trace is %s, the answer's %s; a stranger wanted %s", got, id, theirs)
	}
	if spans[0].Parent.IsValid() {
		t.Error("a stranger's span is the parent")
	}
	if text := spans[0].Name; strings.Contains(text, "nowhere") || strings.Contains(text, "zq") {
		t.Errorf("the span is named by what was sent: %q", text)
	}
	for _, a := range spans[0].Attributes {
		if value := a.Value.String(); strings.Contains(value, "nowhere") || strings.Contains(value, "zq") {
			t.Errorf("%s holds what was sent: %q", a.Key, value)
		}
	}
}

func TestTrustedParentIsContinued(t *testing.T) {
	s := tracing(t, netip.MustParsePrefix("127.0.0.0/8"))
	for sent, want := range map[string]string{parent: theirs, "00-zz-00f067aa0ba902b7-01": "", "": ""} {
		id := s.get(t, "/nowhere", sent).Get(TraceHeader)
		span := s.spans.GetSpans()[0]
		if span.SpanContext.TraceID().String() != id || (want != "" && id != want) || len(id) != 32 {
			t.Errorf("%q: the answer's trace is %s, the span's %s", sent, id, span.SpanContext.TraceID())
		}
	}
}

func TestCallsCarryTheTrace(t *testing.T) {
	seen := make(chan http.Header, 1)
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header }))
	defer api.Close()
	spans := tracetest.NewInMemoryExporter()
	tr := tracingTo(rand.Reader, sdktrace.WithSyncer(spans))
	h := tr.around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := http.NewRequestWithContext(r.Context(), http.MethodGet, api.URL, nil)
		if err != nil {
			t.Error(err)
			return
		}
		out.Header.Set("Traceparent", parent)
		out.Header.Set("Tracestate", "theirs=1")
		got, err := tr.calls(http.DefaultTransport).RoundTrip(out)
		if err != nil {
			t.Error(err)
			return
		}
		got.Body.Close()
		w.WriteHeader(http.StatusOK)
	}), func() []netip.Prefix { return nil })
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	const ours = "0123456789abcdef0123456789abcdef"
	h.ServeHTTP(httptest.NewRecorder(), r.WithContext(activity.With(r.Context(), &activity.Fact{Trace: ours})))
	all := spans.GetSpans()
	if len(all) != 2 || all[0].Parent.SpanID() != all[1].SpanContext.SpanID() {
		t.Fatalf("%d spans, or the call is not below the request", len(all))
	}
	got := <-seen
	if want := "00-" + ours + "-" + all[0].SpanContext.SpanID().String() + "-01"; got.Get("Traceparent") != want || got.Get("Tracestate") != "" {
		t.Errorf("the API was sent %q and %q, want %q", got.Get("Traceparent"), got.Get("Tracestate"), want)
	}
}

// Off, it is not there: the very handler and transport that were given.
func TestTracingThatIsOff(t *testing.T) {
	var off *Tracing
	if got := off.calls(http.DefaultTransport); got != http.DefaultTransport {
		t.Error("the transport is another one")
	}
	mux := http.NewServeMux()
	if got := off.around(mux, nil); got != http.Handler(mux) {
		t.Error("the handler is another one")
	}
	if err := off.Close(); err != nil {
		t.Error(err)
	}
}

func TestStartTracing(t *testing.T) {
	var mu sync.Mutex
	var got []string
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.URL.Path+" "+r.Header.Get("Content-Type"))
	}))
	defer collector.Close()
	endpoint := "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, row := range map[string]struct {
		env     map[string]string
		on, bad bool
	}{
		"nothing is said":   {map[string]string{}, false, false},
		"an endpoint":       {map[string]string{endpoint: collector.URL}, true, false},
		"of traces alone":   {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector.URL + "/v1/traces"}, true, false},
		"switched off":      {map[string]string{endpoint: collector.URL, "OTEL_SDK_DISABLED": "true"}, false, false},
		"traces to nowhere": {map[string]string{endpoint: collector.URL, "OTEL_TRACES_EXPORTER": "none"}, false, false},
		"gRPC":              {map[string]string{endpoint: collector.URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range row.env {
				t.Setenv(name, value)
			}
			made, err := StartTracing(t.Context(), func(name string) (string, bool) { v, ok := row.env[name]; return v, ok }, rand.Reader, slog.New(slog.DiscardHandler))
			if (err != nil) != row.bad || (made != nil) != row.on {
				t.Fatalf("%v, %v", made, err)
			}
			if !row.on {
				return
			}
			_, span := made.tracer.Start(context.Background(), "x")
			span.End()
			if err := made.Close(); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(got) == 0 || got[len(got)-1] != "/v1/traces application/x-protobuf" {
				t.Errorf("the collector was sent %v", got)
			}
			got = nil
		})
	}
}
