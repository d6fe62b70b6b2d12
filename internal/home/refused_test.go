package home

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// TestRuns: equal refusals in a row are one, with the newest trace; another reason or
// route between them begins another one.
func TestRuns(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	one := func(ago int, reason, route string) store.RefusedRequest {
		return store.RefusedRequest{Trace: reason + route, At: now.Add(-time.Duration(ago) * time.Minute), Client: "acme", Route: route, Refusal: reason}
	}
	runs := Runs([]store.RefusedRequest{one(0, "wrong", "token"), one(1, "wrong", "token"), one(5, "wrong", "token"), one(6, "ended", "token"), one(7, "wrong", "token"), one(8, "wrong", "/notes")})
	for i, want := range []struct{ times, since int }{{3, 5}, {1, 6}, {1, 7}, {1, 8}} {
		if i >= len(runs) || runs[i].Times != want.times || !runs[i].Since.Equal(now.Add(-time.Duration(want.since)*time.Minute)) || runs[i].Cut {
			t.Fatalf("%d: %+v", i, runs)
		}
	}
	if len(runs) != 4 || !runs[0].At.Equal(now) {
		t.Errorf("%+v", runs)
	}
	for n, cut := range map[int]bool{RefusedRead - 1: false, RefusedRead: true} {
		var all []store.RefusedRequest
		for i := range n {
			all = append(all, one(i, "wrong", "token"))
		}
		if runs := Runs(all); len(runs) != 1 || runs[0].Times != n || runs[0].Cut != cut {
			t.Errorf("%d: %+v", n, runs)
		}
	}
	if Runs(nil) != nil {
		t.Error("nothing is a run")
	}
}
