package server

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/store"
)

const (
	// noticeLease is how long a notice is this process's alone. One that dies
	// leaves its notices to whoever claims them then.
	noticeLease  = 20 * time.Minute
	noticeClaims = 3 // the last tries are made when the lease has ended again and again

	noticesAtOnce = 50   // being sent
	noticesHeld   = 1000 // being sent or waiting for another try

	noticeEvery = 15 * time.Second // when no change says that there is one
)

// An outbox is the part of a store's outbox that couriers need.
type outbox[N any] interface {
	Claim(ctx context.Context, now, until time.Time, limit int) ([]N, error)
	GiveUp(ctx context.Context, id string, by store.By) error
}

// An errand is what a courier knows of what it delivers.
type errand struct {
	id    string
	about string // for the log; empty: nothing may be said
	tries int    // claims, this one included
}

// A courier delivers what waits in an outbox: it survives this process. What is not
// taken is tried five times within an hour: after 20 seconds and 2 minutes by this
// process, and after 20 and 40 minutes by whichever claims it. Then it is given up,
// which is a change.
type courier[N any] struct {
	what    string // for the log
	outbox  outbox[N]
	of      func(N) errand
	ready   func() bool // false: nothing can be delivered now
	deliver func(ctx context.Context, n N) error
	done    func(ctx context.Context, id string) error
	now     func() time.Time
	log     *slog.Logger
	pauses  []time.Duration // between tries of the first claim

	wake chan struct{}   // there may be something, or there is room again
	held chan struct{}   // one for each that this process has
	send chan struct{}   // one for each that it is sending
	all  *sync.WaitGroup // those that are held
}

func newCourier[N any](from outbox[N], now func() time.Time) courier[N] {
	return courier[N]{
		outbox: from, now: now, pauses: []time.Duration{20 * time.Second, 100 * time.Second},
		wake: make(chan struct{}, 1), held: make(chan struct{}, noticesHeld), send: make(chan struct{}, noticesAtOnce), all: new(sync.WaitGroup),
	}
}

// again says that there may be something to deliver. It never blocks.
func (c *courier[N]) again() {
	select {
	case c.wake <- struct{}{}:
	default: // it was said, and not heard yet
	}
}

// run delivers until the context ends. What is under way then is left to the next
// process.
func (c *courier[N]) run(ctx context.Context) {
	defer c.all.Wait()
	tick := time.NewTicker(noticeEvery)
	defer tick.Stop()
	for {
		if c.ready() {
			c.claim(ctx)
		}
		select {
		case <-c.wake:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// claim begins with everything that is due and that there is room for.
func (c *courier[N]) claim(ctx context.Context) {
	for room := cap(c.held) - len(c.held); room > 0; room = cap(c.held) - len(c.held) {
		now := c.now()
		some := min(room, noticesAtOnce)
		due, err := c.outbox.Claim(ctx, now, now.Add(noticeLease), some)
		if err != nil {
			c.failed(ctx, "not read", "", err)
			return
		}
		for _, notice := range due {
			c.held <- struct{}{}
			c.all.Go(func() {
				defer func() { <-c.held; c.again() }()
				c.settle(ctx, notice)
			})
		}
		if len(due) < some {
			return
		}
	}
}

// settle delivers as often as one claim has it, and forgets the notice when it has
// arrived, nobody wants it, or it was the last try.
func (c *courier[N]) settle(ctx context.Context, notice N) {
	var err error
	of := c.of(notice)
	for try := 0; of.tries <= noticeClaims; try++ {
		if err = c.try(ctx, notice); err == nil {
			// Also where this process ends meanwhile: what arrived is not delivered again.
			inTime, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if err = c.done(inTime, of.id); err != nil {
				c.failed(inTime, "not forgotten", of.about, err) // it is told twice, which does no harm
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		c.failed(ctx, "not delivered", of.about, err)
		if of.tries > 1 || try >= len(c.pauses) {
			break
		}
		pause := time.NewTimer(c.pauses[try])
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
	}
	if of.tries < noticeClaims || errors.Is(err, store.ErrUnavailable) {
		return // it will be due again
	}
	err = c.outbox.GiveUp(ctx, of.id, store.By{Actor: "server", At: c.now()})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		c.failed(ctx, "not given up", of.about, err)
	}
}

func (c *courier[N]) try(ctx context.Context, notice N) error {
	select {
	case c.send <- struct{}{}:
		defer func() { <-c.send }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return c.deliver(ctx, notice)
}

func (c *courier[N]) failed(ctx context.Context, how, about string, err error) {
	if ctx.Err() == nil {
		c.log.LogAttrs(ctx, slog.LevelWarn, c.what+" "+how, slog.String("about", about), slog.Any("error", err))
	}
}
