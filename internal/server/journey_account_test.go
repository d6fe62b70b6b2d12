package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/grantway/grantway/internal/catalogue"
)

// everybodyTwo makes two factors everybody's duty.
func everybodyTwo(c *catalogue.Catalogue) {
	for _, e := range c.Environments {
		e.Login.SecondFactor = true
	}
}

// protect sets up an authenticator on the page that is shown, keeps the recovery
// codes, and returns the secret and the codes.
func (b *browser) protect() (secret string, codes []string) {
	b.t.Helper()
	b.is("/account/totp", http.StatusOK)
	secret = strings.ReplaceAll(b.text("secret"), " ", "")
	disclosed(secret)
	b.submit("/account/totp", "code", oneTime(b.t, secret, b.clock.Now())).is("/account/totp", http.StatusOK)
	codes = b.recoveryCodes()
	b.clock.move(30 * time.Second) // a code is good once
	return secret, codes
}

// recoveryCodes are those on the page that shows them, the only time.
func (b *browser) recoveryCodes() (codes []string) {
	b.t.Helper()
	list := b.find(func(n *html.Node) bool { return attributeOf(n, "id") == "codes" })
	if list == nil {
		b.t.Fatalf("no recovery codes on %s (%d):\n%s", b.at, b.code, b.body)
	}
	for n := range list.Descendants() {
		if n.Type == html.TextNode && strings.Contains(n.Data, "-") {
			codes = append(codes, n.Data)
			disclosed(n.Data)
		}
	}
	return codes
}

// follow follows a link of the page.
func (b *browser) follow(id string) *browser {
	b.t.Helper()
	link := b.find(func(n *html.Node) bool { return n.Data == "a" && attributeOf(n, "id") == id })
	if link == nil {
		b.t.Fatalf("no link %s on %s:\n%s", id, b.at, b.body)
	}
	to, err := b.at.Parse(attributeOf(link, "href"))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(http.MethodGet, to.String(), nil)
}

// TestASecondFactorIsSetUpOnTheWay: where everybody needs two, the first sign-in sets
// the second up and goes on to the application; the next ones ask for it.
func TestASecondFactorIsSetUpOnTheWay(t *testing.T) {
	t.Parallel()
	s := timetables(t, everybodyTwo)
	b := s.browser(t, "demo")
	b.open(documented+"&scope=username").signIn("anna", goodPassword).is("/account/totp", http.StatusOK)
	if b.cookieOf("session") != "" {
		t.Error("there is a session before there are two factors")
	}
	first := b.text("secret")
	b.submit("/account/totp", "code", "000000").is("/account/totp", http.StatusForbidden)
	if b.text("secret") != first {
		t.Error("after a wrong code the secret is another")
	}
	// A page that is left for too long asks for the password again, and comes back.
	s.clock.move(6 * time.Minute)
	b.submit("/account/totp", "code", oneTime(t, first, s.clock.Now())).is("/login", http.StatusOK)
	b.signIn("anna", goodPassword).is("/account/totp", http.StatusOK)
	secret, codes := b.protect()
	if len(codes) != 10 {
		t.Errorf("%d recovery codes", len(codes))
	}
	b.follow("next").is("/consent", http.StatusOK)
	if !b.submit("/consent", "decision", "allow").back("http://localhost").Has("code") {
		t.Error("no code")
	}

	b = s.browser(t, "demo")
	b.open(documented+"&scope=username").signIn("anna", goodPassword).is("/login/second", http.StatusOK)
	b.submit("/login/second", "code", "000000").is("/login/second", http.StatusForbidden)
	code := oneTime(t, secret, s.clock.Now())
	if !b.submit("/login/second", "code", code).back("http://localhost").Has("code") {
		t.Error("no code")
	}
	again := s.browser(t, "demo")
	again.open(documented).signIn("anna", goodPassword).submit("/login/second", "code", code).is("/login/second", http.StatusForbidden) // row P06
	again.follow("recovery").is("/login/recovery", http.StatusOK)
	again.submit("/login/recovery", "code", "aaaa-bbbb-cccc-dddd").is("/login/recovery", http.StatusForbidden)
	again.submit("/login/recovery", "code", codes[0]).is("/consent", http.StatusOK)
	third := s.browser(t, "demo")
	third.open(documented).signIn("anna", goodPassword)
	third.open("/login/recovery?"+third.at.RawQuery).submit("/login/recovery", "code", codes[0]).is("/login/recovery", http.StatusForbidden)
}

// TestABrowserIsRemembered: it stands in for the second factor, not for a sensitive
// change, and no more once it is forgotten.
func TestABrowserIsRemembered(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b := s.browser(t, "demo")
	b.open("/login").signIn("anna", goodPassword).is("/account", http.StatusOK)
	secret, _ := b.follow("add-totp").protect()
	leave := func() { b.open("/account").submit("/logout").is("/logout", http.StatusOK) }
	leave()
	b.open("/login").signIn("anna", goodPassword).submit("/login/second", "code", oneTime(t, secret, s.clock.Now()), "remember", "1").is("/account", http.StatusOK)
	leave()
	b.open("/login").signIn("anna", goodPassword).is("/account", http.StatusOK)
	b.open("/account/delete").is("/login/second", http.StatusOK) // row P15
	s.clock.move(30 * time.Second)
	b.submit("/login/second", "code", oneTime(t, secret, s.clock.Now())).is("/account/delete", http.StatusOK)
	b.open("/account").submit("/account/device").is("/account", http.StatusOK)
	leave()
	b.open("/login").signIn("anna", goodPassword).is("/login/second", http.StatusOK)
}

// TestSensitiveChangesNeedARecentSignIn is row P15, for each of them, with row A22:
// the way back is ours.
func TestSensitiveChangesNeedARecentSignIn(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b := s.browser(t, "demo")
	b.open("/login").signIn("anna", goodPassword).is("/account", http.StatusOK)
	secret, _ := b.follow("add-totp").protect()
	prove := func() *browser {
		s.clock.move(30 * time.Second)
		return b.is("/login", http.StatusOK).signIn("anna", goodPassword).submit("/login/second", "code", oneTime(t, secret, s.clock.Now()))
	}
	for _, path := range []string{"/account/password", "/account/delete"} {
		s.clock.move(6 * time.Minute)
		b.open(path + "?return=https://evil.example/&return_to=//evil.example&next=/%5Cevil.example")
		prove().is(path, http.StatusOK)
	}
	b.open("/account/password")
	s.clock.move(6 * time.Minute)
	b.submit("/account/password", "current", goodPassword, "password", "nine slow tortoises", "again", "nine slow tortoises")
	prove().is("/account/password", http.StatusOK) // nothing was changed
	for path, change := range map[string]func(){
		"/account/factor":   func() { b.press("/account/factor", "id", b.factorID()) },
		"/account/recovery": func() { b.submit("/account/recovery") },
		"/account/export":   func() { b.submit("/account/export") },
	} {
		b.open("/account").is("/account", http.StatusOK)
		s.clock.move(6 * time.Minute)
		if change(); b.header.Get("Content-Disposition") != "" {
			t.Errorf("P15: %s answered", path)
		}
		prove().is("/account", http.StatusOK)
		if b.text("add-totp") != "" {
			t.Errorf("P15: %s removed a factor", path)
		}
	}
	b.submit("/account/export").is("/account/export", http.StatusOK)
	var exported map[string]any
	if err := json.Unmarshal([]byte(b.body), &exported); err != nil || exported["name"] != "anna" || strings.Contains(b.body, secret) {
		t.Errorf("the export: %v %s", err, b.body)
	}
	if b.header.Get("Content-Disposition") != `attachment; filename="account.json"` || b.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the export: %v", b.header)
	}
	b.open("/account").submit("/account/recovery").is("/account/recovery", http.StatusOK)
	if len(b.recoveryCodes()) != 10 {
		t.Error("no recovery codes")
	}
	b.open("/account").press("/account/factor", "id", b.factorID()).is("/account", http.StatusOK)
	if b.text("add-totp") == "" {
		t.Error("the authenticator is still there")
	}
}

// factorID is the id of the authenticator on the account page.
func (b *browser) factorID() string {
	fields, _, ok := b.form("/account/factor")
	if !ok {
		b.t.Fatalf("no factor on %s:\n%s", b.at, b.body)
	}
	return fields.Get("id")
}

// TestAPersonChangesTheirPassword: every other browser is signed out.
func TestAPersonChangesTheirPassword(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b, other := s.browser(t, "demo"), s.browser(t, "demo")
	b.open("/login").signIn("anna", goodPassword)
	other.open("/login").signIn("anna", goodPassword).is("/account", http.StatusOK)
	const chosen = "nine slow tortoises"
	disclosed(chosen)
	for name, row := range map[string][3]string{
		"another again": {goodPassword, chosen, chosen + "x"},
		"wrong":         {"not the password", chosen, chosen},
		"short":         {goodPassword, "elevenbytes", "elevenbytes"},
		"common":        {goodPassword, "passwordpassword", "passwordpassword"},
		"the name":      {goodPassword, "annaannaanna", "annaannaanna"},
		"the same":      {goodPassword, goodPassword, goodPassword},
	} {
		b.open("/account/password").submit("/account/password", "current", row[0], "password", row[1], "again", row[2])
		if b.code != http.StatusForbidden {
			t.Errorf("%s: %d", name, b.code)
		}
	}
	b.open("/account/password").submit("/account/password", "current", goodPassword, "password", chosen, "again", chosen).is("/account", http.StatusOK)
	if !strings.Contains(b.body, "The password is changed.") {
		t.Error("the page does not say so")
	}
	if b.open("/account"); strings.Contains(b.body, "The password is changed.") {
		t.Error("the page says so twice")
	}
	other.open("/account").is("/login", http.StatusOK)
	other.signIn("anna", goodPassword).is("/login", http.StatusForbidden)
	other.signIn("anna", chosen).is("/account", http.StatusOK)
}

// TestAPersonTakesThingsBack: sessions and applications, and the account itself.
func TestAPersonTakesThingsBack(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b, other, third := s.browser(t, "demo"), s.browser(t, "demo"), s.browser(t, "demo")
	b.open(documented+"&scope=username").signIn("anna", goodPassword)
	once := b.submit("/consent", "decision", "allow", "remember", "-").back("http://localhost").Get("code")
	b.spend(once)
	other.open("/login").signIn("anna", goodPassword)
	third.open("/login").signIn("anna", goodPassword)
	fields, _, ok := b.open("/account").form("/account/session")
	if !ok || !strings.Contains(b.body, "Firefox on Linux") || !strings.Contains(b.body, "See your user name") {
		t.Fatalf("the page: %s", b.body)
	}
	b.press("/account/session", "id", fields.Get("id")).is("/account", http.StatusOK)
	b.press("/account/session", "others", "1").is("/account", http.StatusOK)
	other.open("/account").is("/login", http.StatusOK)
	third.open("/account").is("/login", http.StatusOK)
	b.press("/account/application", "id", "test").is("/account", http.StatusOK)
	if _, _, left := b.form("/account/application"); left {
		t.Error("the application is still there")
	}

	b.open("/account/delete").is("/account/delete", http.StatusOK)
	b.submit("/account/delete", "password", goodPassword, "sure", "-").is("/account/delete", http.StatusForbidden)
	b.submit("/account/delete", "password", "not the password", "sure", "1").is("/account/delete", http.StatusForbidden)
	b.submit("/account/delete", "password", goodPassword, "sure", "1").is("/login", http.StatusOK)
	if !strings.Contains(b.body, "The account is deleted.") {
		t.Errorf("the page: %s", b.body)
	}
	b.signIn("anna", goodPassword).is("/login", http.StatusForbidden)
}

// TestTheLastWayInStays: nobody locks themselves out, nor removes what everybody
// needs.
func TestTheLastWayInStays(t *testing.T) {
	t.Parallel()
	s := timetables(t, everybodyTwo)
	b := s.browser(t, "demo")
	b.open("/login").signIn("anna", goodPassword).protect()
	b.open("/account").press("/account/factor", "id", b.factorID()).is("/account/factor", http.StatusForbidden)
	if !strings.Contains(b.body, "problem") || b.text("add-totp") != "" {
		t.Errorf("the page: %s", b.body)
	}
}

// TestALostPasswordIsSetAnew: by a link that is mailed, which signs nobody in (row
// P12). TestTheWalks tries every other order.
func TestALostPasswordIsSetAnew(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b := s.browser(t, "demo")
	b.open("/login").signIn("anna", goodPassword)
	secret, _ := b.follow("add-totp").protect()
	lost := s.browser(t, "demo")
	lost.open("/login").follow("forgotten").submit("/reset", "name", "anna").is("/reset", http.StatusOK)
	link := s.mailed(t, "demo", "anna@example.com", "/reset/")
	lost.open(link).is("/reset/password", http.StatusOK)
	const chosen = "nine slow tortoises"
	disclosed(chosen)
	lost.submit("/reset/password", "password", "short", "again", "short").is("/reset/password", http.StatusForbidden)
	lost.submit("/reset/password", "password", chosen, "again", "another").is("/reset/password", http.StatusForbidden)
	kept, action, _ := lost.form("/reset/password")
	lost.submit("/reset/password", "password", chosen, "again", chosen).is("/login", http.StatusOK)
	if !strings.Contains(lost.body, "Sign in with the new one") || lost.cookieOf("session") != "" {
		t.Errorf("P12: %s", lost.body)
	}
	lost.signIn("anna", chosen).is("/login/second", http.StatusOK)
	s.clock.move(30 * time.Second)
	lost.submit("/login/second", "code", oneTime(t, secret, s.clock.Now())).is("/account", http.StatusOK)
	b.open("/account").is("/login", http.StatusOK)
	lost.open(link).is("/reset/password", http.StatusBadRequest)
	if lost.post(action, kept, "password", goodPassword, "again", goodPassword); lost.code == http.StatusOK {
		t.Error("P12: a link is good twice")
	}
	for _, wrong := range []string{"", "?link=", "?link=" + strings.Repeat("A", 43)} {
		lost.open("/reset/password"+wrong).is("/reset/password", http.StatusBadRequest)
		lost.open("/verify"+wrong).is("/verify", http.StatusBadRequest)
	}
}

// TestAnAddressIsVerified is row P14.
func TestAnAddressIsVerified(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	a := s.resident(t, "demo", "bert")
	a.Profile.EmailVerified = false
	if err := s.environment("demo").resources.store.Accounts().Describe(t.Context(), a.ID, a.Profile, nil, s.forget(), s.by()); err != nil {
		t.Fatal(err)
	}
	b := s.browser(t, "demo")
	b.open("/login").signIn("bert", goodPassword).submit("/account/email").is("/account", http.StatusOK)
	link := s.mailed(t, "demo", "bert@example.com", "/verify")
	b.open("/mails").is("/mails", http.StatusOK)
	if !strings.Contains(b.body, link) {
		t.Errorf("the mail is not shown: %s", b.body)
	}
	far := httptest.NewRecorder()
	s.server.Handler().ServeHTTP(far, httptest.NewRequest(http.MethodGet, b.issuer+"/mails", nil)) // from 192.0.2.1
	if far.Code != http.StatusNotFound || strings.Contains(far.Body.String(), link) {
		t.Errorf("mails are shown to others: %d", far.Code)
	}
	elsewhere := s.browser(t, "demo")
	elsewhere.open(link).is("/verify", http.StatusOK)
	if _, _, open := b.open("/account").form("/account/email"); !open {
		t.Error("P14: a link that is only followed verifies")
	}
	elsewhere.submit("/verify").is("/verify", http.StatusOK)
	if _, _, open := b.open("/account").form("/account/email"); open {
		t.Error("P14: the address is not verified")
	}
	elsewhere.open(link).is("/verify", http.StatusBadRequest)
}

// mailed waits for a mail to somebody with a link that leads to a path, and returns
// the newest one's. Some mails are sent beside the answer, and some have no link.
func (s *site) mailed(t testing.TB, environment, to, path string) (link string) {
	t.Helper()
	until(t, "a mail to "+to+" about "+path, func() bool {
		for _, mail := range s.environment(environment).signIn.journey.Mails() {
			if mail.To == to && strings.Contains(mail.Link, path) {
				link = mail.Link
				return true
			}
		}
		return false
	})
	disclosed(link[strings.LastIndexByte(link, '=')+1:])
	return link
}
