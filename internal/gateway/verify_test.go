package gateway

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/activity"
)

// question asks a gateway about a request. The text has the headers, one a line;
// rest is what follows the API's name in the question's path.
func question(t testing.TB, g *Gateway, method, api, rest, headers string) (*http.Response, *activity.Fact) {
	t.Helper()
	r, err := readRequest(method + " /verify/staging/" + api + rest + " HTTP/1.1\r\nHost: x\r\n" + strings.ReplaceAll(headers, "\n", "\r\n") + "\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:1"
	path, _, _ := strings.Cut(rest, "?")
	fact := &activity.Fact{Trace: "trace-of-this"}
	w := httptest.NewRecorder()
	g.Verify(w, r.WithContext(activity.With(r.Context(), fact)), api, path)
	return w.Result(), fact
}

const (
	original  = "X-Original-Method: GET\nX-Original-URI: "
	forwarded = "X-Forwarded-Method: GET\nX-Forwarded-Uri: "
	authorize = "\nAuthorization: Bearer "
)

// TestVerify: each row changes one thing of a question that is answered with yes.
func TestVerify(t *testing.T) {
	f := start(t, nil)
	g := New(f.settings)
	long := strings.Repeat("x", 9000)
	for _, row := range []struct {
		what, method, api, rest, headers string
		status                           int
		refusal                          string
	}{
		{"nginx", "GET", "notes", "", original + "/notes" + authorize + readToken, 200, ""},
		{"Caddy, Traefik", "GET", "notes", "", forwarded + "/notes" + authorize + readToken, 200, ""},
		{"Envoy", "GET", "notes", "/notes", authorize[1:] + readToken, 200, ""},
		{"another method", "GET", "notes", "", "X-Forwarded-Method: POST\nX-Forwarded-Uri: /notes" + authorize + writeToken, 200, ""},
		{"Envoy, another method", "POST", "notes", "/notes", authorize[1:] + writeToken, 200, ""},
		{"HEAD", "GET", "notes", "", "X-Forwarded-Method: HEAD\nX-Forwarded-Uri: /notes" + authorize + readToken, 200, ""},
		{"a query", "GET", "notes", "", original + "/notes?a=/../b;c" + authorize + readToken, 200, ""},
		{"Envoy, a query", "GET", "notes", "/notes?a=/../b;c", authorize[1:] + readToken, 200, ""},
		{"a slash at the end", "GET", "notes", "", original + "/notes/" + authorize + readToken, 200, ""},
		{"public", "GET", "notes", "", original + "/open", 200, ""},
		{"public with a token", "GET", "notes", "", original + "/open" + authorize + "x", 200, ""},
		{"shared path, own method", "GET", "notes", "", original + "/shared" + authorize + readToken, 200, ""},

		{"no token", "GET", "notes", "", original + "/notes", 401, "token-missing"},
		{"a token that is none", "GET", "notes", "", original + "/notes" + authorize + "x", 401, "token-unknown"},
		{"another API's token", "GET", "notes", "", original + "/notes" + authorize + otherToken, 401, "token-for-another-api"},
		{"two tokens", "GET", "notes", "", forwarded + "/notes" + authorize + readToken + authorize + readToken, 400, "token-twice"},
		{"scope", "GET", "notes", "", "X-Original-Method: POST\nX-Original-Uri: /notes" + authorize + readToken, 403, "scope-insufficient"},
		{"a token in the query", "GET", "notes", "", forwarded + "/notes?access_token=x" + authorize + readToken, 400, "token-in-url"},
		{"Envoy, a token in the query", "GET", "notes", "/notes?access_token=x", authorize[1:] + readToken, 400, "token-in-url"},
		{"nginx, a token in the query", "GET", "notes", "", original + "/notes?access_token=x" + authorize + readToken, 403, "token-in-url"},
		{"closed path", "GET", "notes", "", original + "/secret" + authorize + readToken, 403, "route-closed"},
		{"closed method", "GET", "notes", "", "X-Forwarded-Method: DELETE\nX-Forwarded-Uri: /notes" + authorize + readToken, 405, "method-closed"},
		{"nginx, closed method", "GET", "notes", "", "X-Original-Method: DELETE\nX-Original-Uri: /notes" + authorize + readToken, 403, "method-closed"},
		{"invented method", "GET", "notes", "", "X-Forwarded-Method: get\nX-Forwarded-Uri: /notes" + authorize + readToken, 405, "method-closed"},

		{"another API's route", "GET", "notes", "", original + "/other" + authorize + otherToken, 403, "route-closed"},
		{"another API's route, no token", "GET", "notes", "", original + "/other", 403, "route-closed"},
		{"another API's closed method", "GET", "notes", "", "X-Forwarded-Method: DELETE\nX-Forwarded-Uri: /other" + authorize + readToken, 403, "route-closed"},
		{"shared path, another API's method", "GET", "notes", "", "X-Forwarded-Method: POST\nX-Forwarded-Uri: /shared" + authorize + readToken, 403, "route-closed"},
		{"shared path, nobody's method", "GET", "notes", "", "X-Forwarded-Method: PUT\nX-Forwarded-Uri: /shared" + authorize + readToken, 405, "method-closed"},

		{"nothing", "GET", "notes", "", authorize[1:] + readToken, 400, "original-unclear"},
		{"method only", "GET", "notes", "", "X-Forwarded-Method: GET" + authorize + readToken, 400, "original-unclear"},
		{"URI only", "GET", "notes", "", "X-Forwarded-Uri: /notes" + authorize + readToken, 400, "original-unclear"},
		{"nginx, URI only", "GET", "notes", "", "X-Original-Uri: /notes" + authorize + readToken, 403, "original-unclear"},
		{"halves of two", "GET", "notes", "", "X-Original-Method: GET\nX-Forwarded-Uri: /notes" + authorize + readToken, 400, "original-unclear"},
		{"two pairs", "GET", "notes", "", original + "/notes\n" + forwarded + "/notes" + authorize + readToken, 403, "original-unclear"},
		{"a pair and a half", "GET", "notes", "", forwarded + "/notes\nX-Original-Method: GET" + authorize + readToken, 400, "original-unclear"},
		{"a pair and a path", "GET", "notes", "/notes", forwarded + "/notes" + authorize + readToken, 400, "original-unclear"},
		{"a pair and a slash", "GET", "notes", "/", forwarded + "/notes" + authorize + readToken, 400, "original-unclear"},
		{"a half and a path", "GET", "notes", "/notes", "X-Original-Method: GET" + authorize + readToken, 400, "original-unclear"},
		{"method twice", "GET", "notes", "", forwarded + "/notes\nX-Forwarded-Method: GET" + authorize + readToken, 400, "original-unclear"},
		{"URI twice", "GET", "notes", "", forwarded + "/notes\nX-Forwarded-Uri: /open" + authorize + readToken, 400, "original-unclear"},
		{"empty method", "GET", "notes", "", "X-Forwarded-Method:\nX-Forwarded-Uri: /notes" + authorize + readToken, 400, "original-unclear"},

		{"empty URI", "GET", "notes", "", "X-Forwarded-Method: GET\nX-Forwarded-Uri:" + authorize + readToken, 400, "path-malformed"},
		{"a URL", "GET", "notes", "", forwarded + "http://api.example/notes" + authorize + readToken, 400, "path-malformed"},
		{"dot segments", "GET", "notes", "", forwarded + "/open/../notes", 400, "path-malformed"},
		{"escaped dot segments", "GET", "notes", "", forwarded + "/open/%2e%2e/notes", 400, "path-malformed"},
		{"escaped slash", "GET", "notes", "", forwarded + "/open%2fnotes", 400, "path-malformed"},
		{"doubled slash", "GET", "notes", "", forwarded + "/open//notes", 400, "path-malformed"},
		{"doubled slash at the start", "GET", "notes", "", forwarded + "//open", 400, "path-malformed"},
		{"parameter", "GET", "notes", "", forwarded + "/open;/notes", 400, "path-malformed"},
		{"lower-case escape", "GET", "notes", "", forwarded + "/notes/%c3%a9" + authorize + readToken, 400, "path-malformed"},
		{"upper-case escape", "GET", "notes", "", forwarded + "/notes/%C3%A9" + authorize + readToken, 200, ""},
		{"needless escape", "GET", "notes", "", forwarded + "/notes/%21" + authorize + readToken, 400, "path-malformed"},
		{"another method in the query", "GET", "notes", "", forwarded + "/notes?%5Fmethod=DELETE" + authorize + readToken, 400, "method-in-query"},
		{"Envoy, another method in the query", "GET", "notes", "/notes?x-http-method-override=PUT", authorize[1:] + readToken, 400, "method-in-query"},
		{"fragment", "GET", "notes", "", forwarded + "/open#/notes", 400, "path-malformed"},
		{"blank", "GET", "notes", "", forwarded + "/open /notes", 400, "path-malformed"},
		{"too long", "GET", "notes", "", forwarded + "/notes/" + long + authorize + readToken, 400, "path-malformed"},
	} {
		got, fact := question(t, g, row.method, row.api, row.rest, row.headers)
		refused := ""
		if fact.Refusal != nil {
			refused = fact.Refusal.ID
		}
		if got.StatusCode != row.status || refused != row.refusal {
			t.Errorf("%s: %d %s, want %d %s", row.what, got.StatusCode, refused, row.status, row.refusal)
		}
		if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Location") != "" {
			t.Errorf("%s: %v", row.what, got.Header)
		}
		if row.status != 200 && got.Header.Get("Grantway-Client") != "" {
			t.Errorf("%s: the refusal says who is calling", row.what)
		}
	}
	if len(f.reached()) != 0 {
		t.Error("a question was forwarded")
	}
}

func TestVerifySaysWhoIsCalling(t *testing.T) {
	f := start(t, nil)
	g := New(f.settings)
	forged := "\nGrantway-Client: forged\nGrantway-Subject: forged\nGrantway-Trace: forged"
	want := map[string]string{
		"Grantway-Client": "client1", "Grantway-Subject": "client1", "Grantway-Scope": "read write", "Grantway-Environment": "staging", "Grantway-Trace": "trace-of-this",
	}
	got, fact := question(t, g, "GET", "notes", "", original+"/notes"+authorize+writeToken+forged)
	for name, value := range want {
		if sent := got.Header[name]; len(sent) != 1 || sent[0] != value {
			t.Errorf("%s: %q", name, sent)
		}
	}
	if text := body(t, got); text != "" || fact.Event != "call.passed" || fact.API != "notes" || fact.Route != "/notes" || fact.Client != "client1" {
		t.Errorf("%q %+v", text, fact)
	}
	got, _ = question(t, g, "GET", "notes", "", original+"/open"+authorize+writeToken+forged)
	if sent, ok := got.Header["Grantway-Client"]; !ok || sent[0] != "" || got.Header.Get("Grantway-Environment") != "staging" {
		t.Errorf("public: %v", got.Header)
	}
}

func TestVerifyRefusal(t *testing.T) {
	f := start(t, nil, limited(&stopped{at: time.Now()}))
	f.environment.Base = &url.URL{Scheme: "https", Host: "api.example", Path: "/v1"}
	g := New(f.settings)
	got, _ := question(t, g, "GET", "notes", "", original+"/v1/notes")
	if said := got.Header.Get("Www-Authenticate"); got.StatusCode != 401 || !strings.HasPrefix(said, `Bearer realm="staging", resource_metadata=`) {
		t.Errorf("%d %s", got.StatusCode, said)
	}
	for target, status := range map[string]int{"/v1/notes": 200, "/v1": 403, "/v1notes": 403, "/notes": 403, "/v1/v1/notes": 403, "/V1/notes": 403} {
		if got, _ := question(t, g, "GET", "notes", "", forwarded+target+authorize+readToken); got.StatusCode != status {
			t.Errorf("%s: %d, want %d", target, got.StatusCode, status)
		}
	}
	for _, row := range []struct {
		headers     string
		status      int
		left, again string
	}{
		{forwarded, 200, `"notes";r=1;t=40`, ""},
		{original, 200, `"notes";r=0;t=60`, ""},
		{forwarded, 429, `"notes";r=0;t=60`, "20"},
		{original, 403, `"notes";r=0;t=60`, "20"},
	} {
		got, _ := question(t, g, "GET", "notes", "", row.headers+"/v1/notes"+authorize+readToken)
		if got.StatusCode != row.status || got.Header.Get("RateLimit") != row.left || got.Header.Get("Retry-After") != row.again {
			t.Errorf("%d %v", got.StatusCode, got.Header)
		}
		if row.status == 403 && got.Header.Get(headerStatus) != "429" {
			t.Errorf("nginx is not told the status: %v", got.Header)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	f := start(b, nil)
	g := New(f.settings)
	r := httptest.NewRequest(http.MethodGet, "/verify/staging/notes", nil)
	r.Header = http.Header{"X-Original-Method": {"GET"}, "X-Original-Uri": {"/notes/1234"}, "Authorization": {"Bearer " + readToken}}
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		if g.Verify(w, r, "notes", ""); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
