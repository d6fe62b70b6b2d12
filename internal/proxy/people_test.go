package proxy

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const signIn = `
public_url: PUBLIC
static: FOLDER
api: API
path: /api
sign_in: {issuer: ISSUER, id: app, secret: "${SECRET}", scopes: [profile, read], claims: [sub, name, preferred_username], idle: 10m, session: 1h, sessions: 2}
routes: [GET /notes, POST /notes]
limits: {per_session: 5/min, per_address: 1000/min}
`

// signedIn is a browser that went to the issuer and back.
func (w *world) signedIn() *browser {
	w.t.Helper()
	b := w.browser()
	g := w.ask(&b.Client, "GET", "/auth/login?return=/a.js", "")
	if g.StatusCode != 200 || g.Request.URL.Path != "/a.js" {
		w.t.Fatalf("not signed in: %d %s %s\n%s", g.StatusCode, g.Request.URL, g.body, w.log.String())
	}
	return b
}

// TestPerson: in, calls with the person's own token, and out again; and the browser
// never had a token.
func TestPerson(t *testing.T) {
	w := start(t, signIn)
	b := w.browser()
	if g := w.ask(&b.Client, "GET", "/api/notes", ""); g.StatusCode != 401 || g.told.Login != w.front.URL+"/auth/login" {
		t.Errorf("before: %d %s", g.StatusCode, g.body)
	}
	if g := w.ask(&b.Client, "GET", "/auth/me", ""); !strings.Contains(g.body, `"signed_in":false`) {
		t.Errorf("before: %s", g.body)
	}
	b = w.signedIn()
	g := w.ask(&b.Client, "GET", "/api/notes", "")
	if g.StatusCode != 200 || w.last().Header.Get("Authorization") != "Bearer access-1-authorization_code" || !strings.HasPrefix(g.Header.Get("Cache-Control"), "private") {
		t.Errorf("%d %v %s", g.StatusCode, g.Header, g.body)
	}
	g = w.ask(&b.Client, "GET", "/auth/me", "")
	if !strings.Contains(g.body, `"name":"Ann","preferred_username":"1-authorization_code"`) || strings.Contains(g.body, "secretish") {
		t.Errorf("me: %s", g.body)
	}
	if g := w.ask(&b.Client, "GET", "/auth/logout", ""); g.StatusCode != 405 {
		t.Errorf("signing out by GET: %d", g.StatusCode)
	}
	if g := w.ask(&b.Client, "POST", "/auth/logout", "", "Origin", "https://evil.example"); g.StatusCode != 403 {
		t.Errorf("signing out from elsewhere: %d", g.StatusCode)
	}
	g = w.ask(&b.Client, "POST", "/auth/logout", "", "Origin", w.front.URL, "Accept", "application/json")
	if g.StatusCode != 200 || !strings.Contains(g.body, w.issuer.URL+"/logout?client_id=app") || strings.Contains(g.body, "id_token") {
		t.Errorf("signing out: %d %s", g.StatusCode, g.body)
	}
	if g := w.ask(&b.Client, "GET", "/api/notes", ""); g.StatusCode != 401 {
		t.Errorf("after: %d %s", g.StatusCode, g.body)
	}
	for _, secret := range append(w.tokens, clientSecret) {
		if strings.Contains(b.seen.String(), secret) || strings.Contains(w.log.String(), secret) {
			t.Errorf("the browser or the log saw %s", secret)
		}
	}
}

// TestCookies: their attributes, over TLS with the prefix; and two of a name are none.
func TestCookies(t *testing.T) {
	w := start(t, signIn)
	g := w.ask(nil, "GET", "/auth/login", "")
	set := g.Header.Get("Set-Cookie")
	if !strings.HasPrefix(set, "grantway-app-signin=") || !strings.Contains(set, "HttpOnly; SameSite=Lax") {
		t.Errorf("%s", set)
	}
	if at, _ := url.Parse(g.Header.Get("Location")); at.Query().Get("code_challenge_method") != "S256" || at.Query().Get("nonce") == "" ||
		strings.Contains(set, at.Query().Get("state")) || strings.Contains(set, at.Query().Get("nonce")) {
		t.Errorf("%s", at)
	}
	b := w.signedIn()
	if !strings.Contains(b.seen.String(), "HttpOnly; SameSite=Strict") {
		t.Error("the session's cookie is not strict")
	}
	u, _ := url.Parse(w.front.URL)
	c := b.Jar.Cookies(u)[0]
	twice := c.String() + "; grantway-app=other"
	if g := w.ask(nil, "GET", "/api/notes", "", "Cookie", twice); g.StatusCode != 400 || g.told.Reason != "cookie-twice" {
		t.Errorf("twice: %d %s", g.StatusCode, g.body)
	}
	secure := start(t, strings.Replace(signIn, "PUBLIC", "https://app.example", 1))
	g = secure.ask(nil, "GET", "/auth/login", "", "Host", "app.example")
	if set := g.Header.Get("Set-Cookie"); !strings.HasPrefix(set, "__Host-grantway-app-signin=") || !strings.Contains(set, "; Secure") || !strings.Contains(set, "Path=/;") || strings.Contains(set, "Domain") {
		t.Errorf("over TLS: %s", set)
	}
}

// TestCallback: what comes back must be the answer to what this browser was sent
// away with; each row breaks one thing.
func TestCallback(t *testing.T) {
	for _, row := range []struct {
		name   string
		claims map[string]any
		change func(url.Values)
		cookie func(string) string
		about  string
		ok     bool
	}{
		{name: "it works", ok: true},
		{name: "another state", change: func(q url.Values) { q.Set("state", "x") }},
		{name: "state twice", change: func(q url.Values) { q.Add("state", "x") }},
		{name: "another issuer", change: func(q url.Values) { q.Set("iss", "https://evil.example") }},
		{name: "no issuer", change: func(q url.Values) { q.Del("iss") }},
		{name: "another code", change: func(q url.Values) { q.Set("code", "x") }},
		{name: "a no", change: func(q url.Values) { q.Set("error", "access_denied") }},
		{name: "no cookie", cookie: func(string) string { return "a=b" }},
		{name: "a forged cookie", cookie: func(c string) string { return c[:len(c)-12] + "AAAAAAAAAAAA" }},
		{name: "another nonce", claims: map[string]any{"nonce": "x"}},
		{name: "another audience", claims: map[string]any{"aud": "other"}},
		{name: "several audiences", claims: map[string]any{"aud": []string{"app", "other"}}},
		{name: "another party", claims: map[string]any{"azp": "other"}},
		{name: "another issuer's token", claims: map[string]any{"iss": "https://evil.example"}},
		{name: "expired", claims: map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}},
		{name: "issued long ago", claims: map[string]any{"iat": time.Now().Add(-time.Hour).Unix()}},
		{name: "nobody", claims: map[string]any{"sub": ""}},
		{name: "userinfo about another", about: "eve"},
		{name: "another access token", claims: map[string]any{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := start(t, signIn)
			if row.claims != nil {
				w.claims = row.claims
			}
			if row.about != "" {
				w.about = row.about
			}
			g := w.ask(nil, "GET", "/auth/login", "")
			cookie, _, _ := strings.Cut(g.Header.Get("Set-Cookie"), ";")
			g = w.ask(nil, "GET", g.Header.Get("Location"), "")
			back, _ := url.Parse(g.Header.Get("Location"))
			q := back.Query()
			if row.change != nil {
				row.change(q)
			}
			if row.cookie != nil {
				cookie = row.cookie(cookie)
			}
			g = w.ask(nil, "GET", "/auth/callback?"+q.Encode(), "", "Cookie", cookie)
			session := strings.Contains(strings.Join(g.Header["Set-Cookie"], "\n"), "grantway-app=")
			if row.ok != (g.StatusCode == http.StatusSeeOther) || row.ok != session {
				t.Errorf("%d %v %s", g.StatusCode, g.Header, g.body)
			}
		})
	}
}

// TestReturn: nobody is sent to another site (row A22).
func TestReturn(t *testing.T) {
	w := start(t, signIn)
	for _, to := range []string{"//evil.example", `/\evil.example`, "https://evil.example", "https:evil.example", "/a\tb", "/" + strings.Repeat("a", 2048), ""} {
		b := w.browser()
		if g := w.ask(&b.Client, "GET", "/auth/login?return="+url.QueryEscape(to), ""); g.Request.URL.String() != w.front.URL+"/" {
			t.Errorf("%q leads to %s", to, g.Request.URL)
		}
	}
}

// TestSessionEnds: unused, used for too long, by another sign-in of the browser, by
// want of room, by the issuer's word, and when the token cannot be renewed.
func TestSessionEnds(t *testing.T) {
	signedIn := func(w *world, b *browser) bool {
		w.t.Helper()
		return strings.Contains(w.ask(&b.Client, "GET", "/auth/me", "").body, `"signed_in":true`)
	}
	t.Run("idle", func(t *testing.T) {
		w := start(t, signIn)
		b := w.signedIn()
		w.ahead.Store(int64(9 * time.Minute))
		if !signedIn(w, b) {
			t.Error("it ended early")
		}
		w.ahead.Store(int64(19 * time.Minute))
		if signedIn(w, b) {
			t.Error("it did not end")
		}
	})
	t.Run("at the latest", func(t *testing.T) {
		w := start(t, signIn)
		b := w.signedIn()
		for m := range 59 {
			w.ahead.Store(int64(time.Duration(m) * time.Minute))
			if !signedIn(w, b) {
				t.Fatalf("it ended after %d minutes", m)
			}
		}
		w.ahead.Store(int64(time.Hour + time.Minute))
		if signedIn(w, b) {
			t.Error("it did not end")
		}
	})
	t.Run("another sign-in", func(t *testing.T) {
		w := start(t, signIn)
		b := w.signedIn()
		u, _ := url.Parse(w.front.URL)
		old := b.Jar.Cookies(u)[0].String()
		w.ask(&b.Client, "GET", "/auth/login", "")
		if b.Jar.Cookies(u)[0].String() == old {
			t.Error("the handle stayed (fixation)")
		}
		if g := w.ask(nil, "GET", "/api/notes", "", "Cookie", old); g.StatusCode != 401 {
			t.Errorf("the old handle: %d", g.StatusCode)
		}
	})
	t.Run("no room", func(t *testing.T) {
		w := start(t, signIn)
		first, second := w.signedIn(), w.signedIn()
		signedIn(w, first) // the second was not used for longest
		third := w.signedIn()
		if !signedIn(w, first) || signedIn(w, second) || !signedIn(w, third) {
			t.Error("another one had to make room")
		}
	})
	t.Run("the issuer says so", func(t *testing.T) {
		w := start(t, signIn)
		b := w.signedIn()
		claims := func() map[string]any {
			return map[string]any{
				"iss": w.issuer.URL, "aud": "app", "sub": "ann", "sid": "s1", "iat": time.Now().Unix(), "jti": "1",
				"events": map[string]any{logoutEvent: map[string]any{}},
			}
		}
		for name, value := range map[string]any{
			"nonce": "x", "events": map[string]any{}, "aud": "other", "iss": "https://evil.example", "iat": time.Now().Add(-time.Hour).Unix(),
		} {
			bad := claims()
			bad[name] = value
			body := url.Values{"logout_token": {sign(bad)}}.Encode()
			if g := w.ask(nil, "POST", "/auth/backchannel", body, "Content-Type", "application/x-www-form-urlencoded"); g.StatusCode != 400 || !signedIn(w, b) {
				t.Errorf("%s: %d %s", name, g.StatusCode, g.body)
			}
		}
		body := url.Values{"logout_token": {sign(claims())}}.Encode()
		if g := w.ask(nil, "POST", "/auth/backchannel", body, "Content-Type", "application/x-www-form-urlencoded"); g.StatusCode != 200 || signedIn(w, b) {
			t.Errorf("%d %s", g.StatusCode, g.body)
		}
	})
	t.Run("not renewed", func(t *testing.T) {
		w := start(t, signIn)
		b := w.signedIn()
		w.set(func() { w.good, w.refuse = map[string]bool{}, true })
		g := w.ask(&b.Client, "GET", "/api/notes", "")
		if g.StatusCode != 401 || g.told.Login == "" || signedIn(w, b) {
			t.Errorf("%d %s", g.StatusCode, g.body)
		}
	})
	t.Run("renewed", func(t *testing.T) {
		w := start(t, signIn)
		b := w.signedIn()
		w.set(func() { w.good = map[string]bool{"access-2-refresh_token": true} })
		if g := w.ask(&b.Client, "GET", "/api/notes", ""); g.StatusCode != 200 || !signedIn(w, b) {
			t.Errorf("%d %s", g.StatusCode, g.body)
		}
	})
}

// TestPersonalAnswers: what the API says to one person is kept by no cache for another,
// however the API speaks to caches.
func TestPersonalAnswers(t *testing.T) {
	for name, row := range map[string]struct {
		says http.Header
		want string
	}{
		"nothing":             {http.Header{}, "private, no-cache"},
		"public":              {http.Header{"Cache-Control": {"public, max-age=600"}}, "private, no-cache"},
		"not to keep it":      {http.Header{"Cache-Control": {"no-store"}}, "no-store"},
		"it in capitals":      {http.Header{"Cache-Control": {"No-Store"}}, "No-Store"},
		"it in a second line": {http.Header{"Cache-Control": {"max-age=0", "no-store"}}, "max-age=0, no-store"},
		"to others' caches": {http.Header{
			"CDN-Cache-Control": {"max-age=600"}, "Cloudflare-CDN-Cache-Control": {"max-age=600"},
			"Surrogate-Control": {"max-age=600"}, "Edge-Control": {"max-age=600"}, "X-Accel-Expires": {"600"},
		}, "private, no-cache"},
	} {
		w := start(t, signIn)
		b := w.signedIn()
		w.answer = func(rw http.ResponseWriter, _ *http.Request) {
			for name, values := range row.says {
				rw.Header()[http.CanonicalHeaderKey(name)] = values
			}
		}
		g := w.ask(&b.Client, "GET", "/api/notes", "")
		if got := strings.Join(g.Header["Cache-Control"], ", "); g.StatusCode != 200 || got != row.want {
			t.Errorf("%s: %d %q, want %q", name, g.StatusCode, got, row.want)
		}
		for sent := range row.says {
			if sent != "Cache-Control" && g.Header.Get(sent) != "" {
				t.Errorf("%s: %s is passed on", name, sent)
			}
		}
	}
}

// TestForgery: what alters something needs to come from our page (row R02).
func TestForgery(t *testing.T) {
	w := start(t, signIn)
	b := w.signedIn()
	for _, row := range []struct {
		headers []string
		status  int
	}{
		{nil, 403},
		{[]string{"Origin", w.front.URL}, 200},
		{[]string{"Origin", "https://evil.example"}, 403},
		{[]string{"Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Sec-Fetch-Site", "cross-site", "X-Requested-With", "x"}, 403},
		{[]string{"X-Requested-With", "x"}, 200},
	} {
		if g := w.ask(&b.Client, "POST", "/api/notes", "", row.headers...); g.StatusCode != row.status {
			t.Errorf("%v: %d %s", row.headers, g.StatusCode, g.body)
		}
	}
}

// TestSessionRate: the limit at n and n+1, and another session has its own.
func TestSessionRate(t *testing.T) {
	w := start(t, signIn)
	b := w.signedIn()
	for i, status := range []int{200, 200, 200, 200, 200, 429} {
		if g := w.ask(&b.Client, "GET", "/api/notes", ""); g.StatusCode != status {
			t.Errorf("call %d: %d %s", i, g.StatusCode, g.body)
		}
	}
	other := w.signedIn()
	if g := w.ask(&other.Client, "GET", "/api/notes", ""); g.StatusCode != 200 {
		t.Errorf("another session: %d", g.StatusCode)
	}
}

// TestPersonAndMachine: where both are said, people sign in and calls carry the
// machine's token.
func TestPersonAndMachine(t *testing.T) {
	w := start(t, signIn+"client: {issuer: ISSUER, id: app, secret: \"${SECRET}\"}\n")
	if g := w.ask(nil, "GET", "/api/notes", ""); g.StatusCode != 401 {
		t.Errorf("%d %s", g.StatusCode, g.body)
	}
	b := w.signedIn()
	if g := w.ask(&b.Client, "GET", "/api/notes", ""); g.StatusCode != 200 || !strings.HasSuffix(w.last().Header.Get("Authorization"), "client_credentials") {
		t.Errorf("%d %s", g.StatusCode, g.body)
	}
}
