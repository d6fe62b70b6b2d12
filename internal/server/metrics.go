package server

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/grantway/grantway/internal/activity"
)

// metrics are what the server counts. No label holds anything that a stranger
// sends: environments, routes and reasons come from the catalogue and the table.
type metrics struct {
	requests *prometheus.CounterVec
	refusals *prometheus.CounterVec
	tokens   *prometheus.CounterVec
	reused   *prometheus.CounterVec
	seconds  *prometheus.HistogramVec

	// known has as many as there are routes and statuses. It is copied to grow: a
	// sync.Map would put each request's key on the heap.
	known   atomic.Pointer[map[seriesKey]*series]
	growing sync.Mutex

	telling sync.Mutex
	told    map[routeOf]activity.Took // what was made activity of
}

type routeOf struct{ environment, route string }

func newMetrics(r *prometheus.Registry) *metrics {
	buckets := make([]float64, len(activity.TookBounds))
	for i, bound := range activity.TookBounds {
		buckets[i] = bound.Seconds()
	}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grantway_requests_total",
			Help: "Requests answered, by environment, route and status. Token endpoint and guarded APIs alike.",
		}, []string{"environment", "route", "status"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grantway_refusals_total",
			Help: "Requests refused, by the id of the reason; each has a page below the issuer's /errors.",
		}, []string{"environment", "reason"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grantway_tokens_issued_total",
			Help: "Access tokens issued, by environment and API.",
		}, []string{"environment", "api"}),
		reused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grantway_tokens_reused_total",
			Help: "Token requests answered with a token that the client had, by environment and API.",
		}, []string{"environment", "api"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "grantway_request_duration_seconds",
			Help:    "Time to answer, by environment and route, without the time that a stream lasts.",
			Buckets: buckets,
		}, []string{"environment", "route"}),
		told: map[routeOf]activity.Took{},
	}
	m.known.Store(&map[seriesKey]*series{})
	r.MustRegister(m.requests, m.refusals, m.tokens, m.reused, m.seconds,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// A series is what is counted about one environment, route and status. Finding
// it is one map lookup; finding each counter by its labels costs several hashes.
type series struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
}

type seriesKey struct {
	environment, route string
	status             int
}

func (m *metrics) series(key seriesKey) *series {
	if known, ok := (*m.known.Load())[key]; ok {
		return known
	}
	m.growing.Lock()
	defer m.growing.Unlock()
	grown := maps.Clone(*m.known.Load())
	grown[key] = &series{
		m.requests.WithLabelValues(key.environment, key.route, strconv.Itoa(key.status)),
		m.seconds.WithLabelValues(key.environment, key.route),
	}
	m.known.Store(&grown)
	return grown[key]
}

func (m *metrics) count(fact *activity.Fact, status int, took time.Duration) {
	of := m.series(seriesKey{fact.Environment, fact.Route, status})
	of.requests.Inc()
	of.seconds.Observe(took.Seconds())
	if fact.Refusal != nil {
		m.refusals.WithLabelValues(fact.Environment, fact.Refusal.ID).Inc()
	}
	switch fact.Event {
	case activity.TokenIssued:
		m.tokens.WithLabelValues(fact.Environment, fact.API).Inc()
	case activity.TokenReused:
		m.reused.WithLabelValues(fact.Environment, fact.API).Inc()
	}
}

// Operations returns the handler for whoever runs the server: /metrics,
// /healthz (the process lives) and /readyz (every store answers). It is for a
// listener that the public does not reach.
func (s *Server) Operations() http.Handler {
	return s.operations(func(ctx context.Context) error {
		for _, e := range s.current.Load().environments {
			if e.resources.store.Ping(ctx) != nil {
				return errors.New("the store of " + e.Name + " does not answer")
			}
		}
		return nil
	})
}

// operations is Operations with what "ready" means.
func (f *intake) operations(ready func(context.Context) error) http.Handler {
	m := http.NewServeMux()
	m.Handle("GET /metrics", promhttp.HandlerFor(f.registry, promhttp.HandlerOpts{Registry: f.registry}))
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("ok\n"))
	})
	m.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context()); err != nil {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			w.Write([]byte(err.Error() + "\n"))
			return
		}
		w.Write([]byte("ready\n"))
	})
	return m
}
