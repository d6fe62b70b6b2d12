package sqlstore

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

const (
	groupSize = 256  // calls that share one commit at most
	groupRoom = 1024 // calls that may wait for their turn; more wait to be let in
	patience  = 2 * time.Second
)

var (
	errBusy   = errors.New("too many writes are waiting")
	errClosed = errors.New("the store is closed")
)

// A group gathers calls that wait at the same time and hands them to one
// goroutine, so that one commit makes all of them durable.
type group[T any] struct {
	waiting chan *call[T]
	closing chan struct{}
	ended   chan struct{}
}

// A call is one caller's part of a group.
type call[T any] struct {
	work   T
	state  atomic.Int32
	answer chan error
}

const (
	callWaiting int32 = iota
	callTaken
	callAbandoned
)

// newGroup starts a group. commit does the work of several calls and returns
// one error for each.
func newGroup[T any](commit func([]T) []error) *group[T] {
	g := &group[T]{
		waiting: make(chan *call[T], groupRoom),
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
	}
	go g.run(commit)
	return g
}

// do has the work done and returns once its outcome is known. When the context
// ends, or its turn does not come in time, before the work was begun, the work
// is never begun and do returns store.ErrUnavailable.
func (g *group[T]) do(ctx context.Context, work T) error {
	late := time.NewTimer(patience)
	defer late.Stop()
	c := &call[T]{work: work, answer: make(chan error, 1)}
	var gone error
	select {
	case g.waiting <- c:
	case <-ctx.Done():
		return unavailable(ctx.Err())
	case <-late.C:
		return unavailable(errBusy)
	case <-g.closing:
		return unavailable(errClosed)
	}
	select {
	case err := <-c.answer:
		return err
	case <-ctx.Done():
		gone = ctx.Err()
	case <-late.C:
		gone = errBusy
	case <-g.ended:
		gone = errClosed
	}
	if c.state.CompareAndSwap(callWaiting, callAbandoned) {
		return unavailable(gone)
	}
	return <-c.answer
}

func (g *group[T]) run(commit func([]T) []error) {
	defer close(g.ended)
	calls := make([]*call[T], 0, groupSize)
	work := make([]T, 0, groupSize)
	for {
		calls, work = calls[:0], work[:0]
		select {
		case c := <-g.waiting:
			calls = append(calls, c)
		case <-g.closing:
			return
		}
		for more := true; more && len(calls) < groupSize; {
			select {
			case c := <-g.waiting:
				calls = append(calls, c)
			default:
				more = false
			}
		}
		taken := calls[:0]
		for _, c := range calls {
			if c.state.CompareAndSwap(callWaiting, callTaken) {
				taken = append(taken, c)
				work = append(work, c.work)
			}
		}
		if len(taken) == 0 {
			continue
		}
		for i, err := range commit(work) {
			taken[i].answer <- err
		}
		clear(calls[:cap(calls)])
		clear(work)
	}
}

// close lets the work that is under way finish and does no other.
func (g *group[T]) close() {
	close(g.closing)
	<-g.ended
}
