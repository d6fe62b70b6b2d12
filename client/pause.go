package client

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"
)

// A pause follows a failure: until it is over, nobody asks.
type pause struct {
	err    error
	until  time.Time
	look   time.Time // from here, it is worth a look whether the secret is another one
	secret Secret    // which was refused; empty: another one would not help
	count  int       // failures on end
}

// holds reports whether the pause is on. A secret that was refused is looked at
// from time to time: there may be another one.
func (p *pause) holds(now time.Time) bool {
	return p != nil && now.Before(p.until) && (p.secret == "" || now.Before(p.look))
}

// Pauses. They double, and half of each is chance, so that many processes do not
// come back at once.
const (
	firstPause = time.Second
	firstStop  = 15 * time.Second // where only a person can mend it
	longest    = 2 * time.Minute
)

// refusedSecret carries the secret along with a refusal.
type refusedSecret struct {
	error
	secret Secret
}

func (r *refusedSecret) Unwrap() error { return r.error }

// after is the pause that follows this one, and the error as callers see it.
func (p *pause) after(err error, now time.Time) (*pause, error) {
	if same, ok := errors.AsType[*samePause](err); ok {
		return &pause{same.pause.err, same.pause.until, now.Add(time.Second), same.pause.secret, same.pause.count}, same.pause.err
	}
	next := &pause{err: err, count: 1, look: now.Add(time.Second)}
	if p != nil {
		next.count = p.count + 1
	}
	if r, ok := errors.AsType[*refusedSecret](err); ok {
		next.err, next.secret = r.error, r.secret
	}
	wait := firstStop
	busy, isBusy := errors.AsType[*BusyError](err)
	if isBusy {
		wait = firstPause
	}
	wait = min(wait<<min(next.count-1, 10), longest)
	next.until = now.Add(wait/2 + time.Duration(chance()*float64(wait/2)))
	if isBusy {
		told := *busy
		if told.RetryAt.After(next.until) {
			next.until = told.RetryAt.Add(time.Duration(chance() * float64(firstPause)))
		}
		told.RetryAt = next.until
		next.err = &told
	}
	if errors.Is(err, ErrSignIn) {
		next.until = now // asking costs nothing, and Exchange may have happened elsewhere
	}
	return next, next.err
}

// samePause says that nobody was asked: the secret is still the refused one.
type samePause struct{ pause *pause }

func (s *samePause) Error() string { return s.pause.err.Error() }

// An allowance of renewals that APIs ask for by 401.
type allowance struct {
	left int
	from time.Time // when the next is added
}

const (
	maxRenewals  = 5
	renewalEvery = 10 * time.Second
)

// take returns how long to wait; 0: taken.
func (a *allowance) take(now time.Time) time.Duration {
	if a.left == maxRenewals {
		a.from = now.Add(renewalEvery)
	}
	for a.left < maxRenewals && !now.Before(a.from) {
		a.left++
		a.from = a.from.Add(renewalEvery)
	}
	if a.left == 0 {
		return a.from.Sub(now)
	}
	a.left--
	return 0
}

// chance is a number from 0 to 1.
func chance() float64 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails
	return float64(binary.BigEndian.Uint32(b[:])) / (1 << 32)
}
