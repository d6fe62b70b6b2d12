package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
)

// An upstream remembers what reached the API.
type upstream struct {
	mu   sync.Mutex
	seen []*http.Request
}

// ServeHTTP is http.Handler's.
func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // it broke off
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen = append(u.seen, r)
	io.WriteString(w, "from the API")
}

// take returns what came since the last call.
func (u *upstream) take() []*http.Request {
	u.mu.Lock()
	defer u.mu.Unlock()
	seen := u.seen
	u.seen = nil
	return seen
}

// token fetches a token for staging's demonstration client.
func (s *site) token(t testing.TB, form string) string {
	t.Helper()
	got := s.ask(t, form)
	if got.code != 200 {
		t.Fatalf("no token: %s", got)
	}
	return got.member("access_token")
}

// open opens a path of staging for everybody, beside what the example opens.
func openPath(path string) func(*catalogue.Catalogue) {
	return func(c *catalogue.Catalogue) {
		api := c.Environments[0].APIs[0]
		api.Routes = append(slices.Clone(api.Routes), catalogue.Route{Methods: []string{"GET", "POST"}, Path: path, Access: catalogue.Public})
	}
}

// TestGuard is rows S01, S02, S08, S14, S19 and S22: each row breaks one thing of
// a call that passes, and none but that one reaches the API.
func TestGuard(t *testing.T) {
	t.Parallel()
	behind := &upstream{}
	s := start(t, setup{example: "fitness", api: behind, change: openPath("/open")})
	token := s.token(t, good)
	bearer := "Authorization: Bearer " + token
	bare, invalid, scope, request := "Bearer realm=\"fitness\", resource", `error="invalid_token"`, `error="insufficient_scope"`, `error="invalid_request"`

	rows := []struct {
		row, what, line string
		headers         []string
		status          int
		challenge       string // part of it
	}{
		{"S01", "no token", "GET /moves", nil, 401, bare},
		{"S01", "a token that is none", "GET /moves", []string{"Authorization: Bearer x"}, 401, invalid},
		{"S01", "nothing behind Bearer", "GET /moves", []string{"Authorization: Bearer "}, 401, "Bearer"},
		{"S01", "missing scope", "GET /accounts", []string{bearer}, 403, scope + `, error_description="the access token lacks a scope that this call needs: read:accounts", scope="read:accounts"`},
		{"S02", "a token in the query", "GET /moves?access_token=" + token, nil, 400, request},
		{"S02", "a token in the query, escaped", "GET /moves?access%5Ftoken=" + token, nil, 400, request},
		{"S02", "a token in the query, behind a semicolon", "GET /moves?a=b;access_token=" + token, []string{bearer}, 400, request},
		{"S02", "a token in a query that cannot be read", "GET /moves?%zz&access_token=a;b", []string{bearer}, 400, request},
		{"S02", "a token in both places", "GET /moves?access_token=" + token, []string{bearer}, 400, request},
		{"S02", "two headers", "GET /moves", []string{bearer, bearer}, 400, request},
		{"S02", "Basic and Bearer", "GET /moves", []string{"Authorization: Basic eDp5", bearer}, 400, request},
		{"S02", "Basic and Bearer in one line", "GET /moves", []string{bearer + ", Basic eDp5"}, 401, invalid},
		{"S08", "an open path in the query", "GET /moves?/../open", nil, 401, bare},
		{"S08", "an open path behind a ?", "GET /accounts?x=/open", []string{bearer}, 403, scope},
		{"S08", "an escaped ?", "GET /moves%3F/open", []string{bearer}, 403, scope},
		{"S08", "a parameter", "GET /open;/moves", nil, 400, request},
		{"S08", "dot segments", "GET /open/../accounts", nil, 400, request},
		{"S08", "escaped dot segments", "GET /open/%2e%2e/accounts", nil, 400, request},
		{"S08", "an escaped slash", "GET /open%2f..%2faccounts", nil, 400, request},
		{"S08", "a backslash", "GET /open%5c..%5caccounts", nil, 400, request},
		{"S08", "a doubled slash", "GET /accounts//account-001", []string{bearer}, 400, request},
		{"S08", "a needless escape", "GET /%6fpen", nil, 400, request},
		{"S08", "an escape twice", "GET /open%252f", nil, 400, request},
		{"S08", "NUL", "GET /open%00", nil, 400, request},
		{"S08", "another case", "GET /OPEN", nil, 403, scope},
		{"S08", "below an open path", "GET /open/accounts", nil, 403, scope},
		{"S14", "a health check's User-Agent", "GET /moves", []string{"User-Agent: GoogleHC/1.0"}, 401, bare},
		{"S14", "kube-probe", "GET /moves", []string{"User-Agent: kube-probe/1.30"}, 401, bare},
		{"S19", "a path that no rule opens", "GET /admin", []string{bearer}, 403, scope},
		{"S19", "the root", "GET /", []string{bearer}, 403, scope},
		{"S19", "a method that no rule opens", "DELETE /moves", []string{bearer}, 405, ""},
		{"S19", "an invented method", "MOVE /moves", []string{bearer}, 405, ""},
		{"S19", "TRACE", "TRACE /moves", []string{bearer}, 405, ""},
		{"S22", "OPTIONS", "OPTIONS /moves", []string{bearer}, 405, ""},
		{"S22", "a preflight", "OPTIONS /moves", []string{"Origin: https://app.example", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization"}, 405, ""},
		{"S22", "a preflight for an open path", "OPTIONS /open", []string{"Origin: https://app.example", "Access-Control-Request-Method: GET"}, 405, ""},
		{"S22", "a method override", "GET /moves", []string{"X-HTTP-Method-Override: OPTIONS"}, 401, bare},
	}
	for _, row := range rows {
		t.Run(row.row+" "+row.what, func(t *testing.T) {
			method, path, _ := strings.Cut(row.line, " ")
			got := s.send(t, s.request(method+" /staging/api"+path+" HTTP/1.1", "", row.headers...))
			if got.code != row.status || !strings.Contains(got.header.Get("WWW-Authenticate"), row.challenge) {
				t.Errorf("want %d %s, got %s\n%s", row.status, row.challenge, got, s.logged(got))
			}
			if reached := behind.take(); len(reached) > 0 {
				t.Errorf("the API saw %s", reached[0].URL)
			}
			if got.header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("S22: it may be read from elsewhere")
			}
			uncacheable(t, got)
		})
	}
	for _, line := range []string{"GET /moves", "GET /moves/", "HEAD /moves", "GET /moves?a=%2F..%2F&b"} {
		method, path, _ := strings.Cut(line, " ")
		got := s.send(t, s.request(method+" /staging/api"+path+" HTTP/1.1", "", bearer))
		seen := behind.take()
		if got.code != 200 || len(seen) != 1 || seen[0].RequestURI != path {
			t.Errorf("%s: %s, the API saw %d", line, got, len(seen))
		}
	}
	if got := s.send(t, s.request("GET /staging/api/open HTTP/1.1", "")); got.code != 200 || len(behind.take()) != 1 {
		t.Errorf("the open path: %s", got)
	}
}

// TestWhatTheAPISees is rows S04, S06 and S18: whatever a client sends, only the
// gateway says who is calling and from where.
func TestWhatTheAPISees(t *testing.T) {
	t.Parallel()
	behind := &upstream{}
	s := start(t, setup{example: "fitness", api: behind, change: openPath("/open")})
	bearer := "Authorization: Bearer " + s.token(t, good)
	forged := []string{
		"Grantway-Client: forged", "grantway-client: forged", "GRANTWAY-CLIENT: forged", "Grantway_Client: forged", "grantway_client: forged",
		"GRANTWAY_CLIENT: forged", "Grantway-Subject: forged", "Grantway_Subject: forged", "Grantway-Scope: forged", "GrantWay-sCope: forged",
		"Grantway_Environment: forged", "Grantway-Trace: forged", "Grantway.Client: forged", "Grantway~Client: forged", "Grantway-Anything: forged", "Grantway-Client: forged",
		"X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: forged.example", "X-Forwarded-Port: 1", "X-Forwarded-Uri: /forged",
		"X-Forwarded-Prefix: /forged", "X_Forwarded_For: 203.0.113.7", "x-forwarded_host: forged.example", "Forwarded: for=203.0.113.7;host=forged.example",
		"X-Real-Ip: 203.0.113.7", "X-Original-Url: /forged", "X-Rewrite-Url: /forged", "Via: 1.1 forged", "Proxy-Authorization: Basic Zm9yZ2Vk",
		"Cookie: session=forged", "True-Client-Ip: 203.0.113.7",
	}
	kept := []string{"content_type: application/json", "apiToken: kept", "X-Custom_Name: kept", "Accept-Language: nl-NL"}
	ours := map[string]string{
		"Grantway-Environment": "staging", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": s.address,
		"X-Forwarded-Prefix": "/staging/api",
	}
	hop := "Connection: close, Grantway-Client, Grantway-Scope, X-Forwarded-For, X-Forwarded-Host" // what a proxy is to remove
	for _, open := range []bool{true, false} {
		headers := append(slices.Clone(forged), kept...)
		line := "GET /staging/api/open HTTP/1.1"
		wanted := ours
		if !open {
			line = "GET /staging/api/moves HTTP/1.1"
			headers = append(headers, bearer)
			wanted = map[string]string{"Grantway-Client": "YOUR_CLIENT_ID", "Grantway-Subject": "YOUR_CLIENT_ID", "Grantway-Scope": "read:moves"}
			for name, value := range ours {
				wanted[name] = value
			}
		}
		for _, extra := range [][]string{nil, {hop}} {
			got := s.send(t, s.request(line, "", append(slices.Clone(headers), extra...)...))
			seen := behind.take()
			if got.code != 200 || len(seen) != 1 {
				t.Fatalf("%s: %s", line, got)
			}
			h := seen[0].Header
			if all := fmt.Sprint(h); strings.Contains(all, "forged") || strings.Contains(all, "203.0.113.7") {
				t.Errorf("S04, S06: %s: the API saw %v", line, all)
			}
			for name, value := range wanted {
				if sent := h[http.CanonicalHeaderKey(name)]; len(sent) != 1 || sent[0] != value {
					t.Errorf("%s: %s is %q, want %q", line, name, sent, value)
				}
			}
			for name := range h {
				if strings.HasPrefix(strings.ToLower(name), "grantway") && wanted[name] == "" && name != "Grantway-Trace" {
					t.Errorf("S04: %s: %s reached the API", line, name)
				}
			}
			if h.Get("Grantway-Trace") != got.header.Get(TraceHeader) {
				t.Errorf("the API saw another trace id: %q", h.Get("Grantway-Trace"))
			}
			for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization"} {
				if h[name] != nil {
					t.Errorf("S18: %s: the API saw %s", line, name)
				}
			}
			for _, header := range kept {
				name, value, _ := strings.Cut(header, ": ")
				if h.Get(name) != value {
					t.Errorf("S04: %s did not pass: %v", name, h)
				}
			}
		}
	}
	if got := s.send(t, s.request("GET /staging/api/open HTTP/1.1", "", "Grantway-Client : forged")); got.code != 400 {
		t.Errorf("S04: a space behind the name: %s", got)
	}
}

// TestTrustedProxy is row S06: what a trusted proxy says of where a request came
// from is believed, and of three headers only.
func TestTrustedProxy(t *testing.T) {
	t.Parallel()
	behind := &upstream{}
	s := start(t, setup{example: "fitness", api: behind, change: func(c *catalogue.Catalogue) {
		openPath("/open")(c)
		c.Listen.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}})
	got := s.send(t, s.request("GET /staging/api/open HTTP/1.1", "", "X-Forwarded-For: 198.51.100.1, 203.0.113.7, 127.0.0.2",
		"X-Forwarded-Proto: https", "X-Forwarded-Host: api.example", "X-Forwarded-Port: 1", "X-Forwarded-Uri: /forged", "Forwarded: for=192.0.2.1"))
	seen := behind.take()
	if got.code != 200 || len(seen) != 1 {
		t.Fatal(got)
	}
	for name, value := range map[string]string{
		"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.example",
		"X-Forwarded-Port": "", "X-Forwarded-Uri": "", "Forwarded": "",
	} {
		if sent := seen[0].Header.Get(name); sent != value {
			t.Errorf("S06: %s is %q, want %q", name, sent, value)
		}
	}
}

// TestFailingAPI is row S24: an API that hangs, breaks off or is not there is
// 504 or 502 in time, and leaves nothing behind.
func TestFailingAPI(t *testing.T) {
	// Not in parallel: it counts the goroutines of the whole process.
	release := make(chan struct{})
	defer close(release)
	behind := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/open/hangs" {
			select {
			case <-release:
			case <-r.Context().Done():
			}
			return
		}
		panic(http.ErrAbortHandler)
	})
	s := start(t, setup{example: "fitness", api: behind, change: openPath("/open/{how}")})
	if s.server.upstream.ResponseHeaderTimeout != 30*time.Second {
		t.Errorf("S24: an API has %v to begin its answer", s.server.upstream.ResponseHeaderTimeout)
	}
	before := 0
	for _, row := range []struct {
		path         string
		within       time.Duration // to begin an answer
		status, most int
	}{
		{"breaks", 30 * time.Second, 502, 60}, // on a slow machine that takes a while, too
		{"hangs", 50 * time.Millisecond, 504, 60},
	} {
		s.server.upstream.ResponseHeaderTimeout = row.within
		for i := range row.most {
			got := s.send(t, s.request("GET /staging/api/open/"+row.path+" HTTP/1.1", ""))
			if got.code != row.status || got.member("error") != "temporarily_unavailable" {
				t.Fatalf("S24: %s: %s\n%s", row.path, got, s.logged(got))
			}
			if i == 9 && before == 0 {
				before = runtime.NumGoroutine()
			}
		}
	}
	if !soon(func() bool { return runtime.NumGoroutine() < before+40 }, 30*time.Second) { // connections that are being closed
		t.Errorf("S24: %d goroutines after ten rounds, %d at the end", before, runtime.NumGoroutine())
	}
}

// TestStreamEndsWithItsToken is row S13: an event stream needs a token, and ends
// when that does.
func TestStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	behind := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 0; r.Context().Err() == nil; i++ {
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	})
	s := start(t, setup{example: "fitness", api: behind})
	token := s.token(t, good)
	if got := s.send(t, s.request("GET /staging/api/moves HTTP/1.1", "", "Upgrade: websocket", "Connection: Upgrade, close")); got.code != 401 {
		t.Errorf("S13: an upgrade without a token: %s", got)
	}
	s.clock.move(3599 * time.Second)
	connection, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(time.Minute))
	began := time.Now()
	io.WriteString(connection, s.request("GET /staging/api/moves HTTP/1.1", "", "Authorization: Bearer "+token))
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil || response.StatusCode != 200 {
		t.Fatal(response, err)
	}
	text, err := io.ReadAll(response.Body)
	took := time.Since(began)
	if !strings.HasPrefix(string(text), "data: 0\n\n") || took < 800*time.Millisecond || took > 30*time.Second {
		t.Errorf("S13: the stream ended after %v with %d bytes, %v", took, len(text), err)
	}
}
