package sqlstore

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

const (
	groupSize = 256             // calls that share one commit at most
	groupRoom = 8192            // calls that may wait for their turn; more are refused
	patience  = 2 * time.Second // with SQLite's lock

	// A call waits for its turn and then for its commit, both within what a
	// statement alone may take.
	turnWithin   = answerWithin / 2
	commitWithin = answerWithin / 2
)

var (
	errBusy   = errors.New("too many writes are waiting")
	errClosed = errors.New("the store is closed")
)

// A group gathers calls that wait at the same time and hands them to one
// goroutine, so that one commit makes all of them durable.
type group[T any] struct {
	wake  chan struct{} // holds one when there may be work
	ended chan struct{}
	pool  sync.Pool // of calls that nobody uses

	mu      sync.Mutex
	waiting []*call[T] // oldest first
	closed  bool
	late    *time.Timer // ends the patience of the oldest that waits
	armed   bool        // late runs
}

// A call is one caller's part of a group.
type call[T any] struct {
	work   T
	ctx    context.Context // its caller's
	since  time.Time
	gone   bool // under group.mu: its caller waits no longer
	taken  bool // under group.mu: its work was begun
	answer chan error
}

// newGroup starts a group. commit does the work of several calls and returns
// one error for each.
func newGroup[T any](commit func([]T) []error) *group[T] {
	g := &group[T]{wake: make(chan struct{}, 1), ended: make(chan struct{})}
	g.pool.New = func() any { return &call[T]{answer: make(chan error, 1)} }
	g.late = time.AfterFunc(time.Hour, g.lose)
	g.late.Stop()
	go g.run(commit)
	return g
}

// do has the work done and returns once its outcome is known. When the context
// ends, or its turn does not come in time, before the work was begun, the work
// is never begun and do returns store.ErrUnavailable: at a deadline that comes
// before its turn must have come at once, otherwise when it would be its turn. To
// listen to a context costs a timer for each call, and its turn comes in
// milliseconds.
func (g *group[T]) do(ctx context.Context, work T) error {
	c := g.pool.Get().(*call[T])
	c.work, c.ctx, c.since, c.gone, c.taken = work, ctx, time.Now(), false, false
	if err := g.enter(c); err != nil {
		return unavailable(err)
	}
	var err error
	if deadline, ok := ctx.Deadline(); !ok || deadline.Sub(c.since) >= turnWithin {
		err = <-c.answer
	} else {
		select {
		case err = <-c.answer:
		case <-ctx.Done():
			if g.leave(c) {
				return unavailable(ctx.Err()) // the call stays with the group
			}
			err = <-c.answer
		}
	}
	var none T
	c.work, c.ctx = none, nil
	g.pool.Put(c)
	return err
}

func (g *group[T]) enter(c *call[T]) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return errClosed
	case len(g.waiting) >= groupRoom:
		return errBusy
	}
	g.waiting = append(g.waiting, c)
	if !g.armed {
		g.armed = true
		g.late.Reset(turnWithin)
	}
	if len(g.waiting) == 1 {
		select {
		case g.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

// leave takes a call back, unless its work was begun or its answer is there.
func (g *group[T]) leave(c *call[T]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	c.gone = !c.taken
	return c.gone
}

// lose answers those who have waited for too long.
func (g *group[T]) lose() {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	lost := 0
	for lost < len(g.waiting) && now.Sub(g.waiting[lost].since) >= turnWithin {
		g.refuse(g.waiting[lost], errBusy)
		lost++
	}
	g.waiting = append(g.waiting[:0], g.waiting[lost:]...)
	if g.armed = len(g.waiting) > 0; g.armed {
		g.late.Reset(turnWithin - now.Sub(g.waiting[0].since))
	}
}

func (g *group[T]) refuse(c *call[T], why error) {
	c.taken = true
	if !c.gone {
		c.answer <- unavailable(why)
	}
}

func (g *group[T]) run(commit func([]T) []error) {
	defer close(g.ended)
	calls := make([]*call[T], 0, groupSize)
	work := make([]T, 0, groupSize)
	for range g.wake {
		for {
			calls, work = g.take(calls[:0], work[:0])
			if len(calls) == 0 {
				break
			}
			began := time.Now()
			for i, err := range commit(work) {
				calls[i].answer <- err
			}
			g.linger(len(calls), time.Since(began))
			clear(calls)
			clear(work)
		}
	}
}

// take returns the calls of the next commit, none when nobody waits.
func (g *group[T]) take(calls []*call[T], work []T) ([]*call[T], []T) {
	g.gather()
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(calls) == 0 && len(g.waiting) > 0 {
		n := min(len(g.waiting), groupSize)
		for _, c := range g.waiting[:n] {
			if err := c.ctx.Err(); err != nil {
				g.refuse(c, err)
			} else if !c.gone {
				c.taken = true
				calls = append(calls, c)
				work = append(work, c.work)
			}
		}
		g.waiting = append(g.waiting[:0], g.waiting[n:]...)
	}
	return calls, work
}

// gather lets whoever is about to call do so first. The runtime starts this
// goroutine as soon as the first caller waits, before others that are ready to
// run; without stepping back, 16 callers on one core shared a commit by twos, and
// now by thirteens. It costs a lone caller one step.
func (g *group[T]) gather() {
	for before := 0; ; {
		g.mu.Lock()
		n := len(g.waiting)
		g.mu.Unlock()
		if n == before || n >= groupSize {
			return
		}
		before = n
		runtime.Gosched()
	}
}

// worthWaiting is what a commit takes from where on another one is begun with
// patience.
const worthWaiting = time.Millisecond

// linger lets those whom a slow commit has answered come back, for a quarter of
// what it took, where others wait already. Without it, 16 callers who each think
// for a moment fall into two halves that commit by turns, and each waits for both.
func (g *group[T]) linger(answered int, took time.Duration) {
	if took < worthWaiting {
		return
	}
	until := time.Now().Add(took / 4)
	for wanted := 0; ; {
		g.mu.Lock()
		n := len(g.waiting)
		g.mu.Unlock()
		if wanted == 0 {
			wanted = n + answered
		}
		if n == 0 || n >= min(wanted, groupSize) || !time.Now().Before(until) {
			return
		}
		time.Sleep(took / 32)
	}
}

// close lets the work that is under way finish and does no other.
func (g *group[T]) close() {
	g.mu.Lock()
	g.closed = true
	for _, c := range g.waiting {
		g.refuse(c, errClosed)
	}
	g.waiting = nil
	close(g.wake)
	g.mu.Unlock()
	<-g.ended
	g.late.Stop()
}
