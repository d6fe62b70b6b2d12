package limit

import "time"

// Budget bounds how often a key may fail, such as guessing at a secret (keys of
// a client and an address, see [AddressKey]). Ask Allow before any hashing, and
// call Fail when the secret was wrong; a success costs nothing.
//
// Attempts that run at the same time are allowed before the first of them has
// failed. Those beyond the budget are owed, up to one budget more, so that in
// the long run no more are made than one at a time would be.
//
// Safe for concurrent use.
type Budget struct {
	keys *ledger[failure]
}

// A Fingerprint stands for a secret that was presented, so that the same one can
// be recognised without keeping it: cut it from a keyed hash under a key of this
// process.
type Fingerprint [16]byte

// failure is the last failure that was counted, and may be continued by one
// that is free.
type failure struct {
	secret Fingerprint
	method string
}

// sameAttempt is how long after a failure a second one with the same secret in
// another place still belongs to it.
const sameAttempt = 10 * time.Second

// NewBudget makes a budget of config.Events failures in the time config.Per. It
// panics where [NewRates] does.
func NewBudget(config RateConfig) *Budget {
	return &Budget{newLedger[failure](config)}
}

// Allow says whether the key may try, and if not, after how long it may.
func (b *Budget) Allow(key string) (ok bool, retryAfter time.Duration) {
	now := b.keys.clock()
	shard := b.keys.lock(key)
	defer shard.Unlock()
	return b.keys.judge(shard.find(key), now)
}

// Fail counts one failure. One is free: a failure with the same secret as the
// one just before, within ten seconds, presented by another method. Go's oauth2
// library repeats in the body whatever failed by Basic, and both together are
// one attempt. The same secret by the same method counts every time.
func (b *Budget) Fail(key string, secret Fingerprint, method string) {
	now := b.keys.clock()
	shard := b.keys.lock(key)
	defer shard.Unlock()
	if e := shard.find(key); e != nil && now < e.keep && e.note.secret == secret && e.note.method != method {
		// The pair is complete: the next failure starts another attempt.
		e.keep, e.note = 0, failure{}
		return
	}
	e := b.keys.charge(shard, key, now, 2*b.keys.burst)
	e.keep, e.note = now+int64(sameAttempt), failure{secret, method}
}

// Len is the number of keys remembered, for a gauge.
func (b *Budget) Len() int { return b.keys.len() }
