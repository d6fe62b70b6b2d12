package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/store"
)

// BenchmarkPages opens pages of the console and the portal with 10 000 clients, a
// hundred of them one partner's, and a million rows of activity. It fails where a
// page takes longer than 200 ms or has more than 100 KiB:
//
//	go test ./internal/server -run '^$' -bench BenchmarkPages -benchtime 20x
func BenchmarkPages(b *testing.B) {
	s := start(b, setup{example: "quickstart", home: true})
	db := s.environment("staging").resources.store
	const clients, hours = 10_000, 100
	fill(b, clients, 64, func(i int) error {
		id, owner := fmt.Sprintf("client%05d", i), ""
		if i < 100 {
			owner = "acme"
		}
		return db.Clients().Create(b.Context(), store.Client{
			ID: id, Name: "Harbour crane " + id, Partner: owner, Type: store.TypeMachine, Grants: []string{"client_credentials"}, Allotted: map[string][]string{"notes": {"notes.read"}},
			CreatedAt: begin, Secrets: []store.Secret{{ID: "secret" + id[6:], ClientID: id, Verifier: "x", CreatedAt: begin, ExpiresAt: begin.Add(time.Duration(i+1) * time.Hour)}},
		}, s.by())
	})
	fill(b, hours, 1, func(h int) error {
		tallies := make([]store.Tally, clients)
		for i := range tallies {
			// Over 30 days, so that the longest span has all of them.
			tallies[i] = store.Tally{Hour: begin.Add(-time.Duration(h*7) * time.Hour), Client: fmt.Sprintf("client%05d", i), Secret: fmt.Sprintf("secret%05d", i), API: "notes", Event: "token.issued", Count: int64(i + 1)}
			if (i+h)%10 == 0 {
				tallies[i].Event, tallies[i].Refusal = "", "secret-wrong"
			}
		}
		return db.Activity().Add(b.Context(), tallies, nil)
	})
	anna := s.resident(b, "home", "anna", home.Owner)
	if err := s.environment("home").resources.store.Partners().Create(b.Context(), store.Partner{
		ID: "acme", Name: "Acme", CreatedAt: begin, Members: []store.Member{{AccountID: anna.ID, Role: store.MemberAdmin, Since: begin}},
	}, s.by()); err != nil {
		b.Fatal(err)
	}
	visitor := s.visitor(b)
	visitor.visit("/console/").is("/login", http.StatusOK)
	visitor.signIn("anna", goodPassword)
	for _, span := range []string{"24h", "7d", "30d"} { // added up beside the answers, the first time
		for began := time.Now(); !strings.Contains(visitor.visit("/console/?span="+span).body, "As of"); {
			if time.Since(began) > time.Minute {
				b.Fatal(span, " is never added up")
			}
		}
	}
	if visitor.visit("/portal/applications"); visitor.code != http.StatusOK {
		b.Fatal(visitor.body)
	}
	handler := s.server.Handler()
	for _, page := range []string{
		"/console/", "/console/?span=7d", "/console/?span=30d", "/console/clients", "/console/clients?after=client05000",
		"/console/clients?q=client09999", "/console/clients?state=disabled", "/console/client?id=client05000", "/console/changes",
		"/console/changes?kind=none.", "/console/changes?about=client05000", "/console/partners", "/console/accounts?q=nobody",
		"/console/keys", "/console/requests",
		"/portal/staging/overview", "/portal/staging/token", "/portal/staging/errors", "/portal/staging/reference", "/portal/search?q=token",
		"/portal/ask", "/portal/applications", "/portal/application?environment=staging&id=client00050", "/portal/why", "/portal/try", "/portal/members",
	} {
		b.Run(page, func(b *testing.B) {
			var longest time.Duration
			size := 0
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, "http://"+s.address+page, nil)
				for _, c := range visitor.client.Jar.Cookies(visitor.at) {
					r.AddCookie(c)
				}
				w := httptest.NewRecorder()
				began := time.Now()
				handler.ServeHTTP(w, r)
				longest, size = max(longest, time.Since(began)), max(size, w.Body.Len())
				if w.Code != http.StatusOK {
					b.Fatalf("%d: %s", w.Code, w.Body)
				}
			}
			b.ReportMetric(float64(longest.Microseconds())/1000, "ms-longest")
			b.ReportMetric(float64(size), "bytes-page")
			if longest > 200*time.Millisecond || size > 100<<10 {
				b.Errorf("%v, %d bytes", longest, size)
			}
		})
	}
}

// fill does something n times, so many at a time.
func fill(b *testing.B, n, many int, do func(int) error) {
	b.Helper()
	var wg sync.WaitGroup
	room := make(chan struct{}, many)
	for i := range n {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			if err := do(i); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}
