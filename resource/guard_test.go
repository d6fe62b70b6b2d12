package resource_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
	"github.com/grantway/grantway/resource"
)

const metadataURL = "https://api.example/.well-known/oauth-protected-resource"

// TestRequire is row S01 for whoever mounts the middleware.
func TestRequire(t *testing.T) {
	const challenged = `Bearer realm="notes"`
	token := good(resource.RFC9068).token()
	bearer := []string{"Bearer " + token}
	for _, row := range []struct {
		name          string
		authorization []string
		query         string
		scopes        []string
		status        int
		code          oauth.ErrorCode
		challenge     string
	}{
		{name: "good", authorization: bearer, scopes: []string{"read", "write"}, status: 200},
		{name: "no scope is needed", authorization: bearer, status: 200},
		{name: "no token", status: 401, code: oauth.InvalidToken, challenge: challenged},
		{name: "another scheme", authorization: []string{"Basic eDp5"}, status: 401, code: oauth.InvalidToken, challenge: challenged},
		{
			name: "a bad one", authorization: []string{"Bearer x"}, status: 401, code: oauth.InvalidToken,
			challenge: challenged + `, error="invalid_token", error_description="the access token is malformed"`,
		},
		{
			name: "a scope is missing", authorization: bearer, scopes: []string{"read", "delete"}, status: 403, code: oauth.InsufficientScope,
			challenge: challenged + `, error="insufficient_scope", error_description="the access token lacks a scope that this call needs: read delete", scope="read delete"`,
		},
		{
			name: "two of them", authorization: append(bearer, bearer...), status: 400, code: oauth.InvalidRequest,
			challenge: challenged + `, error="invalid_request", error_description="the request carries more than one set of credentials"`,
		},
		{name: "in the URL", query: "?access_token=" + token, status: 400, code: oauth.InvalidRequest},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			t.Run(row.name+"/"+method, func(t *testing.T) {
				c := config(resource.RFC9068)
				c.Challenge = resource.Challenge{Realm: "notes", Metadata: metadataURL}
				reached := false
				handler := checker(t, c).Require(row.scopes...)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					got, ok := resource.FromContext(r.Context())
					reached = ok && got.ClientID == "client1"
				}))
				r := httptest.NewRequest(method, "/"+row.query, nil)
				if row.authorization != nil {
					r.Header["Authorization"] = row.authorization
				}
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code != row.status || reached != (row.status == 200) {
					t.Fatalf("%d, reached %v", w.Code, reached)
				}
				if row.status == 200 {
					return
				}
				h := w.Header()
				if got := h.Get("WWW-Authenticate"); row.challenge != "" && got != row.challenge+`, resource_metadata="`+metadataURL+`"` {
					t.Errorf("the challenge is %s", got)
				}
				if h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "application/json" || h.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("headers %v", h)
				}
				if method == http.MethodHead {
					if w.Body.Len() > 0 {
						t.Error("HEAD has a body")
					}
					return
				}
				var said oauth.ErrorResponse
				if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Code != row.code || said.Description == "" || said.URI != "" {
					t.Errorf("%s: %v", w.Body, err)
				}
				if h.Get("Content-Length") != fmt.Sprint(w.Body.Len()) {
					t.Error("Content-Length is wrong")
				}
			})
		}
	}
}

// TestRequireUnavailable: while nobody can tell, the request is not the fault.
func TestRequireUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		token := a.token(t, nil)
		handler := a.guard(t, resource.Discover(a.issuer, a.client())).Require()(http.NotFoundHandler())
		recovered := a.hang()
		defer recovered()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		before := time.Now()
		handler.ServeHTTP(w, r)
		if w.Code != 503 || w.Header().Get("Retry-After") != "1" || w.Header().Get("WWW-Authenticate") != "" || time.Since(before) > 5*time.Second {
			t.Errorf("%d %v after %v", w.Code, w.Header(), time.Since(before))
		}
	})
}

// TestRefuse: an API answers in its own envelope, under our headers.
func TestRefuse(t *testing.T) {
	c := config(resource.RFC9068)
	var got resource.Refusal
	c.Refuse = func(w http.ResponseWriter, _ *http.Request, refused resource.Refusal) {
		got = refused
		w.WriteHeader(refused.Status)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer x")
	checker(t, c).Require("read")(http.NotFoundHandler()).ServeHTTP(w, r)
	want := `Bearer realm="api", error="invalid_token", error_description="the access token is malformed"`
	if w.Code != 401 || w.Header().Get("WWW-Authenticate") != want || w.Header().Get("Content-Type") != "" || w.Body.Len() > 0 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if got.Code != oauth.InvalidToken || got.Description != "the access token is malformed" || !errors.Is(got.Err, refusal.TokenMalformed) {
		t.Errorf("%+v", got)
	}
}

func TestRequireNoScope(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error(`a scope with a quote was taken`)
		}
	}()
	checker(t, config(resource.RFC9068)).Require(`a"b`)
}

func TestFromContext(t *testing.T) {
	if got, ok := resource.FromContext(t.Context()); ok || got != nil {
		t.Error("there is a token where there is none")
	}
	token := &resource.Token{ID: "1"}
	if got, ok := resource.FromContext(resource.NewContext(t.Context(), token)); !ok || got != token {
		t.Error("it is not the one that was put there")
	}
}

// TestClaims: what an issuer adds can be read.
func TestClaims(t *testing.T) {
	m := good(resource.RFC9068)
	m.claims["tenant"], m.claims["roles"] = "school-7", []string{"teacher"}
	got, err := checker(t, config(resource.RFC9068)).Check(t.Context(), m.token())
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Tenant string
		Roles  []string
		Sub    string
	}
	if err := got.Claims(&claims); err != nil || claims.Tenant != "school-7" || len(claims.Roles) != 1 || claims.Sub != "client1" {
		t.Errorf("%+v, %v", claims, err)
	}
	if err := got.Claims(new([]int)); err == nil {
		t.Error("they fit into an array")
	}
	if err := (&resource.Token{}).Claims(&claims); err == nil {
		t.Error("a token from nowhere has claims")
	}
}
