package server

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// welch is Welch's t of two samples, without the slowest tenth of each, which is
// what the machine did meanwhile; and by how much of the first the means differ.
func welch(a, b []time.Duration) (t, apart float64) {
	of := func(all []time.Duration) (mean, spread, n float64) {
		all = slices.Sorted(slices.Values(all))
		all = all[:len(all)-len(all)/10]
		n = float64(len(all))
		for _, d := range all {
			mean += float64(d) / n
		}
		for _, d := range all {
			spread += (float64(d) - mean) * (float64(d) - mean) / (n - 1)
		}
		return mean, spread, n
	}
	ma, sa, na := of(a)
	mb, sb, nb := of(b)
	return (ma - mb) / math.Sqrt(sa/na+sb/nb), (mb - ma) / ma
}

// TestWelch: samples of one kind are alike, and others are told apart.
func TestWelch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	sample := func(of time.Duration) (all []time.Duration) {
		for range 2000 {
			all = append(all, of+time.Duration(r.NormFloat64()*1000))
		}
		return all
	}
	if got, apart := welch(sample(time.Millisecond), sample(time.Millisecond)); math.Abs(got) > 4.5 || math.Abs(apart) > 0.001 {
		t.Errorf("one kind: %f, %f", got, apart)
	}
	if got, apart := welch(sample(time.Millisecond), sample(time.Millisecond+300)); math.Abs(got) < 4.5 || apart < 0.0002 || apart > 0.0004 {
		t.Errorf("two kinds: %f, %f", got, apart)
	}
}

// alike are questions that a stranger must get one answer to, in one time (rows E04,
// P01): each pair is about who is there and who is not.
func alike(b *testing.B, s *site) []pair {
	e := s.environment("demo")
	people := e.signIn.journey.People
	for _, name := range []string{"anna", "keyless", "disabled"} {
		n := account.New{Name: name, Password: secret.Of(goodPassword), Profile: store.Profile{Email: name + "@example.com", EmailVerified: true}}
		if name == "keyless" {
			n.Password = secret.Secret{}
		}
		a, err := people.Accounts.Create(b.Context(), n, s.by())
		if err == nil && name == "disabled" {
			err = people.Accounts.Disable(b.Context(), a.ID, s.by())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	s.register(b, "demo", registration{id: "known-client"})
	login := s.posting(b, "/login", "/login", "password", "a wrong password")
	reset := s.posting(b, "/login", "/reset")
	ask := s.posting(b, "", "/portal/ask", "organisation", "O", "person", "P", "application", "A", "purpose", "P", "scopes", "timetable username")
	asked := 0
	client := func(id string) *http.Request {
		if asked++; id == "nobody" { // each the first time: it is in no memory
			id = fmt.Sprintf("nobody-%05d", asked)
		}
		r := httptest.NewRequest(http.MethodPost, "http://"+s.address+"/demo/oauth/token", strings.NewReader("grant_type=client_credentials&client_secret=wrong-wrong-wrong&client_id="+id))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = fmt.Sprintf("192.0.%d.%d:443", asked>>8&255, asked&255)
		return r
	}
	named := func(of func(string) *http.Request, name string) func() *http.Request {
		return func() *http.Request { return of(name) }
	}
	return []pair{
		{"client", 5, time.Second, named(client, "nobody"), named(client, "known-client")},
		{"login/wrong-password", 20, time.Hour, named(login, "nobod"), named(login, "anna")},
		{"login/no-password", 20, time.Hour, named(login, "nobodyy"), named(login, "keyless")},
		{"login/disabled", 20, time.Hour, named(login, "nobodyyy"), named(login, "disabled")},
		{"reset/name", 2, time.Hour, named(reset, "nobod"), named(reset, "anna")},
		{"reset/address", 2, time.Hour, named(reset, "nobo@example.com"), named(reset, "anna@example.com")},
		{"access/address", 2, time.Hour, named(ask, "nobo@example.com"), named(ask, "anna@example.com")},
	}
}

// A pair is two questions that are answered in one time.
type pair struct {
	name   string
	costs  int           // one sample of so many: what is slow is asked more seldom
	pause  time.Duration // of the server's clock between two, so that nobody has asked too often
	nobody func() *http.Request
	known  func() *http.Request
}

// A stopwatch takes the time until an answer leaves.
type stopwatch struct {
	*httptest.ResponseRecorder
	began time.Time
	took  time.Duration
}

// Flush is http.Flusher's.
func (w *stopwatch) Flush() { w.took = cmp.Or(w.took, time.Since(w.began)) }

// posting fills in a form once, and returns what sends it with a name.
func (s *site) posting(b *testing.B, environment, path string, pairs ...string) func(name string) *http.Request {
	b.Helper()
	visitor := s.browser(b, "demo")
	at := path
	if environment == "" {
		visitor.visit(path)
		at = strings.TrimPrefix(path, "/portal")
	} else {
		visitor.open(path)
	}
	fields, action, ok := visitor.form(at)
	if !ok {
		b.Fatalf("no form for %s on %s:\n%s", at, visitor.at, visitor.body)
	}
	for i := 0; i < len(pairs); i += 2 {
		fields.Set(pairs[i], pairs[i+1])
	}
	cookies := visitor.client.Jar.Cookies(visitor.at)
	return func(name string) *http.Request {
		sent := url.Values{"name": {name}, "email": {name}}
		for field, values := range fields {
			if sent[field] == nil {
				sent[field] = values
			}
		}
		r := httptest.NewRequest(http.MethodPost, "http://"+s.address+action, strings.NewReader(sent.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		return r
	}
}

// BenchmarkAlike measures what strangers must not be able to tell apart by time,
// with Welch's t: beyond 4.5 two samples are of different things. It fails where
// they are, and differ by more than a hundredth. A quiet machine is wanted:
//
//	make timing
func BenchmarkAlike(b *testing.B) {
	s := start(b, setup{example: "mytimetable", home: true})
	handler := s.server.Handler()
	kept := s.environment("demo").resources.people.Load().pages
	for _, p := range alike(b, s) {
		b.Run(p.name, func(b *testing.B) {
			took := [2][]time.Duration{}
			status := [2]int{}
			for i := range max(b.N/p.costs, 1) * 2 {
				which := i & 1
				if i&2 != 0 { // nobody, known, known, nobody: each comes after each
					which = 1 - which
				}
				r := [2]func() *http.Request{p.nobody, p.known}[which]()
				s.clock.move(p.pause)
				w := &stopwatch{ResponseRecorder: httptest.NewRecorder(), began: time.Now()}
				handler.ServeHTTP(w, r)
				w.Flush()
				took[which] = append(took[which], w.took)
				for len(kept.room) > 0 { // what is done beside the answer
					time.Sleep(10 * time.Microsecond)
				}
				if status[which] = cmp.Or(status[which], w.Code); w.Code != status[which] || w.Code >= 429 {
					b.Fatalf("%d: %s", w.Code, w.Body)
				}
				if w.Header().Get("Location") != "" { // access was asked for: not so often that there is no room
					s.forgetAsked(b)
				}
			}
			if status[0] != status[1] {
				b.Errorf("%d and %d", status[0], status[1])
			}
			if len(took[0]) < 50 {
				return // too few to say anything
			}
			t, apart := welch(took[0], took[1])
			b.ReportMetric(t, "t")
			b.ReportMetric(100*apart, "%apart")
			b.ReportMetric(0, "ns/op")
			if math.Abs(t) > 4.5 && math.Abs(apart) > 0.01 {
				b.Errorf("E04, P01: %s: t %.1f, %.2f %% apart", p.name, t, 100*apart)
			}
		})
	}
}

// forgetAsked takes back what strangers asked for.
func (s *site) forgetAsked(b *testing.B) {
	b.Helper()
	asked := s.environment("home").resources.store.AccessRequests()
	open, err := asked.List(b.Context(), store.AccessQuery{Open: true, Limit: 10})
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range open {
		if err := asked.Decide(b.Context(), r.ID, store.Decision{Decision: store.DecisionWithdrawn}, s.by()); err != nil {
			b.Fatal(fmt.Errorf("take back %s: %w", r.ID, err))
		}
	}
}
