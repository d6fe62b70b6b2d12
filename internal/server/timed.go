package server

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/activity"
)

// timed gives an endpoint's request the time that its body and its answer may
// take. Gateway routes do not come this way.
func timed(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, ours := r.Context().(*requestContext)
		if !ours {
			ctx = &requestContext{Context: r.Context(), began: time.Now()}
			r = r.WithContext(ctx)
		}
		connection := http.NewResponseController(w)
		// A connection that cannot keep time (in tests) is served all the same.
		if r.ContentLength != 0 {
			// Where no body comes, package net/http reads on to see whether the client
			// goes away, and takes the end of this time for that.
			_ = connection.SetReadDeadline(ctx.began.Add(bodyTimeout))
		}
		_ = connection.SetWriteDeadline(ctx.began.Add(writeTimeout))
		ctx.limit(handlerTimeout)
		defer ctx.end()
		h.ServeHTTP(w, r)
	})
}

// A requestContext is the context of a request, which may get a deadline. It is
// context.WithTimeout for those who will most likely not wait: the timer starts
// when somebody asks for Done. A token request that finds its client in memory
// never does, and a timer would cost it half a microsecond.
type requestContext struct {
	context.Context // what it was before
	fact            *activity.Fact
	began           time.Time
	deadline        time.Time // zero: none

	mu    sync.Mutex
	timer context.Context // nil: nobody waits
	stop  context.CancelFunc
	ended bool
}

// limit sets the deadline, before anybody waits.
func (c *requestContext) limit(after time.Duration) { c.deadline = c.began.Add(after) }

// end is for when the endpoint has answered: whoever still waits need not.
func (c *requestContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.stop != nil {
		c.stop()
	}
}

// Deadline is part of context.Context.
func (c *requestContext) Deadline() (time.Time, bool) {
	before, ok := c.Context.Deadline()
	if c.deadline.IsZero() || ok && before.Before(c.deadline) {
		return before, ok
	}
	return c.deadline, true
}

// Done is part of context.Context.
func (c *requestContext) Done() <-chan struct{} {
	if c.deadline.IsZero() {
		return c.Context.Done()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer == nil {
		c.timer, c.stop = context.WithDeadline(c.Context, c.deadline)
		if c.ended {
			c.stop()
		}
	}
	return c.timer.Done()
}

// Err is part of context.Context.
func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.timer != nil:
		return c.timer.Err()
	case c.Context.Err() != nil:
		return c.Context.Err()
	case !c.deadline.IsZero() && !time.Now().Before(c.deadline):
		return context.DeadlineExceeded
	case c.ended:
		return context.Canceled
	}
	return nil
}

// Value asks the timer where there is one: package context finds its own contexts
// by it.
func (c *requestContext) Value(key any) any {
	if _, ok := key.(activity.Key); ok && c.fact != nil {
		return c.fact // who answers asks for it again and again
	}
	c.mu.Lock()
	in := c.timer
	c.mu.Unlock()
	if in == nil {
		in = c.Context
	}
	return in.Value(key)
}
