package mail

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// A Queue sends mails behind the back of whoever hands them in, so that a page
// takes the same time whether it sends a mail or not. It holds them in memory:
// what waits when the process dies is lost, and the person asks for another one.
// A Queue is safe for concurrent use. Run it.
type Queue struct {
	retry   []time.Duration // how long after the first failure, the second …; then it is given up
	parting time.Duration   // what is due at the end has this much time

	mu      sync.Mutex
	config  Config
	waiting []*waiting // in no order; few
	wake    chan struct{}
}

type waiting struct {
	Message
	failures int
	due      time.Time
	taken    bool // by a sender
}

const (
	maxWaiting = 1000
	senders    = 4 // connections at one time
)

// NewQueue returns a queue of at most a thousand mails for a server.
func NewQueue(c Config) *Queue {
	return &Queue{
		config: c, wake: make(chan struct{}, senders), parting: 3 * time.Second,
		retry: []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute},
	}
}

// Send implements Sender.
func (q *Queue) Send(_ context.Context, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= maxWaiting {
		return ErrFull
	}
	q.waiting = append(q.waiting, &waiting{Message: m, due: q.config.Now()})
	q.poke()
	return nil
}

// Use makes another server that of all mails from here on. Those that wait for
// another try are due now: what kept them from being taken may be what has changed.
func (q *Queue) Use(c Config) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.config = c
	for _, w := range q.waiting {
		if !w.taken {
			w.due = c.Now()
			q.poke()
		}
	}
}

func (q *Queue) server() Config {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.config
}

// Deliver hands one message to the mail server now: it is for whoever keeps what
// waits elsewhere, and tries again. Its errors are ErrMessage and those of the
// server, none of which names the address.
func (q *Queue) Deliver(ctx context.Context, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	return q.server().deliver(ctx, m)
}

// Waiting says how many mails are not delivered yet.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// Run delivers until the context ends; what is due then has three seconds more, and
// what waits for another try is lost, see Waiting. A mail that the server does not
// take now is tried again for about a quarter of an hour. failed is told of each
// failure, without the address, and whether it was the last.
func (q *Queue) Run(ctx context.Context, failed func(err error, last bool)) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(q.parting, cancel) })()
	var all sync.WaitGroup
	for range senders {
		all.Go(func() { q.send(ctx, sending, failed) })
	}
	all.Wait()
}

// send delivers what is due until ctx ends, and once more then, within sending.
func (q *Queue) send(ctx, sending context.Context, failed func(error, bool)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for last := false; !last; {
		select {
		case <-ctx.Done():
			last = true
		case <-q.wake:
		case <-timer.C:
		}
		for w := q.take(); w != nil; w = q.take() {
			err := q.server().deliver(sending, w.Message)
			if sending.Err() != nil {
				return
			}
			final := q.done(w, err)
			if err != nil {
				failed(err, final)
			}
		}
		timer.Reset(q.rest())
	}
}

// take lends the mail that has been due longest, nil where none is.
func (q *Queue) take() *waiting {
	q.mu.Lock()
	defer q.mu.Unlock()
	var best *waiting
	now := q.config.Now()
	for _, w := range q.waiting {
		if !w.taken && !w.due.After(now) && (best == nil || w.due.Before(best.due)) {
			best = w
		}
	}
	if best != nil {
		best.taken = true
	}
	return best
}

// rest is how long nothing is due, a minute at most.
func (q *Queue) rest() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	rest, now := time.Minute, q.config.Now()
	for _, w := range q.waiting {
		if !w.taken {
			rest = min(rest, w.due.Sub(now))
		}
	}
	return max(rest, time.Millisecond)
}

// done forgets a mail, or puts it back, and reports whether it is gone.
func (q *Queue) done(w *waiting, err error) (gone bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err == nil || permanent(err) || w.failures >= len(q.retry) {
		q.waiting = slices.DeleteFunc(q.waiting, func(other *waiting) bool { return other == w })
		return true
	}
	w.due = q.config.Now().Add(q.retry[w.failures])
	w.failures++
	w.taken = false
	return false
}

// poke is called under mu.
func (q *Queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// A Kept sends nothing and keeps the last fifty messages, for the page on which
// `grantway dev` shows them. The zero Kept is ready. It is safe for concurrent
// use.
type Kept struct {
	// Now says when; nil: messages have no time.
	Now func() time.Time

	mu   sync.Mutex
	last []KeptMessage
}

// A KeptMessage is a message that would have been sent.
type KeptMessage struct {
	Message
	At time.Time
}

const maxKept = 50

// Send implements Sender.
func (k *Kept) Send(_ context.Context, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	kept := KeptMessage{Message: m}
	if k.Now != nil {
		kept.At = k.Now()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = append([]KeptMessage{kept}, k.last[:min(len(k.last), maxKept-1)]...)
	return nil
}

// Messages returns what is kept, the newest first.
func (k *Kept) Messages() []KeptMessage {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]KeptMessage(nil), k.last...)
}

// ErrNone: the environment has no mail server.
var ErrNone = errors.New("no mail server is configured")

// Unsent is the Sender of an environment that has no mail server: it refuses
// every message with ErrNone.
type Unsent struct{}

// Send implements Sender.
func (Unsent) Send(context.Context, Message) error { return ErrNone }
