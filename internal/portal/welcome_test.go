package portal

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/web"
)

func staging() Environment {
	return Environment{
		Name: "staging", AuthURL: issuer, APIURL: "http://127.0.0.1:8080/staging/api",
		ClientID: "demo", Secret: "placeholder", Audience: "https://api.example.com/",
		TokenRequest: "curl -d grant_type=client_credentials '" + issuer + "/oauth2/token'", Call: `curl -H "Authorization: Bearer $TOKEN"`,
		Metadata: issuer + "/.well-known/oauth-authorization-server", Keys: issuer + "/keys", Errors: issuer + "/errors",
	}
}

func hostile() Environment {
	const bad = `"><script>alert(1)</script>`
	return Environment{
		Name: bad, Title: bad, AuthURL: bad, APIURL: bad, ClientID: bad, Secret: bad, Audience: bad, TokenRequest: bad, Call: bad,
		Metadata: "javascript:alert(1)", Keys: bad, Errors: bad, APIToken: bad,
		Person: &Person{Name: bad, Password: bad, SignIn: "javascript:alert(1)", Back: bad, Account: bad, Mails: bad},
	}
}

func TestWelcomeShowsWhatToPaste(t *testing.T) {
	production := staging()
	production.Name, production.Title, production.Audience = "production", "Live", ""
	w := ask(t, &Welcome{Title: "The demo", Name: "Example", Environments: []Environment{staging(), production}}, http.MethodGet, "/")
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d, Cache-Control %q", w.Code, w.Header().Get("Cache-Control"))
	}
	body := w.Body.String()
	text := textOf(body)
	e := staging()
	for _, want := range []string{"The demo", "Staging", "Live", e.AuthURL, e.APIURL, e.ClientID, e.Secret, e.Audience, e.TokenRequest, e.Call} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, link := range []string{e.Metadata, e.Keys, e.Errors} {
		if !strings.Contains(body, `href="`+link+`"`) {
			t.Errorf("the page does not lead to %s", link)
		}
	}
	if rows := strings.Count(body, "<tr>"); rows != 3 {
		t.Errorf("the table has %d rows, want a head and two environments", rows)
	}
	if n := strings.Count(body, "<dt>Audience</dt>"); n != 1 {
		t.Errorf("%d audiences, want that of staging only", n)
	}
}

// TestWelcomeLeadsToTheDoors: the passwords are for who is at this machine only.
func TestWelcomeLeadsToTheDoors(t *testing.T) {
	page := Welcome{Title: "The demo", Name: "Example", Mails: issuer + "/mails", Environments: []Environment{staging()}, Doors: []Door{
		{Title: "Portal", URL: issuer + "/portal/", What: "where partners help themselves", Name: "partner", Password: "a door of our own"},
		{Title: "Console", URL: issuer + "/console/", What: "where you decide", Name: "owner"},
	}}
	body := ask(t, &page, http.MethodGet, "/").Body.String()
	for _, want := range []string{"where partners help themselves; sign in as partner with the password a door of our own", "where you decide; sign in as owner; the password stands in what grantway dev printed"} {
		if !strings.Contains(textOf(body), want) {
			t.Errorf("the page does not say %q:\n%s", want, textOf(body))
		}
	}
	for _, link := range []string{page.Doors[0].URL, page.Doors[1].URL, page.Mails, "#doors"} {
		if !strings.Contains(body, `href="`+link+`"`) {
			t.Errorf("the page does not lead to %s", link)
		}
	}
	if body := ask(t, &Welcome{Title: "The demo", Environments: []Environment{staging()}}, http.MethodGet, "/").Body.String(); strings.Contains(body, "doors") {
		t.Error("the page speaks of doors where there are none")
	}
}

func TestWelcomeBeginsWithThePersonWhereOneSignsIn(t *testing.T) {
	demo, page := staging(), &Welcome{Title: "The demo", Name: "Example"}
	demo.APIToken = "plain-one"
	demo.Person = &Person{
		Name: "ann", Password: "a term in Leiden", SignIn: issuer + "/oauth/authorize?response_type=code&client_id=demo", Back: "http://localhost",
		Account: issuer + "/account", Mails: issuer + "/mails",
	}
	page.Environments = []Environment{demo}
	body := ask(t, page, http.MethodGet, "/").Body.String()
	for _, want := range []string{"ann", "a term in Leiden", "plain-one", "http://localhost/?code=…", "1. Sign in, and allow access", "2. Ask for a token with the code", "3. Call the API with it"} {
		if !strings.Contains(textOf(body), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, link := range []string{demo.Person.SignIn, demo.Person.Account, demo.Person.Mails} {
		if !strings.Contains(body, `href="`+strings.ReplaceAll(link, "&", "&amp;")+`"`) {
			t.Errorf("the page does not lead to %s", link)
		}
	}
	page = &Welcome{Title: "The demo", Environments: []Environment{staging()}}
	if body := ask(t, page, http.MethodGet, "/").Body.String(); strings.Contains(body, "Person") || !strings.Contains(body, "1. Ask for a token<") {
		t.Error("where nobody signs in, the page begins with a person")
	}
}

func TestWelcomeServesItsStyleSheetWhereverItIsMounted(t *testing.T) {
	accent, err := web.ParseColour("#aa0000")
	if err != nil {
		t.Fatal(err)
	}
	h := &Welcome{Title: "The demo", Theme: web.Theme{Accent: accent}}
	m := regexp.MustCompile(`rel="stylesheet" href="/assets(/[^"]+)"`).FindStringSubmatch(ask(t, h, http.MethodGet, "/").Body.String())
	if m == nil {
		t.Fatal("no style sheet below /assets/")
	}
	for _, at := range []string{"/assets" + m[1], m[1]} {
		if w := ask(t, h, http.MethodGet, at); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "#aa0000") {
			t.Errorf("%s: %d", at, w.Code)
		}
	}
	if w := ask(t, h, http.MethodGet, "/elsewhere"); w.Code != http.StatusNotFound {
		t.Errorf("/elsewhere: %d", w.Code)
	}
	if w := ask(t, h, http.MethodPost, "/"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}
