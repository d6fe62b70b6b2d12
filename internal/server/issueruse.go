package server

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/catalogue"
)

// maxUsers is how many clients of one other issuer at one API are remembered.
const maxUsers = 1000

// A use is who came to one API with good tokens of one other issuer since the
// process began.
type use struct {
	counter prometheus.Counter
	calls   atomic.Int64
	last    atomic.Int64 // UnixNano

	mu      sync.RWMutex
	clients map[string]*user
	more    bool // some had to be forgotten
}

// A user is one client.
type user struct {
	calls, last atomic.Int64 // last in UnixNano
}

func (t *trust) use(at usedAt) *use {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.uses[at] == nil {
		t.uses[at] = &use{counter: t.calls.WithLabelValues(at.environment, at.api, at.issuer), clients: map[string]*user{}}
	}
	return t.uses[at]
}

// note counts a call. Only clients whose token was good get here, so a stranger
// cannot fill the memory; where there are too many clients all the same, the one
// that was not seen for the longest time is forgotten.
func (u *use) note(client string, at time.Time) {
	u.counter.Inc()
	u.calls.Add(1)
	u.last.Store(at.UnixNano())
	u.mu.RLock()
	one := u.clients[client]
	u.mu.RUnlock()
	if one == nil {
		one = u.add(client)
	}
	one.calls.Add(1)
	one.last.Store(at.UnixNano())
}

func (u *use) add(client string) *user {
	u.mu.Lock()
	defer u.mu.Unlock()
	if one := u.clients[client]; one != nil {
		return one
	}
	if len(u.clients) >= maxUsers {
		oldest := ""
		for id, one := range u.clients {
			if oldest == "" || one.last.Load() < u.clients[oldest].last.Load() {
				oldest = id
			}
		}
		delete(u.clients, oldest)
		u.more = true
	}
	u.clients[client] = &user{}
	return u.clients[client]
}

// seen is what an administrator sees of a use, who came last first.
func (u *use) seen(i *catalogue.Issuer, api string, now time.Time) admin.OtherIssuer {
	shown := admin.OtherIssuer{
		API: api, Issuer: i.URL, Until: i.Until, Ended: i.Ended(now), Calls: u.calls.Load(), LastSeenAt: moment(u.last.Load()),
		Clients: []admin.OtherClient{},
	}
	u.mu.RLock()
	defer u.mu.RUnlock()
	shown.More = u.more
	for _, id := range slices.Sorted(maps.Keys(u.clients)) {
		one := u.clients[id]
		shown.Clients = append(shown.Clients, admin.OtherClient{
			Client: strings.TrimPrefix(id, i.URL+"#"), Calls: one.calls.Load(), LastSeenAt: moment(one.last.Load()),
		})
	}
	slices.SortStableFunc(shown.Clients, func(a, b admin.OtherClient) int { return b.LastSeenAt.Compare(a.LastSeenAt) })
	return shown
}

func moment(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds).UTC()
}

// list is what an administrator sees of the issuers of an environment.
func (t *trust) list(environment string) admin.IssuerList {
	all := admin.IssuerList{Since: t.since.UTC(), Issuers: []admin.OtherIssuer{}}
	for _, e := range t.present() {
		if e.Name != environment {
			continue
		}
		for _, api := range e.APIs {
			for _, i := range api.Issuers {
				all.Issuers = append(all.Issuers, t.use(usedAt{e.Name, api.Name, i.URL}).seen(i, api.Name, t.now()))
			}
		}
	}
	return all
}

// otherIssuers is asked from before the first reading.
func (s *Server) otherIssuers(environment string) admin.IssuerList { return s.trust.list(environment) }

func (t *trust) present() []*catalogue.Environment {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.trusting
}

// warned is how long before its end the log tells of an issuer, and namedUsers
// how many of its clients it names.
const (
	warned     = 30 * 24 * time.Hour
	namedUsers = 20
)

// tell says in the log, once a day, which issuers end soon and who still comes
// with their tokens, and once that one has ended.
func (t *trust) tell() {
	now := t.now()
	today := now.UTC().Format(time.DateOnly)
	for _, e := range t.present() {
		for _, api := range e.APIs {
			for _, i := range api.Issuers {
				left := i.Until.Sub(now)
				if left > warned {
					continue
				}
				day, text := today, "another issuer ends soon; its tokens are then refused"
				if left <= 0 {
					day, text = "ended", "another issuer has ended; its tokens are refused"
				}
				at := usedAt{e.Name, api.Name, i.URL}
				if t.told[at] == day {
					continue
				}
				t.told[at] = day
				seen := t.use(at).seen(i, api.Name, now)
				var clients []string
				for _, c := range seen.Clients[:min(len(seen.Clients), namedUsers)] {
					clients = append(clients, c.Client)
				}
				t.log.LogAttrs(context.Background(), slog.LevelWarn, text,
					slog.String("environment", e.Name), slog.String("api", api.Name), slog.String("issuer", i.URL), slog.Time("until", i.Until),
					slog.Int64("calls", seen.Calls), slog.Int("clients", len(seen.Clients)), slog.Any("last_seen", clients), slog.Time("since", t.since))
			}
		}
	}
}
