package gateway

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
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
