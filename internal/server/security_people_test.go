package server

import (
	"crypto/tls"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// routes are all paths of the environment demo at which something answers, those of
// the pages and those of the protocol, and some at which nothing does.
func (s *site) routes() []string {
	e := s.environment("demo")
	paths := map[string]bool{e.Issuer.Path + "/errors/login_required": true, e.Issuer.Path + "/errors/nothing": true, e.Issuer.Path + "/nothing": true, "/nothing": true}
	for at := range s.server.current.Load().mounts.exact {
		paths[at] = true
	}
	for _, page := range e.signIn.journey.Handlers() {
		paths[e.Issuer.Path+page.Path+"/x"] = true
	}
	return slices.Sorted(maps.Keys(paths))
}

// ask sends one request with the browser's cookies, over TLS as far as the server
// can tell, and follows nothing.
func (b *browser) ask(method, path string, form url.Values, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.TLS = &tls.ConnectionState{}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for _, c := range b.client.Jar.Cookies(b.at) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.server.Handler().ServeHTTP(w, r)
	return w.Result()
}

// TestEveryPageIsProtected is rows B24 and R03, and row A17: every HTML answer of the
// issuer carries the headers, whoever asks and however, and none makes a browser
// post again somewhere else.
func TestEveryPageIsProtected(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	stranger, anna := s.browser(t, "demo"), s.browser(t, "demo")
	stranger.open("/login")
	anna.open("/login").signIn("anna", goodPassword)
	headers := map[string]string{
		"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
	}
	pages := 0
	for _, path := range s.routes() {
		if strings.HasSuffix(path, "/revocations") { // it streams, and is JSON
			continue
		}
		for _, who := range []*browser{stranger, anna} {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodOptions} {
				got := who.ask(method, path, url.Values{"name": {"<x>"}})
				if got.StatusCode == http.StatusTemporaryRedirect || got.StatusCode == http.StatusPermanentRedirect {
					t.Errorf("A17: %s %s answers %d", method, path, got.StatusCode)
				}
				if !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
					continue
				}
				pages++
				for name, want := range headers {
					if got := got.Header.Values(name); len(got) != 1 || got[0] != want {
						t.Errorf("R03: %s %s: %s is %q", method, path, name, got)
					}
				}
				policy := got.Header.Get("Content-Security-Policy")
				for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action "} {
					if !strings.Contains(policy, part) {
						t.Errorf("B24: %s %s: no %q in %q", method, path, part, policy)
					}
				}
				opener := got.Header.Get("Cross-Origin-Opener-Policy")
				ends := got.StatusCode >= 400 && opener == "unsafe-none" // the application that opened the window may be waiting
				if strings.Contains(policy, "unsafe") || got.Header.Get("Permissions-Policy") == "" || opener != "same-origin" && !ends {
					t.Errorf("R03: %s %s: %v", method, path, got.Header)
				}
			}
		}
	}
	if pages < 60 {
		t.Errorf("%d pages were looked at", pages)
	}
	in := s.browser(t, "demo").open(documented) // within an application's request: it waits in its own window for the answer
	if in.header.Get("X-Frame-Options") != "DENY" || !strings.Contains(in.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("B24: %v", in.header)
	}
}

// TestFormsThatAreNotOurs is row R02: whatever a page of somebody else's makes a
// signed-in browser post changes nothing.
func TestFormsThatAreNotOurs(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	e := s.environment("demo")
	anna, other := s.browser(t, "demo"), s.browser(t, "demo")
	request := anna.open(documented).at.Query().Get("request")
	anna.signIn("anna", goodPassword)
	other.open("/login")
	own, foreign := anna.forms(), other.forms()
	session := anna.cookieOf("session")
	account, err := e.resources.store.Accounts().FindBy(t.Context(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	last := func() int64 {
		n, err := e.resources.store.Changes().Last(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := last()
	looked := 0
	for _, page := range e.signIn.journey.Handlers() {
		path := e.Issuer.Path + page.Path
		full := url.Values{
			"name": {"anna"}, "password": {goodPassword}, "current": {goodPassword}, "again": {goodPassword}, "decision": {"allow"}, "scope": {"username"},
			"sure": {"1"}, "others": {"1"}, "id": {"session-x"}, "code": {"000000"}, "credential": {"{}"}, "link": {strings.Repeat("A", 43)}, "request": {request},
		}
		with := func(token ...string) url.Values {
			form := maps.Clone(full)
			form[web.FieldToken] = token
			return form
		}
		if anna.ask(http.MethodPost, path, with("")).StatusCode == http.StatusMethodNotAllowed {
			continue
		}
		looked++
		for name, sent := range map[string]struct {
			form    url.Values
			headers []string
		}{
			"no token":             {full, nil},
			"an empty token":       {with(""), nil},
			"two tokens":           {with(own[page.Path], own[page.Path]), nil},
			"another browser's":    {with(foreign[page.Path]), nil},
			"another form's":       {with(own[otherThan(page.Path)]), nil},
			"from another site":    {with(own[page.Path]), []string{"Sec-Fetch-Site", "cross-site"}},
			"from a sister's host": {with(own[page.Path]), []string{"Sec-Fetch-Site", "same-site"}},
			"from another origin":  {with(own[page.Path]), []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}},
		} {
			got := anna.ask(http.MethodPost, path, sent.form, sent.headers...)
			confirms := page.Path == web.PathLogout && !sent.form.Has(web.FieldToken) // OpenID Connect RP-Initiated Logout §2: it is asked for
			if want := http.StatusForbidden; !confirms && got.StatusCode != want || confirms && got.StatusCode != http.StatusSeeOther {
				t.Errorf("R02: %s, %s: %d", page.Path, name, got.StatusCode)
			}
			for _, c := range got.Cookies() {
				t.Errorf("R02: %s, %s: the cookie %s is set", page.Path, name, c.Name)
			}
		}
	}
	if looked < 20 {
		t.Errorf("%d forms were looked at", looked)
	}
	if got := last(); got != before {
		t.Errorf("R02: %d changes", got-before)
	}
	sessions, err := e.resources.store.Sessions().List(t.Context(), account.ID, s.clock.Now())
	if err != nil || len(sessions) != 1 || anna.cookieOf("session") != session {
		t.Errorf("R02: %d sessions, %v", len(sessions), err)
	}
}

func otherThan(path string) string {
	if path == web.PathErase {
		return web.PathChange
	}
	return web.PathErase
}

// TestCookiesOfPeople is row P10: what every cookie says, over TLS and on loopback
// without it, and that one that comes twice is nobody's.
func TestCookiesOfPeople(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{true, false} {
		s := timetables(t, func(c *catalogue.Catalogue) {
			for _, e := range c.Environments {
				if secure {
					e.Issuer = &url.URL{Scheme: "https", Host: "id.example", Path: e.Issuer.Path}
				}
			}
		})
		b := s.browser(t, "demo")
		var base *url.URL
		carry := func(got *http.Response) (names []string) {
			t.Helper()
			b.client.Jar.SetCookies(base, got.Cookies())
			for _, c := range got.Cookies() {
				prefix := "grantway-demo-"
				if secure {
					prefix = "__Host-" + prefix
				}
				which, ours := strings.CutPrefix(c.Name, prefix)
				if !ours || c.Path != "/" || c.Domain != "" || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode {
					t.Errorf("P10: %s", c.Raw)
				}
				if (which == "session" || which == "browser") && c.MaxAge != 0 {
					t.Errorf("P10: it outlives the browser: %s", c.Raw)
				}
				names = append(names, which)
			}
			return names
		}
		base = s.environment("demo").Issuer
		b.at = base
		path := base.Path + "/login"
		seen := carry(b.ask(http.MethodGet, path, nil))
		form := func(at string) url.Values {
			return url.Values{web.FieldToken: {b.forms()[strings.TrimPrefix(at, base.Path)]}, "name": {"anna"}, "password": {goodPassword}}
		}
		got := b.ask(http.MethodPost, path, form(path))
		if got.StatusCode != http.StatusSeeOther {
			t.Errorf("secure %v: %d", secure, got.StatusCode)
		}
		seen = append(seen, carry(got)...)
		for _, which := range []string{"browser", "session"} {
			if !slices.Contains(seen, which) {
				t.Errorf("P10: no cookie %s among %q", which, seen)
			}
		}
		for _, c := range b.client.Jar.Cookies(base) {
			if got := b.ask(http.MethodGet, base.Path+"/account", nil, "Cookie", c.Name+"="+strings.Repeat("A", 44)); got.StatusCode != http.StatusBadRequest {
				t.Errorf("P10: %s twice: %d", c.Name, got.StatusCode)
			}
		}
	}
}

// TestNobodyRegistersThemselves is row P21: there is no such endpoint, for people or
// for clients, and nothing says that there is.
func TestNobodyRegistersThemselves(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	e := s.environment("demo")
	b := s.browser(t, "demo")
	b.open("/login")
	before, err := e.resources.store.Changes().Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/register", "/signup", "/sign-up", "/oauth/register", "/oauth2/register", "/connect/register", "/login/register", "/account/register", "/account/new",
		"/account/create", "/accounts", "/users", "/clients", "/registration", "/invite", "/join", "/oauth/clients", "/dbconnections/signup",
	} {
		for _, body := range []url.Values{
			{"name": {"new"}, "password": {goodPassword}, "again": {goodPassword}, "email": {"new@example.com"}, web.FieldToken: {b.forms()["/login"]}},
			{`{"redirect_uris":["https://evil.example/"]}`: {""}},
		} {
			if got := b.ask(http.MethodPost, e.Issuer.Path+path, body); got.StatusCode < 400 {
				t.Errorf("P21: POST %s: %d", path, got.StatusCode)
			}
		}
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/login", "/reset"} {
		if body := b.open(path).body; strings.Contains(body, "registration_endpoint") || strings.Contains(strings.ToLower(body), "sign up") {
			t.Errorf("P21: %s speaks of it", path)
		}
	}
	if after, err := e.resources.store.Changes().Last(t.Context()); err != nil || after != before {
		t.Errorf("P21: %d changes, %v", after-before, err)
	}
}

// hostile is a text that would become an element, an attribute or a script where it
// is not escaped.
const hostile = `<evil onevil=1>"'><img src=x onerror=evil()>{{.}}</title></style>&lt;evil`

// TestHostileTextsAreTexts is row R01: what others wrote is shown as it is, on each page
// that shows it.
func TestHostileTextsAreTexts(t *testing.T) {
	t.Parallel()
	s := timetables(t, func(c *catalogue.Catalogue) {
		for _, e := range c.Environments {
			e.Title, e.Login.Theme.Name = hostile, hostile
			for _, api := range e.APIs {
				api.Title = hostile
				for _, scope := range api.Scopes {
					scope.Description, scope.Category, scope.Descriptions = hostile, hostile, nil
				}
			}
		}
	})
	e := s.environment("demo")
	if _, err := e.resources.store.Clients().Find(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	err := e.resources.store.Clients().Create(t.Context(), store.Client{
		ID: "hostile", Name: hostile, Type: store.TypeNative, Grants: []string{"authorization_code", "refresh_token"}, CreatedAt: begin,
		Allotted: map[string][]string{"timetable": {"username", "user_read"}},
		SignIn:   store.SignIn{Redirects: []string{"http://127.0.0.1/cb"}, Owner: hostile, Homepage: "https://evil.example/" + url.PathEscape(hostile)},
	}, s.by())
	if err != nil {
		t.Fatal(err)
	}
	s.settle(t, "demo")
	account, err := e.resources.store.Accounts().FindBy(t.Context(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	profile := account.Profile
	profile.FullName, profile.GivenName, profile.FamilyName = hostile, hostile, hostile
	if err := e.resources.store.Accounts().Describe(t.Context(), account.ID, profile, nil, time.Time{}, s.by()); err != nil {
		t.Fatal(err)
	}
	b := s.browser(t, "demo")
	shown := 0
	look := func() {
		t.Helper()
		for n := range b.page.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if n.Data == "evil" || n.Data == "img" && attributeOf(n, "src") == "x" || n.Data == "script" && attributeOf(n, "src") == "" {
				t.Errorf("R01: %s has an element %s", b.at.Path, n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(strings.TrimSpace(a.Val), "javascript:") {
					t.Errorf("R01: %s has the attribute %s=%q", b.at.Path, a.Key, a.Val)
				}
			}
		}
		shown += strings.Count(b.body, "evil()")
	}
	ask := "/oauth/authorize?response_type=code&client_id=hostile&redirect_uri=http://127.0.0.1:1/cb&code_challenge_method=S256&code_challenge=" + goodChallenge
	value := url.QueryEscape(hostile)
	for _, wrong := range []string{
		"/oauth/authorize?client_id=" + value, ask + value, ask + "&" + value + "=1&" + value + "=2", "/errors/" + url.PathEscape(hostile), "/login?request=" + value,
		"/reset/password?link=" + value, "/verify?link=" + value, "/logout?client_id=" + value + "&state=" + value + "&post_logout_redirect_uri=" + value, "/" + url.PathEscape(hostile),
	} {
		b.open(wrong)
		look()
	}
	b.open(ask+"&state="+value+"&login_hint="+value).is("/login", http.StatusOK)
	look()
	b.signIn(hostile, "a wrong password")
	look()
	b.signIn("anna", goodPassword).is("/consent", http.StatusOK)
	look()
	if back := b.submit("/consent", "decision", "allow", "remember", "1").back("http://127.0.0.1:1/cb"); back.Get("state") != hostile {
		t.Errorf("the state came back as %q", back.Get("state"))
	}
	for _, path := range []string{"/account", "/account/password", "/account/totp", "/account/passkey", "/account/delete", "/logout", "/login", "/login/other", "/reset"} {
		b.open(path)
		look()
	}
	if shown < 20 {
		t.Errorf("it was shown %d times", shown)
	}
}
