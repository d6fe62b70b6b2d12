package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
)

// TestWhoStillComes: what an administrator and the log are told.
func TestWhoStillComes(t *testing.T) {
	t.Parallel()
	old := former(t, "k1")
	s := start(t, setup{example: "fitness", change: trusts(old, "plain", func(c *catalogue.Catalogue) {
		c.Environments[0].APIs[0].Issuers[0].Until = begin.Add(31 * 24 * time.Hour)
	})})
	day := begin.Add(31 * 24 * time.Hour)
	listed := func() string {
		w := httptest.NewRecorder()
		s.server.Admin().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/admin/v1/environments/staging/issuers", http.NoBody))
		return strings.TrimSpace(w.Body.String())
	}
	head := `{"since":"2026-11-02T09:00:00Z","issuers":[{"api":"fitness","issuer":"` + old.url + `","until":"2026-12-03T09:00:00Z","ended":`
	if got := listed(); got != head+`false,"calls":0,"clients":[],"more":false}]}` {
		t.Error(got)
	}
	for _, client := range []string{"b", "a", "b"} {
		s.clock.move(time.Minute)
		s.call(t, moves, old.sign(t, "JWT", old.claims(s.clock.Now(), map[string]any{"client_id": client})))
	}
	s.call(t, moves, old.sign(t, "JWT", old.claims(s.clock.Now(), map[string]any{"client_id": "refused", "aud": "x"})))
	if got := listed(); got != head+`false,"calls":3,"last_seen_at":"2026-11-02T09:03:00Z","clients":[`+
		`{"client":"b","calls":2,"last_seen_at":"2026-11-02T09:03:00Z"},{"client":"a","calls":1,"last_seen_at":"2026-11-02T09:02:00Z"}],"more":false}]}` {
		t.Error(got)
	}

	log := &logbook{}
	trust := s.server.trust
	trust.log = slog.New(slog.NewJSONHandler(log, nil))
	lines := func(at time.Time) int {
		s.clock.move(at.Sub(s.clock.Now()))
		before := strings.Count(log.all(), "another issuer")
		trust.tell()
		return strings.Count(log.all(), "another issuer") - before
	}
	for _, row := range []struct {
		at   time.Time
		want int
	}{
		{day.Add(-warned - time.Second), 0},
		{day.Add(-warned), 1},
		{day.Add(-warned + time.Hour), 0},
		{day.Add(-warned + 24*time.Hour), 1},
		{day.Add(-time.Second), 1},
		{day, 1},
		{day.Add(24 * time.Hour), 0},
	} {
		if got := lines(row.at); got != row.want {
			t.Errorf("%v before the end: %d lines\n%s", day.Sub(row.at), got, log.all())
		}
	}
	if said := log.all(); !strings.Contains(said, `"last_seen":["b","a"]`) || !strings.Contains(said, "another issuer has ended") {
		t.Error(said)
	}
	if got := listed(); !strings.HasPrefix(got, head+"true") {
		t.Error(got)
	}
}

// TestUsersAreBounded: at n and n+1.
func TestUsersAreBounded(t *testing.T) {
	s := newTrust(func() time.Time { return begin }, slog.New(slog.DiscardHandler), newIntake(nil, nil, nil).registry)
	defer s.close()
	u := s.use(usedAt{"e", "a", "https://i.example"})
	for n := range maxUsers {
		u.note(fmt.Sprintf("https://i.example#c%04d", n), begin.Add(time.Duration(n)*time.Second))
	}
	i := &catalogue.Issuer{URL: "https://i.example", Until: end}
	if seen := u.seen(i, "a", begin); len(seen.Clients) != maxUsers || seen.More {
		t.Errorf("%d clients, more: %v", len(seen.Clients), seen.More)
	}
	u.note("https://i.example#c0000", begin.Add(time.Hour)) // no longer the one seen longest ago
	u.note("https://i.example#new", begin.Add(time.Hour))
	seen := u.seen(i, "a", begin)
	if len(seen.Clients) != maxUsers || !seen.More || seen.Calls != maxUsers+2 || seen.Clients[0].Client != "c0000" || seen.Clients[1].Client != "new" ||
		seen.Clients[maxUsers-1].Client != "c0002" {
		t.Errorf("%d clients, more: %v, the first %v, the last %v", len(seen.Clients), seen.More, seen.Clients[:2], seen.Clients[maxUsers-1])
	}
}
