package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/catalogue"
)

// TestAdmit says for each request what becomes of it.
func TestAdmit(t *testing.T) {
	f := start(t, nil)
	for _, row := range []struct {
		name, method, path, token string
		status                    int
		reason                    string // in our log; empty: it passed
	}{
		{"it passes", "GET", "/notes", readToken, 200, ""},
		{"a slash at the end", "GET", "/notes/", readToken, 200, ""},
		{"doubled slashes in front", "GET", "//notes", readToken, 200, ""},
		{"HEAD where GET is open", "HEAD", "/notes", readToken, 200, ""},
		{"all scopes of the alternative", "POST", "/notes", writeToken, 200, ""},
		{"one of two alternatives", "GET", "/notes/1", readToken, 200, ""},
		{"no scope is needed", "GET", "/notes/1/pages/2", readToken, 200, ""},
		{"public without a token", "GET", "/open", "", 200, ""},
		{"public with a bad token", "GET", "/open", "bad", 200, ""},
		{"S01 no token", "GET", "/notes", "", 401, "token-missing"},
		{"S01 a bad token", "GET", "/notes", "bad", 401, "token-unknown"},
		{"S01 a scope is missing", "POST", "/notes", readToken, 403, "scope-insufficient"},
		{"S03 a token for another API", "GET", "/notes", otherToken, 401, "token-for-another-api"},
		{"S08 the query is no path", "GET", "/nothing?/open", readToken, 403, "route-closed"},
		{"S14 no exemption by User-Agent", "GET", "/notes HTTP/1.1\nUser-Agent: kube-probe", "", 401, "token-missing"},
		{"S19 an unknown path", "GET", "/nothing", readToken, 403, "route-closed"},
		{"S19 an unknown path without a token", "GET", "/nothing", "", 403, "route-closed"},
		{"a slash after a variable", "GET", "/notes/1/", writeToken, 200, ""},
		{"S19 case", "GET", "/Notes", readToken, 403, "route-closed"},
		{"S22 a preflight is no way in", "OPTIONS", "/notes", "", 405, "method-closed"},
		{"a method that is not open", "DELETE", "/notes", writeToken, 405, "method-closed"},
		{"an invented method", "BREW", "/notes", writeToken, 405, "method-closed"},
		{"HEAD at the other API", "HEAD", "/other", otherToken, 200, ""},
		{"dot segments", "GET", "/open/../notes", "", 400, "path-malformed"},
		{"escaped dot segments", "GET", "/open/%2e%2e/notes", "", 400, "path-malformed"},
		{"escaped slash", "GET", "/open%2fx", "", 400, "path-malformed"},
		{"a segment parameter", "GET", "/open;x/notes", "", 400, "path-malformed"},
		{"escaped twice", "GET", "/open/%252e%252e/notes", "", 400, "path-malformed"},
		{"a needless escape", "GET", "/%6fpen", "", 400, "path-malformed"},
		{"S02 a token in the URL", "GET", "/notes?access_token=" + readToken, "", 400, "token-in-url"},
		{"S02 a token in the URL too", "GET", "/notes?a=b&access_token=x", readToken, 400, "token-in-url"},
		{"S02 two headers", "GET", "/notes HTTP/1.1\nAuthorization: Bearer " + readToken + "\nAuthorization: Basic YTpi", "", 400, "token-twice"},
		{"one path, two APIs: the first", "GET", "/shared", readToken, 200, ""},
		{"one path, two APIs: the second", "POST", "/shared", otherToken, 200, ""},
		{"S03 one path, two APIs: the other's token", "POST", "/shared", readToken, 401, "token-for-another-api"},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := len(f.reached())
			path, more, _ := strings.Cut(row.path, " ")
			text := row.method + " " + path + " HTTP/1.1" + strings.TrimPrefix(more, "HTTP/1.1")
			if row.token != "" {
				text += "\nAuthorization: Bearer " + row.token
			}
			response := f.send(t, text)
			fact := <-f.facts
			var reason string
			if fact.Refusal != nil {
				reason = fact.Refusal.ID
			}
			if response.StatusCode != row.status || reason != row.reason {
				t.Errorf("got %d %q, want %d %q", response.StatusCode, reason, row.status, row.reason)
			}
			if passed := len(f.reached()) > before; passed != (row.reason == "") {
				t.Errorf("reached the API: %v", passed)
			}
			if response.Header.Get("Location") != "" {
				t.Error("it redirects")
			}
		})
	}
}

// TestRefusals holds the answers as they go out, in both envelopes.
func TestRefusals(t *testing.T) {
	const metadata = `resource_metadata="https://api.example/.well-known/oauth-protected-resource/notes"`
	for _, row := range []struct {
		name, envelope, method, path, token string
		status                              int
		header                              http.Header
		body                                string
	}{
		{
			"no token", "rfc", "GET", "/notes", "", 401,
			http.Header{"Www-Authenticate": {`Bearer realm="staging", ` + metadata}},
			`{"error":"invalid_token","error_description":"this API needs an access token","error_uri":"https://auth.example/errors/token-missing"}`,
		},
		{
			"a bad token", "rfc", "GET", "/notes", "bad", 401,
			http.Header{"Www-Authenticate": {`Bearer realm="staging", error="invalid_token", error_description="the access token is unknown or expired", ` + metadata}},
			`{"error":"invalid_token","error_description":"the access token is unknown or expired","error_uri":"https://auth.example/errors/token-unknown"}`,
		},
		{
			"a scope is missing", "rfc", "POST", "/notes", readToken, 403,
			http.Header{"Www-Authenticate": {`Bearer realm="staging", error="insufficient_scope", error_description="the access token lacks a scope that this call needs: read write", scope="read write", ` + metadata}},
			`{"error":"insufficient_scope","error_description":"the access token lacks a scope that this call needs: read write","error_uri":"https://auth.example/errors/scope-insufficient"}`,
		},
		{
			"a closed method", "rfc", "PUT", "/notes", writeToken, 405,
			http.Header{"Allow": {"GET, HEAD, POST"}},
			`{"error":"invalid_request","error_description":"this method is not open at this path","error_uri":"https://auth.example/errors/method-closed"}`,
		},
		{
			"a closed path", "rfc", "GET", "/x", "", 403,
			http.Header{"Www-Authenticate": {`Bearer realm="staging", error="insufficient_scope", error_description="this path is not open"`}},
			`{"error":"insufficient_scope","error_description":"this path is not open","error_uri":"https://auth.example/errors/route-closed"}`,
		},
		{
			"HEAD has no body", "rfc", "HEAD", "/notes", "", 401,
			http.Header{"Www-Authenticate": {`Bearer realm="staging", ` + metadata}},
			``,
		},
		{
			"another method in the query", "rfc", "POST", "/open?a=1&_method=DELETE", "", 400,
			http.Header{"Www-Authenticate": {`Bearer realm="staging", error="invalid_request", error_description="the query names another method", ` + metadata}},
			`{"error":"invalid_request","error_description":"the query names another method","error_uri":"https://auth.example/errors/method-in-query"}`,
		},
		{"imsx 401", "imsx", "GET", "/notes", "bad", 401, nil, imsx("the access token is unknown or expired", "unauthorisedrequest")},
		{"imsx 403", "imsx", "POST", "/notes", readToken, 403, nil, imsx("the access token lacks a scope that this call needs: read write", "forbidden")},
		{"imsx where no API is known", "imsx", "GET", "/x", "", 403, nil, imsx("this path is not open", "forbidden")},
		{"imsx 400", "imsx", "GET", "/x//y", "", 400, nil, imsx("the path of the request has more than one meaning", "invaliddata")},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := start(t, nil, func(f *fixture) {
				f.environment.APIs[0].Envelope, f.environment.APIs[1].Envelope = row.envelope, row.envelope
			})
			response := f.get(t, row.method, row.path, row.token)
			if response.StatusCode != row.status {
				t.Errorf("status %d, want %d", response.StatusCode, row.status)
			}
			for name, want := range row.header {
				if diff := cmp.Diff(want, response.Header[name]); diff != "" {
					t.Errorf("%s: (-want +got)\n%s", name, diff)
				}
			}
			for name, want := range map[string]string{"Cache-Control": "no-store", "Content-Type": "application/json", "X-Content-Type-Options": "nosniff"} {
				if got := response.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if diff := cmp.Diff(row.body, body(t, response)); diff != "" {
				t.Errorf("body (-want +got)\n%s", diff)
			}
		})
	}
}

func imsx(description, code string) string {
	return `{"imsx_codeMajor":"failure","imsx_severity":"error","imsx_description":"` + description +
		`","imsx_CodeMinor":{"imsx_codeMinorField":[{"imsx_codeMinorFieldName":"TargetEndSystem","imsx_codeMinorFieldValue":"` + code + `"}]}}`
}

func TestImsxCodes(t *testing.T) {
	for status, want := range map[int]string{
		400: "invaliddata", 413: "invaliddata", 401: "unauthorisedrequest", 403: "forbidden", 404: "unknownobject",
		429: "server_busy", 503: "server_busy", 500: "internal_server_error", 502: "internal_server_error",
	} {
		if got := imsxCode(status); got != want {
			t.Errorf("%d: %q, want %q", status, got, want)
		}
	}
}

// TestFact: the log learns whose call it was and which rule opened it.
func TestFact(t *testing.T) {
	f := start(t, nil)
	f.get(t, "GET", "/notes/7", readToken)
	got := <-f.facts
	if got.Event != "call.passed" || got.Client != "client1" || got.Secret != "secret1" || got.API != "notes" || got.Route != "/notes/{id}" {
		t.Errorf("passed: %+v", got)
	}
	f.get(t, "POST", "/notes", readToken)
	if got = <-f.facts; got.Event != "" || got.Client != "client1" || got.Refusal == nil {
		t.Errorf("refused: %+v", got)
	}
	f.get(t, "POST", "/shared", otherToken)
	if got = <-f.facts; got.API != "other" {
		t.Errorf("the API of a path that two have: %+v", got)
	}
	f.get(t, "GET", "/open", "")
	if got = <-f.facts; got.Client != "" || got.API != "notes" {
		t.Errorf("public: %+v", got)
	}
}

func TestMetadataURL(t *testing.T) {
	for resource, want := range map[string]string{
		"https://h":     "https://h/.well-known/oauth-protected-resource",
		"https://h:1/a": "https://h:1/.well-known/oauth-protected-resource/a",
		"https://h/a/b": "https://h/.well-known/oauth-protected-resource/a/b",
		"https://h/a/":  "https://h/.well-known/oauth-protected-resource/a/",
	} {
		if got := MetadataURL(resource); got != want {
			t.Errorf("%s: %s, want %s", resource, got, want)
		}
	}
}

func TestEnvelopeOf(t *testing.T) {
	for want, kinds := range map[string][][]string{"rfc": {{}, {"rfc"}, {"imsx", "rfc"}}, "imsx": {{"imsx"}, {"imsx", "imsx"}}} {
		for _, kind := range kinds {
			e := &catalogue.Environment{}
			for _, k := range kind {
				e.APIs = append(e.APIs, &catalogue.API{Envelope: k})
			}
			if got := envelopeOf(e); got != want {
				t.Errorf("%v: %s, want %s", kind, got, want)
			}
		}
	}
}
