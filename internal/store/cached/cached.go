// Package cached answers the hot reads of package store from memory: the client
// that a request says it is, the API token that it brings, and the person whom it
// is about.
//
// It follows the changes of the store, from whatever node, and forgets what they
// are about, so that a client that was created, disabled or given another secret
// is seen as it is within a second. When it can follow no longer it soon trusts
// nothing that it remembers. It writes nothing; package sqlstore keeps the records.
package cached

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/grantway/grantway/internal/store"
)

// longestUnknown is the length in bytes up to which an unknown id is remembered.
// The ids come from strangers, and a bound on their number alone bounds nothing.
const longestUnknown = 256

// Options bound the memory. Zero fields get the value in brackets.
type Options struct {
	Size        int              // clients to remember [100 000]
	Unknown     int              // unknown ids to remember, apart from the clients [10 000]
	UnknownFor  time.Duration    // how long an unknown id is remembered [2 s]
	MaxStale    time.Duration    // how long the store may be silent before nothing is trusted [5 min]
	Now         func() time.Time // [time.Now]
	followEvery time.Duration    // the longest pause between two readings of the changes
}

func (o *Options) complete() {
	set := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
	}
	if o.Size == 0 {
		o.Size = 100_000
	}
	if o.Unknown == 0 {
		o.Unknown = 10_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	set(&o.UnknownFor, 2*time.Second)
	set(&o.MaxStale, 5*time.Minute)
	set(&o.followEvery, time.Second)
}

// Clients finds clients in memory and, where they are not there, in the store.
// Run must be running; before, and whenever it has not heard from the store for
// MaxStale, every Find asks the store. It is safe for concurrent use.
type Clients struct {
	clients store.Clients
	changes store.Changes
	o       Options

	known   *otter.Cache[string, *store.Client]
	unknown *otter.Cache[string, time.Time] // until when

	// heard is the moment up to which all changes were applied; nil: never. With
	// its monotonic reading it does not move when the clock is set.
	heard atomic.Pointer[time.Time]

	mu      sync.Mutex
	loads   map[string]*load // under way
	applied int64            // the newest change that was applied
	moved   chan struct{}    // closed, and replaced, when applied grows
	hooks   []func(store.Change)
	resets  []func()
}

// A load is one reading of a client, for all who ask for it meanwhile.
type load struct {
	done   chan struct{}
	client *store.Client
	err    error
	stale  bool // under Clients.mu: what it reads must not be remembered
}

// New returns a cache in front of clients that follows changes of the same store.
func New(clients store.Clients, changes store.Changes, o Options) *Clients {
	o.complete()
	return &Clients{
		clients: clients,
		changes: changes,
		o:       o,
		known:   otter.Must(&otter.Options[string, *store.Client]{MaximumSize: o.Size}),
		unknown: otter.Must(&otter.Options[string, time.Time]{MaximumSize: o.Unknown}),
		loads:   map[string]*load{},
		moved:   make(chan struct{}),
	}
}

// Find returns the client, disabled or not. It is shared: nobody may change it.
// An unknown or deleted one returns store.ErrNotFound. When it must be read and
// cannot be, or ctx ends first, Find returns store.ErrUnavailable.
func (c *Clients) Find(ctx context.Context, id string) (*store.Client, error) {
	now := c.o.Now()
	trusted := c.trusted(now)
	if trusted {
		if client, ok := c.known.GetIfPresent(id); ok {
			return client, nil
		}
		if until, ok := c.unknown.GetIfPresent(id); ok && now.Before(until) {
			return nil, fmt.Errorf("find client: %w", store.ErrNotFound)
		}
	}
	l := c.join(ctx, id, trusted)
	select {
	case <-l.done:
		return l.client, l.err
	case <-ctx.Done():
		return nil, fmt.Errorf("find client: %w: %w", store.ErrUnavailable, ctx.Err())
	}
}

// Following reports whether what is remembered is trusted: whether Run has heard
// from the store within MaxStale.
func (c *Clients) Following() bool { return c.trusted(c.o.Now()) }

func (c *Clients) trusted(now time.Time) bool {
	heard := c.heard.Load()
	return heard != nil && now.Sub(*heard) < c.o.MaxStale
}

// join returns the load of the id that is under way, or begins one.
func (c *Clients) join(ctx context.Context, id string, trusted bool) *load {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.loads[id]; l != nil {
		return l
	}
	id = strings.Clone(id) // the caller's may be a part of a whole request
	l := &load{done: make(chan struct{}), stale: !trusted}
	c.loads[id] = l
	// It outlives a caller that leaves, for there may be others.
	go c.load(context.WithoutCancel(ctx), id, l)
	return l
}

func (c *Clients) load(ctx context.Context, id string, l *load) {
	client, err := c.clients.Find(ctx, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(l.done)
	if c.loads[id] == l {
		delete(c.loads, id)
	}
	if err == nil {
		l.client = &client
	}
	l.err = err
	// Remembering and forgetting exclude each other by the lock: what is
	// remembered here was read after the last change that was applied to it.
	switch {
	case l.stale:
	case err == nil:
		c.known.Set(id, l.client)
	case errors.Is(err, store.ErrNotFound) && len(id) <= longestUnknown:
		c.unknown.Set(id, c.o.Now().Add(c.o.UnknownFor))
	}
}

// forget makes the next Find of the id read it anew. A load that is under way may
// have read the state of before: it is not remembered, and nobody joins it.
func (c *Clients) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.loads[id]; l != nil {
		l.stale = true
		delete(c.loads, id)
	}
	c.known.Invalidate(id)
	c.unknown.Invalidate(id)
}

func (c *Clients) forgetAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.loads {
		l.stale = true
	}
	clear(c.loads)
	c.known.InvalidateAll()
	c.unknown.InvalidateAll()
	for _, f := range c.resets {
		f()
	}
}
