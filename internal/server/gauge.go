package server

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantway/grantway/internal/store"
)

// What is asked for when somebody looks, rather than counted as it happens.
var (
	storeUp = prometheus.NewDesc("grantway_store_up",
		"Whether the environment's store answers: 1 or 0.", []string{"environment"}, nil)
	changesFollowed = prometheus.NewDesc("grantway_changes_followed",
		"Whether the changes of the environment's store are followed, so that what is in memory is trusted: 1 or 0.", []string{"environment"}, nil)
	keyAge = prometheus.NewDesc("grantway_signing_key_age_seconds",
		"For how long the active key of an algorithm has been signing.", []string{"environment", "algorithm"}, nil)
	activityBehind = prometheus.NewDesc("grantway_activity_behind_seconds",
		"How long ago all activity was in the store; two seconds are usual.", []string{"environment"}, nil)
	activityDropped = prometheus.NewDesc("grantway_activity_dropped_total",
		"Activity that there was no room for: facts that are in no count (what=fact), and refused requests that are counted but cannot be found by their trace id (what=refused).",
		[]string{"environment", "what"}, nil)
	feedAge = prometheus.NewDesc("grantway_feed_age_seconds",
		"How long ago all was known that is revoked: since the store was read, or since a gateway apart heard its issuer. Absent until the first time.", []string{"environment"}, nil)
	feedOpen = prometheus.NewDesc("grantway_feed_open",
		"Whether calls pass: 1, or 0 when the issuer has been silent for too long.", []string{"environment"}, nil)
)

// atMost is how long a look may wait for the stores.
const atMost = time.Second

// serverGauges are those of a Server.
type serverGauges struct{ *Server }

// Describe is prometheus.Collector's.
func (serverGauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{storeUp, changesFollowed, feedAge, keyAge, activityBehind, activityDropped} {
		to <- d
	}
}

// Collect is prometheus.Collector's. The stores are asked at the same time.
func (g serverGauges) Collect(to chan<- prometheus.Metric) {
	current := g.current.Load()
	if current == nil {
		return // still starting
	}
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	var all sync.WaitGroup
	for _, e := range current.environments {
		all.Go(func() { e.resources.gauge(ctx, to) })
	}
	all.Wait()
}

func (r *resources) gauge(ctx context.Context, to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, append([]string{r.environment}, labels...)...)
	}
	all, err := r.ring.List(ctx)
	gauge(storeUp, flag(err == nil))
	for _, k := range all {
		if k.State() == store.KeyActive {
			gauge(keyAge, r.now().Sub(k.ActivatedAt).Seconds(), k.Algorithm)
		}
	}
	gauge(changesFollowed, flag(r.clients.Following()))
	if heard := r.revoked.Heard(); !heard.IsZero() {
		gauge(feedAge, max(0, r.now().Sub(heard).Seconds()))
	}
	gauge(activityBehind, r.activity.Behind().Seconds())
	facts, refused := r.activity.Dropped()
	for what, n := range map[string]int64{"fact": facts, "refused": refused} {
		to <- prometheus.MustNewConstMetric(activityDropped, prometheus.CounterValue, float64(n), r.environment, what)
	}
}

// gatewayGauges are those of a Gateway.
type gatewayGauges struct{ *Gateway }

// Describe is prometheus.Collector's.
func (gatewayGauges) Describe(to chan<- *prometheus.Desc) {
	to <- feedAge
	to <- feedOpen
}

// Collect is prometheus.Collector's.
func (g gatewayGauges) Collect(to chan<- prometheus.Metric) {
	current := g.current.Load()
	if current == nil {
		return
	}
	for _, f := range current.followers {
		if heard := f.feed.Status().Heard; !heard.IsZero() {
			to <- prometheus.MustNewConstMetric(feedAge, prometheus.GaugeValue, max(0, g.now().Sub(heard).Seconds()), f.environment)
		}
		to <- prometheus.MustNewConstMetric(feedOpen, prometheus.GaugeValue, flag(f.feed.Current() == nil), f.environment)
	}
}

func flag(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
