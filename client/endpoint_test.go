package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/oauth"
)

// TestServersThatMisbehave: the fixture is a good answer; each row does one thing
// that servers do.
func TestServersThatMisbehave(t *testing.T) {
	const token = `{"access_token":"t","token_type":"Bearer","expires_in":3600}`
	with := func(member string) string { return `{"access_token":"t",` + member + `}` }
	for _, row := range []struct {
		name   string
		status int
		kind   string
		body   string
		serve  http.HandlerFunc
		lives  time.Duration // of the token; 0: there is none
		is     error         // errors.Is
		as     string        // the error's type
	}{
		{name: "fixture", body: token, lives: time.Hour},
		{name: "no expires_in", body: with(`"token_type":"Bearer"`), lives: 5 * time.Minute},
		{name: "expires_in null", body: with(`"expires_in":null`), lives: 5 * time.Minute},
		{name: "expires_in a string", body: with(`"expires_in":"3600"`), lives: time.Hour},
		{name: "expires_in a fraction", body: with(`"expires_in":3600.0`), lives: time.Hour},
		{name: "expires_in 5 s", body: with(`"expires_in":5`), lives: 5 * time.Second},
		{name: "expires_in 0", body: with(`"expires_in":0`), lives: 5 * time.Minute},
		{name: "expires_in negative", body: with(`"expires_in":-1`), lives: 5 * time.Minute},
		{name: "expires_in an object", body: with(`"expires_in":{}`), lives: 5 * time.Minute},
		{name: "expires_in beyond all numbers", body: with(`"expires_in":1e400`), lives: 5 * time.Minute},
		{name: "expires_in for ever", body: with(`"expires_in":1e18`), lives: 366 * 24 * time.Hour},
		{name: "lower-case bearer", body: with(`"token_type":"bearer"`), lives: 5 * time.Minute},
		{name: "no token_type", body: with(`"expires_in":60`), lives: time.Minute},
		{name: "scope a list", body: with(`"scope":["read"],"expires_in":60`), lives: time.Minute},
		{name: "error null", body: with(`"error":null,"expires_in":60`), lives: time.Minute},
		{name: "token a number", body: `{"access_token":1}`, as: "answer"},
		{name: "error an object", status: 400, body: `{"error":{"message":"no"}}`, as: "answer"},
		{name: "another token_type", body: with(`"token_type":"DPoP"`), as: "answer"},
		{name: "JSON as text", kind: "text/plain", body: token, lives: time.Hour},
		{name: "no token", body: `{"token_type":"Bearer"}`, as: "answer"},
		{name: "token that no header carries", body: `{"access_token":"a\r\nX: y"}`, as: "answer"},
		{name: "page", kind: "text/html; charset=utf-8", body: "<html>", as: "answer"},
		{name: "page that is a token", kind: "text/html", body: token, as: "answer"},
		{name: "page with 400", status: 400, kind: "text/html", body: "<html>", as: "answer"},
		{name: "page with 502", status: 502, kind: "text/html", body: "<html>", as: "busy"},
		{name: "page with 404", status: 404, kind: "text/html", body: "<html>", as: "answer"},
		{name: "nothing", body: "", as: "answer"},
		{name: "an array", body: "[]", as: "answer"},
		{name: "200 with error", body: `{"error":"invalid_scope"}`, is: oauth.InvalidScope, as: "refused"},
		{name: "200 with error and token", body: with(`"error":"access_denied"`), is: oauth.AccessDenied, as: "refused"},
		{name: "201", status: 201, body: token, as: "answer"},
		{name: "400", status: 400, body: `{"error":"unauthorized_client"}`, is: oauth.UnauthorizedClient, as: "refused"},
		{name: "401", status: 401, body: `{"error":"invalid_client"}`, is: oauth.InvalidClient, as: "refused"},
		{name: "401 with nothing", status: 401, as: "refused"},
		{name: "400 that is busy", status: 400, body: `{"error":"temporarily_unavailable"}`, as: "busy"},
		{name: "429", status: 429, as: "busy"},
		{name: "503", status: 503, body: `{"error":"invalid_client"}`, as: "busy"},
		{name: "64 KiB", body: token + strings.Repeat(" ", 64<<10-len(token)), lives: time.Hour},
		{name: "more", body: token + strings.Repeat(" ", 64<<10-len(token)+1), as: "answer"},
		{name: "redirect", serve: func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				t.Error("the redirect was followed")
			}
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, as: "answer"},
		{name: "closed in the middle", serve: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, token)
			panic(http.ErrAbortHandler)
		}, as: "busy"},
		{name: "closed at once", serve: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, as: "busy"},
		{name: "slow body", serve: func(w http.ResponseWriter, r *http.Request) {
			for _, c := range token {
				fmt.Fprintf(w, "%c", c)
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(20 * time.Millisecond):
				case <-r.Context().Done():
					return
				}
			}
		}, as: "busy"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if row.serve != nil {
					row.serve(w, r)
					return
				}
				if row.kind == "" {
					row.kind = "application/json"
				}
				w.Header().Set("Content-Type", row.kind)
				w.WriteHeader(max(200, row.status))
				fmt.Fprint(w, row.body)
			}))
			defer server.Close()
			c := config(nil)
			c.Transport, c.TokenURL, c.Timeout = nil, server.URL+"/token", 500*time.Millisecond
			if row.as != "busy" {
				c.Timeout = 0
			}
			got, err := made(t, c).Token(t.Context())
			if row.lives != 0 {
				if left := time.Until(got.Expires); err != nil || left > row.lives || left < row.lives-2*time.Second {
					t.Fatalf("%v left, %v; want %v", left, err, row.lives)
				}
				return
			}
			if kindOf(err) != row.as || row.is != nil && !errors.Is(err, row.is) {
				t.Fatalf("got %q: %v", kindOf(err), err)
			}
		})
	}
}

// TestScopes: those that were granted, in whatever form the server says them; where
// it says none, those that were asked for (RFC 6749 §5.1).
func TestScopes(t *testing.T) {
	for said, want := range map[string]string{
		`"write read"`: "write read", `["write","read"]`: "write read", `null`: "read", `""`: "read", `7`: "read", `[7]`: "read",
	} {
		i := instant(func(int64) (int, http.Header, string) { return 200, nil, `{"access_token":"t","scope":` + said + `}` })
		got, err := made(t, config(i)).Token(t.Context())
		if err != nil || strings.Join(got.Scopes, " ") != want {
			t.Errorf("%s: %v, %v; want %s", said, got.Scopes, err, want)
		}
	}
}

func kindOf(err error) string {
	if _, ok := errors.AsType[*client.BusyError](err); ok {
		return "busy"
	}
	if _, ok := errors.AsType[*client.RefusedError](err); ok {
		return "refused"
	}
	if _, ok := errors.AsType[*client.AnswerError](err); ok {
		return "answer"
	}
	return ""
}

// TestRequest: what is sent, for each way to authenticate.
func TestRequest(t *testing.T) {
	const id, secret = "a b:c", "p+q&r"
	all := map[string][]string{
		"grant_type": {"client_credentials"}, "scope": {"read write"}, "audience": {"https://api"},
		"resource": {"https://api/notes"}, "organization": {"o"},
	}
	plus := func(more ...string) map[string][]string {
		sum := map[string][]string{}
		for k, v := range all {
			sum[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			sum[more[i]] = []string{more[i+1]}
		}
		return sum
	}
	for auth, want := range map[client.Auth]struct {
		user, password string
		form           map[string][]string
	}{
		client.Basic:    {"a+b%3Ac", "p%2Bq%26r", all},
		client.BasicRaw: {"a b", "c:p+q&r", all}, // which is why the RFC encodes
		client.Body:     {"", "", plus("client_id", id, "client_secret", secret)},
		client.JSONBody: {"", "", plus("client_id", id, "client_secret", secret)},
	} {
		t.Run(string(auth), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, password, _ := r.BasicAuth()
				body, _ := io.ReadAll(r.Body)
				got := map[string][]string{}
				if r.Header.Get("Content-Type") == "application/json" {
					flat := map[string]string{}
					if err := json.Unmarshal(body, &flat); err != nil {
						t.Error(err)
					}
					for k, v := range flat {
						got[k] = []string{v}
					}
				} else if form, err := url.ParseQuery(string(body)); err == nil {
					got = form
				}
				if r.Method != "POST" || r.URL.RawQuery != "" || user != want.user || password != want.password {
					t.Errorf("%s %s as %q %q", r.Method, r.URL, user, password)
				}
				if d := cmp.Diff(want.form, got); d != "" {
					t.Error(d)
				}
				fmt.Fprint(w, `{"access_token":"t"}`)
			}))
			defer server.Close()
			if _, err := made(t, client.Config{
				TokenURL: server.URL, ClientID: id, Secret: client.Static(secret), Auth: auth, Extra: url.Values{"organization": {"o"}},
				Target: client.Target{Scopes: []string{"read", "write"}, Audience: "https://api", Resource: []string{"https://api/notes"}},
			}).Token(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDiscovery: the fixture is metadata where RFC 8414 puts it.
func TestDiscovery(t *testing.T) {
	for _, row := range []struct {
		name, path, issuer, token, fails string
		slash                            string
	}{
		{name: "RFC 8414", path: "/.well-known/oauth-authorization-server/env"},
		{name: "OpenID Connect", path: "/env/.well-known/openid-configuration"},
		{name: "neither", path: "/metadata", fails: "answer"},
		{name: "another issuer", path: "/env/.well-known/openid-configuration", issuer: "https://evil.example", fails: "answer"},
		{name: "endpoint in the clear", path: "/env/.well-known/openid-configuration", token: "http://auth.example/token", fails: "answer"},
	} {
		t.Run(row.name, func(t *testing.T) {
			mux := http.NewServeMux()
			server := httptest.NewServer(mux)
			defer server.Close()
			issuer := server.URL + "/env"
			said := oauth.ServerMetadata{Issuer: issuer, TokenEndpoint: issuer + "/token"}
			if row.issuer != "" {
				said.Issuer = row.issuer
			}
			if row.token != "" {
				said.TokenEndpoint = row.token
			}
			mux.HandleFunc("GET "+row.path, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(said) })
			mux.HandleFunc("POST /env/token", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"access_token":"t"}`) })
			c := config(nil)
			c.Transport, c.TokenURL, c.Issuer = nil, "", issuer
			_, err := made(t, c).Token(t.Context())
			if kindOf(err) != row.fails || (err == nil) != (row.fails == "") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestConfig: the fixture is good; each row breaks one thing.
func TestConfig(t *testing.T) {
	for name, alter := range map[string]func(*client.Config){
		"no id":                     func(c *client.Config) { c.ClientID = "" },
		"nobody to ask":             func(c *client.Config) { c.TokenURL = "" },
		"plain http":                func(c *client.Config) { c.TokenURL = "http://auth.example/token" },
		"credentials in the URL":    func(c *client.Config) { c.TokenURL = "https://a:b@auth.example/token" },
		"revocation in the clear":   func(c *client.Config) { c.RevocationURL = "http://auth.example/revoke" },
		"no secret":                 func(c *client.Config) { c.Secret = nil },
		"unknown auth":              func(c *client.Config) { c.Auth = "x" },
		"unknown grant":             func(c *client.Config) { c.Grant = "password" },
		"nothing to refresh":        func(c *client.Config) { c.Grant = oauth.GrantRefreshToken },
		"parameter twice":           func(c *client.Config) { c.Extra = url.Values{"scope": {"x"}} },
		"two of one in JSON":        func(c *client.Config) { c.Auth, c.Extra = client.JSONBody, url.Values{"x": {"1", "2"}} },
		"two resources in JSON":     func(c *client.Config) { c.Auth, c.Resource = client.JSONBody, []string{"https://a", "https://b"} },
		"not a scope":               func(c *client.Config) { c.Scopes = []string{"a b"} },
		"timeout beyond the limit":  func(c *client.Config) { c.Timeout = time.Minute + 1 },
		"timeout that was not long": func(c *client.Config) { c.Timeout = -1 },
	} {
		c := config(nil)
		if _, err := client.New(c); err != nil {
			t.Fatal(err)
		}
		alter(&c)
		if _, err := client.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
