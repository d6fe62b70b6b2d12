package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/store"
)

const appSecret = "secret-of-the-app"

// refreshed redeems a refresh token of the application.
func (b *browser) refreshed(token string) answer {
	return b.send(b.t, b.request("POST "+b.base()+"/oauth2/token HTTP/1.1", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {"app"}, "client_secret": {appSecret}, "refresh_token": {token},
	}.Encode(), formType))
}

// bye is where the application of these tests wants people back.
const bye = "https://app.example/bye"

// leaving has Anna, signed in in a browser, and the ID token that an application got.
func leaving(t testing.TB, dialect string) (s *site, b *browser, idToken, refresh string) {
	t.Helper()
	s = start(t, setup{example: "people", change: dialectOf(dialect)})
	s.resident(t, "staging", "anna")
	s.register(t, "staging", registration{id: "app", secret: appSecret, kind: store.TypeWeb, signIn: store.SignIn{
		Redirects: []string{"https://app.example/cb"}, LogoutRedirects: []string{bye, bye + "?a=b"},
	}})
	b = s.browser(t, "staging")
	b.open("/oauth2/authorize?response_type=code&client_id=app&redirect_uri=https://app.example/cb&scope=openid&code_challenge_method=S256&code_challenge="+goodChallenge).
		signIn("anna", goodPassword)
	code := b.submit("/consent", "decision", "allow").back("https://app.example/cb").Get("code")
	got := s.send(t, s.request("POST "+b.base()+"/oauth2/token HTTP/1.1", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"app"}, "client_secret": {appSecret}, "code": {code},
		"redirect_uri": {"https://app.example/cb"}, "code_verifier": {goodVerifier},
	}.Encode(), formType))
	if got.member("id_token") == "" {
		t.Fatalf("no ID token: %s", got)
	}
	return s, b, got.member("id_token"), got.member("refresh_token")
}

// signedIn reports whether somebody is signed in in the browser.
func (b *browser) signedIn() bool {
	b.open("/account")
	return b.left == nil && b.at.Path == b.base()+"/account"
}

// TestApplicationsSignPeopleOut is rows Q01, Q02, Q03, Q07: who is meant is asked
// unless an ID token says so, and the browser goes only where the client registered.
func TestApplicationsSignPeopleOut(t *testing.T) {
	t.Parallel()
	s, b, hint, _ := leaving(t, "rfc")
	logout := func(pairs ...string) *browser {
		v := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return b.open("/logout?" + v.Encode())
	}
	head, rest, _ := strings.Cut(hint, ".")
	for name, pairs := range map[string][]string{
		"Q02 no hint":           {"client_id", "app", "post_logout_redirect_uri", bye},
		"Q02 alg none":          {"id_token_hint", "eyJhbGciOiJub25lIn0." + strings.Split(rest, ".")[0] + ".", "post_logout_redirect_uri", bye},
		"Q02 changed":           {"id_token_hint", head + "." + rest[:20] + "A" + rest[21:], "post_logout_redirect_uri", bye},
		"Q02 another client's":  {"id_token_hint", hint, "client_id", "phone", "post_logout_redirect_uri", bye},
		"Q03 a picture":         {},
		"Q03 an unknown client": {"client_id", "nobody", "post_logout_redirect_uri", bye},
	} {
		if logout(pairs...).is("/logout", http.StatusOK); b.text("submit") == "" || !b.signedIn() {
			t.Errorf("%s: signed out without being asked", name)
		}
	}
	// Another's ID token: she is asked, and stays where she is.
	other := s.browser(t, "staging")
	s.resident(t, "staging", "bert")
	other.open("/login").signIn("bert", goodPassword)
	other.open("/logout?"+url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}}.Encode()).is("/logout", http.StatusOK)
	if other.submit("/logout").is("/logout", http.StatusOK); other.signedIn() {
		t.Error("Q02: still signed in after asking for it")
	}
	again := func() {
		if !b.signedIn() {
			b.signIn("anna", goodPassword)
		}
	}
	for name, uri := range map[string]string{
		"Q01 unregistered": "https://evil.example/", "Q01 with a query": bye + "?x=y", "Q01 script": "javascript:alert(1)", "Q01 suffix": bye + "/",
		"Q01 case": "https://app.example/BYE",
	} {
		again()
		if logout("client_id", "app", "post_logout_redirect_uri", uri).submit("/logout").is("/logout", http.StatusOK); strings.Contains(b.body, "href=\""+uri) {
			t.Errorf("%s: a link leads there", name)
		}
	}
	again()
	if got := logout("client_id", "app", "post_logout_redirect_uri", bye, "state", "x y").submit("/logout").is("/logout", http.StatusOK); !strings.Contains(got.body, bye+"?state=x") {
		t.Errorf("after the person confirmed, no link leads back: %s", got.body)
	}
}

// TestAnIDTokenSignsOut: the session that it names, at once, by GET and by POST.
func TestAnIDTokenSignsOut(t *testing.T) {
	t.Parallel()
	_, b, hint, refresh := leaving(t, "rfc")
	twice := "/logout?" + url.Values{"id_token_hint": {hint, hint}}.Encode()
	b.open(twice).is("/logout", http.StatusBadRequest)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if method == http.MethodPost { // an ID token of a new session
			_, b, hint, refresh = leaving(t, "rfc")
		}
		v := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye + "?a=b"}, "state": {"x y"}}
		before := b.cookieOf("session")
		got := b.refreshed(refresh)
		if refresh = got.member("refresh_token"); refresh == "" {
			t.Fatalf("the fixture: %s", got)
		}
		if method == http.MethodGet {
			b.open("/logout?" + v.Encode())
		} else {
			b.do(http.MethodPost, b.issuer+"/logout", v)
		}
		if b.left == nil || b.left.String() != bye+"?a=b&state=x+y" {
			t.Fatalf("%s: %d, %v\n%s", method, b.code, b.left, b.body)
		}
		if b.cookieOf("session") != "" || before == "" {
			t.Errorf("%s: the cookie stays", method)
		}
		if b.signedIn() {
			t.Errorf("%s: still signed in", method)
		}
		got = b.refreshed(refresh)
		if got.code != http.StatusBadRequest { // row Q07
			t.Errorf("Q07: %s: the refresh token is good: %s", method, got)
		}
		if b.open("/logout?" + v.Encode()); b.left == nil {
			t.Errorf("nobody is signed in, and the way back is closed: %d", b.code)
		}
	}
}

// TestCognitosLogout knows its own parameters, and asks first (row Q03).
func TestCognitosLogout(t *testing.T) {
	t.Parallel()
	_, b, _, _ := leaving(t, "cognito")
	b.open("/logout?client_id=app&logout_uri=https://evil.example/").submit("/logout").is("/logout", http.StatusOK) // row Q01
	if b.open("/logout?client_id=app&logout_uri=" + bye).back(bye); b.signedIn() {
		t.Error("signed in")
	}
	b.signIn("anna", goodPassword).is("/account", http.StatusOK)
	b.open("/logout?client_id=app&logout_uri="+bye).is("/logout", http.StatusOK).submit("/logout").back(bye)
	b.open("/login").signIn("anna", goodPassword).is("/account", http.StatusOK)
	b.open("/logout?client_id=app&redirect_uri=https://app.example/cb&response_type=code&scope=openid&state=s&code_challenge_method=S256&code_challenge="+goodChallenge).
		is("/logout", http.StatusOK).submit("/logout").is("/login", http.StatusOK)
	if back := b.signIn("anna", goodPassword).back("https://app.example/cb"); back.Get("state") != "s" || !back.Has("code") {
		t.Errorf("back with %v", back)
	}
}
