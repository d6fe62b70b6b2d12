package console

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// What is counted.
const (
	eventIssued = "token.issued"
	eventPassed = "call.passed"
)

// A span is a time that the overview looks back over.
type span struct {
	name, text string
	days       int
	daily      bool
	fresh      time.Duration // how old figures may be
}

var spans = []span{
	{"24h", "24 hours", 1, false, 10 * time.Second},
	{"7d", "7 days", 7, false, time.Minute},
	{"30d", "30 days", 30, true, 10 * time.Minute},
}

// A series is what happened in each hour or day from a moment on.
type series struct {
	since                   time.Time
	step                    time.Duration
	issued, passed, refused []int64
}

func newSeries(since, until time.Time, daily bool) *series {
	s := &series{since: since, step: time.Hour}
	if daily {
		s.step = 24 * time.Hour
	}
	n := max(int(until.Sub(since)/s.step)+1, 1)
	s.issued, s.passed, s.refused = make([]int64, n), make([]int64, n), make([]int64, n)
	return s
}

// add counts a tally, if it lies in the time.
func (s *series) add(t *store.Tally) {
	i := int(t.Hour.Sub(s.since) / s.step)
	switch {
	case t.Hour.Before(s.since) || i >= len(s.issued):
	case t.Refusal != "":
		s.refused[i] += t.Count
	case t.Event == eventIssued:
		s.issued[i] += t.Count
	case t.Event == eventPassed:
		s.passed[i] += t.Count
	}
}

// charts draws the three lines. Prefix keeps their ids apart from others'.
func (s *series) charts(prefix string) []web.ConsoleChart {
	each := "hour"
	if s.step > time.Hour {
		each = "day"
	}
	draw := func(name, title, unit string, counts []int64) web.ConsoleChart {
		c := web.ConsoleChart{Name: prefix + "-" + name, Title: title + " per " + each, Unit: unit, Days: each == "day"}
		for i, n := range counts {
			c.Values = append(c.Values, web.ConsoleValue{At: s.since.Add(time.Duration(i) * s.step), Count: n})
		}
		return c
	}
	return []web.ConsoleChart{
		draw("issued", "Tokens", "tokens", s.issued), draw("passed", "Calls passed on", "calls", s.passed), draw("refused", "Refusals", "refusals", s.refused),
	}
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// Figures are what the overview says of an environment over a span.
type figuresOf struct {
	at      time.Time
	series  *series
	causes  []counted
	clients []counted // by tokens
	waste   []activity.Fetching
}

type counted struct {
	is    string
	count int64
}

// figures remembers what was added up, since to add up weeks takes longer than a
// page may. They are added up beside the answer, at most once at a time each.
type figures struct {
	mu   sync.Mutex
	kept map[string]*figure
}

type figure struct {
	last    *figuresOf
	failed  error
	running chan struct{} // closed when it is added up; nil: nobody does
}

// addingUp is how long that may take.
const addingUp = 30 * time.Second

// of returns the figures, and whether they are there: an answer does not wait for
// them longer than patience. What is older than the span says is shown once more
// while it is added up anew.
func (f *figures) of(ctx context.Context, e *Environment, s span, now func() time.Time) (*figuresOf, error) {
	key := e.Name + " " + s.name
	f.mu.Lock()
	if f.kept == nil {
		f.kept = map[string]*figure{}
	}
	one := f.kept[key]
	if one == nil {
		one = &figure{}
		f.kept[key] = one
	}
	stale := one.last == nil || now().Sub(one.last.at) > s.fresh
	if stale && one.running == nil {
		one.running = make(chan struct{})
		go f.add(context.WithoutCancel(ctx), one, e, s, now)
	}
	last, running := one.last, one.running
	f.mu.Unlock()
	if !stale {
		return last, nil
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-running:
		f.mu.Lock()
		defer f.mu.Unlock()
		return one.last, one.failed
	case <-timer.C:
	case <-ctx.Done():
	}
	return last, nil
}

func (f *figures) add(ctx context.Context, one *figure, e *Environment, s span, now func() time.Time) {
	ctx, cancel := context.WithTimeout(ctx, addingUp)
	defer cancel()
	made, err := addUp(ctx, e, s, now())
	f.mu.Lock()
	defer f.mu.Unlock()
	if one.failed = err; err == nil {
		one.last = made
	}
	close(one.running)
	one.running = nil
}

// addUp reads what happened, a day at a time so that little is held at once.
func addUp(ctx context.Context, e *Environment, s span, now time.Time) (*figuresOf, error) {
	from := e.Activity
	since := now.UTC().Truncate(time.Hour).Add(-time.Duration(24*s.days-1) * time.Hour)
	if s.daily {
		since = day(now).AddDate(0, 0, 1-s.days)
	}
	made := &figuresOf{at: now, series: newSeries(since, now, s.daily)}
	if !s.daily {
		all, err := from.Tallies(ctx, store.TallyQuery{Since: since, Limit: 100_000})
		if err != nil {
			return nil, err
		}
		for i := range all {
			made.series.add(&all[i])
		}
	}
	causes, clients := map[string]int64{}, map[string]int64{}
	for at := since; !at.After(now); at = at.Add(24 * time.Hour) {
		q := store.TallyQuery{Since: at, Until: at.Add(24 * time.Hour), Days: true, ByClient: true, Limit: 5000}
		for {
			some, err := from.Tallies(ctx, q)
			if err != nil {
				return nil, err
			}
			for i := range some {
				t := &some[i]
				if s.daily {
					made.series.add(t)
				}
				if t.Refusal != "" {
					causes[t.Refusal] += t.Count
				} else if t.Event == eventIssued && t.Client != "" {
					clients[t.Client] += t.Count
				}
			}
			if len(some) < q.Limit {
				break
			}
			q.After = some[len(some)-1]
		}
	}
	made.causes, made.clients = most(causes), most(clients)
	var err error
	made.waste, err = needless(ctx, e, now)
	return made, err
}

// most are the ten greatest.
func most(of map[string]int64) []counted {
	var all []counted
	for is, n := range of {
		all = append(all, counted{is, n})
	}
	slices.SortFunc(all, func(a, b counted) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.is, b.is)) })
	return all[:min(len(all), 10)]
}
