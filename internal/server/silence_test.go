package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/gateway"
	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/store"
)

// A silence stands before what was revoked and counts who asks.
type silence struct {
	store.Revocations
	mu    sync.Mutex
	down  bool
	asked int
}

func (s *silence) set(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *silence) Since(ctx context.Context, seq int64, now time.Time) ([]store.Revocation, error) {
	s.mu.Lock()
	s.asked++
	down := s.down
	s.mu.Unlock()
	if down {
		<-ctx.Done() // as long as one may wait
		return nil, store.ErrUnavailable
	}
	return s.Revocations.Since(ctx, seq, now)
}

// TestSilentStore is row S16 within the server: what the store says of
// revocations is trusted until max_stale, and then calls wait for it.
func TestSilentStore(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ setting, most time.Duration }{
		"by default": {0, 5 * time.Minute}, "the least": {15 * time.Second, 15 * time.Second}, "the most": {time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, setup{example: "fitness", change: func(c *catalogue.Catalogue) {
				openPath("/open")(c)
				for _, e := range c.Environments {
					for _, api := range e.APIs {
						api.MaxStale, api.Token.Lifetime = row.setting, 10*time.Hour
					}
				}
			}})
			first := s.environment(s.catalogue.Environments[0].Name)
			from := &silence{Revocations: first.resources.store.Revocations()}
			cut := *first
			cut.resources = &resources{ring: first.resources.ring, store: first.resources.store, now: s.clock.Now, revoked: revocation.New(from, s.clock.Now)}
			if err := cut.resources.revoked.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkers := map[string]gateway.Checker{}
			for _, api := range cut.APIs {
				checker, err := cut.checker(s.clock.Now, api)
				if err != nil {
					t.Fatal(err)
				}
				checkers[api.Name] = checker
			}
			guarded := gateway.New(gateway.Settings{
				Environment: cut.Environment, Checkers: checkers, Transport: s.server.upstream, BodyLimit: 1000, Now: s.clock.Now,
			})
			token := s.token(t, good)
			call := func(path string) *httptest.ResponseRecorder {
				w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
				r.Header.Set("Authorization", "Bearer "+token)
				guarded.ServeHTTP(w, r)
				return w
			}
			passes := func(when string) {
				t.Helper()
				if got := call("/moves"); got.Code == http.StatusServiceUnavailable || got.Code == http.StatusUnauthorized {
					t.Errorf("%s: %d %s", when, got.Code, got.Body)
				}
			}
			passes("at first")
			from.set(true)
			asked := from.asked
			s.clock.move(row.most)
			passes("at max_stale")
			if from.asked != asked {
				t.Error("a call asked the store while there was time")
			}
			s.clock.move(1)
			var all sync.WaitGroup
			began := time.Now()
			for range 20 {
				all.Go(func() {
					if got := call("/moves"); got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" {
						t.Errorf("past max_stale: %d %v", got.Code, got.Header())
					}
				})
			}
			all.Wait()
			if took := time.Since(began); took > 15*askAgain {
				t.Errorf("calls waited for each other: %v", took)
			}
			if got := call("/open"); got.Code == http.StatusServiceUnavailable {
				t.Errorf("a public route: %d", got.Code)
			}
			from.set(false)
			passes("once the store answers")
		})
	}
}
