package server

import (
	"cmp"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/grantway/grantway/internal/console"
)

// mostRoutes is how many routes the console shows the latency of.
const mostRoutes = 10

// latency is how long the busiest routes of an environment take to answer.
func (m *metrics) latency(environment string) []console.Latency {
	collected := make(chan prometheus.Metric)
	go func() {
		m.seconds.Collect(collected)
		close(collected)
	}()
	var all []console.Latency
	for one := range collected {
		var is dto.Metric
		if one.Write(&is) != nil {
			continue
		}
		said := map[string]string{}
		for _, label := range is.GetLabel() {
			said[label.GetName()] = label.GetValue()
		}
		h := is.GetHistogram()
		if said["environment"] != environment || said["route"] == "" || h.GetSampleCount() == 0 {
			continue
		}
		all = append(all, console.Latency{
			Route: said["route"], Count: int64(h.GetSampleCount()), Median: within(h, .5), Most: within(h, .95), Almost: within(h, .99),
		})
	}
	slices.SortFunc(all, func(a, b console.Latency) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Route, b.Route))
	})
	return all[:min(len(all), mostRoutes)]
}

// within is the time within which a share of the answers came, as far as buckets
// tell: between the ends of one, answers are taken to be spread evenly. Beyond the
// last, it is that one's end.
func within(h *dto.Histogram, share float64) time.Duration {
	wanted := share * float64(h.GetSampleCount())
	var from, before float64
	for _, b := range h.GetBucket() {
		to, until := b.GetUpperBound(), float64(b.GetCumulativeCount())
		if until >= wanted {
			if until > before {
				from += (to - from) * (wanted - before) / (until - before)
			}
			return time.Duration(from * float64(time.Second))
		}
		from, before = to, until
	}
	return time.Duration(from * float64(time.Second))
}
