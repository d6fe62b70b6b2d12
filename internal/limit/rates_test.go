package limit

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// clock is a clock that tests move.
type clock struct{ t time.Time }

func newClock() *clock                   { return &clock{time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)} }
func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

func TestRates(t *testing.T) {
	c := newClock()
	rates := NewRates(RateConfig{Events: 30, Per: time.Minute, Now: c.now})
	spend := func(n int) {
		t.Helper()
		for i := range n {
			if ok, wait := rates.Spend("a"); !ok || wait != 0 {
				t.Fatalf("event %d: %v, %v", i+1, ok, wait)
			}
		}
		for _, ask := range []func(string) (bool, time.Duration){rates.Peek, rates.Spend, rates.Peek} {
			if ok, wait := ask("a"); ok || wait <= 0 || wait > 2*time.Second {
				t.Fatalf("event %d: %v, %v", n+1, ok, wait)
			}
		}
	}
	spend(30)
	if ok, _ := rates.Spend("b"); !ok {
		t.Error("another key is refused")
	}
	c.advance(2*time.Second - 1)
	if ok, wait := rates.Spend("a"); ok || wait != 1 {
		t.Errorf("a nanosecond early: %v, %v", ok, wait)
	}
	c.advance(1)
	spend(1)
	c.advance(10 * time.Second)
	spend(5)
	rates.Refund("a")
	spend(1)
	c.advance(time.Hour)
	spend(30)
}

func TestRatesBurst(t *testing.T) {
	c := newClock()
	rates := NewRates(RateConfig{Events: 100, Per: time.Second, Burst: 1, Now: c.now})
	for range 3 {
		if ok, _ := rates.Spend("a"); !ok {
			t.Fatal("first refused")
		}
		if ok, wait := rates.Spend("a"); ok || wait != 10*time.Millisecond {
			t.Fatalf("second: %v, %v", ok, wait)
		}
		c.advance(10 * time.Millisecond)
	}
}

func TestRefundGivesNothingForNothing(t *testing.T) {
	c := newClock()
	rates := NewRates(RateConfig{Events: 1, Per: time.Second, Now: c.now})
	rates.Refund("a")
	rates.Spend("a")
	rates.Refund("a")
	rates.Refund("a")
	if ok, _ := rates.Spend("a"); !ok {
		t.Error("the refund was lost")
	}
	if ok, _ := rates.Spend("a"); ok {
		t.Error("two refunds gave two events")
	}
}

// In no span of time are more events allowed than the burst and what the rate
// pays back meanwhile, whatever is refused or asked between.
func TestRatesProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		events := rapid.IntRange(1, 20).Draw(t, "events")
		per := time.Duration(rapid.IntRange(1, 5000).Draw(t, "per")) * time.Millisecond
		burst := rapid.IntRange(1, 10).Draw(t, "burst")
		rates := NewRates(RateConfig{Events: events, Per: per, Burst: burst, Now: c.now})
		var allowed []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			c.advance(time.Duration(rapid.IntRange(0, int(per)).Draw(t, "pause")))
			peeked, _ := rates.Peek("a")
			ok, wait := rates.Spend("a")
			if ok != peeked || ok != (wait == 0) {
				t.Fatalf("peek %v, spend %v, wait %v", peeked, ok, wait)
			}
			if !ok && rapid.Bool().Draw(t, "wait") {
				c.advance(wait)
				if ok, wait = rates.Spend("a"); !ok {
					t.Fatalf("refused after the wait, for another %v", wait)
				}
			}
			if ok {
				allowed = append(allowed, c.t)
			}
		}
		for i := range allowed {
			for j := i; j < len(allowed); j++ {
				most := burst + int(allowed[j].Sub(allowed[i])*time.Duration(events)/per)
				if j-i+1 > most {
					t.Fatalf("%d events in %v, at most %d", j-i+1, allowed[j].Sub(allowed[i]), most)
				}
			}
		}
	})
}

func TestRatesAreBounded(t *testing.T) {
	const capacity = 1000
	c := newClock()
	rates := NewRates(RateConfig{Events: 10, Per: time.Minute, Capacity: capacity, Now: c.now})
	over := func() bool { ok, _ := rates.Peek("guilty"); return !ok }
	for range 10 {
		rates.Spend("guilty")
	}
	for i := range 20 * capacity {
		rates.Spend(fmt.Sprint("new ", i))
		if rates.Len() > capacity {
			t.Fatalf("%d keys, at most %d", rates.Len(), capacity)
		}
	}
	if !over() {
		t.Error("a flood of new keys made it forget one that was over its limit")
	}
	c.advance(time.Minute)
	for i := range 20 * capacity {
		rates.Spend(fmt.Sprint("few ", i%200))
	}
	if n := rates.Len(); n > 200 {
		t.Errorf("%d keys remembered, 200 in use", n)
	}
}

func TestRatesCapacityOfOne(t *testing.T) {
	rates := NewRates(RateConfig{Events: 1, Per: time.Minute, Capacity: 1, Now: newClock().now})
	rates.Spend("a")
	rates.Spend("b")
	if ok, _ := rates.Peek("b"); ok || rates.Len() != 1 {
		t.Errorf("%v, %d keys", ok, rates.Len())
	}
}

func TestNewRatesPanics(t *testing.T) {
	for _, config := range []RateConfig{
		{},
		{Events: 1},
		{Per: 1},
		{Events: -1, Per: 1},
		{Events: 1, Per: 1, Burst: -1},
		{Events: 1, Per: 1, Capacity: -1},
		{Events: 1, Per: time.Hour, Burst: 1_000_000},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v: no panic", config)
				}
			}()
			NewRates(config)
		}()
	}
}

func TestRatesConcurrently(t *testing.T) {
	rates := NewRates(RateConfig{Events: 100, Per: time.Hour})
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 500 {
				if ok, _ := rates.Spend("shared"); ok {
					allowed.Add(1)
				}
				rates.Spend(fmt.Sprint(i % 40))
				rates.Refund(fmt.Sprint(i % 40))
			}
		})
	}
	wg.Wait()
	if n := allowed.Load(); n != 100 {
		t.Errorf("%d events, want 100", n)
	}
}

func TestRatesDoNotAllocate(t *testing.T) {
	rates := NewRates(RateConfig{Events: 1_000_000, Per: time.Minute})
	rates.Spend("a")
	if n := testing.AllocsPerRun(100, func() { rates.Spend("a"); rates.Peek("a"); rates.Refund("b") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSpend(b *testing.B) {
	// An event is paid back after 3.6 ms, later than its key comes round again.
	rates := NewRates(RateConfig{Events: 100_000_000, Per: 100 * time.Hour})
	keys := make([]string, 10_000)
	for i := range keys {
		keys[i] = fmt.Sprint("client ", i)
		rates.Spend(keys[i])
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		rates.Spend(keys[i%len(keys)])
		i++
	}
}
