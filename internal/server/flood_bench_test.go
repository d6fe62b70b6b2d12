package server

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/secret"
)

// BenchmarkTokenRequestsAmongSignIns is row R14: what 64 wrong passwords at one time,
// without a pause, do to token requests, of which one comes each millisecond. The
// passwords go past the budgets of people and addresses, as if each were another
// person's from another address. It reports medians and 95th percentiles with and
// without them, in microseconds, and the ratio of the two, of rounds that take turns.
func BenchmarkTokenRequestsAmongSignIns(b *testing.B) {
	const (
		rounds = 6
		window = time.Second
		wrong  = 64
	)
	made, err := secret.New("staging", rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	s := benchServer(b, made, 0)
	h := s.Handler()
	request := func() time.Duration {
		r := httptest.NewRequest(http.MethodPost, "/staging/auth/oauth2/token", strings.NewReader("grant_type=client_credentials&client_id=BENCH&client_secret="+made.Reveal()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		began := time.Now()
		h.ServeHTTP(w, r)
		took := time.Since(began)
		if w.Code != http.StatusOK {
			b.Fatalf("%d %s", w.Code, w.Body)
		}
		return took
	}
	password, err := secret.FromChosen(secret.Of("the one that is right"), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	flood := func(ctx context.Context) {
		var all sync.WaitGroup
		for i := range wrong {
			all.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					_, _ = s.persons.Check(ctx, "person", password, "wrong "+strconv.Itoa(i)+" "+strconv.Itoa(n))
				}
			})
		}
		all.Wait()
	}
	round := func() (took []time.Duration) {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(window); time.Now().Before(end); <-tick.C {
			took = append(took, request())
		}
		return took
	}
	for b.Loop() {
		var quiet, among []time.Duration
		before := s.persons.Hashings()
		for range rounds {
			quiet = append(quiet, round()...)
			ctx, stop := context.WithCancel(b.Context())
			var flooding sync.WaitGroup
			flooding.Go(func() { flood(ctx) })
			time.Sleep(100 * time.Millisecond)
			among = append(among, round()...)
			stop()
			flooding.Wait()
		}
		slices.Sort(quiet)
		slices.Sort(among)
		for name, part := range map[string]int{"median": 50, "p95": 95} {
			q, a := quiet[len(quiet)*part/100], among[len(among)*part/100]
			b.ReportMetric(float64(q.Microseconds()), name+"-quiet-µs")
			b.ReportMetric(float64(a.Microseconds()), name+"-among-µs")
			b.ReportMetric(float64(a)/float64(q), name+"-ratio")
		}
		b.ReportMetric(float64(s.persons.Hashings()-before)/rounds, "passwords/s")
	}
}
