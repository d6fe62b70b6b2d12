package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// pollEvery leaves a fifth of the quarter of a second that Changes.Wait promises
// for the question itself.
const pollEvery = 200 * time.Millisecond

// A feed knows how far the changes have come and wakes who waits for the next.
// A change of this process wakes them at once; one of another is seen by asking,
// which happens only while somebody waits.
type feed struct {
	db      database
	closing chan struct{}
	ended   chan struct{}

	mu      sync.Mutex
	seq     int64         // the newest change known
	asked   error         // what the last question returned
	waiting int           // how many wait
	moved   chan struct{} // closed, and replaced, when seq grows or a question fails
}

func newFeed(db database) *feed {
	f := &feed{db: db, closing: make(chan struct{}), ended: make(chan struct{}), moved: make(chan struct{})}
	go f.run()
	return f
}

func (f *feed) run() {
	defer close(f.ended)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-f.closing:
			return
		}
		f.mu.Lock()
		idle := f.waiting == 0
		f.mu.Unlock()
		if !idle {
			f.ask(context.Background())
		}
	}
}

// ask reads the number of the newest change.
func (f *feed) ask(ctx context.Context) (int64, error) {
	select {
	case <-f.closing:
		return 0, unavailable(errClosed)
	default:
	}
	f.mu.Lock()
	before := f.seq
	f.mu.Unlock()
	var (
		seq   int64
		known bool
	)
	err := f.db.read(ctx, lastSeq, func(scan scanFunc) error {
		known = true
		return scan(&seq)
	})
	if err == nil && !known {
		err = unavailable(errors.New("the store has lost the number of its newest change"))
	}
	if err != nil {
		// A caller that has gone says nothing about the database.
		if ctx.Err() == nil {
			f.fail(err)
		}
		return 0, fmt.Errorf("read the newest change: %w", err)
	}
	if seq < before {
		f.back(before, seq)
	}
	f.advance(seq)
	return seq, nil
}

// back takes note of a database that was restored, or failed over to one that had
// not received everything: what was known before the question is not in it any more.
func (f *feed) back(before, seq int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seq == before { // else a change came meanwhile, which says how far it is now
		f.seq = seq
	}
}

func (f *feed) advance(seq int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = nil
	if seq > f.seq {
		f.seq = seq
		f.wake()
	}
}

func (f *feed) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = err
	f.wake()
}

func (f *feed) wake() {
	close(f.moved)
	f.moved = make(chan struct{})
}

// wait is Changes.Wait.
func (f *feed) wait(ctx context.Context, seq int64) error {
	f.mu.Lock()
	behind := f.seq > seq
	f.waiting++
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.waiting--
		f.mu.Unlock()
	}()
	if behind {
		return nil
	}
	// What was announced before this call may be older than what is true now.
	if _, err := f.ask(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	for {
		f.mu.Lock()
		newest, asked, moved := f.seq, f.asked, f.moved
		f.mu.Unlock()
		if newest > seq {
			return nil
		}
		if asked != nil {
			return fmt.Errorf("wait for a change: %w", asked)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-f.closing:
			return fmt.Errorf("wait for a change: %w: %w", store.ErrUnavailable, errClosed)
		}
	}
}

func (f *feed) close() {
	close(f.closing)
	<-f.ended
}
