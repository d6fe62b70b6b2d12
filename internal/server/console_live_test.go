package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/store"
)

// TestConsoleLastHour: by the minute, tokens that are new and given again, refusals by
// cause, and how long answers took.
func TestConsoleLastHour(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	staging := s.environment("staging").resources
	for range 3 {
		staging.activity.Record(&activity.Fact{Event: activity.TokenIssued, Client: "acme", API: "notes", Started: s.clock.Now()})
	}
	staging.activity.Record(&activity.Fact{Event: activity.TokenReused, Client: "acme", API: "notes", Started: s.clock.Now()})
	s.server.metrics.count(&activity.Fact{Environment: "staging", Route: "token"}, http.StatusOK, 30*time.Millisecond)
	var took []store.Tally
	until(t, "what was counted", func() bool { // the server may be adding it up itself
		err := s.server.settle(staging)(t.Context())
		if err == nil {
			took, err = staging.store.Activity().Tallies(t.Context(), store.TallyQuery{Took: true, Limit: 9})
		}
		if err != nil {
			t.Fatal(err)
		}
		return len(took) > 0
	})
	b, _ := s.operator(t, "olive", home.Auditor)
	b.visit("/console/?environment=staging&span=1h")
	for _, want := range []string{"3 new tokens, 1 again in all", "Tokens per minute", "1 answer, which came within", "As this server alone saw it since it started at", ">acme<", `data-every="5"`} {
		if !strings.Contains(b.body, want) {
			t.Errorf("it does not say %q:\n%s", want, b.text("text"))
		}
	}
	// The same in the hours of the store, for whoever looks further back.
	for began := time.Now(); !strings.Contains(b.visit("/console/?environment=staging&span=24h").body, "As of"); {
		if time.Since(began) > 30*time.Second {
			t.Fatal("never added up")
		}
	}
	for _, want := range []string{"3 new tokens, 1 again in all", "1 answer, which came within", "Time for a token"} {
		if !strings.Contains(b.body, want) {
			t.Errorf("of 24 hours it does not say %q:\n%s", want, b.text("text"))
		}
	}
	if len(took) != 1 || took[0].Event != "took.token.50ms" {
		t.Errorf("%+v", took)
	}
}

// TestConsoleIsLive: by a script unless somebody chose otherwise, by loading the page
// again only where they chose it.
func TestConsoleIsLive(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	b, _ := s.operator(t, "olive", home.Auditor)
	for query, row := range map[string]struct{ script, reload bool }{"": {true, false}, "&live=no": {}, "&live=1": {true, true}, "&live=x": {true, false}} {
		b.visit("/console/?span=1h" + query)
		script, reload := strings.Contains(b.body, "/assets/live-"), strings.Contains(b.body, `<noscript><meta http-equiv="refresh" content="5"></noscript>`)
		if script != row.script || reload != row.reload || b.header.Get("Refresh") != "" {
			t.Errorf("%q: script %t, loaded again %t", query, script, reload)
		}
		if csp := b.header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'") {
			t.Errorf("%q: %s", query, csp)
		}
	}
	if b.visit("/console/clients"); strings.Contains(b.header.Get("Content-Security-Policy"), "connect-src") {
		t.Error("a page that is not live may read others")
	}
	// A script that reads for somebody who is signed out is told, and sent nowhere.
	stranger := s.visitor(t)
	request, err := http.NewRequest(http.MethodGet, b.at.Scheme+"://"+b.at.Host+"/console/?span=1h", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Dest", "empty")
	answer, err := stranger.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden || len(answer.Cookies()) > 0 {
		t.Errorf("%d %v", answer.StatusCode, answer.Cookies())
	}
}

// busyHour has as many clients ask for tokens in each minute of an hour as are told
// apart, and answers take all times that are.
func busyHour(t testing.TB, s *site, clients int) {
	recorder := s.environment("staging").resources.activity
	for m := range 60 {
		s.clock.move(time.Minute)
		for i := range 1024 {
			recorder.Record(&activity.Fact{
				Event: activity.TokenIssued, Client: fmt.Sprintf("client%05d", (m*100+i)%clients), API: "notes", Trace: fmt.Sprintf("%032x", i), Started: s.clock.Now(),
			})
		}
		var took activity.Took
		for i := range took {
			took[i] = int64(m*i + 1)
		}
		recorder.Took(activity.TookToken, &took)
		recorder.Took(activity.TookCall, &took)
		if err := recorder.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
