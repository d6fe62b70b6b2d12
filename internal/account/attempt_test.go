package account

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// P04: after five the delay grows, twofold, to a quarter of an hour and no further.
func TestAttemptsGrowSlower(t *testing.T) {
	w := newWorld(t)
	var delays []time.Duration
	for range 5 {
		if _, err := w.attempts.reserve("a", netip.Addr{}, ""); err != nil {
			t.Fatal(err)
		}
	}
	for range 40 {
		_, err := w.attempts.reserve("a", netip.Addr{}, "")
		many, ok := errors.AsType[*TooManyError](err)
		if !ok {
			t.Fatal("no delay")
		}
		delays = append(delays, many.After)
		w.wait(many.After)
		// Several steps may be in the way, one after the other.
		for {
			if _, err = w.attempts.reserve("a", netip.Addr{}, ""); err == nil {
				break
			}
			many, _ = errors.AsType[*TooManyError](err)
			delays[len(delays)-1] += many.After
			w.wait(many.After)
		}
	}
	if delays[0] != time.Minute || delays[len(delays)-1] != 15*time.Minute {
		t.Error(delays)
	}
	for i, d := range delays {
		if d > 15*time.Minute || i > 0 && d > 4*delays[i-1] {
			t.Error(i, d, delays)
		}
	}
	if _, err := w.attempts.reserve("b", netip.Addr{}, ""); err != nil {
		t.Error("another account waits", err)
	}
}

// P05: an address and a network have budgets, whatever accounts they try.
func TestAttemptsOfAnAddress(t *testing.T) {
	for _, row := range []struct {
		address string
		vary    func(i int) string
		most    int
	}{
		{"one of IPv4", func(int) string { return "192.0.2.1" }, 50},
		{"one network of IPv4", func(i int) string { return fmt.Sprintf("192.0.2.%d", i%256) }, 250},
		{"one /64", func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) }, 50},
		{"one /48", func(i int) string { return fmt.Sprintf("2001:db8:1:%x::1", i) }, 250},
		{"IPv4 within IPv6", func(int) string { return "::ffff:192.0.2.1" }, 50},
	} {
		t.Run(row.address, func(t *testing.T) {
			w := newWorld(t)
			for i := range row.most {
				if _, err := w.attempts.reserve(fmt.Sprint(i), netip.MustParseAddr(row.vary(i)), ""); err != nil {
					t.Fatal(i, err)
				}
			}
			_, err := w.attempts.reserve("x", netip.MustParseAddr(row.vary(row.most)), "")
			w.is(err, ErrTooMany)
			if _, err := w.attempts.reserve("x", netip.MustParseAddr("198.51.100.1"), ""); err != nil {
				t.Error("elsewhere", err)
			}
		})
	}
}

// A right attempt costs nothing, or a school behind one address could not begin.
func TestAttemptsAreGivenBack(t *testing.T) {
	w := newWorld(t)
	for range 300 {
		right, err := w.attempts.reserve("a", somewhere, "")
		if err != nil {
			t.Fatal(err)
		}
		right()
	}
	// What is refused costs nothing either: the account's delay is not the address's.
	for range 200 {
		w.attempts.reserve("b", somewhere, "")
	}
	if _, err := w.attempts.reserve("c", somewhere, ""); err != nil {
		t.Error(err)
	}
}

// P05: many accounts from many places at once.
func TestAttemptsStrict(t *testing.T) {
	w := newWorld(t)
	for i := range 1000 {
		if w.attempts.Strict() {
			t.Fatal("strict after", i)
		}
		if _, err := w.attempts.reserve(fmt.Sprint(i), netip.MustParseAddr(fmt.Sprintf("10.%d.%d.1", i/256, i%256)), ""); err != nil {
			t.Fatal(err)
		}
	}
	if !w.attempts.Strict() {
		t.Fatal("not strict")
	}
	try := func(i int, device string) error {
		_, err := w.attempts.reserve(fmt.Sprint("new ", i), somewhere, device)
		return err
	}
	for i := range 5 {
		if err := try(i, ""); err != nil {
			t.Fatal(err)
		}
	}
	w.is(try(5, ""), ErrTooMany)
	if err := try(5, "device"); err != nil {
		t.Error("a known device", err)
	}
	w.wait(5 * time.Minute)
	if w.attempts.Strict() {
		t.Error("strict for ever")
	}
}
