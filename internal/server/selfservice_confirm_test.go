package server

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// confirm opens the link of a mail and presses the button.
func (b *browser) confirm(link string) {
	b.t.Helper()
	if b.do(http.MethodGet, link, nil); b.code != http.StatusOK {
		b.t.Fatalf("the link leads to %s with %d\n%s", b.at, b.code, b.body)
	}
	b.submit(partner.ConfirmPath)
	if b.at.Path != "/portal/ask/thanks" || b.code != http.StatusOK {
		b.t.Fatalf("at %s with %d\n%s", b.at, b.code, b.words())
	}
}

// asks is what a stranger sends, under an address.
func asks(email string) []string {
	return []string{
		"organisation", "Harbour Works", "person", "Hilda Harbour", "email", email, "application", "Cranes",
		"purpose", "It lifts notes.", "scopes", "notes notes:read",
	}
}

func (s *site) openRequests(t *testing.T) []store.AccessRequest {
	t.Helper()
	open, _, err := s.server.current.Load().partners.Requests(t.Context(), store.AccessQuery{Open: true, Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	return open
}

// TestStrangersConfirmInTheirMail: nobody sees what a stranger asks for until they
// press the button behind the link. To open the link, as programs do that look into
// mails, is not enough, nor is a page of somebody else's that sends the form (rows R02,
// R03).
func TestStrangersConfirmInTheirMail(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	operator, _ := s.operator(t, "olga", "operator")
	b := s.visitor(t)
	b.visit("/portal/ask").submit("/ask", asks("hilda@harbour.example")...)
	if b.at.RequestURI() != "/portal/ask/mail" || strings.Contains(b.body, "hilda") {
		t.Fatalf("at %s\n%s", b.at, b.words())
	}
	link := s.mailed(t, "home", "hilda@harbour.example", partner.ConfirmPath)
	scanner := s.visitor(t)
	scanner.do(http.MethodGet, link, nil)
	fields, _, ok := scanner.form(partner.ConfirmPath)
	if !ok || !strings.Contains(scanner.words(), "Cranes") || scanner.header.Get("Referrer-Policy") != "no-referrer" || scanner.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v\n%s", scanner.code, scanner.header, scanner.words())
	}
	scanner.do(http.MethodHead, link, nil)
	post := "http://" + s.address + "/portal" + partner.ConfirmPath
	if code := scanner.altered(post, fields, func(v url.Values) { v.Del("form") }); code != http.StatusForbidden {
		t.Errorf("without the form's token: %d", code)
	}
	if code := s.visitor(t).altered(post, fields, func(url.Values) {}); code != http.StatusForbidden {
		t.Errorf("from another browser: %d", code)
	}
	if open := s.openRequests(t); len(open) != 0 {
		t.Fatalf("open without being confirmed: %+v", open)
	}
	if words := operator.visit("/console/requests").words(); strings.Contains(words, "Cranes") || !strings.Contains(words, "1 request of strangers who have not confirmed") {
		t.Errorf("the operator reads:\n%s", words)
	}
	if strings.Contains(s.log.all(), link[strings.LastIndexByte(link, '=')+1:]) {
		t.Error("the log holds the link")
	}

	b.confirm(link)
	open := s.openRequests(t)
	if len(open) != 1 || open[0].Email != "hilda@harbour.example" {
		t.Fatalf("%+v", open)
	}
	if words := operator.visit("/console/requests").words(); !strings.Contains(words, "Cranes") || strings.Contains(words, "have not confirmed") {
		t.Errorf("the operator reads:\n%s", words)
	}
	if b.do(http.MethodGet, link, nil); b.code != http.StatusNotFound || !strings.Contains(b.words(), "good no more") {
		t.Errorf("used: %d\n%s", b.code, b.words())
	}
	if code := scanner.altered(post, fields, func(url.Values) {}); code != http.StatusNotFound || len(s.openRequests(t)) != 1 {
		t.Errorf("used twice: %d", code)
	}
}

// TestAskingTellsNothingOfAddresses: the answer is the same for an address that has an
// account, that has three requests, and that nobody knows (row P01).
func TestAskingTellsNothingOfAddresses(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	known := s.resident(t, "home", "known")
	seen := map[string]bool{}
	for _, email := range []string{"full@harbour.example", "full@harbour.example", "full@harbour.example", "FULL@harbour.example", known.Profile.Email, "new@harbour.example"} {
		b := s.visitor(t)
		b.visit("/portal/ask").submit("/ask", asks(email)...)
		seen[b.at.RequestURI()+" "+strconv.Itoa(b.code)+traceID.ReplaceAllString(b.body, "")] = true
	}
	if len(seen) != 1 {
		t.Errorf("%d different answers: %v", len(seen), seen)
	}
	if n, err := s.server.current.Load().partners.Waiting(t.Context()); n != 5 || err != nil {
		t.Errorf("%d wait, want 5: %v", n, err)
	}
}

// TestUnconfirmedAreForgotten: after a day nothing of them is left.
func TestUnconfirmedAreForgotten(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	b := s.visitor(t)
	b.visit("/portal/ask").submit("/ask", asks("hilda@harbour.example")...)
	link := s.mailed(t, "home", "hilda@harbour.example", partner.ConfirmPath)
	s.clock.move(partner.ConfirmLife - time.Second)
	if b.do(http.MethodGet, link, nil); b.code != http.StatusOK {
		t.Errorf("within a day: %d", b.code)
	}
	s.clock.move(time.Second)
	if b.do(http.MethodGet, link, nil); b.code != http.StatusNotFound {
		t.Errorf("after a day: %d", b.code)
	}
	s.clock.move(time.Second)
	home := s.environment("home")
	if err := home.resources.purge(t.Context(), home.idle()); err != nil {
		t.Fatal(err)
	}
	if n, err := home.resources.store.UnconfirmedRequests().Count(t.Context(), time.Time{}); n != 0 || err != nil {
		t.Errorf("%d are left, %v", n, err)
	}
}

// TestMembersConfirmNothing: who is signed in has shown who they are.
func TestMembersConfirmNothing(t *testing.T) {
	t.Parallel()
	h := helps(t)
	h.admin.visit("/portal/ask").submit("/ask", "application", "Winches", "purpose", "More lifting", "scopes", "notes notes:read")
	if h.admin.at.Path != "/portal/ask/thanks" || len(h.openRequests(t)) != 1 {
		t.Errorf("at %s\n%s", h.admin.at, h.admin.words())
	}
}

// TestAskingWithoutMail: where no mail is sent, a request is open at once, and one
// network has five of the hundred.
func TestAskingWithoutMail(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	partners := s.server.current.Load().partners
	links := *partners.Links
	links.Mailer = nil
	partners.Links = &links
	for i := range partner.MaxOfNetwork + 1 {
		b := s.visitor(t)
		b.visit("/portal/ask").submit("/ask", asks("h"+strconv.Itoa(i)+"@harbour.example")...)
		want := map[bool]string{true: "/portal/ask/thanks", false: "/portal/ask"}[i < partner.MaxOfNetwork]
		if b.at.Path != want {
			t.Errorf("request %d: at %s with %d\n%s", i+1, b.at, b.code, b.words())
		}
		if i == partner.MaxOfNetwork && (b.code != http.StatusTooManyRequests || !strings.Contains(b.words(), "your network")) {
			t.Errorf("one more: %d\n%s", b.code, b.words())
		}
	}
	open := s.openRequests(t)
	if len(open) != partner.MaxOfNetwork {
		t.Fatalf("%+v", open)
	}
	if _, err := partners.Ask(t.Context(), partner.Asking{
		Organised: "X", Person: "X", Email: "x@x.example", Environment: "staging", Application: "X", Purpose: "X", Scopes: []string{partner.AllScopes},
	}, s.by()); err != nil {
		t.Error("an operator asks for somebody:", err)
	}
	if !slices.ContainsFunc(s.openRequests(t), func(r store.AccessRequest) bool { return r.Email == "x@x.example" }) {
		t.Error("it is not open")
	}
}

// TestClosedConfirmsNothing: links of before a publisher closed the door do nothing.
func TestClosedConfirmsNothing(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true, change: func(c *catalogue.Catalogue) { c.Portal.Closed = true }})
	b := s.visitor(t)
	if b.visit("/portal" + partner.ConfirmPath + "?link=x"); b.code != http.StatusOK || !strings.Contains(b.words(), "by invitation") {
		t.Errorf("%d %s", b.code, b.words())
	}
}
