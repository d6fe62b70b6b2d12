package interop

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// goPeople signs a person in with x/oauth2 and go-oidc.
func goPeople(t *testing.T, f *front) {
	for name, style := range map[string]oauth2.AuthStyle{
		"basic": oauth2.AuthStyleInHeader, "body": oauth2.AuthStyleInParams, "auto": oauth2.AuthStyleAutoDetect,
	} {
		t.Run(name, func(t *testing.T) { goOIDC(t, f, "planner", f.secret, "https://planner.example/callback", style) })
	}
	t.Run("public", func(t *testing.T) {
		goOIDC(t, f, "pocket", "", "http://127.0.0.1:49152/callback", oauth2.AuthStyleInParams)
	})
	t.Run("veteran", func(t *testing.T) { goVeteran(t, f) })
	if f.dialect == "cognito" {
		t.Run("logout", func(t *testing.T) { cognitoLogout(t, f) })
	}
}

// goOIDC is a client as the two libraries' own documentation has it.
func goOIDC(t *testing.T, f *front, id, secret, redirect string, style oauth2.AuthStyle) {
	ctx := t.Context()
	provider, err := oidc.NewProvider(ctx, f.issuer)
	if err != nil {
		t.Fatal(err)
	}
	at := provider.Endpoint()
	if want := f.base + authorizePath[f.dialect]; at.AuthURL != want {
		t.Errorf("metadata sends people to %s, want %s", at.AuthURL, want)
	}
	at.AuthStyle = style
	c := oauth2.Config{
		ClientID: id, ClientSecret: secret, Endpoint: at, RedirectURL: redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile", oidc.ScopeOfflineAccess, "notes.read"},
	}
	verifier, anna := oauth2.GenerateVerifier(), newPerson(f.name, f.password)
	ask := func(verifier string) string {
		t.Helper()
		options := append(f.options(), oauth2.AccessTypeOffline, oidc.Nonce("nonce of this request"), oauth2.S256ChallengeOption(verifier))
		back, err := anna.open(c.AuthCodeURL("state of this request", options...), false)
		if err != nil {
			t.Fatal(err)
		}
		return answered(t, back, redirect, f.issuer)
	}
	if _, err := c.Exchange(ctx, ask(verifier), oauth2.VerifierOption(oauth2.GenerateVerifier())); !isRefused(err, "invalid_grant") {
		t.Errorf("another verifier: %v", err)
	}
	token, err := c.Exchange(ctx, ask(verifier), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	subject := goIDToken(t, f, provider, id, token)

	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		t.Fatal(err)
	}
	var profile struct{ Name string }
	if err := info.Claims(&profile); err != nil || profile.Name != "Anna Arends" || info.Subject != subject {
		t.Errorf("UserInfo of %s: %s, %+v, %v", subject, info.Subject, profile, err)
	}
	goRefresh(t, f, &c, token)
}

// goIDToken has the library check the ID token, and returns whom it is about.
func goIDToken(t *testing.T, f *front, provider *oidc.Provider, id string, token *oauth2.Token) string {
	t.Helper()
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		t.Fatal("no ID token")
	}
	checked, err := provider.Verifier(&oidc.Config{ClientID: id}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if checked.Nonce != "nonce of this request" || checked.Subject == "" {
		t.Errorf("%+v", checked)
	}
	if checked.AccessTokenHash != "" { // optional with a code (OpenID Connect Core §3.1.3.6)
		if err := checked.VerifyAccessToken(token.AccessToken); err != nil {
			t.Error(err)
		}
	}
	if _, err := provider.Verifier(&oidc.Config{ClientID: "another"}).Verify(t.Context(), raw); err == nil {
		t.Error("good for another client")
	}
	return checked.Subject
}

// goRefresh calls the API with the token, and again when it has ended.
func goRefresh(t *testing.T, f *front, c *oauth2.Config, token *oauth2.Token) {
	t.Helper()
	notes(t, f, c.Client(t.Context(), token))
	ended := *token
	ended.AccessToken, ended.Expiry = "ended", time.Now().Add(-time.Second)
	source := c.TokenSource(t.Context(), &ended)
	notes(t, f, oauth2.NewClient(t.Context(), source))
	next, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	if next.AccessToken == token.AccessToken || next.RefreshToken == token.RefreshToken || next.RefreshToken == "" {
		t.Error("the tokens are those from before")
	}
	next.Expiry = time.Now().Add(-time.Second)
	if _, err := c.TokenSource(t.Context(), next).Token(); err != nil {
		t.Errorf("a second refresh: %v", err)
	}
	// The library's first token is two generations old by now: it was copied.
	if _, err := c.TokenSource(t.Context(), &ended).Token(); !isRefused(err, "invalid_grant") {
		t.Errorf("a refresh token from before: %v", err)
	}
}

// goVeteran is a client from before RFC 7636: neither state nor PKCE.
func goVeteran(t *testing.T, f *front) {
	c := oauth2.Config{
		ClientID: "veteran", ClientSecret: f.secret, RedirectURL: "http://localhost",
		Endpoint: oauth2.Endpoint{AuthURL: f.base + authorizePath[f.dialect], TokenURL: f.base + "/oauth/token"},
	}
	back, err := newPerson(f.name, f.password).open(c.AuthCodeURL("", f.options()...), true)
	if err != nil || !strings.Contains(back, "error=access_denied") {
		t.Errorf("denied: %s, %v", back, err)
	}
	if back, err = newPerson(f.name, f.password).open(c.AuthCodeURL("", f.options()...), false); err != nil {
		t.Fatal(err)
	}
	code := answered(t, back, c.RedirectURL, f.issuer)
	token, err := c.Exchange(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	goRefresh(t, f, &c, token)
}

// options are what the product's clients send beside what the libraries do.
func (f *front) options() []oauth2.AuthCodeOption {
	if f.dialect != "auth0" {
		return nil
	}
	return []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("audience", audience)}
}

// answered returns the code of a redirect, which says who answers (RFC 9207).
func answered(t *testing.T, back, redirect, issuer string) string {
	t.Helper()
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	if at, _, _ := strings.Cut(back, "?"); at != redirect || u.Query().Get("code") == "" || u.Query().Get("iss") != issuer {
		t.Fatalf("sent to %s", back)
	}
	return u.Query().Get("code")
}

func isRefused(err error, code string) bool {
	failed, ok := err.(*oauth2.RetrieveError)
	return ok && failed.ErrorCode == code && failed.Response.StatusCode == http.StatusBadRequest
}

// notes calls the API.
func notes(t *testing.T, f *front, client *http.Client) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, f.base+"/notes", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != 200 || !strings.Contains(string(body), "buy bread") {
		t.Errorf("notes: %d %s, %v", response.StatusCode, body, err)
	}
}

// cognitoLogout signs a person out as clients of Cognito do: they know no ID token
// there, so the person is asked.
func cognitoLogout(t *testing.T, f *front) {
	const ask = "response_type=code&client_id=veteran&redirect_uri=http://localhost"
	anna := newPerson(f.name, f.password)
	signsIn := func(start string) {
		t.Helper()
		before := len(anna.pages)
		back, err := anna.open(start, false)
		if err != nil {
			t.Fatal(err)
		}
		answered(t, back, "http://localhost", f.issuer)
		if !slices.Contains(anna.pages[before:], "signin") {
			t.Errorf("%s: signed in already: %v", start, anna.pages[before:])
		}
	}
	signsIn(f.base + authorizePath[f.dialect] + "?" + ask)
	back, err := anna.open(f.base+"/logout?client_id=planner&logout_uri="+url.QueryEscape("https://planner.example/bye"), false)
	if err != nil || back != "https://planner.example/bye" {
		t.Errorf("signed out to %s: %v", back, err)
	}
	signsIn(f.base + authorizePath[f.dialect] + "?" + ask)
	signsIn(f.base + "/logout?" + ask) // and in again
}
