package server

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

// BenchmarkPages opens pages of the console and the portal with 10 000 clients in each
// of two environments, a hundred of them one partner's, as many accounts and a
// million rows of activity. It fails where a page takes longer than 200 ms by the
// median or has more than 100 KiB. An export may have more: of it, what counts is when
// it begins, and what it keeps in memory while it is written.
//
//	make pages
func BenchmarkPages(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { pages(b, setup{example: "quickstart", home: true}) })
	b.Run("postgres", func(b *testing.B) {
		address := pgtest.Start(b).Address()
		pages(b, setup{example: "quickstart", home: true, change: func(c *catalogue.Catalogue) {
			for _, e := range append(slices.Clone(c.Environments), c.Home) {
				e.Store = address + "#" + e.Name
			}
		}})
	})
}

func pages(b *testing.B, how setup) {
	s := start(b, how)
	crowd(b, s)
	visitor, handler := operator(b, s), s.server.Handler()
	for _, page := range []string{
		"/console/", "/console/?span=1h", "/console/?span=7d", "/console/?span=30d", "/console/clients", "/console/clients?after=client05000",
		"/console/clients?q=client09999", "/console/clients?state=disabled", "/console/client?id=client05000", "/console/changes",
		"/console/changes?kind=none.", "/console/changes?about=client05000", "/console/changes?actor=nobody", "/console/changes?kind=account.",
		"/console/compare", "/console/compare?after=client05000", "/console/partners", "/console/accounts", "/console/accounts?after=account05000",
		"/console/accounts?q=nobody", "/console/keys", "/console/requests",
		"/portal/staging/overview", "/portal/staging/token", "/portal/staging/errors", "/portal/staging/reference", "/portal/search?q=token",
		"/portal/ask", "/portal/applications", "/portal/application?environment=staging&id=client00050", "/portal/why", "/portal/try", "/portal/members",
		"/console/changes/export?format=csv", "/console/changes/export?actor=nobody", "/console/activity/export?days=30&format=csv", "/console/activity/export?days=400",
	} {
		b.Run(page, func(b *testing.B) {
			export := strings.Contains(page, "/export")
			var took []time.Duration
			var size int
			var kept uint64
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, "http://"+s.address+page, nil)
				for _, c := range visitor.client.Jar.Cookies(visitor.at) {
					r.AddCookie(c)
				}
				w := &reader{header: http.Header{}, watch: export && kept == 0, began: time.Now()}
				handler.ServeHTTP(w, r)
				if w.code != http.StatusOK {
					b.Fatalf("%d: %s", w.code, w.body)
				}
				if !export || w.waited == 0 {
					w.waited = time.Since(w.began) // it is read when it is whole
				}
				took, size, kept = append(took, w.waited), max(size, w.size), max(kept, w.kept)
			}
			slices.Sort(took)
			median, longest := took[len(took)/2], took[len(took)-1]
			b.ReportMetric(float64(median.Microseconds())/1000, "ms-median")
			b.ReportMetric(float64(longest.Microseconds())/1000, "ms-longest")
			b.ReportMetric(float64(size), "bytes-page")
			switch {
			case export:
				b.ReportMetric(float64(kept)/(1<<20), "MiB-kept")
				if median > 200*time.Millisecond || kept > 8<<20 {
					b.Errorf("begins after %v, keeps %d bytes", median, kept)
				}
			case median > 200*time.Millisecond || size > 100<<10:
				b.Errorf("%v, %d bytes", median, size)
			}
		})
	}
}

// crowd fills the stores of a site.
func crowd(b *testing.B, s *site) {
	const many, hours = 10_000, 100
	for _, name := range []string{"staging", "production"} {
		db := s.environment(name).resources.store
		fill(b, many, 64, func(i int) error {
			id, owner, scopes := fmt.Sprintf("client%05d", i), "", []string{"notes:read"}
			if i < 100 {
				owner = "acme"
			}
			if i < many/2 && i%10 == 0 && name == "production" {
				scopes = []string{"notes:read", "notes:write"}
			}
			return db.Clients().Create(b.Context(), store.Client{
				ID: id, Name: "Harbour crane " + id, Partner: owner, Type: store.TypeMachine, Grants: []string{"client_credentials"}, Allotted: map[string][]string{"notes": scopes},
				CreatedAt: begin, Secrets: []store.Secret{{ID: "secret" + id[6:], ClientID: id, Verifier: "x", CreatedAt: begin, ExpiresAt: begin.Add(time.Duration(i+1) * time.Hour)}},
			}, s.by())
		})
	}
	people := s.environment("home").resources.store.Accounts()
	fill(b, many, 64, func(i int) error {
		name := fmt.Sprintf("account%05d", i)
		return people.Create(b.Context(), store.Account{
			ID: name, Name: name, Key: name, CreatedAt: begin, Profile: store.Profile{FullName: "Harbour master " + name, Email: name + "@harbour.example", EmailVerified: true},
		}, nil, s.by())
	})
	db := s.environment("staging").resources.store
	fill(b, hours, 1, func(h int) error {
		tallies := make([]store.Tally, many)
		for i := range tallies {
			// Over 30 days, so that the longest span has all of them.
			tallies[i] = store.Tally{Hour: begin.Add(-time.Duration(h*7) * time.Hour), Client: fmt.Sprintf("client%05d", i), Secret: fmt.Sprintf("secret%05d", i), API: "notes", Event: "token.issued", Count: int64(i + 1)}
			if (i+h)%10 == 0 {
				tallies[i].Event, tallies[i].Refusal = "", "secret-wrong"
			}
		}
		for some := range slices.Chunk(tallies, 1000) { // a write has a deadline
			if err := db.Activity().Add(b.Context(), some, nil); err != nil {
				return err
			}
		}
		return nil
	})
	busyHour(b, s, many)
}

// operator signs somebody in who may see everything, and has the figures added up,
// which happens beside the answers the first time.
func operator(b *testing.B, s *site) *browser {
	anna := s.resident(b, "home", "anna", home.Owner)
	if err := s.environment("home").resources.store.Partners().Create(b.Context(), store.Partner{
		ID: "acme", Name: "Acme", CreatedAt: begin, Members: []store.Member{{AccountID: anna.ID, Role: store.MemberAdmin, Since: begin}},
	}, s.by()); err != nil {
		b.Fatal(err)
	}
	visitor := s.visitor(b)
	visitor.visit("/console/").is("/login", http.StatusOK)
	visitor.signIn("anna", goodPassword)
	for _, span := range []string{"24h", "7d", "30d"} {
		for began := time.Now(); !strings.Contains(visitor.visit("/console/?span="+span).body, "As of"); {
			if time.Since(began) > time.Minute {
				b.Fatal(span, " is never added up")
			}
		}
	}
	if visitor.visit("/portal/applications"); visitor.code != http.StatusOK {
		b.Fatal(visitor.body)
	}
	return visitor
}

// A reader takes an answer and keeps the beginning of it.
type reader struct {
	header http.Header
	code   int
	body   []byte
	size   int
	began  time.Time
	waited time.Duration // until something comes

	watch  bool // what is kept in memory
	before uint64
	kept   uint64
}

func (r *reader) Header() http.Header { return r.header }

func (r *reader) WriteHeader(code int) { r.code = cmp.Or(r.code, code) }

func (r *reader) Flush() { r.waited = cmp.Or(r.waited, time.Since(r.began)) }

func (r *reader) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if r.size == 0 {
		r.body = bytes.Clone(p[:min(len(p), 500)])
	}
	const step = 1 << 20
	if r.watch && (r.size == 0 || r.size/step != (r.size+len(p))/step) {
		live := inUse()
		r.before = cmp.Or(r.before, live)
		r.kept = max(r.kept, max(live, r.before)-r.before)
	}
	r.size += len(p)
	return len(p), nil
}

// inUse is how many bytes of the heap are in use.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
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
