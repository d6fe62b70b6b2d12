package limit

import (
	"testing"
	"time"
)

// E16: thirty failures a minute for a client at an address, then a wait.
func TestBudget(t *testing.T) {
	c := newClock()
	budget := NewBudget(RateConfig{Events: 30, Per: time.Minute, Now: c.now})
	for i := range 30 {
		if ok, _ := budget.Allow("a"); !ok {
			t.Fatalf("attempt %d refused", i+1)
		}
		budget.Fail("a", Fingerprint{byte(i)}, "basic")
	}
	if ok, wait := budget.Allow("a"); ok || wait != 2*time.Second {
		t.Errorf("attempt 31: %v, %v", ok, wait)
	}
	if ok, _ := budget.Allow("b"); !ok {
		t.Error("another key is refused")
	}
	c.advance(2 * time.Second)
	if ok, _ := budget.Allow("a"); !ok {
		t.Error("refused after the wait")
	}
	if budget.Len() != 1 {
		t.Errorf("%d keys, want 1", budget.Len())
	}
}

func TestBudgetCountsAttempts(t *testing.T) {
	type step struct {
		secret byte
		method string
		after  time.Duration
	}
	for _, row := range []struct {
		name  string
		steps []step
		spent int
	}{
		{"one", []step{{1, "basic", 0}}, 1},
		{"Go's second try", []step{{1, "basic", 0}, {1, "body", time.Second}}, 1},
		{"the other way round", []step{{1, "body", 0}, {1, "basic", time.Second}}, 1},
		{"at ten seconds less one", []step{{1, "basic", 0}, {1, "body", 10*time.Second - 1}}, 1},
		{"at ten seconds", []step{{1, "basic", 0}, {1, "body", 10 * time.Second}}, 2},
		{"same method", []step{{1, "basic", 0}, {1, "basic", 0}, {1, "basic", 0}}, 3},
		{"another secret", []step{{1, "basic", 0}, {2, "body", 0}}, 2},
		{"free once", []step{{1, "basic", 0}, {1, "body", 0}, {1, "body", 0}}, 2},
		{"a third method", []step{{1, "basic", 0}, {1, "body", 0}, {1, "json", 0}}, 2},
		{"two whole attempts", []step{{1, "basic", 0}, {1, "body", 0}, {1, "basic", 0}, {1, "body", 0}}, 2},
		{"not the one just before", []step{{1, "basic", 0}, {2, "basic", 0}, {1, "body", 0}}, 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newClock()
			// An hour each, so that the pauses pay nothing back.
			budget := NewBudget(RateConfig{Events: 10, Per: 10 * time.Hour, Now: c.now})
			for _, s := range row.steps {
				c.advance(s.after)
				budget.Fail("a", Fingerprint{s.secret}, s.method)
			}
			if left := allowedFailures(budget); left != 10-row.spent {
				t.Errorf("%d failures left, want %d", left, 10-row.spent)
			}
		})
	}
}

// The first failure is remembered for its ten seconds though it is paid back
// sooner.
func TestBudgetRemembersLongerThanItIsOwed(t *testing.T) {
	c := newClock()
	// So small that all keys share a shard, where each sweeps up after others.
	budget := NewBudget(RateConfig{Events: 30, Per: time.Minute, Capacity: 10, Now: c.now})
	budget.Fail("a", Fingerprint{1}, "basic")
	c.advance(5 * time.Second)
	for range 3 {
		budget.Fail("other", Fingerprint{2}, "basic")
	}
	budget.Fail("a", Fingerprint{1}, "body")
	if left := allowedFailures(budget); left != 30 {
		t.Errorf("%d failures left, want 30", left)
	}
}

// Attempts that ran at the same time are paid for afterwards, up to a bound.
func TestBudgetIsOwed(t *testing.T) {
	c := newClock()
	budget := NewBudget(RateConfig{Events: 30, Per: time.Minute, Now: c.now})
	for range 45 {
		budget.Fail("a", Fingerprint{1}, "basic")
	}
	if ok, wait := budget.Allow("a"); ok || wait != 32*time.Second {
		t.Errorf("after 45: %v, %v", ok, wait)
	}
	for range 1000 {
		budget.Fail("a", Fingerprint{1}, "basic")
	}
	if ok, wait := budget.Allow("a"); ok || wait != 62*time.Second {
		t.Errorf("after 1045: %v, %v", ok, wait)
	}
}

// allowedFailures is how many more failures of key a are allowed.
func allowedFailures(budget *Budget) int {
	for n := 0; ; n++ {
		if ok, _ := budget.Allow("a"); !ok {
			return n
		}
		budget.Fail("a", Fingerprint{0xff, byte(n)}, "basic")
	}
}
