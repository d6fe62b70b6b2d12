package server

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// TestAskForAccess: a stranger is told what is wrong beside each field, thanked, and
// held to what a person does by hand; once approved, they sign in and make their
// secret.
func TestAskForAccess(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	partners := s.server.current.Load().partners
	b := s.visitor(t)
	good := []string{
		"organisation", "Harbour Works", "person", "Hilda Harbour", "email", "hilda@harbour.example", "application", "Cranes",
		"purpose", "It lifts notes.\nEvery day.", "scopes", "notes notes:read",
	}
	for i, row := range []struct{ field, sent string }{
		{"organisation", ""}, {"person", ""}, {"email", "nobody"}, {"application", ""}, {"purpose", " "}, {"scopes", "notes nothing"},
	} {
		if i == 4 {
			s.clock.move(10 * time.Minute)
		}
		b.visit("/portal/ask").submit("/ask", append(slices.Clone(good), row.field, row.sent)...)
		if b.code != http.StatusUnprocessableEntity || b.text("f-"+row.field+"-problem") == "" || b.text("problem") == "" {
			t.Errorf("%s: %d %q\n%s", row.field, b.code, b.text("problem"), b.body)
		}
	}
	b.visit("/portal/ask").submit("/ask", good...)
	if b.at.Path != "/portal/ask/mail" || b.code != http.StatusOK {
		t.Fatalf("at %s with %d\n%s", b.at, b.code, b.body)
	}
	s.visitor(t).confirm(s.mailed(t, "home", "hilda@harbour.example", partner.ConfirmPath)) // on their phone
	waiting, _, err := partners.Requests(t.Context(), store.AccessQuery{Open: true, Limit: 10})
	if err != nil || len(waiting) != 1 || waiting[0].Email != "hilda@harbour.example" || len(waiting[0].Wanted["notes"]) != 1 {
		t.Fatalf("%+v, %v", waiting, err)
	}
	approval, err := partners.Approve(t.Context(), waiting[0].ID, nil, "", s.by())
	if err != nil {
		t.Fatal(err)
	}
	link := approval.Link.Reveal()
	if link == "" {
		link = s.mailed(t, "home", "hilda@harbour.example", "/reset/")
	}
	b.do(http.MethodGet, link, nil)
	b.submit("/reset/password", "password", goodPassword, "again", goodPassword)
	b.visit("/portal/applications")
	if b.at.Path == "/home/login" {
		b.signIn("hilda@harbour.example", goodPassword)
	}
	if words := b.words(); b.at.Path != "/portal/applications" || !strings.Contains(words, "Needs a secret") {
		t.Fatalf("at %s:\n%s", b.at, words)
	}
	if b.visit("/portal/staging/credentials"); !strings.Contains(b.body, approval.Request.ClientID) {
		t.Error("the documentation does not show the reader's own client")
	}

	t.Run("a member asks for another", func(t *testing.T) {
		b.visit("/portal/ask").submit("/ask", "application", "Winches", "purpose", "More lifting", "scopes", "notes notes:read")
		b.visit("/portal/applications")
		if words := b.words(); !strings.Contains(words, "Waits for the publisher") {
			t.Fatalf("%s", words)
		}
		waiting, _, err := partners.Requests(t.Context(), store.AccessQuery{Open: true, Limit: 10})
		if err != nil || len(waiting) != 1 || waiting[0].PartnerID != approval.Partner.ID {
			t.Fatalf("%+v, %v", waiting, err)
		}
		if err := partners.Refuse(t.Context(), waiting[0].ID, "Winches are out of season.", s.by()); err != nil {
			t.Fatal(err)
		}
		if words := b.visit("/portal/applications").words(); !strings.Contains(words, "Winches are out of season.") {
			t.Errorf("%s", words)
		}
	})
	t.Run("too often from one address", func(t *testing.T) {
		s.clock.move(20 * time.Minute)
		stranger := s.visitor(t)
		for i := range askedPerAddress + 1 {
			stranger.visit("/portal/ask").submit("/ask", append(slices.Clone(good), "email", "h"+strconv.Itoa(i)+"@harbour.example")...)
			if want := map[bool]int{true: http.StatusOK, false: http.StatusTooManyRequests}[i < askedPerAddress]; stranger.code != want {
				t.Fatalf("request %d: %d", i+1, stranger.code)
			}
		}
	})
	t.Run("too many of strangers", func(t *testing.T) {
		for {
			_, err := partners.Ask(t.Context(), partner.Asking{
				Organised: "X", Person: "X", Email: "x@x.example", Environment: "staging", Application: "X", Purpose: "X", Scopes: []string{partner.AllScopes},
			}, s.by())
			if err != nil {
				break
			}
		}
		s.clock.move(20 * time.Minute)
		stranger := s.visitor(t)
		stranger.visit("/portal/ask").submit("/ask", append(slices.Clone(good), "email", "late@harbour.example")...)
		link := s.mailed(t, "home", "late@harbour.example", partner.ConfirmPath)
		stranger.do(http.MethodGet, link, nil).submit(partner.ConfirmPath)
		if stranger.code != http.StatusTooManyRequests || !strings.Contains(stranger.words(), "100 in all") {
			t.Errorf("%d %s", stranger.code, stranger.words())
		}
	})
}

// TestAskingClosed: a publisher who invites is asked by nobody.
func TestAskingClosed(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true, change: func(c *catalogue.Catalogue) { c.Portal.Closed = true }})
	b := s.visitor(t)
	if _, _, ok := b.visit("/portal/ask").form("/ask"); ok || b.code != http.StatusOK || !strings.Contains(b.words(), "by invitation") {
		t.Errorf("%d %s", b.code, b.words())
	}
}

// TestSelfServiceMembers: an admin invites and removes, and the last one stays.
func TestSelfServiceMembers(t *testing.T) {
	t.Parallel()
	h := helps(t)
	b := h.admin
	b.visit("/portal/members/invite?partner="+h.partner.ID).submit("/members/invite", "email", "fay@acme.example", "name", "Fay", "role", store.MemberDeveloper)
	if words := b.words(); b.at.Path != "/portal/members" || !strings.Contains(words, "fay@acme.example") {
		t.Fatalf("at %s:\n%s", b.at, words)
	}
	b.visit("/portal/members/invite?partner="+h.partner.ID).submit("/members/invite", "email", "x", "role", "owner")
	if b.code != http.StatusUnprocessableEntity || b.text("f-email-problem") == "" || b.text("f-role-problem") == "" {
		t.Errorf("%d\n%s", b.code, b.body)
	}
	for path, field := range map[string]string{"/members/remove": "", "/members/role": store.MemberDeveloper} {
		b.visit("/portal" + path + "?partner=" + h.partner.ID + "&account=" + h.adminID)
		if b.submit(path, "role", field); b.code != http.StatusConflict || !strings.Contains(b.text("problem"), "last admin") {
			t.Errorf("the last admin by %s: %d\n%s", path, b.code, b.body)
		}
	}
	b.visit("/portal/members/role?partner="+h.partner.ID+"&account="+h.developID).submit("/members/role", "role", store.MemberAdmin)
	if b.at.Path != "/portal/members" || b.text("done") == "" {
		t.Fatalf("%s %d", b.at, b.code)
	}
	b.visit("/portal/members/remove?partner=" + h.partner.ID + "&account=" + h.adminID).submit("/members/remove")
	if b.visit("/portal/members"); b.code != http.StatusForbidden {
		t.Errorf("who was removed is at %s with %d", b.at, b.code)
	}
	out := h.developer
	out.visit("/portal/members").submit("/sign-out")
	if out.visit("/portal/members"); out.at.Path != "/home/login" {
		_ = out // the session at home may be alive: then it signs in again at once
	}
}

// TestInvitingTellsNothing: who invites somebody does not learn whether the address has
// an account, what that says of its person, and whether it is disabled.
func TestInvitingTellsNothing(t *testing.T) {
	t.Parallel()
	h := helps(t)
	people := h.environment("home").accounts.People
	for _, address := range []string{"knows@acme.example", "gone@acme.example"} {
		a, err := people.Create(t.Context(), account.New{
			Name: address, Password: secret.Of(goodPassword), Profile: store.Profile{FullName: "Olive Ostrander", Email: address, EmailVerified: true},
		}, h.by())
		if err == nil && strings.HasPrefix(address, "gone") {
			err = people.Disable(t.Context(), a.ID, h.by())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b, ids := h.admin, regexp.MustCompile(`account=\w+`)
	shown := func(address string) string {
		var said strings.Builder
		for range 5 { // more links than anybody gets in an hour
			b.visit("/portal/members/invite?partner="+h.partner.ID).submit("/members/invite", "email", address, "name", "Fay", "role", store.MemberDeveloper)
			row := regexp.MustCompile(`(?s)<tr>(?:[^<]|<[^/]|</[^t]|</t[^r])*` + regexp.QuoteMeta(address) + `.*?</tr>`).FindString(b.body)
			if row == "" {
				t.Fatalf("%s is no member at %s: %d\n%s", address, b.at, b.code, b.words())
			}
			at := regexp.MustCompile(`/portal/members/role\?[^"]*`).FindString(row)
			page := b.at.Path + b.text("done") + row
			b.visit(html.UnescapeString(at))
			page += b.text("title") + regexp.MustCompile(`<h1>.*</h1>`).FindString(b.body)
			said.WriteString(strings.ReplaceAll(ids.ReplaceAllString(page, "account=X"), address, "X"))
		}
		return said.String()
	}
	unknown := shown("fresh@acme.example")
	h.mailed(t, "home", "fresh@acme.example", "/reset/password")
	for _, address := range []string{"knows@acme.example", "gone@acme.example"} {
		if is := shown(address); is != unknown {
			t.Errorf("of %s the pages say\n%s\nand of an address that nobody has\n%s", address, is, unknown)
		}
	}
}

// TestAskingForPeople: an application that people sign in to names where they are
// sent back to, and may ask for OpenID Connect's own scopes.
func TestAskingForPeople(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "mytimetable", home: true})
	b := s.visitor(t)
	good := []string{
		"organisation", "Planners", "person", "Petra", "email", "petra@planner.example", "application", "Planner", "purpose", "It plans.",
		"type", store.TypeWeb, "redirect_uris", "https://planner.example/cb\nhttps://planner.example/cb2",
	}
	for i, row := range []struct {
		field, sent string
		code        int
	}{
		{"redirect_uris", "", http.StatusUnprocessableEntity},
		{"redirect_uris", "javascript:alert(1)", http.StatusUnprocessableEntity},
		{"type", store.TypeResource, http.StatusUnprocessableEntity},
		{"scopes", "openid openid", http.StatusOK},
	} {
		b.visit("/portal/ask")
		fields, action, ok := b.form("/ask")
		if !ok {
			t.Fatalf("no form:\n%s", b.body)
		}
		first := b.find(func(n *html.Node) bool { return n.Data == "input" && attributeOf(n, "name") == "scopes" })
		fields.Set("scopes", attributeOf(first, "value"))
		b.post(action, fields, append(slices.Clone(good), row.field, row.sent)...)
		if b.code != row.code {
			t.Errorf("row %d: %d\n%s", i, b.code, b.words())
		}
		if row.code != http.StatusOK && b.text("f-"+row.field+"-problem") == "" {
			t.Errorf("row %d: nothing is said beside %s:\n%s", i, row.field, b.words())
		}
	}
}
