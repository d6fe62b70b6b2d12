package client_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/oauth"
)

// TestSignIn: a person signs in; the fixture's answer is good and each row breaks
// one thing about it.
func TestSignIn(t *testing.T) {
	var in *client.SignIn
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(oauth.ServerMetadata{
			Issuer: server.URL, TokenEndpoint: server.URL + "/token", AuthorizationEndpoint: server.URL + "/authorize?tenant=x",
			SignInMetadata: &oauth.SignInMetadata{ResponseIssSupported: true},
		})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		for name, want := range map[string]string{
			"grant_type": "authorization_code", "code": "kode", "redirect_uri": "http://127.0.0.1/back",
			"code_verifier": in.Verifier.Reveal(), "client_id": "c", "client_secret": "", "scope": "",
		} {
			if got := r.PostFormValue(name); got != want {
				t.Errorf("%s=%q, want %q", name, got, want)
			}
		}
		fmt.Fprint(w, `{"access_token":"t1","refresh_token":"r1","id_token":"i1","expires_in":600,"scope":"openid"}`)
	})
	for _, row := range []struct {
		name  string
		alter func(url.Values)
		is    error
	}{
		{"fixture", func(url.Values) {}, nil},
		{"another state", func(v url.Values) { v.Set("state", "x") }, client.ErrState},
		{"no state", func(v url.Values) { v.Del("state") }, client.ErrState},
		{"two states", func(v url.Values) { v.Add("state", "x") }, client.ErrState},
		{"another issuer", func(v url.Values) { v.Set("iss", "https://evil.example") }, client.ErrIssuer},
		{"no issuer", func(v url.Values) { v.Del("iss") }, client.ErrIssuer},
		{"no", func(v url.Values) { v.Set("error", "access_denied") }, oauth.AccessDenied},
		{"no code", func(v url.Values) { v.Del("code") }, oauth.InvalidRequest},
		{"two codes", func(v url.Values) { v.Add("code", "x") }, oauth.InvalidRequest},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := made(t, client.Config{
				Issuer: server.URL, ClientID: "c", Grant: oauth.GrantAuthorizationCode,
				Target: client.Target{Scopes: []string{"openid", "read"}},
			})
			if _, err := c.Token(t.Context()); !errors.Is(err, client.ErrSignIn) {
				t.Errorf("before: %v", err)
			}
			var err error
			in, err = c.SignIn(t.Context(), "http://127.0.0.1/back", url.Values{"prompt": {"login"}})
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(in.URL)
			if err != nil {
				t.Fatal(err)
			}
			challenge := sha256.Sum256([]byte(in.Verifier))
			for name, want := range map[string]string{
				"tenant": "x", "prompt": "login", "response_type": "code", "client_id": "c", "scope": "openid read",
				"redirect_uri": "http://127.0.0.1/back", "state": in.State.Reveal(), "code_challenge_method": "S256",
				"code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]),
			} {
				if got := u.Query().Get(name); got != want {
					t.Errorf("%s=%q, want %q", name, got, want)
				}
			}
			back := url.Values{"state": {in.State.Reveal()}, "code": {"kode"}, "iss": {server.URL}}
			row.alter(back)
			got, err := c.Exchange(t.Context(), in, back)
			if !errors.Is(err, row.is) {
				t.Fatalf("got %v, want %v", err, row.is)
			}
			if err == nil {
				if got.Refresh != "r1" || got.ID != "i1" || len(got.Scopes) != 1 {
					t.Errorf("got %+v", got)
				}
				has(t, c, "t1")
			}
		})
	}
}

// TestSecretsDoNotPrint: not in fmt, JSON or a log.
func TestSecretsDoNotPrint(t *testing.T) {
	const hidden = "hush-hush"
	c := config(instant(good))
	c.Secret, c.RefreshToken = client.Static(hidden), hidden
	made := made(t, c)
	token := client.Token{Access: hidden, Refresh: hidden, ID: hidden}
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	logger.Info("x", "token", token, "secret", client.Secret(hidden), "client", made)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", token, "secret", client.Secret(hidden))
	for _, v := range []any{client.Secret(hidden), token, &token, c, made, client.SignIn{State: hidden, Verifier: hidden}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&log, verb, v)
		}
	}
	text, err := json.Marshal([]any{token, client.Secret(hidden)})
	if err != nil {
		t.Fatal(err)
	}
	log.Write(text)
	all := log.String()
	if strings.Contains(all, hidden) || strings.Contains(all, fmt.Sprintf("%x", hidden)) {
		t.Errorf("it prints: %s", all)
	}
	if !strings.Contains(all, "[redacted]") {
		t.Error("nothing was printed")
	}
}

// TestForgetIsTheLastWord: a request that was under way brings nothing back.
func TestForgetIsTheLastWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(good)
		c := made(t, config(i))
		go func() { _, _ = c.Token(t.Context()) }()
		synctest.Wait()
		if err := c.Forget(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		has(t, c, "t2")
	})
}
