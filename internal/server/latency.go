package server

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/console"
)

// mostRoutes is how many routes the console shows the latency of.
const mostRoutes = 10

// latency is how long the busiest routes of an environment take to answer.
func (m *metrics) latency(environment string) []console.Latency {
	var all []console.Latency
	for route, took := range m.routes(environment) {
		if n := took.Count(); n > 0 {
			all = append(all, console.Latency{Route: route, Count: n, Median: took.Within(.5), Most: took.Within(.95), Almost: took.Within(.99)})
		}
	}
	slices.SortFunc(all, func(a, b console.Latency) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Route, b.Route))
	})
	return all[:min(len(all), mostRoutes)]
}

// routes is how long the routes of an environment took since the process started.
// Requests that came to none are left out.
func (m *metrics) routes(environment string) map[string]activity.Took {
	all := map[string]activity.Took{}
	for of, known := range *m.known.Load() {
		if _, read := all[of.route]; read || of.environment != environment || of.route == "" {
			continue // the statuses of a route share its histogram
		}
		if histogram, ok := known.seconds.(prometheus.Metric); ok {
			all[of.route] = tookOf(histogram)
		}
	}
	return all
}

// tookOf reads a histogram, whose bounds are activity.TookBounds.
func tookOf(histogram prometheus.Metric) (took activity.Took) {
	var is dto.Metric
	if histogram.Write(&is) != nil {
		return took
	}
	before := uint64(0)
	for i, b := range is.GetHistogram().GetBucket()[:len(activity.TookBounds)] {
		took[i] = int64(b.GetCumulativeCount() - before)
		before = b.GetCumulativeCount()
	}
	took[len(took)-1] = int64(is.GetHistogram().GetSampleCount() - before)
	return took
}

// kindOf says what answers of a route are counted as over time; empty: as nothing.
// An API's routes are paths, endpoints have names.
func kindOf(route string) string {
	switch {
	case route == "token":
		return activity.TookToken
	case strings.HasPrefix(route, "/"):
		return activity.TookCall
	}
	return ""
}

// newly is how long answers took that came since it was asked before, by kind.
func (m *metrics) newly(environment string) map[string]*activity.Took {
	m.telling.Lock()
	defer m.telling.Unlock()
	kinds := map[string]*activity.Took{}
	for route, took := range m.routes(environment) {
		kind, of := kindOf(route), routeOf{environment, route}
		told := m.told[of]
		if kind == "" || took == told {
			continue
		}
		m.told[of] = took
		if kinds[kind] == nil {
			kinds[kind] = new(activity.Took)
		}
		for i := range took {
			kinds[kind][i] += took[i] - told[i]
		}
	}
	return kinds
}

// settle writes the activity of an environment, and with it how long its answers
// took: what the metrics count anyway is read here, so that no request waits for a
// second count.
func (s *Server) settle(r *resources) func(context.Context) error {
	return func(ctx context.Context) error {
		for kind, took := range s.metrics.newly(r.environment) {
			r.activity.Took(kind, took)
		}
		return r.activity.Flush(ctx)
	}
}
