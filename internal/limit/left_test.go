package limit

import (
	"testing"
	"time"
)

// TestLeft: what Left says can be spent, and not one event more.
func TestLeft(t *testing.T) {
	now := time.Unix(0, 0)
	r := NewRates(RateConfig{Events: 6, Per: time.Minute, Now: func() time.Time { return now }})
	want := func(events int, full time.Duration) {
		t.Helper()
		if got, after := r.Left("k"); got != events || after != full {
			t.Errorf("%d left, all of them in %v; want %d, %v", got, after, events, full)
		}
	}
	want(6, 0)
	for i := range 6 {
		if ok, _ := r.Spend("k"); !ok {
			t.Fatal(i)
		}
		want(5-i, time.Duration(i+1)*10*time.Second)
	}
	if ok, wait := r.Spend("k"); ok || wait != 10*time.Second {
		t.Error(ok, wait)
	}
	now = now.Add(9999 * time.Millisecond)
	want(0, 50*time.Second+time.Millisecond)
	now = now.Add(time.Millisecond)
	want(1, 50*time.Second)
	now = now.Add(time.Hour)
	want(6, 0)
}
