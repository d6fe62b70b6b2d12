package client

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// A Cache keeps tokens beyond a Client: for others of the process (NewMemory), for
// other processes and later ones (NewFiles), or wherever else. It is used when a
// token is obtained, not by calls that find one.
type Cache interface {
	// Update calls f with what is kept under the key, nil if there is nothing, and
	// keeps what f returns; nil removes it. While f runs, no other Update with the
	// key does, anywhere: so one of many processes asks for a token and the others
	// find it. Where f returns an error nothing is altered, and Update returns that
	// error. An Update that gives up, because ctx ends or for reasons of its own,
	// returns an error; whether f was called tells the caller what was lost.
	//
	// The key is 64 hexadecimal digits and says nothing to others. What is kept are
	// secrets: nobody else may read it.
	Update(ctx context.Context, key string, f func(kept []byte) (keep []byte, err error)) error
}

// A Memory is a Cache in memory. It is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	entries map[string]*entry
}

type entry struct {
	lock chan struct{} // holds one element while it is locked
	kept []byte
}

// NewMemory returns an empty cache. Clients that share it and ask for the same
// make one request.
func NewMemory() *Memory { return &Memory{entries: map[string]*entry{}} }

// Update is Cache.Update.
func (m *Memory) Update(ctx context.Context, key string, f func([]byte) ([]byte, error)) error {
	m.mu.Lock()
	e := m.entries[key]
	if e == nil {
		e = &entry{lock: make(chan struct{}, 1)}
		m.entries[key] = e
	}
	m.mu.Unlock()
	select {
	case e.lock <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-e.lock }()
	keep, err := f(e.kept)
	if err == nil {
		e.kept = keep
	}
	return err
}

// kept is what a cache holds. Times are of the wall clock, the only one that
// processes share.
type kept struct {
	Access   string   `json:"access_token"`
	Refresh  string   `json:"refresh_token,omitempty"`
	ID       string   `json:"id_token,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
	Asked    int64    `json:"asked"`    // Unix milliseconds
	Lifetime int64    `json:"lifetime"` // milliseconds
}

func write(t Token, asked time.Time, lifetime time.Duration) []byte {
	text, err := json.Marshal(kept{
		string(t.Access), string(t.Refresh), string(t.ID), t.Scopes,
		asked.UnixMilli(), lifetime.Milliseconds(),
	})
	if err != nil {
		return nil // strings and numbers: there is no such case
	}
	return text
}

// read is the reverse. What is damaged is not there. A token from the future,
// where the clock was set back, has no more than its lifetime.
func read(text []byte, now time.Time, spread float64) *held {
	var k kept
	if json.Unmarshal(text, &k) != nil || k.Access == "" || !headerSafe(k.Access) || k.Lifetime < 0 {
		return nil
	}
	age := max(0, now.Sub(time.UnixMilli(k.Asked)))
	t := Token{Access: Secret(k.Access), Refresh: Secret(k.Refresh), ID: Secret(k.ID), Scopes: k.Scopes}
	return hold(t, now.Add(-age), min(time.Duration(k.Lifetime)*time.Millisecond, maxLifetime), spread)
}
