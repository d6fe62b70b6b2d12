package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// screens are pages on which every form of the server stands.
var screens = []web.Screen{
	web.SignIn{Passkey: "{}"},
	web.SecondFactor{TOTP: true},
	web.Recovery{},
	web.Consent{},
	web.Forgotten{},
	web.Reset{},
	web.Verify{},
	web.SignOut{},
	web.SetUpTOTP{MediaType: "image/png"},
	web.SetUpPasskey{},
	web.ChangePassword{},
	web.Erase{Password: true},
	web.Account{
		Email: "a@example.com", Mails: true, TOTP: &web.Factor{}, Identities: []web.Identity{{}}, Devices: []web.Device{{}},
		Sessions: []web.Session{{}, {}}, Applications: []web.Application{{}},
	},
}

// forms are the forms of the server as this browser would be shown them, by path:
// what somebody has who went through all pages before.
func (b *browser) forms() map[string]string {
	b.t.Helper()
	pages := b.environment("demo").signIn.journey.Pages
	tokens := map[string]string{}
	for _, screen := range screens {
		shown := httptest.NewRecorder()
		pages.Show(shown, httptest.NewRequest(http.MethodGet, "/", nil), http.StatusOK, web.Showing{Browser: b.cookieOf("browser"), Now: b.clock.Now()}, screen)
		root, err := html.Parse(shown.Body)
		if err != nil {
			b.t.Fatal(err)
		}
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && n.Data == "form" {
				tokens[strings.TrimPrefix(attributeOf(n, "action"), b.base())] = fieldsOf(n).Get(web.FieldToken)
			}
		}
	}
	return tokens
}

// A thief has an account of their own, and some of what is Anna's.
type thief struct {
	t         testing.TB
	anna, own store.Account
	secrets   map[string]string   // of authenticators, by whose
	codes     map[string][]string // recovery codes, by whose
	has       []string            // password, code, recovery, link
	link      string
}

// noCode is no code of Anna's authenticator, as a fixed one would be in a while.
func (k *thief) noCode(now time.Time) string {
	for i := 0; ; i++ {
		code := fmt.Sprintf("%06d", i)
		if !slices.ContainsFunc([]int{-2, -1, 0, 1, 2}, func(step int) bool {
			return code == oneTime(k.t, k.secrets["anna"], now.Add(time.Duration(step)*30*time.Second))
		}) {
			return code
		}
	}
}

// fields are what the thief could fill in at this moment, one for each name.
func (k *thief) fields(t *rapid.T, now time.Time) url.Values {
	pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, name) }
	names, passwords, codes, links := []string{"anna", "mallory"}, []string{goodPassword + "m"}, []string{k.noCode(now)}, []string{strings.Repeat("A", 43)}
	codes = append(codes, oneTime(k.t, k.secrets["mallory"], now))
	codes = append(codes, k.codes["mallory"][:1]...)
	if slices.Contains(k.has, "password") {
		passwords = append(passwords, goodPassword)
	}
	if slices.Contains(k.has, "code") {
		codes = append(codes, oneTime(k.t, k.secrets["anna"], now))
	}
	if slices.Contains(k.has, "recovery") {
		codes = append(codes, k.codes["anna"]...)
	}
	if slices.Contains(k.has, "link") {
		links = append(links, k.link)
		passwords = append(passwords, goodPassword) // which they set
	}
	password := pick("password", passwords...)
	return url.Values{
		"name": {pick("name", names...)}, "password": {password}, "again": {password}, "current": {pick("current", passwords...)},
		"code": {pick("code", codes...)}, "link": {pick("link", links...)}, "decision": {"allow"}, "scope": {"username"}, "sure": {"1"},
		"credential": {"{}"}, "remember": {"1"}, "others": {"1"}, "id": {"test"},
	}
}

// TestTheWalks is rows P07 and P12: whoever has only a part of what Anna proves who
// she is with, and all forms of the server, never gets a session, a code or a
// change of hers, in whatever order they are sent.
func TestTheWalks(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	db := s.environment("demo").resources.store
	anna, err := db.Accounts().FindBy(t.Context(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	k := &thief{t: t, anna: anna, own: s.resident(t, "demo", "mallory"), secrets: map[string]string{}, codes: map[string][]string{}}
	enrol := func(name string) {
		b := s.browser(t, "demo")
		b.open("/login").signIn(name, goodPassword)
		k.secrets[name], k.codes[name] = b.follow("add-totp").protect()
		b.open("/account").submit("/logout")
	}
	enrol("anna")
	enrol("mallory")
	setPassword(t, s, k.own, goodPassword+"m")
	paths := make([]string, 0, 30)
	for _, page := range s.environment("demo").signIn.journey.Handlers() {
		if page.Path != web.PathLogout { // it forgets, which is no gain
			paths = append(paths, page.Path)
		}
	}
	factors := func() int {
		all, err := db.Factors().Of(t.Context(), anna.ID)
		if err != nil {
			t.Fatal(err)
		}
		return len(slices.DeleteFunc(all, func(f store.Factor) bool { return f.Kind == store.FactorRecovery }))
	}
	before := factors()
	rapid.Check(t, func(rt *rapid.T) {
		s.clock.move(2 * time.Hour) // nobody waits for the walk before
		k.has = rapid.SampledFrom([][]string{nil, {"password"}, {"code", "recovery"}, {"link"}, {"password", "link"}}).Draw(rt, "has")
		b := s.browser(t, "demo")
		if slices.Contains(k.has, "link") {
			address, err := s.environment("demo").accounts.Links.MakeReset(t.Context(), anna.ID)
			if err != nil {
				rt.Fatal(err)
			}
			k.link = address.Reveal()[strings.Index(address.Reveal(), "=")+1:]
		}
		request := b.open(documented + "&scope=username").at.Query().Get("request")
		tokens := b.forms()
		for range rapid.IntRange(3, 14).Draw(rt, "steps") {
			s.clock.move(time.Duration(rapid.IntRange(0, 45).Draw(rt, "seconds")) * time.Second)
			path := rapid.SampledFrom(append(paths, "/login", "/login", "/login", "/login/second", "/login/second", "/login/recovery", "/reset/password", "/consent")).Draw(rt, "path")
			fields := k.fields(rt, s.clock.Now())
			if rapid.Bool().Draw(rt, "in the request") {
				fields.Set(web.FieldRequest, request)
			}
			if rapid.IntRange(0, 3).Draw(rt, "get") == 0 {
				b.do(http.MethodGet, b.issuer+path+"?"+url.Values{"request": fields["request"], "link": fields["link"]}.Encode(), nil)
			} else {
				fields.Set(web.FieldToken, tokens[path])
				b.do(http.MethodPost, b.issuer+path, fields)
			}
			sessions, err := db.Sessions().List(t.Context(), anna.ID, s.clock.Now())
			grants, err2 := db.Grants().List(t.Context(), anna.ID, s.clock.Now())
			if err != nil || err2 != nil {
				rt.Fatal(err, err2)
			}
			if len(sessions) > 0 || len(grants) > 0 || factors() != before {
				rt.Fatalf("P07, P12: with %v, %s gave %d sessions, %d grants, %d factors", k.has, path, len(sessions), len(grants), factors())
			}
			if b.left != nil && b.left.Query().Has("code") { // their own: the next one
				request = b.open(documented + "&scope=username&prompt=login").at.Query().Get("request")
			}
		}
		s.clock.move(2 * time.Hour) // nor for links that the walk asked for
		// What became of their own account is theirs to mend.
		if _, err := db.Accounts().Find(t.Context(), k.own.ID); err != nil {
			k.own = s.resident(t, "demo", "mallory")
			enrol("mallory")
		}
		setPassword(t, s, anna, goodPassword)
		setPassword(t, s, k.own, goodPassword+"m")
	})
}

// setPassword sets a password, as an operator's link does.
func setPassword(t testing.TB, s *site, a store.Account, password string) {
	t.Helper()
	disclosed(password)
	links := s.environment("demo").accounts.Links
	address, err := links.MakeReset(t.Context(), a.ID)
	if err == nil {
		_, handle, _ := strings.Cut(address.Reveal(), "=")
		_, err = links.FinishReset(t.Context(), handle, password, s.by())
	}
	if err != nil {
		t.Fatal(err)
	}
}
