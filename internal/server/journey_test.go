package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
)

// documented is the request that MyTimetable's manual prints: without scope, state
// and PKCE, and with an address that is not escaped.
const documented = "/oauth/authorize?response_type=code&client_id=test&redirect_uri=http://localhost"

// timetables has Anna, and an application called test, registered long ago.
func timetables(t testing.TB, change func(*catalogue.Catalogue)) *site {
	t.Helper()
	s := start(t, setup{example: "mytimetable", change: change})
	s.resident(t, "demo", "anna")
	s.register(t, "demo", registration{
		id: "test", kind: store.TypeWeb, secret: "test",
		signIn:   store.SignIn{Redirects: []string{"http://localhost"}, Legacy: true, LogoutRedirects: []string{"https://app.example/bye"}},
		allotted: map[string][]string{"timetable": {"username", "user_read", "profile_read", "profile_write"}},
	})
	return s
}

// spend exchanges a code and returns the scopes of the token.
func (b *browser) spend(code string) []string {
	b.t.Helper()
	got := b.send(b.t, b.request("POST "+b.base()+"/oauth/token HTTP/1.1", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"test"}, "client_secret": {"test"}, "code": {code}, "redirect_uri": {"http://localhost"},
	}.Encode(), formType))
	if got.code != http.StatusOK {
		b.t.Fatalf("no token: %s", got)
	}
	scope := strings.Fields(got.member("scope"))
	slices.Sort(scope)
	return scope
}

// TestAPersonAllowsAnApplication is the whole way, with the documented address as it
// is printed, and what comes of each decision.
func TestAPersonAllowsAnApplication(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b := s.browser(t, "demo")
	b.open(documented).is("/login", http.StatusOK)
	if b.header.Get("X-Frame-Options") != "DENY" || b.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page: %v", b.header)
	}
	before := b.cookieOf("session")
	b.signIn("anna", goodPassword).is("/consent", http.StatusOK)
	if !slices.Equal(b.hops, []int{http.StatusSeeOther, http.StatusOK}) || b.cookieOf("session") == before { // rows A17, P08
		t.Errorf("on the way: %v", b.hops)
	}
	writes, reads := strings.Index(b.body, "Change your subscriptions"), strings.Index(b.body, "See your user name")
	if not := strings.Index(b.body, "Read every message"); writes < 0 || reads < writes || not < reads {
		t.Errorf("what can change things stands first, what it does not get last: %d, %d, %d", writes, reads, not)
	}
	all := []string{"profile_read", "profile_write", "user_read", "username"}
	code := b.submit("/consent", "decision", "allow", "remember", "-").back("http://localhost").Get("code")
	if got := b.spend(code); !slices.Equal(got, all) {
		t.Errorf("all of it: %v", got)
	}

	for name, row := range map[string]struct {
		keep []string
		want []string
	}{
		"some": {[]string{"username"}, []string{"username"}},
		"all":  {all, all},
	} {
		b.open(documented).is("/consent", http.StatusOK)
		fields, action, _ := b.form("/consent")
		fields["scope"] = row.keep
		back := b.post(action, fields, "decision", "allow", "remember", "-").back("http://localhost")
		if got := b.spend(back.Get("code")); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	b.open(documented+"&state=xyz").is("/consent", http.StatusOK)
	back := b.submit("/consent", "decision", "allow", "scope", "-").back("http://localhost")
	if back.Get("error") != "access_denied" || back.Get("state") != "xyz" || back.Has("code") {
		t.Errorf("none: %v", back)
	}
	b.open(documented).is("/consent", http.StatusOK)
	denying := b.at.String()
	if back := b.submit("/consent", "decision", "deny").back("http://localhost"); back.Get("error") != "access_denied" || back.Has("code") {
		t.Errorf("denied: %v", back)
	}
	b.open(denying).is("/consent", http.StatusBadRequest) // it is over
}

// TestAConsentIsRememberedForWhatItWas is row B22: for the same and less, not for
// more, nor for another address.
func TestAConsentIsRememberedForWhatItWas(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b := s.browser(t, "demo")
	b.open(documented+"&scope=username+user_read").signIn("anna", goodPassword).is("/consent", http.StatusOK)
	b.submit("/consent", "decision", "allow").back("http://localhost")
	for _, less := range []string{"username+user_read", "username"} {
		if back := b.open(documented + "&scope=" + less).back("http://localhost"); !back.Has("code") {
			t.Errorf("%s: %v", less, back)
		}
	}
	b.open(documented+"&scope=username+profile_read").is("/consent", http.StatusOK)
	b.open(documented+"&scope=username&prompt=consent").is("/consent", http.StatusOK)
	if back := b.open(documented + "&scope=profile_read&prompt=none").back("http://localhost"); back.Get("error") != "consent_required" { // row B09
		t.Errorf("B09: %v", back)
	}
	other := s.browser(t, "demo")
	for range 2 {
		if back := other.open(documented + "&prompt=none").back("http://localhost"); back.Get("error") != "login_required" { // row B09
			t.Errorf("B09: %v", back)
		}
		other.open("/login").is("/login", http.StatusOK) // and now with the browser's cookie
	}
	s.register(t, "demo", registration{
		id: "native", kind: store.TypeNative, allotted: map[string][]string{"timetable": {"username"}},
		signIn: store.SignIn{Redirects: []string{"http://127.0.0.1/cb"}, Verified: true},
	})
	ask := "/oauth/authorize?response_type=code&client_id=native&redirect_uri=http://127.0.0.1:1/cb&code_challenge_method=S256&code_challenge=" + goodChallenge
	for range 2 { // row B21: each time, whatever was remembered
		b.open(ask).is("/consent", http.StatusOK)
		if b.submit("/consent", "decision", "allow", "remember", "1").back("http://127.0.0.1:1/cb").Get("code") == "" {
			t.Error("no code")
		}
	}
}

// TestANewProofIsWanted is row B10: what was proven before the request does not count
// where the application says so, whichever way around is tried.
func TestANewProofIsWanted(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b := s.browser(t, "demo")
	b.open(documented+"&scope=username").signIn("anna", goodPassword)
	b.submit("/consent", "decision", "allow")
	for name, with := range map[string]string{
		"prompt=login": "&prompt=login", "max_age": "&max_age=60", "max_age=0": "&max_age=0", "select_account": "&prompt=select_account",
	} {
		s.clock.move(2 * time.Minute)
		b.open(documented+"&scope=username"+with).is("/login", http.StatusOK)
		request := "?" + b.at.RawQuery
		b.open("/consent"+request).is("/login", http.StatusOK)
		b.open("/login/second"+request).is("/login", http.StatusOK)
		b.open("/login"+request).is("/login", http.StatusOK)
		session := b.cookieOf("session")
		back := b.signIn("anna", goodPassword).back("http://localhost")
		if !back.Has("code") || b.cookieOf("session") == session { // row P08
			t.Errorf("%s: %v", name, back)
		}
	}
	if back := b.open(documented + "&scope=username&max_age=60").back("http://localhost"); !back.Has("code") {
		t.Errorf("a recent sign-in: %v", back)
	}
	s.clock.move(time.Second)
	b.open(documented+"&login_hint=bert&prompt=login").is("/login", http.StatusOK)
}

// TestFormsAreOurs is rows B20, B23, R02, P10: a form of another page, browser or
// origin does nothing, and neither does another's request.
func TestFormsAreOurs(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b, other := s.browser(t, "demo"), s.browser(t, "demo")
	b.open(documented).signIn("anna", goodPassword).is("/consent", http.StatusOK)
	good, action, _ := b.form("/consent")
	mine := "?" + b.at.RawQuery
	other.open(documented).signIn("anna", goodPassword).is("/consent", http.StatusOK)
	theirs, _, _ := other.form("/consent")
	for name, change := range map[string][]string{
		"B20 no token":          {"form", "-"},
		"B20 another browser's": {"form", theirs.Get("form")},
		"B23 another's request": {"request", theirs.Get("request")},
		"B20 nonsense":          {"form", "AAAA"},
	} {
		if b.post(action, with(good), append(change, "decision", "allow")...); b.left != nil || b.code != http.StatusForbidden {
			t.Errorf("%s: %d, left for %v", name, b.code, b.left)
		}
	}
	other.open("/consent"+mine).is("/consent", http.StatusForbidden)
	b.open("/consent"+mine+"&decision=allow").is("/consent", http.StatusOK) // a GET decides nothing
	for _, page := range s.environment("demo").signIn.journey.Handlers() {
		if b.do(http.MethodPost, b.issuer+page.Path, url.Values{"id": {"x"}}); b.code == http.StatusMethodNotAllowed || page.Path == "/logout" {
			continue
		}
		if b.left != nil || b.code != http.StatusForbidden { // row R02
			t.Errorf("R02: POST %s without a token: %d", page.Path, b.code)
		}
	}
	foreign := good.Encode() + "&decision=allow"
	cookies := make([]string, 0, 4)
	for _, c := range b.client.Jar.Cookies(b.at) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	jar := "Cookie: " + strings.Join(cookies, "; ")
	path := "POST " + b.base() + "/consent HTTP/1.1"
	if got := s.send(t, s.request(path, foreign, formType, jar, "Sec-Fetch-Site: cross-site")); got.code != http.StatusForbidden {
		t.Errorf("R02: from another site: %s", got)
	}
	if got := s.send(t, s.request(path, foreign, formType, jar+"; "+cookies[0], "Sec-Fetch-Site: same-origin")); got.code != http.StatusBadRequest {
		t.Errorf("P10: a cookie that comes twice: %s", got)
	}
	if got := s.send(t, s.request(path, foreign, formType, jar, "Sec-Fetch-Site: same-origin")); got.code != http.StatusSeeOther {
		t.Errorf("the fixture: %s", got)
	}
}

// TestAStrangerLearnsNothing is row P01: of names, passwords and links.
func TestAStrangerLearnsNothing(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	try := func(path string, pairs ...string) (int, string) {
		b := s.browser(t, "demo")
		b.open("/login")
		if path == "/reset" {
			b.open("/reset")
		}
		b.submit(path, pairs...)
		if fields, _, ok := b.form(path); ok {
			b.body = strings.ReplaceAll(b.body, fields.Get("form"), "")
		}
		return b.code, strings.ReplaceAll(strings.ReplaceAll(b.body, "nobody", "NAME"), "anna", "NAME")
	}
	code, body := try("/login", "name", "anna", "password", "not the password")
	unknown, same := try("/login", "name", "nobody", "password", "not the password")
	if code != http.StatusForbidden || code != unknown || body != same {
		t.Errorf("P01: %d and %d:\n%s\n%s", code, unknown, body, same)
	}
	code, body = try("/reset", "name", "anna")
	unknown, same = try("/reset", "name", "nobody")
	if code != http.StatusOK || code != unknown || body != same {
		t.Errorf("P01: reset: %d and %d:\n%s\n%s", code, unknown, body, same)
	}
}

// TestThePagesWait is row P02, P04: after five wrong attempts a page says how long.
func TestThePagesWait(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b := s.browser(t, "demo")
	b.open("/login")
	for range 5 {
		b.signIn("anna", "not the password").is("/login", http.StatusForbidden)
	}
	b.signIn("anna", goodPassword).is("/login", http.StatusTooManyRequests)
	if b.header.Get("Retry-After") != "60" {
		t.Errorf("Retry-After: %q", b.header.Get("Retry-After"))
	}
	s.clock.move(time.Minute)
	b.signIn("anna", goodPassword).is("/account", http.StatusOK)
}
