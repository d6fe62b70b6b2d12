package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/cached"
	"github.com/grantway/grantway/resource"
)

// herd is how many come at once while nothing is remembered (row R15).
const herd = 2000

// stampede lets them all go at the same moment and returns how long the last took.
func stampede(t *testing.T, do func(i int) error) time.Duration {
	t.Helper()
	var ready, all sync.WaitGroup
	gate := make(chan struct{})
	failed := make(chan error, herd)
	for i := range herd {
		ready.Add(1)
		all.Go(func() {
			ready.Done()
			<-gate
			if err := do(i); err != nil {
				failed <- err
			}
		})
	}
	ready.Wait()
	began := time.Now()
	close(gate)
	all.Wait()
	took := time.Since(began)
	if n := len(failed); n > 0 {
		t.Errorf("R15: %d of %d fail, such as %v", n, herd, <-failed)
	}
	return took
}

// counted is the clients of a store, slowly, and how often each was read. It answers
// nobody before all have come.
type counted struct {
	store.Clients
	come  sync.WaitGroup
	mu    sync.Mutex
	reads map[string]int
}

// Find is store.Clients's.
func (c *counted) Find(ctx context.Context, id string) (store.Client, error) {
	c.mu.Lock()
	c.reads[id]++
	c.mu.Unlock()
	c.come.Wait()
	time.Sleep(20 * time.Millisecond)
	return c.Clients.Find(ctx, id)
}

// TestHerdOfClients is row R15 for the clients that a server remembers: of two
// thousand requests for twenty clients of which it knows none, each client is read
// once. Before it follows the changes of the store it trusts no memory, but those
// who come while a client is being read share that.
func TestHerdOfClients(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	const different = 20
	for i := range different {
		s.register(t, "staging", registration{id: fmt.Sprintf("herd-%d", i), secret: "a secret of the herd"})
	}
	db := s.environment("staging").resources.store
	for _, follows := range []bool{true, false} {
		reads := &counted{Clients: db.Clients(), reads: map[string]int{}}
		clients := cached.New(reads, db.Changes(), cached.Options{})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if follows {
				_ = clients.Run(ctx)
			}
		}()
		if follows {
			until(t, "the first reading of changes", clients.Following)
		}
		reads.come.Add(herd)
		took := stampede(t, func(i int) error {
			reads.come.Done()
			id := fmt.Sprintf("herd-%d", i%different)
			client, err := clients.Find(ctx, id)
			if err == nil && client.ID != id {
				err = fmt.Errorf("%s for %s", client.ID, id)
			}
			return err
		})
		stop()
		<-ended
		most := 0
		for _, n := range reads.reads {
			most = max(most, n)
		}
		t.Logf("%d callers, %d clients, following %v: each read %d times at most, all answered after %v", herd, different, follows, most, took)
		if len(reads.reads) != different || most > 1 && follows || most > herd/different/10 {
			t.Errorf("R15: %d clients were read, one of them %d times", len(reads.reads), most)
		}
	}
}

// TestHerdOfRequests is row R15 for the whole of a server that has just started:
// two thousand token requests at once are all answered well.
func TestHerdOfRequests(t *testing.T) {
	// Not in parallel: two thousand connections at once are enough.
	s := start(t, setup{example: "fitness"})
	handler := s.server.Handler()
	bodies := make([]string, herd)
	took := stampede(t, func(i int) error {
		r := httptest.NewRequest(http.MethodPost, s.environment("staging").Issuer.Path+"/oauth2/token", strings.NewReader(good))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		bodies[i] = w.Body.String()
		if w.Code != http.StatusOK {
			return fmt.Errorf("%d %s", w.Code, w.Body)
		}
		return nil
	})
	for _, body := range bodies {
		disclose(body)
	}
	t.Logf("%d token requests at a cold server: all answered after %v", herd, took)
}

// TestHerdAtAGateway is row R15 for a verifier that has just started: two thousand
// calls ask for the metadata once and for the keys once.
func TestHerdAtAGateway(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	e := s.environment("staging")
	token := s.token(t, good)
	var mu sync.Mutex
	asked := map[string]int{}
	slow := &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		asked[r.URL.Path]++
		mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		return http.DefaultTransport.RoundTrip(r)
	})}
	for what, keys := range map[string]*resource.KeySet{
		"JWKS": resource.JWKS(e.Issuer.String()+"/.well-known/jwks.json", slow), "Discover": resource.Discover(e.Issuer.String(), slow),
	} {
		clear(asked)
		checker, err := resource.New(resource.Config{
			Issuer: e.issuer(), Audience: []string{e.APIs[0].Audience}, Shape: shapes[e.dialect], Keys: keys, Now: s.clock.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		took := stampede(t, func(int) error {
			_, err := checker.Check(t.Context(), token)
			return err
		})
		t.Logf("%d calls at a cold %s: %v asked, all answered after %v", herd, what, asked, took)
		for path, n := range asked {
			if n != 1 {
				t.Errorf("R15: %s: %s was fetched %d times", what, path, n)
			}
		}
		if want := map[string]int{"JWKS": 1, "Discover": 2}[what]; len(asked) != want {
			t.Errorf("R15: %s asked for %v", what, asked)
		}
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

// RoundTrip is http.RoundTripper's.
func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
