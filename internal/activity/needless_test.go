package activity_test

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/store"
)

// TestNeedless: who keeps a token is not found, who throws them away is.
func TestNeedless(t *testing.T) {
	lifetimes := map[string]time.Duration{"api": time.Hour, "short": 15 * time.Minute, "day": 24 * time.Hour}
	tally := func(at int, client, api, event string, n int64) store.Tally {
		return store.Tally{Hour: hour.Add(time.Duration(at) * time.Hour), Client: client, API: api, Event: event, Count: n}
	}
	for _, row := range []struct {
		what    string
		tallies []store.Tally
		want    []activity.Fetching
	}{
		{"nothing", nil, nil},
		{"one for each hour", []store.Tally{tally(0, "a", "api", activity.TokenIssued, 1), tally(1, "a", "api", activity.TokenIssued, 1)}, nil},
		{"ten more than needed", []store.Tally{tally(0, "a", "api", activity.TokenIssued, 11)}, nil},
		{"eleven more than needed", []store.Tally{tally(0, "a", "api", activity.TokenIssued, 12), tally(0, "a", "api", activity.CallPassed, 12)}, []activity.Fetching{
			{Client: "a", API: "api", Fetched: 12, Calls: 12, Needed: 1, Left: 55 * time.Minute},
		}},
		{"three times what is needed", []store.Tally{tally(0, "a", "short", activity.TokenIssued, 12)}, nil},
		{"a little more than three times", []store.Tally{
			tally(0, "a", "short", activity.TokenIssued, 25), tally(1, "a", "short", activity.CallPassed, 1000),
		}, []activity.Fetching{{Client: "a", API: "short", Fetched: 25, Calls: 1000, Needed: 8, Left: 10*time.Minute + 12*time.Second}}},
		{"three times, to the one", []store.Tally{
			tally(0, "a", "short", activity.TokenIssued, 24), tally(1, "a", "short", activity.CallPassed, 1000),
		}, nil},
		{"tokens that outlive the hour", []store.Tally{tally(0, "a", "day", activity.TokenIssued, 12), tally(30, "a", "day", activity.TokenReused, 8)}, []activity.Fetching{
			{Client: "a", API: "day", Fetched: 20, Reused: 8, Needed: 1, Left: 23*time.Hour + 54*time.Minute},
		}},
		{"the worst first, and nobody else", []store.Tally{
			tally(0, "a", "api", activity.TokenIssued, 100), tally(0, "b", "api", activity.TokenReused, 200),
			tally(0, "", "api", activity.TokenIssued, 900), tally(0, "c", "gone", activity.TokenIssued, 900), tally(0, "d", "api", "token.revoked", 900),
			tally(0, "e", "api", activity.CallPassed, 900),
		}, []activity.Fetching{
			{Client: "b", API: "api", Fetched: 200, Reused: 200, Needed: 1, Left: 59*time.Minute + 42*time.Second},
			{Client: "a", API: "api", Fetched: 100, Needed: 1, Left: 59*time.Minute + 24*time.Second},
		}},
	} {
		t.Run(row.what, func(t *testing.T) { same(t, activity.Needless(row.tallies, lifetimes, 3), row.want) })
	}
}
