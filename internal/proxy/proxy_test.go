package proxy

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const front = `
public_url: PUBLIC
static: FOLDER
api: API
path: /api
client: {issuer: ISSUER, id: app, secret: "${SECRET}", scopes: [read]}
routes:
  - GET /notes: {query: [page]}
  - GET|POST /notes/{id}
  - GET /files/...
  - GET /slow: {rate: 2/min}
  - GET /listed: {query: [_method]}
  - GET /caf%C3%A9
origins: ["https://other.example"]
limits: {body: 100KiB, per_address: 1000/min}
`

// TestRequests: one request that passes, and rows that change one thing.
func TestRequests(t *testing.T) {
	w := start(t, front)
	for _, row := range []struct {
		name    string
		method  string
		path    string
		headers []string
		status  int
		reason  string
		sees    string // path and query at the API; empty: nothing
	}{
		{name: "it passes", sees: "/v1/notes"},
		{name: "variable", path: "/api/notes/7", sees: "/v1/notes/7"},
		{name: "rest", path: "/api/files/a/b", sees: "/v1/files/a/b"},
		{name: "known parameter", path: "/api/notes?page=2", sees: "/v1/notes?page=2"},
		{name: "access token in the query", path: "/api/files/a?access_token=x&b=1", sees: "/v1/files/a?b=1"},
		{name: "access token, escaped", path: "/api/files/a?acc%65ss_token=x", sees: "/v1/files/a"},
		{name: "access token behind a semicolon", path: "/api/files/a?a=1;access_token=x", status: 400, reason: "query-closed"},
		{name: "unknown parameter", path: "/api/notes?admin=1", status: 400, reason: "query-closed"},
		{name: "method in the query", method: "POST", path: "/api/notes/7?_method=DELETE", headers: []string{"X-Requested-With", "test"}, status: 400, reason: "query-closed"},
		{name: "method in the query, escaped", method: "POST", path: "/api/notes/7?x=1&%5fHttpMethod=PATCH", headers: []string{"X-Requested-With", "test"}, status: 400, reason: "query-closed"},
		{name: "header in the query", method: "POST", path: "/api/notes/7?x-http-method-override=PUT", headers: []string{"X-Requested-With", "test"}, status: 400, reason: "query-closed"},
		{name: "method in the query, in brackets", method: "POST", path: "/api/notes/7?[_method]=DELETE", headers: []string{"X-Requested-With", "test"}, status: 400, reason: "query-closed"},
		{name: "method in the query, with a dot", method: "POST", path: "/api/notes/7?.method=DELETE", headers: []string{"X-Requested-With", "test"}, status: 400, reason: "query-closed"},
		{name: "method in the query, listed", path: "/api/listed?_method=x", sees: "/v1/listed?_method=x"},
		{name: "another method", method: "DELETE", headers: []string{"X-Requested-With", "test"}, status: 405, reason: "method-closed"},
		{name: "path that no route has", method: "POST", path: "/api/secrets", headers: []string{"X-Requested-With", "test"}, status: 403, reason: "route-closed"},
		{name: "deeper than the route", method: "POST", path: "/api/notes/7/x", headers: []string{"X-Requested-With", "test"}, status: 403, reason: "route-closed"},
		{name: "dots", path: "/api/notes/%2e%2e/secrets", status: 400, reason: "path-malformed"},
		{name: "escaped slash", path: "/api/notes/7%2fsecrets", status: 400, reason: "path-malformed"},
		{name: "doubled slash", path: "/api//notes", status: 400, reason: "path-malformed"},
		{name: "escaped twice", path: "/api/notes/%252e", status: 400, reason: "path-malformed"},
		{name: "another host", headers: []string{"Host", "evil.example"}, status: 421, reason: "host-foreign"},
		{name: "own origin", headers: []string{"Origin", w.front.URL}, sees: "/v1/notes"},
		{name: "same origin", headers: []string{"Sec-Fetch-Site", "same-origin"}, sees: "/v1/notes"},
		{name: "foreign origin", headers: []string{"Origin", "https://evil.example"}, status: 403, reason: "origin-foreign"},
		{name: "null origin", headers: []string{"Origin", "null"}, status: 403, reason: "origin-foreign"},
		{name: "two origins", headers: []string{"Origin", w.front.URL, "Origin", "https://evil.example"}, status: 403, reason: "origin-foreign"},
		{name: "listed origin", headers: []string{"Origin", "https://other.example"}, sees: "/v1/notes"},
		{name: "end of a listed origin", headers: []string{"Origin", "https://other.example.evil"}, status: 403, reason: "origin-foreign"},
		{name: "cross site", headers: []string{"Sec-Fetch-Site", "cross-site"}, status: 403, reason: "origin-foreign"},
		{name: "same site", headers: []string{"Sec-Fetch-Site", "same-site"}, status: 403, reason: "origin-foreign"},
		{name: "opened from elsewhere", headers: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, status: 403, reason: "origin-foreign"},
		{name: "opened from elsewhere, another spelling", path: "//api/notes", headers: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, status: 403, reason: "origin-foreign"},
		{name: "opened from elsewhere, escaped", path: "/api/caf%c3%a9", headers: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, status: 403, reason: "origin-foreign"},
		{name: "escaped", path: "/api/caf%c3%a9", sees: "/v1/caf%C3%A9"},
		{name: "alters, and says nothing", method: "POST", path: "/api/notes/7", status: 403, reason: "origin-foreign"},
		{name: "alters, typed", method: "POST", path: "/api/notes/7", headers: []string{"Sec-Fetch-Site", "none"}, status: 403, reason: "origin-foreign"},
		{name: "alters, with a header", method: "POST", path: "/api/notes/7", headers: []string{"X-Requested-With", "test"}, sees: "/v1/notes/7"},
		{name: "alters, from the page", method: "POST", path: "/api/notes/7", headers: []string{"Origin", w.front.URL, "Sec-Fetch-Site", "same-origin"}, sees: "/v1/notes/7"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.method == "" {
				row.method = "GET"
			}
			if row.path == "" {
				row.path = "/api/notes"
			}
			if row.status == 0 {
				row.status = 200
			}
			g := w.ask(nil, row.method, row.path, "", row.headers...)
			if g.StatusCode != row.status || g.told.Reason != row.reason {
				t.Errorf("%d %s, want %d %s", g.StatusCode, g.body, row.status, row.reason)
			}
			if row.reason != "" && (g.told.Cure == "" || g.told.Trace != g.Header.Get("X-Request-Id")) {
				t.Errorf("no cure or trace: %s", g.body)
			}
			sees := ""
			if r := w.last(); r != nil {
				sees = r.URL.RequestURI()
				if r.Header.Get("Authorization") != "Bearer access-1-client_credentials" {
					t.Errorf("the API sees %q", r.Header.Get("Authorization"))
				}
			}
			if sees != row.sees {
				t.Errorf("the API sees %q, want %q", sees, row.sees)
			}
		})
	}
}

// TestHeaders: what goes on and what comes back.
func TestHeaders(t *testing.T) {
	w := start(t, front)
	w.answer = func(rw http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Set-Cookie", "Authorization", "WWW-Authenticate", "Access-Control-Allow-Origin", "Clear-Site-Data", "Refresh", "Strict-Transport-Security", "Alt-Svc", "X-Accel-Redirect", "X-Sendfile"} {
			rw.Header().Set(name, "x")
		}
		rw.Header().Set("ETag", `"1"`)
		rw.Header().Set("Content-Security-Policy", "default-src *")
		rw.Header().Set("Location", w.api.URL+"/v1/notes/8")
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(http.StatusCreated)
		io.WriteString(rw, "<script>")
	}
	g := w.ask(nil, "POST", "/api/notes/7", "hello", "Origin", "https://other.example", "Authorization", "Bearer mine", "Cookie", "a=b",
		"X-Forwarded-For", "1.2.3.4", "X-Forwarded-Host", "evil", "Forwarded", "for=1", "Referer", "https://x/?code=1", "Sec-Fetch-Site", "cross-site",
		"Connection", "X-Hop", "X-Hop", "1", "X-HTTP-Method-Override", "DELETE", "Authorization_", "x", "X-Kept", "yes")
	sent := w.last()
	for _, name := range []string{"Cookie", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Referer", "Origin", "Sec-Fetch-Site", "X-Hop", "X-Http-Method-Override"} {
		if v := sent.Header[name]; v != nil {
			t.Errorf("the API sees %s: %q", name, v)
		}
	}
	if sent.Header.Get("X-Kept") != "yes" || sent.Header.Get("Authorization") != "Bearer access-1-client_credentials" || w.bodies[0] != "hello" {
		t.Errorf("the API sees %v %q", sent.Header, w.bodies)
	}
	for _, name := range []string{"Set-Cookie", "Authorization", "Www-Authenticate", "Clear-Site-Data", "Refresh", "Strict-Transport-Security", "Alt-Svc", "X-Accel-Redirect", "X-Sendfile"} {
		if v := g.Header[name]; v != nil {
			t.Errorf("the browser sees %s: %q", name, v)
		}
	}
	for name, want := range map[string]string{
		"ETag": `"1"`, "Location": "/api/notes/8", "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "https://other.example",
		"Access-Control-Allow-Credentials": "true", "Vary": "Origin", "Content-Security-Policy": sandboxed[0],
	} {
		if v := g.Header.Get(name); v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	if strings.Contains(w.log.String(), "code=1") || strings.Contains(w.log.String(), clientSecret) {
		t.Error("the log says too much")
	}
}

// TestRedirects: those that stay within the API are passed on as its routes are
// reached here, others are not, and none is followed.
func TestRedirects(t *testing.T) {
	w := start(t, front)
	for _, row := range []struct{ to, want string }{
		{"/v1/notes/8?x=1", "/api/notes/8?x=1"},
		{"8", "/api/notes/8"},
		{"/v2/notes", ""},
		{"/v1", ""},
		{"//evil.example/v1/notes", ""},
		{"http://evil.example/v1/notes", ""},
		{"https://user@evil.example/", ""},
		{"javascript:alert(1)", ""},
		{"/v1//evil.example", ""},
	} {
		w.set(func() {
			w.answer = func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Location", row.to)
				rw.WriteHeader(http.StatusFound)
			}
		})
		status := 302
		if row.want == "" {
			status = 502
		}
		if g := w.ask(nil, "GET", "/api/notes/7", ""); g.StatusCode != status || g.Header.Get("Location") != row.want {
			t.Errorf("%s: %d %q, want %d %q", row.to, g.StatusCode, g.Header.Get("Location"), status, row.want)
		}
	}
	if len(w.seen) != 9 {
		t.Errorf("the API saw %d requests", len(w.seen))
	}
}

// TestBadToken: a 401 that says so is one renewal and one more attempt, for a body
// too; a 403 is the caller's.
func TestBadToken(t *testing.T) {
	w := start(t, front)
	w.good = map[string]bool{"access-2-client_credentials": true}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if g := w.ask(nil, "POST", "/api/notes/7", "twice", "X-Requested-With", "x"); g.StatusCode != 200 {
				t.Errorf("%d %s", g.StatusCode, g.body)
			}
		})
	}
	all.Wait()
	if w.issued != 2 {
		t.Errorf("%d tokens were issued", w.issued)
	}
	for _, body := range w.bodies {
		if body != "twice" {
			t.Errorf("the API read %q", body)
		}
	}
	w.set(func() {
		w.answer = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusForbidden) }
	})
	if g := w.ask(nil, "GET", "/api/notes", ""); g.StatusCode != 403 || w.issued != 2 {
		t.Errorf("%d, %d tokens", g.StatusCode, w.issued)
	}
}

// TestBodies: the limit at n and n+1.
func TestBodies(t *testing.T) {
	w := start(t, front)
	for _, row := range []struct{ size, status int }{{100 << 10, 200}, {100<<10 + 1, 413}} {
		g := w.ask(nil, "POST", "/api/notes/7", strings.Repeat("x", row.size), "X-Requested-With", "x")
		if g.StatusCode != row.status {
			t.Errorf("%d bytes: %d %s", row.size, g.StatusCode, g.body)
		}
	}
}

func TestRates(t *testing.T) {
	w := start(t, front)
	for i, status := range []int{200, 200, 429} {
		g := w.ask(nil, "GET", "/api/slow", "")
		if g.StatusCode != status || status == 429 && g.Header.Get("Retry-After") == "" {
			t.Errorf("call %d: %d %s", i, g.StatusCode, g.body)
		}
	}
	w = start(t, strings.Replace(front, "1000/min", "3/min", 1))
	for i, status := range []int{200, 200, 200, 429} {
		if g := w.ask(nil, "GET", "/api/notes", ""); g.StatusCode != status {
			t.Errorf("call %d: %d %s", i, g.StatusCode, g.body)
		}
	}
}

// TestPreflight: a listed origin is told what it may send, another one nothing.
func TestPreflight(t *testing.T) {
	w := start(t, front)
	g := w.ask(nil, "OPTIONS", "/api/notes/7", "", "Origin", "https://other.example", "Access-Control-Request-Method", "POST")
	if g.StatusCode != 204 || g.Header.Get("Access-Control-Allow-Methods") != "GET, POST" || strings.Contains(g.Header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("%d %v", g.StatusCode, g.Header)
	}
	g = w.ask(nil, "OPTIONS", "/api/notes/7", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
	if g.StatusCode != 403 || g.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", g.StatusCode, g.Header)
	}
	if w.last() != nil {
		t.Error("the API was asked")
	}
}

func TestFiles(t *testing.T) {
	w := start(t, front)
	g := w.ask(nil, "GET", "/", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	if g.StatusCode != 200 || !strings.Contains(g.body, "App") || !strings.Contains(g.Header.Get("Content-Security-Policy"), "default-src 'self'") {
		t.Errorf("%d %v %s", g.StatusCode, g.Header, g.body)
	}
	for _, path := range []string{"/.env", "/nothing", "/../proxy.go"} {
		if g := w.ask(nil, "GET", path, ""); g.StatusCode == 200 {
			t.Errorf("%s: %s", path, g.body)
		}
	}
}

// TestTokenTrouble: who cannot have a token says why, and no secret.
func TestTokenTrouble(t *testing.T) {
	w := start(t, front)
	w.refuse = true
	g := w.ask(nil, "GET", "/api/notes", "")
	if g.StatusCode != 502 || g.told.Reason != "no-token" || w.last() != nil {
		t.Errorf("%d %s", g.StatusCode, g.body)
	}
	if g := w.ask(nil, "GET", "/.well-known/ready", "", "Host", "10.0.0.1"); g.StatusCode != 503 {
		t.Errorf("ready: %d %s", g.StatusCode, g.body)
	}
	w = start(t, front)
	w.issuer.Close()
	if g := w.ask(nil, "GET", "/api/notes", ""); g.StatusCode != 503 || g.told.Reason != "issuer-busy" || g.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v %s", g.StatusCode, g.Header, g.body)
	}
	w = start(t, front)
	w.api.Close()
	if g := w.ask(nil, "GET", "/api/notes", ""); g.StatusCode != 502 || g.told.Reason != "upstream-unreachable" {
		t.Errorf("%d %s", g.StatusCode, g.body)
	}
	if g := w.ask(nil, "GET", "/.well-known/ready", ""); g.StatusCode != 200 {
		t.Errorf("ready: %d %s", g.StatusCode, g.body)
	}
}

const beside = `
inject: true
listen: 127.0.0.1:0
hosts: [api.local]
api: API
client: {token_url: ISSUER/token, id: app, secret: "${SECRET}"}
routes: [GET /notes, "POST /notes/{id}"]
`

// TestInject: programs of this machine need nothing; browsers, and names that lead
// here and are not ours, get nothing.
func TestInject(t *testing.T) {
	w := start(t, beside)
	for _, row := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"a program", nil, 200},
		{"localhost", []string{"Host", "localhost:99"}, 200},
		{"address of version 6", []string{"Host", "[::1]:99"}, 200},
		{"a listed name", []string{"Host", "API.local"}, 200},
		{"rebinding", []string{"Host", "evil.example"}, 421},
		{"rebinding to a likely name", []string{"Host", "localhost.evil.example"}, 421},
		{"a page", []string{"Origin", "https://evil.example"}, 403},
		{"a page of this machine", []string{"Origin", "http://localhost:3000"}, 403},
		{"a picture in a page", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a program's library that says how it fetches", []string{"Sec-Fetch-Mode", "cors"}, 200},
	} {
		if g := w.ask(nil, "POST", "/notes/7", "x", row.headers...); g.StatusCode != row.status {
			t.Errorf("%s: %d %s", row.name, g.StatusCode, g.body)
		}
		if reached := w.last() != nil; reached != (row.status == 200) {
			t.Errorf("%s: the API was reached: %v", row.name, reached)
		}
	}
}

// TestStream: what the API sends is passed on at once.
func TestStream(t *testing.T) {
	w := start(t, front)
	end := make(chan struct{})
	w.answer = func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(rw, "data: 1\n\n")
		_ = http.NewResponseController(rw).Flush()
		<-end
	}
	defer close(end)
	answer, err := http.Get(w.front.URL + "/api/notes")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	timer := time.AfterFunc(5*time.Second, func() { answer.Body.Close() })
	defer timer.Stop()
	b := make([]byte, 9)
	if _, err := io.ReadFull(answer.Body, b); err != nil || string(b) != "data: 1\n\n" {
		t.Errorf("%q %v", b, err)
	}
}
