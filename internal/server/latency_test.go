package server

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantway/grantway/internal/activity"
)

// TestLatency: half, 95 and 99 in a hundred, from the buckets that they fall into.
func TestLatency(t *testing.T) {
	m := newMetrics(prometheus.NewRegistry())
	count := func(environment, route string, n int, took time.Duration) {
		for range n {
			m.count(&activity.Fact{Environment: environment, Route: route}, 200, took)
		}
	}
	count("staging", "token", 90, 300*time.Microsecond) // between 0.2 and 0.5 ms
	count("staging", "token", 10, 7*time.Millisecond)   // between 5 and 10 ms
	count("staging", "jwks", 200, time.Minute)          // beyond the last
	count("production", "token", 500, time.Second)
	got := m.latency("staging")
	if len(got) != 2 || got[0].Route != "jwks" || got[1].Count != 100 {
		t.Fatalf("%+v", got)
	}
	if got[0].Median != 10*time.Second {
		t.Errorf("beyond the last bucket: %v", got[0].Median)
	}
	for _, row := range []struct{ got, least, most time.Duration }{
		{got[1].Median, 360 * time.Microsecond, 370 * time.Microsecond},   // 50 of 90 through a bucket of 0.3 ms
		{got[1].Most, 7499 * time.Microsecond, 7501 * time.Microsecond},   // 5 of 10 through one of 5 ms
		{got[1].Almost, 9499 * time.Microsecond, 9501 * time.Microsecond}, // 9 of 10
	} {
		if row.got < row.least || row.got > row.most {
			t.Errorf("%v, not between %v and %v", row.got, row.least, row.most)
		}
	}
	if none := m.latency("nowhere"); len(none) != 0 {
		t.Errorf("an environment without answers: %+v", none)
	}
}

// TestNewly: each answer becomes activity once, and only what is timed does.
func TestNewly(t *testing.T) {
	m := newMetrics(prometheus.NewRegistry())
	count := func(environment, route string, status int, took time.Duration) {
		m.count(&activity.Fact{Environment: environment, Route: route}, status, took)
	}
	total := func(environment string) (token, call int64) {
		for kind, took := range m.newly(environment) {
			if kind == activity.TookToken {
				token += took.Count()
			} else {
				call += took.Count()
			}
		}
		return token, call
	}
	want := func(environment string, token, call int64) {
		t.Helper()
		if a, b := total(environment); a != token || b != call {
			t.Errorf("%d token requests and %d calls, not %d and %d", a, b, token, call)
		}
	}
	want("staging", 0, 0)
	count("staging", "token", 200, time.Millisecond)
	count("staging", "token", 401, time.Minute) // one histogram with the one before
	count("staging", "/notes", 200, time.Millisecond)
	count("staging", "/notes/{id}", 200, time.Millisecond)
	for _, other := range []string{"jwks", "console", ""} {
		count("staging", other, 200, time.Millisecond)
	}
	want("staging", 2, 2)
	want("staging", 0, 0)
	want("production", 0, 0)
	count("staging", "token", 200, 2*time.Millisecond)
	if took := m.newly("staging")[activity.TookToken]; took == nil || took.Count() != 1 || took[3] != 1 {
		t.Errorf("one more: %v", took)
	}
}
