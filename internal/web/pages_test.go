package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func (s sample) show(t *testing.T, p *Pages) *httptest.ResponseRecorder {
	t.Helper()
	return get(t, func(w http.ResponseWriter, r *http.Request) { p.Show(w, r, http.StatusOK, s.with, s.screen) }, http.MethodGet, "/")
}

// hostile is what a person, an application or an institution may call itself.
func hostile(s string) string {
	return "\u202e" + s + `"'><script>alert(1)</script><img src=x onerror=alert(1)>{{.Data}} ` + strings.Repeat("W", 300)
}

// checkPage holds what is true of every page, and returns its nodes.
func checkPage(t *testing.T, body string) []*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var nodes []*html.Node
	ids, headings, labels := map[string]int{}, 0, map[string]bool{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		nodes = append(nodes, n)
		if id := attr(n, "id"); id != "" {
			ids[id]++
		}
		switch n.Data {
		case "h1":
			headings++
		case "title":
			if title := n.FirstChild.Data; strings.Contains(title, "<bdi>") || strings.HasPrefix(title, " ") {
				t.Errorf("the window is called %s", title)
			}
		case "label":
			labels[attr(n, "for")] = true
		case "script":
			if attr(n, "src") == "" || n.FirstChild != nil {
				t.Error("a script stands in the page")
			}
		case "style", "iframe", "object", "embed", "base":
			t.Errorf("there is a %s", n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.Contains(strings.ToLower(a.Val), "javascript:") {
				t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
			}
			if a.Key == "src" && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "data:image/") || n.Data == "link" && a.Key == "href" && !strings.HasPrefix(a.Val, "/") {
				t.Errorf("%s loads %q", n.Data, a.Val)
			}
		}
	}
	if headings != 1 {
		t.Errorf("%d headings h1", headings)
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("the id %s is there %d times", id, n)
		}
	}
	for _, n := range nodes {
		if n.Data == "input" && attr(n, "type") != "hidden" && attr(n, "aria-hidden") == "" && !labels[attr(n, "id")] {
			t.Errorf("the field %s has no label", attr(n, "name"))
		}
		for _, name := range []string{"aria-describedby", "aria-labelledby", "for"} {
			for id := range strings.FieldsSeq(attr(n, name)) {
				if ids[id] == 0 {
					t.Errorf("%s of %s names %s, which is not there", name, n.Data, id)
				}
			}
		}
		if href := attr(n, "href"); strings.HasPrefix(href, "#") && ids[href[1:]] == 0 {
			t.Errorf("a link leads to %s, which is not there", href)
		}
	}
	return nodes
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func TestEveryPageIsSoundInEveryLanguageAndWithHostileNames(t *testing.T) { // row R01
	p := newPages(t, Theme{Name: hostile("Brand")}, "/at")
	drawn := map[string]bool{}
	for _, language := range BuiltIn().Tags() {
		for name, said := range map[string]func(string) string{"plain": plainly, "hostile": hostile} {
			for _, s := range samples(language, said) {
				t.Run(fmt.Sprint(language, "/", name, "/", s.name), func(t *testing.T) {
					w := s.show(t, p)
					nodes := checkPage(t, w.Body.String())
					for _, n := range nodes {
						if n.Data == "html" && attr(n, "lang") != language {
							t.Errorf("the page says that it is in %q", attr(n, "lang"))
						}
						if n.Data == "script" && !strings.HasPrefix(attr(n, "src"), "/at/assets/") || n.Data == "img" && attr(n, "onerror") != "" {
							t.Errorf("%s %v", n.Data, n.Attr)
						}
					}
					if strings.Contains(w.Body.String(), "ZgotmplZ") {
						t.Error("something was filtered out of the page")
					}
				})
				drawn[s.screen.screen()] = true
			}
		}
	}
	for name := range pages() {
		if strings.HasPrefix(name, "console-") || strings.HasPrefix(name, "docs-") || strings.HasPrefix(name, "portal-") {
			continue // in English only, with tests of their own
		}
		if !drawn[name] && !strings.HasPrefix(name, "docs-") && !slices.Contains([]string{"notice", "refusal", "refusals", "unknown", "welcome"}, name) {
			t.Errorf("no sample shows the page %s", name)
		}
	}
}

func TestEveryFormIsOurs(t *testing.T) { // rows R02, B20
	p := newPages(t, Theme{}, "/at")
	forms := 0
	for _, s := range samples("en", plainly) {
		for _, n := range checkPage(t, s.show(t, p).Body.String()) {
			if n.Data != "form" || s.name == "formpost" {
				continue
			}
			forms++
			values := url.Values{}
			for f := range n.Descendants() {
				if f.Data == "input" {
					values.Add(attr(f, "name"), attr(f, "value"))
				}
			}
			action := attr(n, "action")
			if attr(n, "method") != "post" || values.Get(FieldRequest) != s.with.Request {
				t.Errorf("%s: a form to %s by %s, request %q", s.name, action, attr(n, "method"), values.Get(FieldRequest))
			}
			// The caller may have stripped the root.
			for _, path := range []string{action, strings.TrimPrefix(action, "/at")} {
				if err := p.Check(post(t, path, values, nil), "b"); err != nil {
					t.Errorf("%s: the form to %s is not known again at %s: %v", s.name, action, path, err)
				}
			}
		}
	}
	if forms < 30 {
		t.Errorf("only %d forms were found", forms)
	}
}

func post(t *testing.T, path string, values url.Values, header map[string]string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return r
}

func tokenFor(t *testing.T, p *Pages, path string) string {
	t.Helper()
	m := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(string((&sheet{Showing: Showing{Browser: "b"}, pages: p}).Form(path)))
	if m == nil {
		t.Fatal("there is no token")
	}
	return m[1]
}

// another is another digit of base64url.
func another(digit byte) string {
	if digit == 'A' {
		return "B"
	}
	return "A"
}

func TestForgedFormsAreRefused(t *testing.T) { // rows R02, B20, B27
	p := newPages(t, Theme{}, "/at")
	good := tokenFor(t, p, PathConsent)
	other, err := NewPages(NewSite(Theme{}, "/at"), nil, []byte(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		token, browser, path string
		header               map[string]string
		change               func(*http.Request)
		good                 bool
	}{
		"as it was shown":         {good: true},
		"from our origin":         {header: map[string]string{"Sec-Fetch-Site": "same-origin"}, good: true},
		"no-referrer's origin":    {header: map[string]string{"Origin": "null", "Sec-Fetch-Site": "same-origin"}, good: true},
		"an old browser":          {header: map[string]string{"Origin": "null"}, good: true},
		"from another site":       {header: map[string]string{"Sec-Fetch-Site": "cross-site"}},
		"from the same site only": {header: map[string]string{"Sec-Fetch-Site": "same-site"}},
		"from another origin":     {header: map[string]string{"Origin": "https://evil.example"}},
		"from a sandbox":          {header: map[string]string{"Origin": "null", "Sec-Fetch-Site": "cross-site"}},
		"another browser":         {browser: "c"},
		"no browser":              {browser: "-"},
		"another form":            {path: "/at" + PathErase},
		"another server's":        {token: tokenFor(t, other, PathConsent)},
		"no token":                {token: "-"},
		"cut off":                 {token: good[:len(good)-1]},
		"changed":                 {token: another(good[0]) + good[1:]},
		"longer":                  {token: good + "AAAA"},
		"by GET":                  {change: func(r *http.Request) { r.Method = http.MethodGet; r.URL.RawQuery = "form=" + good }},
		"in the query":            {token: "-", change: func(r *http.Request) { r.URL.RawQuery = "form=" + good }},
		"twice": {change: func(r *http.Request) {
			*r = *post(t, r.URL.Path, url.Values{FieldToken: {good, good}}, nil)
		}},
	} {
		token, browser, path := good, "b", "/at"+PathConsent
		if row.token != "" {
			token = strings.TrimPrefix(row.token, "-")
		}
		if row.browser != "" {
			browser = strings.TrimPrefix(row.browser, "-")
		}
		if row.path != "" {
			path = row.path
		}
		r := post(t, path, url.Values{FieldToken: {token}}, row.header)
		if row.change != nil {
			row.change(r)
		}
		if err := p.Check(r, browser); (err == nil) != row.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	if tokenFor(t, p, PathConsent) == good {
		t.Error("two pages have the same token")
	}
	if _, err := NewPages(NewSite(Theme{}, ""), nil, make([]byte, 31)); err == nil {
		t.Error("a key of 31 bytes was taken")
	}
}

func TestHeadersFollowWhatAPageNeeds(t *testing.T) { // rows R03, B24
	p := newPages(t, Theme{}, "")
	got := map[string]http.Header{}
	for _, s := range samples("en", plainly) {
		h := s.show(t, p).Header()
		got[s.name] = h
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'; ") || !strings.HasSuffix(csp, "; frame-ancestors 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: %s", s.name, csp)
		}
		if h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", s.name, h)
		}
		wants := "same-origin"
		if s.with.Request != "" || slices.Contains([]string{"failure", "failure-plain"}, s.name) {
			wants = "unsafe-none"
		}
		if coop := h.Get("Cross-Origin-Opener-Policy"); coop != wants {
			t.Errorf("%s: Cross-Origin-Opener-Policy %s, want %s", s.name, coop, wants)
		}
		scripted := strings.Contains(s.show(t, p).Body.String(), "<script")
		if scripted && !strings.Contains(csp, "script-src 'self'") {
			t.Errorf("%s has a script that its policy forbids", s.name)
		}
	}
	for name, want := range map[string]string{
		"consent": "form-action 'self' https:;", "account": "form-action 'self' https:;", "account-new": "form-action 'self';", "formpost": "form-action https:;",
		"totp": "img-src 'self' data:;", "signin": "script-src 'self';",
	} {
		if csp := got[name].Get("Content-Security-Policy"); !strings.Contains(csp, want) {
			t.Errorf("%s: %s, want %s", name, csp, want)
		}
	}
	if csp := got["consent"].Get("Content-Security-Policy"); strings.Contains(csp, "script-src") || strings.Contains(csp, "data:") {
		t.Errorf("consent: %s", csp)
	}
	if got["signin-many"].Get("Retry-After") != "180" {
		t.Errorf("Retry-After %q", got["signin-many"].Get("Retry-After"))
	}
}

func TestFormsMayLeadWhereTheApplicationIs(t *testing.T) {
	const local = "https: http://localhost:* http://127.0.0.1:*"
	for redirect, want := range map[string]string{
		"https://app.example/cb":           "https:",
		"http://localhost":                 local,
		"http://127.0.0.1:8123/cb":         local,
		"http://[::1]:8123/cb":             "https: http:",
		"http://intranet.example:8080/cb":  "https: http://intranet.example:8080",
		"com.example.app:/cb":              "https: com.example.app:",
		"https://app.example/; script-src": "https:",
		"x y:/":                            "'self'",
		"/relative":                        "'self'",
		"":                                 "'self'",
	} {
		if got := leads(redirect); got != want {
			t.Errorf("%s: %s, want %s", redirect, got, want)
		}
	}
}

func TestOnlySafeSchemesLeadAway(t *testing.T) {
	s := &sheet{}
	for _, address := range []string{"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "file:///x", "blob:x", "relative", "//evil", " javascript:x"} {
		if got := s.Outward(address); got != "" {
			t.Errorf("%s: %s", address, got)
		}
	}
	for _, address := range []string{"https://app.example/cb", "com.example.app:/cb", "http://localhost"} {
		if got := s.Outward(address); string(got) != address {
			t.Errorf("%s: %s", address, got)
		}
	}
}

func TestTheKeyOfAnAppIsSetInGroups(t *testing.T) {
	for _, secret := range []string{"JBSWY3DPEHPK3PXPJB", "JBSW Y3DP EHPK 3PXP JB"} {
		s := &sheet{view: view{Data: SetUpTOTP{Secret: secret, URI: "javascript:alert(1)"}}}
		if got := s.Groups(); got != "JBSW Y3DP EHPK 3PXP JB" || s.App() != "" {
			t.Errorf("%q, %q", got, s.App())
		}
	}
}

func TestConsentPutsTheSharpRightsFirst(t *testing.T) {
	c := Consent{Rights: []Right{{Scope: "a"}, {Scope: "b", Write: true}, {Scope: "c"}, {Scope: "d", Write: true}}}
	var order []string
	for _, r := range c.Sorted() {
		order = append(order, r.Scope)
	}
	if !slices.Equal(order, []string{"b", "d", "a", "c"}) || c.Rights[0].Scope != "a" {
		t.Errorf("%v, and %v was changed", order, c.Rights)
	}
}

// The API is worth saying where there are two: an OpenID Connect scope has none.
func TestConsentNamesAPIsWhereTheyDiffer(t *testing.T) {
	one := Consent{Rights: []Right{{Scope: "a", API: "Timetable"}, {Scope: "openid", Fixed: true}}}
	two := Consent{Rights: append(slices.Clone(one.Rights), Right{Scope: "b", API: "Grades"})}
	if got := one.Sorted(); got[0].API != "" || one.API() != "" {
		t.Errorf("one API: %v", got)
	}
	if got := two.Sorted(); got[0].API != "Timetable" || got[2].API != "Grades" {
		t.Errorf("two APIs: %v", got)
	}
}

// TestFieldsThatPasswordManagersKnow: names and purposes of fields never change.
func TestFieldsThatPasswordManagersKnow(t *testing.T) {
	p := newPages(t, Theme{}, "")
	want := map[string]map[string]string{
		"signin":  {"name": "username", "password": "current-password"},
		"second":  {"code": "one-time-code"},
		"totp":    {"code": "one-time-code"},
		"reset":   {"name": "username", "password": "new-password", "again": "new-password"},
		"change":  {"name": "username", "current": "current-password", "password": "new-password", "again": "new-password"},
		"erase":   {"name": "username", "password": "current-password"},
		"consent": {},
	}
	for _, s := range samples("nl", plainly) {
		if want[s.name] == nil {
			continue
		}
		got := map[string]string{}
		for _, n := range checkPage(t, s.show(t, p).Body.String()) {
			if purpose := attr(n, "autocomplete"); purpose != "" {
				got[attr(n, "name")] = purpose
			}
		}
		if !maps.Equal(got, want[s.name]) {
			t.Errorf("%s: %v, want %v", s.name, got, want[s.name])
		}
	}
}
