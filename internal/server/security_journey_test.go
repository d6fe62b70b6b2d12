package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
)

// TestWhatWasProvenIsNotTakenAlong: what a browser is told while somebody signs in
// begins no other session, neither after they have signed out nor ever after.
func TestWhatWasProvenIsNotTakenAlong(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b := s.browser(t, "demo")
	var told []*http.Cookie
	b.client.Transport = noting{b.client.Transport, &told}
	b.open("/login").signIn("anna", goodPassword).is("/account", http.StatusOK)
	b.open("/logout").submit("/logout").is("/logout", http.StatusOK)
	thief := s.browser(t, "demo")
	for _, c := range told {
		if strings.HasSuffix(c.Name, "-progress") && c.Value != "" || strings.HasSuffix(c.Name, "-browser") {
			thief.client.Jar.SetCookies(b.at, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/"}})
			if thief.open("/login"); thief.at.Path != b.base()+"/login" {
				t.Fatalf("signed in by %s: %s", c.Name, thief.at)
			}
		}
	}
}

// noting notes the cookies that answers set.
type noting struct {
	http.RoundTripper
	told *[]*http.Cookie
}

func (n noting) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := n.RoundTripper.RoundTrip(r)
	if err == nil {
		*n.told = append(*n.told, answer.Cookies()...)
	}
	return answer, err
}

// TestASignInIsRecentEnoughForItsOwnRequest: whoever signs in because an application
// wants a recent sign-in has time for the second factor and for what is asked.
func TestASignInIsRecentEnoughForItsOwnRequest(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b := s.browser(t, "demo")
	text, _ := b.open("/login").signIn("anna", goodPassword).follow("add-totp").protect()
	s.clock.move(time.Minute)
	b.open(documented+"&scope=username&max_age=5").is("/login", http.StatusOK)
	b.signIn("anna", goodPassword).is("/login/second", http.StatusOK)
	s.clock.move(30 * time.Second)
	b.submit("/login/second", "code", oneTime(t, text, s.clock.Now())).is("/consent", http.StatusOK)
	s.clock.move(30 * time.Second)
	if !b.submit("/consent", "decision", "allow").back("http://localhost").Has("code") {
		t.Error("no code")
	}
	b.open(documented+"&scope=username&max_age=5").is("/login", http.StatusOK)
}

// TestAConsentIsWhoseItWasShownTo: somebody else who signs in meanwhile in the same
// browser has allowed nothing.
func TestAConsentIsWhoseItWasShownTo(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	s.resident(t, "demo", "bert")
	b := s.browser(t, "demo")
	b.open(documented+"&scope=username").signIn("anna", goodPassword).is("/consent", http.StatusOK)
	fields, action, _ := b.form("/consent")
	b.open("/login/other").signIn("bert", goodPassword).is("/account", http.StatusOK)
	b.post(action, fields, "decision", "allow").is("/consent", http.StatusOK)
	if !strings.Contains(b.body, "bert") {
		t.Errorf("the page does not say for whom: %s", b.body)
	}
	if !b.submit("/consent", "decision", "allow").back("http://localhost").Has("code") {
		t.Error("no code")
	}
}

// TestElsewhereIsAskedForANewProof: a session at a provider is no recent sign-in
// here, neither for an application (row B10) nor for a change of one's own account
// (row P15), whether the provider is asked for more or not.
func TestElsewhereIsAskedForANewProof(t *testing.T) {
	t.Parallel()
	here, university, b := twoSites(t, true)
	b.open(documented+"&scope=username").toUniversity().signIn("jan", goodPassword)
	b.submit("/consent", "decision", "allow", "remember", "1").goOn().is("/consent", http.StatusOK)
	b.submit("/consent", "decision", "allow").back("http://localhost")
	for name, wanting := range map[string]string{
		"an application": documented + "&scope=username&prompt=login", "one with max_age": documented + "&scope=username&max_age=60", "the account": "/account/password",
	} {
		here.clock.move(6 * time.Minute)
		university.clock.move(6 * time.Minute)
		b.open(wanting).is("/login", http.StatusOK)
		there := b.toUniversity()
		if there.left != nil || !strings.HasSuffix(there.at.Path, "/login") {
			t.Fatalf("%s: signed in there already: %s, sent to %v", name, there.at, there.left)
		}
		b.signIn("jan", goodPassword).goOn()
		if b.left == nil && b.at.Path != b.base()+wanting {
			t.Errorf("%s: not there: %s", name, b.at)
		}
	}
	// Who leaves and comes back by the session there has proven nothing new.
	here.clock.move(6 * time.Minute)
	university.clock.move(6 * time.Minute)
	b.open("/logout").submit("/logout").is("/logout", http.StatusOK)
	b.open("/login").toUniversity().goOn().is("/account", http.StatusOK)
	b.open("/account/password").is("/login", http.StatusOK)
}

// TestAPageLearnsWhyItsTokenIsRefused: at the UserInfo endpoint, also where a token
// that is not good says of no application whose it is. What a good one tells stays
// its application's (row E29).
func TestAPageLearnsWhyItsTokenIsRefused(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	asked := func(token string) answer {
		return f.send(t, f.request("GET "+f.environment("staging").Issuer.Path+"/userinfo HTTP/1.1", "", "Origin: https://page.example", "Authorization: Bearer "+token))
	}
	ask := with(f.ask, "scope", "openid")
	good := f.token(t, with(f.exchange, "code", f.code(t, ask))).member("access_token")
	if got := asked(good); got.code != http.StatusOK || got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another application's page: %s", got)
	}
	f.clock.move(2 * time.Hour)
	for name, token := range map[string]string{"it has expired": good, "it is none": "nonsense"} {
		got := asked(token)
		if got.code != http.StatusUnauthorized || got.member("error") != "invalid_token" ||
			got.header.Get("Access-Control-Allow-Origin") != "*" || got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestAConsentIsForWhereItWas is row B22: what was allowed at one API says nothing of
// another one, also where their scopes have one name, or where it has none at all.
func TestAConsentIsForWhereItWas(t *testing.T) {
	t.Parallel()
	s := timetables(t, func(c *catalogue.Catalogue) {
		e := c.Find("demo")
		for _, name := range []string{"grades", "bare"} {
			other := *e.APIs[0]
			other.Name, other.Title, other.Audience, other.Resource, other.Routes = name, name, "https://"+name+".example", "https://"+name+".example", nil
			if name == "bare" {
				other.Scopes = nil
			}
			e.APIs = append(e.APIs, &other)
		}
	})
	s.register(t, "demo", registration{
		id: "both", kind: store.TypeWeb, secret: "both", signIn: store.SignIn{Redirects: []string{"http://localhost"}, Legacy: true},
		allotted: map[string][]string{"timetable": {"username", "user_read"}, "grades": {"username", "user_read"}, "bare": {}},
	})
	first := s.catalogue.Find("demo").APIs[0].Audience
	ask := "/oauth/authorize?response_type=code&client_id=both&redirect_uri=http://localhost"
	b := s.browser(t, "demo")
	b.open(ask+"&scope=username&audience="+url.QueryEscape(first)).signIn("anna", goodPassword).is("/consent", http.StatusOK)
	b.submit("/consent", "decision", "allow", "remember", "1").back("http://localhost")
	if !b.open(ask + "&scope=username&audience=" + url.QueryEscape(first)).back("http://localhost").Has("code") {
		t.Error("it is not remembered")
	}
	for name, more := range map[string]string{
		"another API's":         "&scope=username&audience=https://grades.example",
		"both APIs'":            "&scope=username",
		"an API without scopes": "&audience=https://bare.example",
	} {
		if b.open(ask + more); b.left != nil || b.at.Path != b.base()+"/consent" {
			t.Errorf("B22: %s: nobody was asked: %s, %v", name, b.at, b.left)
		}
	}
	b.open(ask+"&scope=username").submit("/consent", "decision", "allow", "remember", "1").back("http://localhost")
	for _, less := range []string{"&scope=username", "&scope=username&audience=https://grades.example"} {
		if !b.open(ask + less).back("http://localhost").Has("code") {
			t.Errorf("%s: it is not remembered", less)
		}
	}
	more := "&scope=user_read&audience=" + url.QueryEscape(first)
	b.open(ask+more).submit("/consent", "decision", "allow", "remember", "1").back("http://localhost")
	for _, both := range []string{more, "&scope=username"} { // each was asked for by itself
		if !b.open(ask + both).back("http://localhost").Has("code") {
			t.Errorf("%s: it is forgotten for another", both)
		}
	}
	b.open("/account").submit("/account/export").is("/account/export", http.StatusOK)
	if !strings.Contains(strings.Join(strings.Fields(b.body), ""), `"grades":["username"]`) {
		t.Errorf("the person's copy does not say at which API: %s", b.body)
	}
}
