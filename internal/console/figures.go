package console

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/store"
)

// A span is a time that the overview looks back over.
type span struct {
	name, text string
	days       int           // 0: an hour, as this server remembers it
	step       time.Duration // what the charts add up
	fresh      time.Duration // how old figures may be
	every      int           // seconds between two readings of a page that is live
}

var spans = []span{
	{"1h", "hour", 0, time.Minute, 0, 5},
	{"24h", "24 hours", 1, time.Hour, 10 * time.Second, 15},
	{"7d", "7 days", 7, 3 * time.Hour, time.Minute, 15},
	{"30d", "30 days", 30, 24 * time.Hour, 10 * time.Minute, 60},
}

const usualSpan = 1 // of spans

func (s span) daily() bool { return s.step == 24*time.Hour }

// since is the beginning of the first step.
func (s span) since(now time.Time) time.Time {
	if s.daily() {
		return day(now).AddDate(0, 0, 1-s.days)
	}
	return now.UTC().Truncate(s.step).Add(s.step - time.Duration(s.days)*24*time.Hour)
}

// Figures are what the overview says of an environment over a span.
type figuresOf struct {
	at      time.Time
	series  *home.Series
	causes  []counted
	clients []counted // by tokens
	waste   []activity.Fetching
	began   time.Time // since when all of it was seen, where that is not all of the span
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
	if s.days == 0 {
		return ofHour(e.LastHour(), now()), nil
	}
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

// ofHour are the figures of the last hour, which this server has in memory.
func ofHour(h activity.Hour, now time.Time) *figuresOf {
	series := home.LastHour(h)
	return &figuresOf{at: now, series: series, causes: most(series.Causes()), clients: most(h.Clients), began: h.Since}
}

// addUp reads what happened, a day at a time so that little is held at once.
func addUp(ctx context.Context, e *Environment, s span, now time.Time) (*figuresOf, error) {
	from := e.Activity
	since := s.since(now)
	made := &figuresOf{at: now, series: home.NewSeries(since, now, s.step)}
	whole := []store.TallyQuery{{Since: since, Took: true, Days: s.daily(), Limit: 100_000}}
	if !s.daily() {
		whole = append(whole, store.TallyQuery{Since: since, Limit: 100_000})
	}
	for _, q := range whole {
		all, err := from.Tallies(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range all {
			made.series.Add(&all[i])
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
				if s.daily() {
					made.series.Add(t)
				}
				if t.Refusal != "" {
					causes[t.Refusal] += t.Count
				} else if t.Event == activity.TokenIssued && t.Client != "" {
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

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

type counted struct {
	is    string
	count int64
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
