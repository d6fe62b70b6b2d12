package account

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/grantway/grantway/internal/limit"
)

// A TooManyError says that too many attempts were made. It is ErrTooMany.
type TooManyError struct {
	After time.Duration // when the next one may be made, at the earliest
}

func (e *TooManyError) Error() string {
	return fmt.Sprintf("%v: wait %s", ErrTooMany, e.After.Round(time.Second))
}

// Is makes it ErrTooMany for errors.Is.
func (e *TooManyError) Is(target error) bool { return target == ErrTooMany }

// Attempts bounds how often people, and those who would be them, may be wrong. An
// attempt is reserved before anything is checked, and given back when it was
// right, so that a hundred at once are no more than a hundred in turn (row P02).
//
// An account waits after five wrong attempts: a minute, and after every other two
// twice as long, up to a quarter of an hour. It never waits for good, and a browser
// that its person is remembered in has attempts of its own, so that nobody can
// lock a person out by guessing (row P04). An address has fifty in five minutes, a
// network (/24, and /48 of IPv6; of an address of IPv6 the first 64 bits count) two
// hundred and fifty. Where an environment as a whole sees more than a thousand,
// somebody tries many accounts from many places: until that is over, an address has
// five (row P05).
//
// The counters are in the memory of this process, of 20,000 keys each: a flood
// pushes out those that are nearest to being free, and starting again forgets them.
// Nodes count apart, so the limits are those of one node.
type Attempts struct {
	steps             []*limit.Rates // of an account or device
	address, network  *limit.Rates
	everybody, strict *limit.Rates
}

// NewAttempts makes the counters of one environment; now nil means time.Now.
func NewAttempts(now func() time.Time) *Attempts {
	rates := func(events int, per time.Duration, burst int) *limit.Rates {
		return limit.NewRates(limit.RateConfig{Events: events, Per: per, Burst: burst, Capacity: 20_000, Now: now})
	}
	const five = 5 * time.Minute
	return &Attempts{
		steps: []*limit.Rates{
			rates(1, time.Minute, 5), rates(1, 2*time.Minute, 7), rates(1, 4*time.Minute, 9), rates(1, 8*time.Minute, 11), rates(1, 15*time.Minute, 13),
		},
		address: rates(50, five, 50), network: rates(250, five, 250),
		everybody: rates(1000, five, 1000), strict: rates(5, five, 5),
	}
}

// A Source is where an attempt comes from.
type Source struct {
	Address netip.Addr // the zero Addr: not told, and not counted (the command line)
	Device  string     // the handle in the browser's cookie for remembered devices; empty without
}

// Strict reports whether the environment as a whole sees so many wrong attempts
// that addresses have fewer.
func (a *Attempts) Strict() bool {
	calm, _ := a.everybody.Peek("")
	return !calm
}

// reserve takes one attempt at what key names (an account and what is tried), or
// returns a TooManyError. Right gives it back. Device is the id of a device of that
// account, empty for any other browser.
func (a *Attempts) reserve(key string, from netip.Addr, device string) (right func(), err error) {
	if device != "" {
		key = "device " + device
	}
	var t takings
	spend := t.spend
	if from.IsValid() {
		address := limit.AddressKey(from)
		if a.Strict() && device == "" {
			err = spend(a.strict, address)
		}
		if err == nil {
			err = spend(a.address, address)
		}
		if err == nil {
			err = spend(a.network, network(from))
		}
	}
	for _, step := range a.steps {
		if err == nil {
			err = spend(step, key)
		}
	}
	if err != nil {
		t.giveBack()
		return nil, err
	}
	// Counted, never refused: one environment's people do not wait for each other.
	_ = spend(a.everybody, "")
	return t.giveBack, nil
}

// step is reserve for a key alone: nothing else is counted.
func (a *Attempts) step(key string) (right func(), err error) {
	var t takings
	for _, step := range a.steps {
		if err = t.spend(step, key); err != nil {
			t.giveBack()
			return nil, err
		}
	}
	return t.giveBack, nil
}

// takings are what was taken of several counters.
type takings []func()

func (t *takings) spend(r *limit.Rates, key string) error {
	ok, after := r.Spend(key)
	if !ok {
		return &TooManyError{After: after}
	}
	*t = append(*t, func() { r.Refund(key) })
	return nil
}

func (t *takings) giveBack() {
	for _, back := range *t {
		back()
	}
}

// network is the key that an address shares with its neighbours.
func network(address netip.Addr) string {
	address = address.Unmap().WithZone("")
	bits := 48
	if address.Is4() {
		bits = 24
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return "-"
	}
	return prefix.String()
}
