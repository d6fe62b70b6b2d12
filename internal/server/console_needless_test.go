package server

import (
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/store"
)

// TestConsoleSaysWhoFetchesNeedlessly: the overview names the client that fetches a
// token for each call, and not the one that keeps its own.
func TestConsoleSaysWhoFetchesNeedlessly(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	tally := func(client, event string, n int64) store.Tally {
		return store.Tally{Hour: s.clock.Now().UTC(), Client: client, API: "notes", Event: event, Count: n}
	}
	err := s.environment("staging").resources.store.Activity().Add(t.Context(), []store.Tally{
		tally("wasteful", activity.TokenIssued, 1200), tally("wasteful", activity.TokenReused, 34), tally("wasteful", activity.CallPassed, 1234),
		tally("thrifty", activity.TokenIssued, 2), tally("thrifty", activity.CallPassed, 5000),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := s.operator(t, "olive", home.Auditor)
	for _, span := range []string{"24h", "30d"} {
		for began := time.Now(); !strings.Contains(b.visit("/console/?environment=staging&span="+span).body, "As of"); {
			if time.Since(began) > 30*time.Second { // what is added up beside the answer is not there yet
				t.Fatal(span, " is never added up")
			}
		}
		_, said, ok := strings.Cut(b.body, "Tokens fetched needlessly")
		said, _, _ = strings.Cut(said, "</section>")
		if !ok || !strings.Contains(said, "wasteful") || !strings.Contains(said, "1\u202f234") || !strings.Contains(said, "34 given again") || strings.Contains(said, "thrifty") {
			t.Errorf("%s: %t %s", span, ok, said)
		}
	}
	b.visit("/console/?environment=production")
	if strings.Contains(b.body, "needlessly") {
		t.Error("production is accused")
	}
}
