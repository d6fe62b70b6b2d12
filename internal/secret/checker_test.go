package secret

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
)

// bcryptFixture is a cheap slow verifier: the "bcrypt 2b" of imports.
const bcryptFixture = "$2b$04$mjagM/6aJpBf.3iRidu85.B7Fr/7ddckaczFb4gNa9RoIinkzpS1y"

func mustParse(t testing.TB, text string) Verifier {
	t.Helper()
	v, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// gated is a checker whose hashes wait for one value of gate each, and find
// every secret correct but "wrong".
func gated(t testing.TB, limits Limits) (c *Checker, gate chan struct{}) {
	t.Helper()
	c, err := NewChecker(seeded(1), limits)
	if err != nil {
		t.Fatal(err)
	}
	gate = make(chan struct{})
	c.hash = func(_ Verifier, presented string) (bool, error) {
		<-gate
		return presented != "wrong", nil
	}
	return c, gate
}

type outcome struct {
	ok  bool
	err error
}

// ask checks in the background and sends the outcome.
func ask(ctx context.Context, c *Checker, id string, v Verifier, presented string) <-chan outcome {
	result := make(chan outcome, 1)
	go func() {
		ok, err := c.Check(ctx, id, v, presented)
		result <- outcome{ok, err}
	}()
	return result
}

func TestQueueIsBounded(t *testing.T) {
	for name, row := range map[string]struct {
		limits Limits
		most   int
	}{
		"given":   {Limits{Parallel: 2, Queue: 3}, 5},
		"least":   {Limits{Parallel: 1, Queue: 1}, 2},
		"default": {Limits{}, runtime.GOMAXPROCS(0) + 64},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, gate := gated(t, row.limits)
			v := mustParse(t, bcryptFixture)
			var results []<-chan outcome
			for i := range row.most {
				results = append(results, ask(t.Context(), c, strconv.Itoa(i), v, "x"))
			}
			synctest.Wait()
			if running := int(c.Hashings()); running != cap(c.running) {
				t.Errorf("%s: %d hash at once", name, running)
			}
			if ok, err := c.Check(t.Context(), "one more", v, "x"); ok || !errors.Is(err, ErrBusy) {
				t.Errorf("%s: one beyond %d: %v, %v", name, row.most, ok, err)
			}
			if _, err := c.FromChosen(t.Context(), Of("x"), seeded(1)); !errors.Is(err, ErrBusy) {
				t.Errorf("%s: hashing a new secret beyond %d: %v", name, row.most, err)
			}
			if _, err := c.Import(t.Context(), "{noop}x", seeded(1)); !errors.Is(err, ErrBusy) {
				t.Errorf("%s: importing beyond %d: %v", name, row.most, err)
			}
			// Neither a generated secret nor an identical check needs a place.
			if _, err := c.Check(t.Context(), "g", Verifier{}, "x"); err != nil {
				t.Errorf("%s: a generated secret waits: %v", name, err)
			}
			results = append(results, ask(t.Context(), c, "0", v, "x"))
			synctest.Wait()
			close(gate)
			for i, result := range results {
				if got := <-result; got != (outcome{true, nil}) {
					t.Errorf("%s: number %d: %+v", name, i, got)
				}
			}
			if n := int(c.Hashings()); n != row.most {
				t.Errorf("%s: %d hashings", name, n)
			}
			if ok, err := c.Check(t.Context(), "one more", v, "x"); !ok || err != nil {
				t.Errorf("%s: afterwards: %v, %v", name, ok, err)
			}
		})
	}
}

func TestIdenticalChecksShareOneHashing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, gate := gated(t, Limits{Parallel: 4})
		v := mustParse(t, bcryptFixture)
		var right, wrong []<-chan outcome
		for range 50 {
			right = append(right, ask(t.Context(), c, "id", v, "x"))
			wrong = append(wrong, ask(t.Context(), c, "id", v, "wrong"))
		}
		synctest.Wait()
		close(gate)
		for i := range right {
			if got := <-right[i]; got != (outcome{true, nil}) {
				t.Errorf("right: %+v", got)
			}
			if got := <-wrong[i]; got != (outcome{false, nil}) {
				t.Errorf("wrong: %+v", got)
			}
		}
		if n := c.Hashings(); n != 2 {
			t.Errorf("%d hashings of two secrets", n)
		}
		if len(c.flights) != 0 {
			t.Errorf("%d flights are left", len(c.flights))
		}
	})
}

func TestCancelledWhileQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, gate := gated(t, Limits{Parallel: 1, Queue: 1})
		v := mustParse(t, bcryptFixture)
		running := ask(t.Context(), c, "a", v, "x")
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		queued := ask(ctx, c, "b", v, "x")
		synctest.Wait()
		cancel()
		if got := <-queued; got.ok || !errors.Is(got.err, context.Canceled) {
			t.Errorf("cancelled: %+v", got)
		}
		synctest.Wait()
		// Its place is free again, and what it asked for is not computed.
		next := ask(t.Context(), c, "c", v, "x")
		synctest.Wait()
		close(gate)
		for _, result := range []<-chan outcome{running, next} {
			if got := <-result; got != (outcome{true, nil}) {
				t.Errorf("the others: %+v", got)
			}
		}
		if n := c.Hashings(); n != 2 {
			t.Errorf("%d hashings", n)
		}
		if _, err := c.Check(ctx, "d", v, "x"); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled beforehand: %v", err)
		}
		if _, err := c.FromChosen(ctx, Of("x"), seeded(1)); !errors.Is(err, context.Canceled) {
			t.Errorf("a new secret, cancelled beforehand: %v", err)
		}
	})
}

func TestCancellingOneOfTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, gate := gated(t, Limits{Parallel: 1, Queue: 1})
		v := mustParse(t, bcryptFixture)
		blocking := ask(t.Context(), c, "blocking", v, "x")
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		first := ask(ctx, c, "id", v, "x")
		synctest.Wait()
		second := ask(t.Context(), c, "id", v, "x")
		synctest.Wait()
		cancel()
		if got := <-first; !errors.Is(got.err, context.Canceled) {
			t.Errorf("the cancelled one: %+v", got)
		}
		close(gate)
		if got := <-second; got != (outcome{true, nil}) {
			t.Errorf("the other one: %+v", got)
		}
		<-blocking
	})
}

func TestRetryJoinsAHashThatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, gate := gated(t, Limits{Parallel: 2})
		v := mustParse(t, bcryptFixture)
		ctx, cancel := context.WithCancel(t.Context())
		first := ask(ctx, c, "id", v, "x")
		synctest.Wait()
		cancel()
		<-first
		retry := ask(t.Context(), c, "id", v, "x")
		synctest.Wait()
		close(gate)
		if got := <-retry; got != (outcome{true, nil}) || c.Hashings() != 1 {
			t.Errorf("the retry: %+v after %d hashings", got, c.Hashings())
		}
	})
}

func TestHashFails(t *testing.T) {
	c, err := NewChecker(seeded(1), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	c.hash = func(Verifier, string) (bool, error) { return true, broken }
	for range 2 {
		if ok, err := c.Check(t.Context(), "id", mustParse(t, bcryptFixture), "x"); ok || !errors.Is(err, broken) {
			t.Errorf("%v, %v", ok, err)
		}
	}
	if c.remembered.len() != 0 {
		t.Error("a failure is remembered")
	}
}

func TestNewCheckerRefuses(t *testing.T) {
	if _, err := NewChecker(failing{}, Limits{}); !errors.Is(err, errNoRandomness) {
		t.Errorf("without randomness: %v", err)
	}
	for _, limits := range []Limits{{Parallel: -1}, {Queue: -1}, {Remembered: -1}} {
		if _, err := NewChecker(seeded(1), limits); err == nil {
			t.Errorf("%+v is accepted", limits)
		}
	}
}

func TestConcurrentChecks(t *testing.T) {
	c, err := NewChecker(seeded(1), Limits{Remembered: 8, Queue: 1000})
	if err != nil {
		t.Fatal(err)
	}
	slow := mustParse(t, bcryptFixture)
	generated := mustNew(t, "x")
	fast, err := FromGenerated(generated)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := range 20 {
				id := strconv.Itoa((worker + i) % 12)
				for presented, want := range map[string]bool{clear0: true, "wrong": false} {
					if ok, err := c.Check(t.Context(), id, slow, presented); err != nil || ok != want {
						t.Errorf("slow: %v, %v", ok, err)
					}
				}
				if ok, err := c.Check(t.Context(), id, fast, generated.Reveal()); err != nil || !ok {
					t.Errorf("generated: %v, %v", ok, err)
				}
				if i%5 == 0 {
					c.Forget(id)
				}
			}
		})
	}
	wg.Wait()
	if n := c.remembered.len(); n > 8 {
		t.Errorf("%d are remembered", n)
	}
}
