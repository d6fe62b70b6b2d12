package gateway

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/resource"
)

// A stopped clock moves when a test moves it.
type stopped struct {
	mu sync.Mutex
	at time.Time
}

func (s *stopped) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *stopped) move(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = s.at.Add(by)
}

// limited gives the first API a rate of three a minute.
func limited(clock *stopped) func(*fixture) {
	return func(f *fixture) {
		f.environment.APIs[0].Rate = catalogue.Rate{Requests: 3, Per: time.Minute}
		f.settings.Now = clock.now
	}
}

func TestRate(t *testing.T) {
	clock := &stopped{at: time.Now()}
	f := start(t, nil, limited(clock))
	want := func(what string, r *http.Response, status int, left, retry string) {
		t.Helper()
		policy := `"notes";q=3;w=60`
		if left == "" {
			policy = ""
		}
		if r.StatusCode != status || r.Header.Get("RateLimit-Policy") != policy || r.Header.Get("RateLimit") != left || r.Header.Get("Retry-After") != retry {
			t.Errorf("%s: %d %v", what, r.StatusCode, r.Header)
		}
	}
	for _, left := range []string{`"notes";r=2;t=20`, `"notes";r=1;t=40`, `"notes";r=0;t=60`} {
		want("within the rate", f.get(t, "GET", "/notes", readToken), 200, left, "")
	}
	reached := len(f.reached())
	refused := f.get(t, "GET", "/notes", readToken)
	want("one more", refused, 429, `"notes";r=0;t=60`, "20")
	if text := body(t, refused); !strings.Contains(text, `"error":"too_many_requests"`) || !strings.Contains(text, "/errors/rate-limited") {
		t.Error(text)
	}
	want("a client's tokens share its rate", f.get(t, "GET", "/notes", writeToken), 429, `"notes";r=0;t=60`, "20")
	if len(f.reached()) != reached {
		t.Error("a request beyond the rate reached the API")
	}
	want("another API", f.get(t, "GET", "/other", otherToken), 200, "", "")
	want("no token, no spending", f.get(t, "GET", "/notes", ""), 401, "", "")
	want("another key on a public route", f.get(t, "GET", "/open", readToken), 200, `"notes";r=2;t=20`, "")
	clock.move(20*time.Second - time.Nanosecond)
	want("a moment too early", f.get(t, "GET", "/notes", readToken), 429, `"notes";r=0;t=41`, "1")
	clock.move(time.Nanosecond)
	want("as late as Retry-After said", f.get(t, "GET", "/notes", readToken), 200, `"notes";r=0;t=60`, "")
}

// TestRateCountsRefusals: a client that lacks the scope spends all the same.
func TestRateCountsRefusals(t *testing.T) {
	f := start(t, nil, limited(&stopped{at: time.Now()}))
	for _, status := range []int{403, 403, 403, 429} {
		if r := f.get(t, "POST", "/notes", readToken); r.StatusCode != status {
			t.Errorf("%d, want %d", r.StatusCode, status)
		}
	}
}

// TestRateKey is row S23: nothing that a caller sends makes it another caller.
func TestRateKey(t *testing.T) {
	forged := "GET /open HTTP/1.1\nX-Forwarded-For: 198.51.100."
	f := start(t, nil, limited(&stopped{at: time.Now()}))
	for i, status := range []int{200, 200, 200, 429} {
		if r := f.send(t, forged+string(rune('1'+i))+"\nX-Real-Ip: 192.0.2."+string(rune('1'+i))+"\nAuthorization: Bearer "+string(rune('a'+i))); r.StatusCode != status {
			t.Errorf("request %d: %d, want %d", i, r.StatusCode, status)
		}
	}

	trusted := start(t, nil, limited(&stopped{at: time.Now()}), trusting)
	for i, row := range []struct {
		hops   string
		status int
	}{
		{"203.0.113.7", 200},
		{"1.1.1.1, 203.0.113.7", 200},
		{"2.2.2.2, 203.0.113.7", 200},
		{"3.3.3.3, 203.0.113.7", 429},
		{"203.0.113.8", 200},
		{"2001:db8::1", 200},
		{"2001:db8::2", 200},
		{"2001:db8::3", 200},
		{"2001:db8::4", 429},
	} {
		if r := trusted.send(t, "GET /open HTTP/1.1\nX-Forwarded-For: "+row.hops); r.StatusCode != row.status {
			t.Errorf("S23: row %d, %s: %d, want %d", i, row.hops, r.StatusCode, row.status)
		}
	}
}

func TestRateInTheAPIsEnvelope(t *testing.T) {
	f := start(t, nil, limited(&stopped{at: time.Now()}), func(f *fixture) { f.environment.APIs[0].Envelope = "imsx" })
	var last *http.Response
	for range 4 {
		last = f.get(t, "GET", "/notes", readToken)
	}
	if text := body(t, last); last.StatusCode != 429 || !strings.Contains(text, "server_busy") {
		t.Error(last.StatusCode, text)
	}
}

// TestRouteRate: a route's own rate counts beside the API's, and the tighter one
// answers.
func TestRouteRate(t *testing.T) {
	clock := &stopped{at: time.Now()}
	f := start(t, nil, func(f *fixture) {
		f.settings.Now = clock.now
		f.environment.APIs[0].Rate = catalogue.Rate{Requests: 5, Per: time.Minute}
		f.environment.APIs[0].Routes[0].Rate = catalogue.Rate{Requests: 2, Per: time.Second}  // GET /notes
		f.environment.APIs[0].Routes[2].Rate = catalogue.Rate{Requests: 20, Per: time.Minute} // GET, POST /notes/{id}
		f.environment.APIs[1].Routes[0].Rate = catalogue.Rate{Requests: 1, Per: time.Hour}    // GET /other, whose API has none
	})
	const list, note, api, other = `"GET /notes"`, `"GET|POST /notes/{id}"`, `"notes"`, `"GET /other"`
	for i, row := range []struct {
		wait                time.Duration
		method, path, token string
		status              int
		policy, left, retry string
	}{
		{0, "GET", "/notes", readToken, 200, list + ";q=2;w=1", list + ";r=1;t=1", ""},
		{0, "GET", "/notes", writeToken, 200, list + ";q=2;w=1", list + ";r=0;t=1", ""},
		{0, "GET", "/notes", readToken, 429, list + ";q=2;w=1", list + ";r=0;t=1", "1"},
		{0, "GET", "/notes/7", readToken, 200, api + ";q=5;w=60", api + ";r=2;t=36", ""}, // what the route refused cost the API nothing
		{0, "POST", "/notes/8", readToken, 200, api + ";q=5;w=60", api + ";r=1;t=48", ""},
		{time.Second/2 - 1, "GET", "/notes", readToken, 429, list + ";q=2;w=1", list + ";r=0;t=1", "1"},
		{1, "GET", "/notes", readToken, 200, api + ";q=5;w=60", api + ";r=0;t=60", ""}, // both have none left: the longer one
		{0, "GET", "/notes/9", readToken, 429, api + ";q=5;w=60", api + ";r=0;t=60", "12"},
		{0, "GET", "/notes", readToken, 429, api + ";q=5;w=60", api + ";r=0;t=60", "12"}, // both refuse: the longer wait
		{time.Second, "GET", "/notes", readToken, 429, api + ";q=5;w=60", api + ";r=0;t=59", "11"},
		{11 * time.Second, "GET", "/notes", readToken, 200, api + ";q=5;w=60", api + ";r=0;t=60", ""}, // what the API refused cost the route nothing
		{0, "GET", "/other", otherToken, 200, other + ";q=1;w=3600", other + ";r=0;t=3600", ""},
		{0, "HEAD", "/other", otherToken, 429, other + ";q=1;w=3600", other + ";r=0;t=3600", "3600"},
		{0, "POST", "/shared", otherToken, 200, "", "", ""},
	} {
		clock.move(row.wait)
		r := f.get(t, row.method, row.path, row.token)
		if r.StatusCode != row.status || r.Header.Get("RateLimit-Policy") != row.policy || r.Header.Get("RateLimit") != row.left || r.Header.Get("Retry-After") != row.retry {
			t.Errorf("row %d: %d %v", i, r.StatusCode, r.Header)
		}
	}
}

// TestRouteRateKey is row S23 for routes: callers without a token are told apart
// by address, those of one IPv6 network are one.
func TestRouteRateKey(t *testing.T) {
	f := start(t, nil, trusting, func(f *fixture) {
		f.environment.APIs[0].Routes[5].Rate = catalogue.Rate{Requests: 1, Per: time.Hour} // /open/…
	})
	for i, row := range []struct {
		path, hops string
		status     int
	}{
		{"/open/a", "203.0.113.7", 200},
		{"/open/b", "1.1.1.1, 203.0.113.7", 429},
		{"/open/a", "203.0.113.8", 200},
		{"/open/a", "2001:db8::1", 200},
		{"/open/a", "2001:db8::2", 429},
		{"/open/a", "2001:db8:0:1::1", 200},
		{"/open", "203.0.113.7", 200},
	} {
		r := f.send(t, "GET "+row.path+" HTTP/1.1\nX-Forwarded-For: "+row.hops)
		if name := r.Header.Get("RateLimit-Policy"); r.StatusCode != row.status || row.path != "/open" && name != `"GET|POST /open/...";q=1;w=3600` {
			t.Errorf("row %d: %d %s", i, r.StatusCode, name)
		}
	}
}

// TestRouteRatesAreBounded: many routes with a rate remember no more callers
// together than few.
func TestRouteRatesAreBounded(t *testing.T) {
	for _, row := range []struct{ routes, each int }{{1, 100_000}, {100, 1000}, {200, 1000}} {
		api := &catalogue.API{Name: "api"}
		for range row.routes {
			api.Routes = append(api.Routes, catalogue.Route{Methods: []string{"GET"}, Path: "/x", Rate: catalogue.Rate{Requests: 1, Per: time.Hour}})
		}
		e := &catalogue.Environment{APIs: []*catalogue.API{api}}
		rules := rulesOf(e)
		count(e, rules, time.Now)
		q := rules[0].quotas[:1]
		for i := range row.each + row.each/2 {
			q.Spend(strconv.Itoa(i))
		}
		if n := q[0].Len(); n > row.each || n < row.each*9/10 {
			t.Errorf("%d routes: %d callers remembered, want about %d", row.routes, n, row.each)
		}
	}
}

// TestRefusedCostsNothing: where one of the two rates refuses, the other is not
// charged.
func TestRefusedCostsNothing(t *testing.T) {
	for _, row := range []struct{ route, api, routeLeft, apiLeft int }{{5, 1, 4, 0}, {1, 5, 0, 4}, {2, 2, 0, 0}} {
		api := &catalogue.API{Name: "api", Rate: catalogue.Rate{Requests: row.api, Per: time.Hour}}
		api.Routes = []catalogue.Route{{Methods: []string{"GET"}, Path: "/x", Rate: catalogue.Rate{Requests: row.route, Per: time.Hour}}}
		e := &catalogue.Environment{APIs: []*catalogue.API{api}}
		rules := rulesOf(e)
		clock := &stopped{at: time.Now()}
		count(e, rules, clock.now)
		g := &Gateway{}
		for range 4 {
			g.spend(&http.Request{}, &call{rule: rules[0], token: &resource.Token{ClientID: "c"}})
		}
		for i, want := range []int{row.routeLeft, row.apiLeft} {
			said := http.Header{}
			rules[0].quotas[i : i+1].Left("client c").Tell(said)
			if left := said.Get("RateLimit"); !strings.Contains(left, ";r="+strconv.Itoa(want)+";") {
				t.Errorf("%v: quota %d has %s left, want %d", row, i, left, want)
			}
		}
	}
}
