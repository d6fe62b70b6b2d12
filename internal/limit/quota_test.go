package limit

import (
	"net/http"
	"testing"
	"time"
)

// told is what an allowance says.
func told(a *Allowance) [3]string {
	h := http.Header{}
	a.Tell(h)
	return [3]string{h.Get("RateLimit-Policy"), h.Get("RateLimit"), h.Get("Retry-After")}
}

// TestQuotas: the tightest quota speaks, and where one of them refuses none is
// charged.
func TestQuotas(t *testing.T) {
	now := time.Unix(0, 0)
	quota := func(name string, events int) *Quota {
		return NewQuota(name, RateConfig{Events: events, Per: time.Minute, Now: func() time.Time { return now }})
	}
	wide, tight := quota("wide", 6), quota("tight", 2)
	both := Quotas{wide, tight}
	spend := func(ok bool, want [3]string) {
		t.Helper()
		a, got := both.Spend("k")
		if got != ok || told(a) != want {
			t.Errorf("%v %q, want %v %q", got, told(a), ok, want)
		}
	}
	spend(true, [3]string{`"tight";q=2;w=60`, `"tight";r=1;t=30`, ""})
	spend(true, [3]string{`"tight";q=2;w=60`, `"tight";r=0;t=60`, ""})
	spend(false, [3]string{`"tight";q=2;w=60`, `"tight";r=0;t=60`, "30"})
	if got := told(Quotas{wide}.Left("k")); got[1] != `"wide";r=4;t=20` {
		t.Errorf("a refused event was charged: %q", got)
	}
	now = now.Add(30*time.Second - 1)
	if a, ok := both.Spend("k"); ok || a.Wait() != 1 {
		t.Error("a moment too early:", ok, a.Wait())
	}
	now = now.Add(1)
	spend(true, [3]string{`"tight";q=2;w=60`, `"tight";r=0;t=60`, ""})
	both.Refund("k")
	spend(true, [3]string{`"tight";q=2;w=60`, `"tight";r=0;t=60`, ""})
	if a, ok := both.Spend("another"); !ok || told(a)[1] != `"tight";r=1;t=30` {
		t.Error("another key:", ok, told(a))
	}
	if n := wide.Len(); n != 2 {
		t.Errorf("%d keys", n)
	}
	if a, ok := (Quotas{}).Spend("k"); !ok || a != nil || told(a) != [3]string{} {
		t.Error("without a quota:", ok, a)
	}
}
