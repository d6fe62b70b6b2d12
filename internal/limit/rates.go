// Package limit says how much and how often: events per key and time, failed
// guesses per client and address, the size of a request's parts, connections
// per address and how long each may take. Everything in it is bounded in memory,
// whatever strangers send.
//
// Body sizes and the limits of single parameters stand in wire; timeouts of
// bodies and answers in server; what an answer says in refusal. The numbers are
// those of the limits table in the security specification.
package limit

import "time"

// Rates allows so many events per key and time. It is GCRA, the generic cell
// rate algorithm: each key has one point in time at which everything it spent
// will be paid back; an event moves it on by one interval, and is refused if
// that would put it further ahead of now than the burst allows.
//
// Safe for concurrent use.
type Rates struct {
	keys *ledger[struct{}]
}

// RateConfig says how many events Rates allows.
type RateConfig struct {
	Events   int              // this many events ...
	Per      time.Duration    // ... in this time, evenly, in the long run
	Burst    int              // this many at once; zero means Events
	Capacity int              // keys remembered at most; zero means 100 000
	Now      func() time.Time // the clock; nil means time.Now
}

// NewRates makes a limiter. It panics if Events or Per is not positive, Burst
// or Capacity negative, or the burst longer than a hundred years: the
// configuration is checked before it comes here.
func NewRates(config RateConfig) *Rates {
	return &Rates{newLedger[struct{}](config)}
}

// Spend takes one event from the key. If the key has none left it takes nothing
// and says after how long there will be one.
func (r *Rates) Spend(key string) (ok bool, retryAfter time.Duration) {
	now := r.keys.clock()
	shard := r.keys.lock(key)
	defer shard.Unlock()
	ok, retryAfter = r.keys.judge(shard.find(key), now)
	if ok {
		r.keys.charge(shard, key, now, r.keys.burst)
	}
	return ok, retryAfter
}

// Peek says what Spend would say, and takes nothing.
func (r *Rates) Peek(key string) (ok bool, retryAfter time.Duration) {
	now := r.keys.clock()
	shard := r.keys.lock(key)
	defer shard.Unlock()
	return r.keys.judge(shard.find(key), now)
}

// Left is how many events the key could spend at once, and after how long it
// will have all of its burst again.
func (r *Rates) Left(key string) (events int, full time.Duration) {
	now := r.keys.clock()
	shard := r.keys.lock(key)
	defer shard.Unlock()
	ahead := int64(0)
	if e := shard.find(key); e != nil {
		ahead = max(e.paid-now, 0)
	}
	return int((r.keys.burst - ahead) / r.keys.interval), time.Duration(ahead)
}

// Refund gives back one event that was spent. A key that spent nothing gets
// nothing.
func (r *Rates) Refund(key string) {
	now := r.keys.clock()
	shard := r.keys.lock(key)
	defer shard.Unlock()
	if e := shard.find(key); e != nil {
		// Before now is as good as now, and is swept.
		shard.move(e, e.paid-r.keys.interval)
		shard.sweep(now)
	}
}

// Len is the number of keys remembered, for a gauge.
func (r *Rates) Len() int { return r.keys.len() }
