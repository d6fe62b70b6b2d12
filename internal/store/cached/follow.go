package cached

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/store"
)

const (
	batch        = 500 // changes read at a time
	shortestRest = 50 * time.Millisecond
	longestRest  = time.Second
)

// OnChange has f called with every change that is committed after Run began, in
// order, once the clients it is about are forgotten. f runs on Run's goroutine:
// it must not take long and must not call Sync. Call OnChange before Run.
func (c *Clients) OnChange(f func(store.Change)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hooks = append(c.hooks, f)
}

// OnReset has f called when nothing that was read counts any more, because the
// store has gone back to an earlier state. It is like OnChange otherwise.
func (c *Clients) OnReset(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resets = append(c.resets, f)
}

// Run follows the changes until ctx ends and returns its error. While the store
// is unavailable it tries again, at least once a second. It is called once.
func (c *Clients) Run(ctx context.Context) error {
	rest := shortestRest
	checked := false // that the changes continue what was followed so far
	for {
		err := c.step(ctx, &checked)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			rest = shortestRest
			continue
		}
		checked = false
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return ctx.Err()
		}
		rest = min(2*rest, longestRest)
	}
}

// step applies the changes there are and waits for the next.
func (c *Clients) step(ctx context.Context, checked *bool) error {
	if !*checked {
		if err := c.check(ctx); err != nil {
			return err
		}
		*checked = true
	}
	c.mu.Lock()
	seq, hooks := c.applied, c.hooks
	c.mu.Unlock()

	asked := c.o.Now()
	all, err := c.changes.Since(ctx, seq, batch)
	if err != nil {
		return err
	}
	for _, change := range all {
		if change.Client != "" {
			c.forget(change.Client)
		}
		if strings.HasPrefix(change.Kind, "client.") {
			c.forget(change.ID)
		}
		for _, f := range hooks {
			f(change)
		}
		c.reach(change.Seq)
	}
	if len(all) == batch {
		return nil // there may be more, and only at the end all is known
	}
	c.heard.Store(&asked)

	pause, cancel := context.WithTimeout(ctx, c.o.followEvery)
	defer cancel()
	c.mu.Lock()
	seq = c.applied
	c.mu.Unlock()
	err = c.changes.Wait(pause, seq)
	if err != nil && pause.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		return nil // nothing happened
	}
	return err
}

// check finds where to begin, and after a failure whether the store went on from
// where it was. A database that was restored, or failed over to a standby that
// had not received everything, has fewer changes than were applied; then nothing
// that is remembered counts.
func (c *Clients) check(ctx context.Context) error {
	last, err := c.changes.Last(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	begins := c.heard.Load() == nil && c.applied == 0
	behind := last < c.applied
	c.mu.Unlock()
	if behind {
		c.heard.Store(nil)
		c.forgetAll()
	}
	if begins || behind {
		c.mu.Lock()
		c.applied = last
		c.announce()
		c.mu.Unlock()
	}
	return nil
}

func (c *Clients) reach(seq int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.applied = seq
	c.announce()
}

func (c *Clients) announce() {
	close(c.moved)
	c.moved = make(chan struct{})
}

// Sync returns once everything that was committed before the call, on whatever
// node, has been applied here: what is found afterwards is at least as new. When
// that cannot be said, or ctx ends first, it returns store.ErrUnavailable.
func (c *Clients) Sync(ctx context.Context) error {
	last, err := c.changes.Last(ctx)
	if err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	for {
		c.mu.Lock()
		applied, moved := c.applied, c.moved
		c.mu.Unlock()
		if applied >= last {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("catch up: %w: %w", store.ErrUnavailable, ctx.Err())
		}
	}
}
