package server

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// TestOnlyOneRedirectIsUnderstood is row A13 for a client that registered one: it
// may leave it out, unless it asks who the person is.
func TestOnlyOneRedirectIsUnderstood(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	f.register(t, "staging", registration{
		id: "sole", kind: store.TypeWeb, signIn: store.SignIn{Redirects: []string{"https://sole.example/cb"}},
		allotted: map[string][]string{"notes": {"read:notes"}, catalogue.OpenIDName: {"openid"}},
	})
	ask := with(f.ask, "client_id", "sole", "redirect_uri", "")
	got := f.authorize(t, ask.Encode())
	_, to := got.location(t)
	decided := f.send(t, f.request("GET "+decidePath+"?as=anna&request="+to.Get("request")+" HTTP/1.1", ""))
	if back, said := decided.location(t); back != "https://sole.example/cb" || said.Get("code") == "" {
		t.Errorf("the fixture: %s\n%s", got, decided)
	}
	for name, scope := range map[string]string{"openid": "openid", "openid and more": "read:notes openid", "all, and openid is among it": ""} {
		isPage(t, "A13 "+name, f.authorize(t, with(ask, "scope", scope).Encode()), http.StatusBadRequest)
		if got := f.authorize(t, with(ask, "scope", scope, "redirect_uri", "https://sole.example/cb").Encode()); got.code != http.StatusFound {
			t.Errorf("A13: %s with its address: %s", name, got)
		}
	}
}

// TestWhatAClientLostMeanwhileCounts is rows B02 and A01: what was asked before an
// address or the grant was taken from the client is not answered after it.
func TestWhatAClientLostMeanwhileCounts(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	change := func(c partner.Change) {
		t.Helper()
		if _, err := f.environment("staging").partners.Change(t.Context(), "app", c, f.by()); err != nil {
			t.Fatal(err)
		}
		f.settle(t, "staging")
	}
	change(partner.Change{Grants: partner.Edit{Add: []string{"authorization_code"}}, Until: f.clock.Now().Add(time.Minute)})
	asked := func(redirect string) string {
		_, to := f.authorize(t, with(f.ask, "redirect_uri", redirect).Encode()).location(t)
		return f.request("GET "+decidePath+"?as=anna&request="+to.Get("request")+" HTTP/1.1", "")
	}
	kept, taken, late := asked("https://app.example/cb"), asked("https://app.example/other"), asked("https://app.example/cb")
	change(partner.Change{Redirects: partner.Edit{Remove: []string{"https://app.example/other"}}})
	isPage(t, "A01: the address was taken away", f.send(t, taken), http.StatusBadRequest)
	f.clock.move(time.Minute - time.Second)
	if _, said := f.send(t, kept).location(t); said.Get("code") == "" {
		t.Errorf("the fixture: %v", said)
	} else {
		disclosed(said.Get("code"))
	}
	f.clock.move(time.Second)
	got := f.send(t, late)
	if to, said := got.location(t); to != "https://app.example/cb" || said.Get("error") != "unauthorized_client" || said.Has("code") {
		t.Errorf("B02: %s", got)
	}
}

// sent is where an answer sends the browser, by a redirect or by a form, and what it
// brings along.
func (a answer) sent() (to string, with url.Values, err error) {
	if a.code != http.StatusOK {
		u, err := url.Parse(a.header.Get("Location"))
		if err != nil {
			return "", nil, err
		}
		return strings.TrimSuffix(u.String(), "?"+u.RawQuery), u.Query(), nil
	}
	page, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		return "", nil, err
	}
	with = url.Values{}
	for n := range page.Descendants() {
		switch {
		case n.Type == html.ElementNode && n.Data == "form":
			to = attributeOf(n, "action")
		case n.Type == html.ElementNode && n.Data == "input":
			// A form is sent with CR LF for each line end (HTML §4.10.22.5).
			with.Add(attributeOf(n, "name"), strings.NewReplacer("\r\n", "\r\n", "\r", "\r\n", "\n", "\r\n").Replace(attributeOf(n, "value")))
		}
	}
	return to, with, nil
}

// TestStateComesBackAsItWas is row B07: to the byte, by whichever mode and with
// whichever answer, or the request is refused.
func TestStateComesBackAsItWas(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	issuer := f.environment("staging").issuer()
	try := func(t rapid.TB, state, mode, outcome string) {
		t.Helper()
		ask := with(f.ask, "response_mode", mode)
		ask["state"] = []string{state}
		if outcome == "wrong" {
			ask.Set("scope", "nothing")
		}
		got, err := f.answered(ask, outcome == "refused")
		if err != nil {
			t.Fatal(err)
		}
		back, said, err := got.sent()
		if err != nil {
			t.Fatal(err)
		}
		disclosed(said.Get("code"))
		if back != "https://app.example/cb" || said.Get("iss") != issuer {
			t.Fatalf("B06: %s", got)
		}
		good := utf8.ValidString(state) && !strings.Contains(state, "\x00") && len(state) <= 2048
		switch came := said["state"]; {
		case len(came) == 1 && came[0] == state && state != "": // as it was, whatever the answer is
			if !good {
				t.Fatalf("B07: %q is taken", state)
			}
		case len(came) > 0 || said.Get("error") != "invalid_request" && state != "":
			t.Fatalf("B07: %q came back as %q: %s", state, came, got)
		case good && !strings.ContainsAny(state, "\r\n") && said.Get("error") == "invalid_request":
			t.Fatalf("B07: %q is refused: %s", state, got)
		}
	}
	modes, outcomes := []string{"", "query", "form_post"}, []string{"wrong", "refused", "allowed"}
	const odd = " +&=%#?;'\"<>/\\\r\n\t\x00\u202e\ufeff\ufffd💡aé"
	for _, state := range []string{"a\nb", "\r\n", "\r", " a ", "a+b c%20d", "\x00", "\xff", strings.Repeat("s", 2048), strings.Repeat("s", 2049), "\t" + `"><script>`} {
		for _, mode := range modes {
			for _, outcome := range outcomes {
				try(t, state, mode, outcome)
			}
		}
	}
	texts := rapid.OneOf(
		rapid.String(), rapid.StringN(0, 700, 4096), rapid.StringOfN(rapid.SampledFrom([]rune(odd)), 0, 40, -1),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 60), func(b []byte) string { return string(b) }),
	)
	rapid.Check(t, func(r *rapid.T) {
		try(r, texts.Draw(r, "state"), rapid.SampledFrom(modes).Draw(r, "mode"), rapid.SampledFrom(outcomes).Draw(r, "outcome"))
	})
}

// answered is what an application is answered: at once, or as Anna decides.
func (f *flow) answered(ask url.Values, refused bool) (got answer, err error) {
	path := f.environment("staging").Issuer.Path
	got, err = f.site.exchange(f.request("GET "+path+"/oauth2/authorize?"+ask.Encode()+" HTTP/1.1", ""))
	_, handle, asked := strings.Cut(got.header.Get("Location"), "/login?request=")
	if err != nil || !asked {
		return got, err
	}
	decide := decidePath + "?as=anna&request=" + handle
	if refused {
		decide += "&refused=access-denied"
	}
	return f.site.exchange(f.request("GET "+decide+" HTTP/1.1", ""))
}

// TestOnlyLanguagesArePassedOn is row B29: of what ui_locales says, what is no
// language is forgotten, and the page is in one that there is.
func TestOnlyLanguagesArePassedOn(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	db := s.environment("demo").resources.store
	b := s.browser(t, "demo")
	ask := func(locales string) (kept []string, shown string) {
		t.Helper()
		b.open(documented+"&ui_locales="+url.QueryEscape(locales)).is("/login", http.StatusOK)
		request, err := db.Requests().Find(t.Context(), secret.HashOf(b.at.Query().Get("request")), s.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		var asked grant.Asked
		if err := json.Unmarshal(request.Asked, &asked); err != nil {
			t.Fatal(err)
		}
		return asked.Locales, attributeOf(b.find(func(n *html.Node) bool { return n.Data == "html" }), "lang")
	}
	for _, row := range []struct {
		locales, shown string
		kept           []string
	}{
		{"nl", "nl", []string{"nl"}},
		{"../../x nl", "nl", []string{"nl"}},
		{"nl/../../x", "en", nil},
		{"..%2f..%2fnl C:\\nl nl.yaml", "en", nil},
		{"<script> {{.}} ${x} nl;q=1", "en", nil},
		{strings.Repeat("n", 36) + " x", "en", nil},
		{"fr NL-be", "nl", []string{"fr", "NL-be"}},
		{"tlh-x-qapla", "en", []string{"tlh-x-qapla"}},
		{"nl\u200b ｎｌ нl", "en", nil},
	} {
		if kept, shown := ask(row.locales); !slices.Equal(kept, row.kept) || shown != row.shown {
			t.Errorf("B29: %q: %q are kept, the page is in %q", row.locales, kept, shown)
		}
	}
	tag := regexp.MustCompile(`^[A-Za-z0-9-]{2,35}$`)
	odd := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Z0-9._/%-]{1,40}`), rapid.SampledFrom([]string{"nl", "en-GB", "..", "-", "--"})), 1, 4)
	rapid.Check(t, func(r *rapid.T) {
		locales := strings.ReplaceAll(strings.Join(odd.Draw(r, "locales"), " "), "\x00", "")
		if len(strings.Fields(locales)) > 10 || strings.TrimSpace(locales) == "" {
			return
		}
		kept, shown := ask(locales)
		if shown != "en" && shown != "nl" || slices.ContainsFunc(kept, func(l string) bool { return !tag.MatchString(l) }) {
			r.Fatalf("B29: %q: %q are kept, the page is in %q", locales, kept, shown)
		}
	})
}

// TestCookiesSayNothing is row B34: whatever an application asks and a person does,
// each cookie is a handle, or sealed; what was asked is in none.
func TestCookiesSayNothing(t *testing.T) {
	t.Parallel()
	s := timetables(t, everybodyTwo)
	b := s.browser(t, "demo")
	const marked = "marked4you"
	looked := map[string]int{}
	look := func() {
		t.Helper()
		for _, c := range b.client.Jar.Cookies(b.at) {
			which := c.Name[strings.LastIndexByte(c.Name, '-')+1:]
			looked[which]++
			if _, opaque := secret.ParseOpaque(c.Value); !opaque && which != "progress" { // that one is sealed
				t.Errorf("B34: %s: the cookie %s is no handle: %q", b.at.Path, c.Name, c.Value)
			}
			plain := c.Value
			for _, encoding := range []*base64.Encoding{base64.RawURLEncoding, base64.RawStdEncoding} {
				if decoded, err := encoding.DecodeString(strings.TrimRight(c.Value, "=")); err == nil {
					plain += string(decoded)
				}
			}
			// Only what chance does not write into 256 random bits.
			for _, said := range []string{marked, `"anna"`, "localhost", "username", `"pwd"`, "timetable"} {
				if strings.Contains(plain, said) {
					t.Errorf("B34: %s: the cookie %s says %q: %q", b.at.Path, c.Name, said, plain)
				}
			}
		}
	}
	b.open(documented + "&scope=username&state=" + marked + "&nonce=" + marked + "&login_hint=" + marked + "&prompt=nonsense")
	look()
	b.open(documented+"&scope=username&state="+marked+"&nonce="+marked+"&login_hint="+marked).is("/login", http.StatusOK)
	look()
	b.signIn("anna", "not the password")
	look()
	b.signIn("anna", goodPassword).is("/account/totp", http.StatusOK)
	look()
	code, _ := b.protect()
	look()
	b.follow("next").is("/consent", http.StatusOK)
	look()
	b.submit("/consent", "decision", "allow").back("http://localhost")
	look()
	b.open("/account").submit("/logout")
	look()
	b.open("/login").signIn("anna", goodPassword).is("/login/second", http.StatusOK)
	look()
	b.submit("/login/second", "code", oneTime(t, code, s.clock.Now()), "remember", "1").is("/account", http.StatusOK)
	look()
	for _, which := range []string{"browser", "session", "device", "progress"} {
		if looked[which] == 0 {
			t.Errorf("no cookie %s was looked at: %v", which, looked)
		}
	}
}

// TestAConsentIsForOneAddress is row B22: what was allowed an application at one of
// its addresses is asked again at another.
func TestAConsentIsForOneAddress(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	s.register(t, "demo", registration{
		id: "two", kind: store.TypeWeb, allotted: map[string][]string{"timetable": {"username"}},
		signIn: store.SignIn{Redirects: []string{"https://two.example/a", "https://two.example/b"}, Legacy: true},
	})
	b := s.browser(t, "demo")
	ask := "/oauth/authorize?response_type=code&client_id=two&redirect_uri=https://two.example/"
	b.open(ask+"a").signIn("anna", goodPassword).is("/consent", http.StatusOK)
	b.submit("/consent", "decision", "allow", "remember", "1").back("https://two.example/a")
	if back := b.open(ask + "a").back("https://two.example/a"); !back.Has("code") {
		t.Errorf("the fixture: %v", back)
	}
	if back := b.open(ask + "b&prompt=none").back("https://two.example/b"); back.Get("error") != "consent_required" {
		t.Errorf("B22: %v", back)
	}
	b.open(ask+"b").is("/consent", http.StatusOK)
	b.submit("/consent", "decision", "allow", "remember", "1").back("https://two.example/b")
	if back := b.open(ask + "b").back("https://two.example/b"); !back.Has("code") {
		t.Errorf("B22: asked twice at one address: %v", back)
	}
}
