package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// elsewhere has a second server, the university's, at which people may sign in
// instead; create makes accounts of who comes for the first time.
func elsewhere(t *testing.T, create bool) (here *site, b *browser) {
	t.Helper()
	here, _, b = twoSites(t, create)
	return here, b
}

// twoSites is elsewhere, with the university's server too.
func twoSites(t *testing.T, create bool) (here, there *site, b *browser) {
	t.Helper()
	there = start(t, setup{example: "people"})
	there.resident(t, "staging", "jan")
	here = timetables(t, func(c *catalogue.Catalogue) {
		for _, e := range c.Environments {
			e.Login.Providers = []catalogue.Provider{{
				Name: "uni", Title: "The University", Issuer: there.environment("staging").Issuer.String(), ClientID: "here", Secret: secret.Of("secret of here"),
				Scopes: []string{"profile"}, Create: create,
			}}
		}
	})
	there.register(t, "staging", registration{
		id: "here", kind: store.TypeWeb, secret: "secret of here",
		signIn: store.SignIn{Redirects: []string{here.environment("demo").Issuer.String() + "/login/from/uni"}},
	})
	return here, there, here.browser(t, "demo")
}

// goOn follows the browser to another server.
func (b *browser) goOn() *browser {
	b.t.Helper()
	if b.left == nil {
		b.t.Fatalf("nowhere to go from %s (%d):\n%s", b.at, b.code, b.body)
	}
	return b.do(http.MethodGet, b.left.String(), nil)
}

// toUniversity follows the button to the other server.
func (b *browser) toUniversity() *browser {
	b.t.Helper()
	link := b.find(func(n *html.Node) bool {
		return n.Data == "a" && strings.Contains(attributeOf(n, "href"), "/login/to/uni")
	})
	if link == nil {
		b.t.Fatalf("no button on %s:\n%s", b.at, b.body)
	}
	to, err := b.at.Parse(attributeOf(link, "href"))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(http.MethodGet, to.String(), nil).goOn()
}

// TestPeopleSignInElsewhere: there and back, with the application's request.
func TestPeopleSignInElsewhere(t *testing.T) {
	t.Parallel()
	_, b := elsewhere(t, true)
	b.open(documented+"&scope=username").toUniversity().signIn("jan", goodPassword)
	b.submit("/consent", "decision", "allow").goOn().is("/consent", http.StatusOK)
	if !b.submit("/consent", "decision", "allow").back("http://localhost").Has("code") {
		t.Error("no code")
	}
	fields, _, ok := b.open("/account").form("/account/identity")
	if !ok || !strings.Contains(b.body, "The University") {
		t.Fatalf("the account page: %s", b.body)
	}
	// It is the only way in, so it stays.
	b.press("/account/identity", "id", fields.Get("id")).is("/account/identity", http.StatusForbidden)
	// With a password of their own it may go.
	b.open("/account/password").submit("/account/password", "password", goodPassword, "again", goodPassword).is("/account", http.StatusOK)
	b.press("/account/identity", "id", fields.Get("id")).is("/account", http.StatusOK)
	if _, _, left := b.form("/account/identity"); left {
		t.Error("the identity is still there")
	}
}

// TestWhoHasNoAccountIsToldSo: and an answer that is not ours, or that nobody was sent
// for, is worth nothing.
func TestWhoHasNoAccountIsToldSo(t *testing.T) {
	t.Parallel()
	here, b := elsewhere(t, false)
	b.open(documented).toUniversity().signIn("jan", goodPassword)
	back := b.submit("/consent", "decision", "allow", "remember", "-").left
	b.goOn().is("/login/from/uni", http.StatusForbidden)
	if !strings.Contains(b.body, "no account here belongs to that") {
		t.Errorf("the page: %s", b.body)
	}
	b.signIn("anna", goodPassword).is("/consent", http.StatusOK) // the request went along
	b.do(http.MethodGet, back.String(), nil).is("/login/from/uni", http.StatusBadRequest)
	here.browser(t, "demo").open("/login/from/uni?"+url.Values{"code": {"x"}, "state": {"y"}}.Encode()).is("/login/from/uni", http.StatusBadRequest)

	other := here.browser(t, "demo")
	other.open(documented).toUniversity().signIn("jan", goodPassword)
	other.submit("/consent", "decision", "deny").goOn().is("/login", http.StatusOK)
}
