package gateway

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
)

// TestQueryTokens is rows M09 and S02 where an API reads tokens from the query.
func TestQueryTokens(t *testing.T) {
	plain := func(a *catalogue.API) { a.Envelope = "rfc" }
	off := func(a *catalogue.API) { a.Query = false }
	as := func(a *catalogue.API) {}
	const bearer = "Authorization: Bearer "
	for _, row := range []struct {
		name    string
		api     func(*catalogue.API)
		request string
		header  string
		status  int
		passed  string // query that the API sees
	}{
		{"alone", as, "GET /notes?access_token=" + annToken, "", 200, ""},
		{"among others", as, "GET /notes?a=1&access_token=" + annToken + "&b=%20;2", "", 200, "a=1&b=%20;2"},
		{"for HEAD", as, "HEAD /notes?access_token=" + annToken, "", 200, ""},
		{"escaped as it may be", as, "GET /notes?access_token=ann%2Dtoken", "", 200, ""},
		{"with a write scope beside a read scope", as, "GET /notes/1?access_token=" + annToken, "", 200, ""},
		{"on a public route", as, "GET /open?x=1&access_token=bad", "", 200, "x=1"},
		{"where the API reads none", off, "GET /notes?access_token=" + annToken, "", 400, ""},
		{"unknown", as, "GET /notes?access_token=bad", "", 401, ""},
		{"empty", as, "GET /notes?access_token=", "", 401, ""},
		{"no token at all", as, "GET /notes?access_token=%zz", "", 401, ""},
		{"by POST", as, "POST /notes?access_token=" + annToken, "", 400, ""},
		{"by POST on a public route", as, "POST /open?access_token=" + annToken, "", 400, ""},
		{"for writing", as, "GET /write?access_token=" + annToken, "", 400, ""},
		{"twice", as, "GET /notes?access_token=" + annToken + "&access_token=" + annToken, "", 400, ""},
		{"with its name escaped", as, "GET /notes?access%5Ftoken=" + annToken, "", 400, ""},
		{"behind a semicolon", as, "GET /notes?a=1;access_token=" + annToken, "", 400, ""},
		{"before a semicolon", as, "GET /notes?access_token=" + annToken + ";a=1", "", 400, ""},
		{"in both places", as, "GET /notes?access_token=" + annToken, bearer + annToken, 200, ""},
		{"in both places, another", as, "GET /notes?access_token=" + annToken, bearer + readToken, 400, ""},
		{"in both places, not Spring's", plain, "GET /notes?access_token=" + annToken, bearer + annToken, 400, ""},
		{"beside Basic", as, "GET /notes?access_token=" + annToken, "Authorization: Basic YTpi", 400, ""},
		{"beside two headers", as, "GET /notes?access_token=" + annToken, bearer + annToken + "\n" + bearer + annToken, 400, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := start(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "public, max-age=60")
				w.Header().Set("Referrer-Policy", "unsafe-url")
			}, timetable(people(), row.api))
			text := row.request + " HTTP/1.1\nReferer: https://portal.example/\nReferer: https://portal.example/?access_token=x"
			if row.header != "" {
				text += "\n" + row.header
			}
			got := f.send(t, text)
			if got.StatusCode != row.status {
				t.Fatalf("%d %s", got.StatusCode, body(t, got))
			}
			if row.name == "where the API reads none" {
				return
			}
			if h := got.Header; strings.Join(h["Referrer-Policy"], "|") != "no-referrer" || len(h["Cache-Control"]) != 1 || !strings.Contains(h.Get("Cache-Control"), "no-store") {
				t.Errorf("the answer may be kept, or its URL told: %v", h)
			}
			if row.status != 200 {
				return
			}
			r := f.reached()[0]
			if r.URL.RawQuery != row.passed || strings.Contains(r.RequestURI, queryToken) || r.Header.Get("Referer") != "" || r.Header.Get("Authorization") != "" {
				t.Errorf("the API sees %s %v", r.RequestURI, r.Header)
			}
			if strings.HasPrefix(r.URL.Path, "/notes") && r.Header.Get("Grantway-Scope") != "read" {
				t.Errorf("a token from the query carries %q", r.Header.Get("Grantway-Scope"))
			}
		})
	}
}

// TestQueryTokenUnseen: without one in the query, an answer is as the API gave it.
func TestQueryTokenUnseen(t *testing.T) {
	f := start(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Cache-Control", "public") }, timetable(people()))
	got := f.get(t, "GET", "/notes?q=access_tokens%20are&x=%zz", annToken)
	if h := got.Header; got.StatusCode != 200 || h.Get("Cache-Control") != "public" || h["Referrer-Policy"] != nil {
		t.Errorf("%d %v", got.StatusCode, h)
	}
	if r := f.reached()[0]; r.URL.RawQuery != "q=access_tokens%20are&x=%zz" || r.Header.Get("Grantway-Scope") != "read write" {
		t.Errorf("%s %v", r.RequestURI, r.Header)
	}
}

// TestVerifyQueryToken: a proxy that only asks would pass the token on.
func TestVerifyQueryToken(t *testing.T) {
	f := start(t, nil, timetable(people()))
	g := New(f.settings)
	for _, query := range []string{"", "?access_token=" + annToken} {
		r, err := readRequest("GET /verify HTTP/1.1\r\nHost: api.example\r\nAuthorization: Bearer " + annToken +
			"\r\nX-Original-Method: GET\r\nX-Original-Uri: /notes" + query + "\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		w := &answered{header: http.Header{}}
		g.Verify(w, r, "notes", "")
		if want := map[string]int{"": 200}[query]; want != 0 && (w.status != want || w.header.Get("Grantway-User") != "ann") || want == 0 && w.status == 200 {
			t.Errorf("%q: %d %v", query, w.status, w.header)
		}
	}
}

type answered struct {
	header http.Header
	status int
}

func (a *answered) Header() http.Header         { return a.header }
func (a *answered) Write(b []byte) (int, error) { return len(b), nil }
func (a *answered) WriteHeader(status int)      { a.status = status }

// TestSpringEnvelope holds the refusals to the words that clients of Spring
// Security OAuth know.
func TestSpringEnvelope(t *testing.T) {
	f := start(t, nil, timetable(people(), func(a *catalogue.API) { a.Open = catalogue.OpenAPIToken }))
	for _, row := range []struct {
		path, token, challenge, body string
		status                       int
	}{
		{
			"/notes", "", `Bearer realm="staging", resource_metadata="https://api.example/.well-known/oauth-protected-resource/notes"`,
			`{"error":"unauthorized","error_description":"Full authentication is required to access this resource","error_uri":"https://auth.example/errors/token-missing"}`, 401,
		},
		{
			"/write", readToken, `Bearer realm="staging", error="insufficient_scope", error_description="Insufficient scope for this resource", scope="write", resource_metadata="https://api.example/.well-known/oauth-protected-resource/notes"`,
			`{"error":"insufficient_scope","error_description":"Insufficient scope for this resource","scope":"write","error_uri":"https://auth.example/errors/scope-insufficient"}`, 403,
		},
		{
			"/open", "", "",
			`{"error":"access_denied","error_description":"API token required.","error_uri":"https://auth.example/errors/api-token-required"}`, 403,
		},
	} {
		got := f.get(t, "GET", row.path, row.token)
		if said := body(t, got); got.StatusCode != row.status || got.Header.Get("WWW-Authenticate") != row.challenge || said != row.body {
			t.Errorf("%s: %d\n%s\n%s", row.path, got.StatusCode, got.Header.Get("WWW-Authenticate"), said)
		}
	}
}

func TestSpringExpired(t *testing.T) {
	f := start(t, nil, timetable(people()))
	got := f.get(t, "GET", "/notes", shortToken)
	for deadline := time.Now().Add(15 * time.Second); got.StatusCode == http.StatusOK && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		got = f.get(t, "GET", "/notes", shortToken)
	}
	if said := body(t, got); got.StatusCode != 401 || !strings.Contains(said, `{"error":"invalid_token","error_description":"Access token expired"`) ||
		!strings.Contains(got.Header.Get("WWW-Authenticate"), `error="invalid_token", error_description="Access token expired"`) {
		t.Errorf("%d %s %s", got.StatusCode, got.Header.Get("WWW-Authenticate"), said)
	}
}
