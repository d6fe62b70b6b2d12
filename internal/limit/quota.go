package limit

import (
	"net/http"
	"strconv"
	"time"
)

// A Quota is how often each key may do something, under a name that answers tell.
// It is safe for concurrent use.
type Quota struct {
	name   string // with its quotation marks, a string of RFC 9651 §3.3.3
	policy []string
	rates  *Rates
}

// NewQuota makes a quota. The name is printable ASCII without quotation marks and
// backslashes. It panics where [NewRates] does.
func NewQuota(name string, c RateConfig) *Quota {
	name = `"` + name + `"`
	return &Quota{
		name:   name,
		policy: []string{name + ";q=" + strconv.Itoa(c.Events) + ";w=" + strconv.FormatInt(seconds(c.Per), 10)},
		rates:  NewRates(c),
	}
}

// Len is the number of keys remembered, for a gauge.
func (q *Quota) Len() int { return q.rates.Len() }

// Quotas are what one event counts towards, all of them.
type Quotas []*Quota

// Spend takes one event of the key from each quota. Where one of them has none
// left, none is charged, and ok is false. The allowance is that of the tightest
// quota; of one that was refused, of the quota for which the key has to wait
// longest. Without a quota it is nil.
func (q Quotas) Spend(key string) (a *Allowance, ok bool) {
	if len(q) == 0 {
		return nil, true
	}
	for i, one := range q {
		if ok, _ := one.rates.Spend(key); !ok {
			q[:i].Refund(key)
			return q.refused(key), false
		}
	}
	return q.Left(key), true
}

// Refund gives back to each quota what Spend took of the key.
func (q Quotas) Refund(key string) {
	for _, one := range q {
		one.rates.Refund(key)
	}
}

// Left is what the key has left where it has least, and takes nothing. Without a
// quota it is nil.
func (q Quotas) Left(key string) *Allowance {
	var tightest *Allowance
	for _, one := range q {
		left, full := one.rates.Left(key)
		if tightest == nil || left < tightest.left || left == tightest.left && full > tightest.full {
			tightest = &Allowance{of: one, left: left, full: full}
		}
	}
	return tightest
}

// refused is the allowance of a key that has to wait: of the quota for which it
// has to wait longest, so that who waits that long has waited long enough.
func (q Quotas) refused(key string) *Allowance {
	longest := &Allowance{of: q[0], retry: 1} // if all have some again by now
	for _, one := range q {
		if ok, retry := one.rates.Peek(key); !ok && retry > longest.retry {
			longest = &Allowance{of: one, retry: retry}
		}
	}
	_, longest.full = longest.of.rates.Left(key)
	return longest
}

// An Allowance is what a key has left after an event.
type Allowance struct {
	of    *Quota
	left  int
	full  time.Duration // until it has everything again
	retry time.Duration // until it has one; zero while it has some
}

// Tell writes what is left (draft-ietf-httpapi-ratelimit-headers-10): the policy
// with its quota and window, then what remains and when all is there again; and
// Retry-After where nothing is. Nil says nothing.
func (a *Allowance) Tell(h http.Header) {
	if a == nil {
		return
	}
	h["Ratelimit-Policy"] = a.of.policy
	h["Ratelimit"] = []string{a.of.name + ";r=" + strconv.Itoa(a.left) + ";t=" + strconv.FormatInt(seconds(a.full), 10)}
	if a.retry > 0 {
		h["Retry-After"] = []string{strconv.FormatInt(seconds(a.retry), 10)}
	}
}

// Wait is after how long the key has an event again; zero while it has some.
func (a *Allowance) Wait() time.Duration { return a.retry }

// seconds rounds up: who waits that long has waited long enough.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
