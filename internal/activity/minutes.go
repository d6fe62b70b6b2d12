package activity

import (
	"maps"
	"sync"
	"time"
)

// Bounds of what is remembered by the minute.
const (
	minutesKept   = 60   // and the one that runs
	minuteClients = 1024 // that are told apart in one minute
)

// A Minute is what happened in one minute.
type Minute struct {
	At                     time.Time // its beginning
	Issued, Reused, Passed int64
	Refused                map[string]int64 // by reason; nil: nothing
	Token, Call            Took
}

// An Hour is what this process saw in the last hour. It is gone when the process
// ends, and says nothing of other nodes.
type Hour struct {
	Since   time.Time        // when the process began to look, if that is less than an hour ago
	Minutes []Minute         // all of the hour in order, the last of which still runs
	Clients map[string]int64 // tokens, of those that are told apart
}

// minutes are the last hour, written when a Recorder is flushed: no request waits
// for them. They are safe for concurrent use.
type minutes struct {
	mu    sync.Mutex
	since time.Time
	ring  [minutesKept + 1]minute
}

type minute struct {
	Minute
	clients map[string]int64
}

// at is where a minute is counted. What was there an hour ago is forgotten. It is nil
// for what began before the hour, such as a stream that ends now: the place of that
// minute is a later one's.
func (m *minutes) at(t, now time.Time) *minute {
	begins := t.UTC().Truncate(time.Minute)
	if now.Sub(begins) >= time.Duration(len(m.ring))*time.Minute {
		return nil
	}
	one := &m.ring[begins.Unix()/60%int64(len(m.ring))]
	if !one.At.Equal(begins) {
		*one = minute{Minute: Minute{At: begins}}
	}
	return one
}

// add counts what an interval holds, each at the time of its last.
func (m *minutes) add(tallies map[key]*sum, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, s := range tallies {
		to := m.at(time.UnixMicro(s.last), now)
		switch {
		case to == nil:
			continue
		case k.refusal != "":
			if to.Refused == nil {
				to.Refused = map[string]int64{}
			}
			to.Refused[k.refusal] += s.count
			continue
		case k.event == TokenIssued:
			to.Issued += s.count
		case k.event == TokenReused:
			to.Reused += s.count
		case k.event == CallPassed:
			to.Passed += s.count
		}
		if _, known := to.clients[k.client]; k.event != TokenIssued || k.client == "" || !known && len(to.clients) >= minuteClients {
			continue
		}
		if to.clients == nil {
			to.clients = map[string]int64{}
		}
		to.clients[k.client] += s.count
	}
}

func (m *minutes) took(now time.Time, kind string, t *Took) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if to := m.at(now, now); kind == TookToken {
		to.Token.Add(t)
	} else {
		to.Call.Add(t)
	}
}

// LastHour is what this process saw in the last hour, but for the last seconds.
func (r *Recorder) LastHour() Hour {
	now := r.settings.Now().UTC().Truncate(time.Minute)
	m := &r.minutes
	m.mu.Lock()
	defer m.mu.Unlock()
	h := Hour{Minutes: make([]Minute, minutesKept+1), Clients: map[string]int64{}}
	for i := range h.Minutes {
		at := now.Add(time.Duration(i-minutesKept) * time.Minute)
		h.Minutes[i].At = at
		if one := &m.ring[at.Unix()/60%int64(len(m.ring))]; one.At.Equal(at) {
			h.Minutes[i] = one.Minute
			h.Minutes[i].Refused = maps.Clone(one.Refused)
			for client, n := range one.clients {
				h.Clients[client] += n
			}
		}
	}
	if m.since.After(h.Minutes[0].At) {
		h.Since = m.since
	}
	return h
}
