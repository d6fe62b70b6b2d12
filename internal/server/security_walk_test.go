package server

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// routesOf are the paths of a part's table of routes, as its source has it.
func routesOf(t *testing.T, file string, line *regexp.Regexp) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, found := range line.FindAllSubmatch(text, -1) {
		all = append(all, string(found[1]))
	}
	if len(all) < 10 {
		t.Fatalf("%s: %q", file, all)
	}
	return all
}

// moment is how many changes there are, in every environment.
func (s *site) moment(t *testing.T) string {
	t.Helper()
	all := ""
	for _, e := range s.server.current.Load().environments {
		last, err := e.resources.store.Changes().Last(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all += fmt.Sprintf("%s %d ", e.Name, last)
	}
	return all
}

// A filled form is what stands ready to be sent.
type filled struct {
	page   string
	action string
	fields url.Values
}

// formsAt are the forms of pages, as the browser sees them there.
func (b *browser) formsAt(pages []string, path func(string) string) []filled {
	b.t.Helper()
	var all []filled
	for _, page := range pages {
		b.visit(page)
		at, _, _ := strings.Cut(page, "?")
		if fields, action, ok := b.form(path(at)); ok && fields.Has("form") {
			all = append(all, filled{page, "http://" + b.address + action, fields})
		}
	}
	return all
}

// TestEveryConsoleRouteIsWalked: the table of pages by role is complete, so that a
// page that is added is tested in every role, or this fails (row U02).
func TestEveryConsoleRouteIsWalked(t *testing.T) {
	t.Parallel()
	walked := map[string]bool{"/sign-out": true} // TestCopiesOfCookies
	for page := range consolePages {
		path, _, _ := strings.Cut(page, "?")
		walked[path] = true
	}
	for _, path := range routesOf(t, "../console/route.go", regexp.MustCompile(`(?:asks|shows)\("(/[^"]*)"`)) {
		if !walked[path] {
			t.Errorf("U02: %s is in no role's walk: add it to consolePages", path)
		}
	}
}

// TestConsoleFormsOfFormerOwners is row U02 for what is sent: forms that somebody
// opened as an owner do nothing once they have another role that may not, whatever
// the pages showed then.
func TestConsoleFormsOfFormerOwners(t *testing.T) {
	t.Parallel()
	s, ids := consoled(t)
	s.resident(t, "home", "ruth", home.Owner) // who stays
	accounts := s.environment("home").resources.store.Accounts()
	for _, role := range append(home.Roles()[1:], "student") {
		b, who := s.operator(t, "former-"+role, home.Owner)
		var pages []string
		for page, may := range consolePages {
			if !slices.Contains(may, role) {
				pages = append(pages, "/console"+ids.Replace(page))
			}
		}
		forms := b.formsAt(pages, func(at string) string { return at })
		if len(forms) < 5 {
			t.Fatalf("%d forms for %s: this test proves nothing", len(forms), role)
		}
		if err := accounts.Describe(t.Context(), who.ID, who.Profile, []string{role}, s.forget(), s.by()); err != nil {
			t.Fatal(err)
		}
		before := s.moment(t)
		for _, form := range forms {
			if b.do(http.MethodPost, form.action, form.fields); b.code != http.StatusForbidden || len(b.hops) != 1 {
				t.Errorf("U02: %s posts to %s: %d at %s", role, form.page, b.code, b.at)
			}
			if now := s.moment(t); now != before {
				t.Errorf("U02: %s changed something by %s: %s, was %s", role, form.page, now, before)
				before = now
			}
		}
	}
}

// A neighbourhood is two partners with one of each thing, of which the visitor is a
// member at the first.
type neighbourhood struct {
	*helped
	asked, theirs store.AccessRequest
	eveID         string
}

func neighbours(t *testing.T) *neighbourhood {
	t.Helper()
	n := &neighbourhood{helped: helps(t)}
	n.eveID = n.stranger.Members[0].AccountID
	ask := func(of, account string) store.AccessRequest {
		r, err := n.Ask(t.Context(), partner.Asking{
			PartnerID: of, AccountID: account, Environment: "staging", Application: "Another", Purpose: "P", Scopes: []string{partner.AllScopes},
		}, n.by())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	n.asked, n.theirs = ask(n.partner.ID, n.adminID), ask(n.stranger.ID, n.eveID)
	return n
}

// portalPages are all pages of the portal's self-service that are about something,
// with what they are about: $C client, $S secret, $P partner, $A account, $R request.
// Those without a form to send are only opened.
var portalPages = []string{
	"/ask?partner=$P", "/ask/withdraw?id=$R", "/application?environment=staging&id=$C", "/application/secret?environment=staging&id=$C",
	"/application/revoke?environment=staging&id=$C&secret=$S", "/application/leaked?environment=staging&id=$C&secret=$S", "/try?environment=staging&id=$C",
	"/application/disable?environment=staging&id=$C", "/application/enable?environment=staging&id=$C", "/application/delete?environment=staging&id=$C",
	"/members/invite?partner=$P", "/members/role?partner=$P&account=$A", "/members/remove?partner=$P&account=$A",
}

// TestEveryPortalRouteIsWalked: a page that is added is tested here, or this fails
// (row U01).
func TestEveryPortalRouteIsWalked(t *testing.T) {
	t.Parallel()
	walked := map[string]bool{
		"/applications": true, "/members": true, "/why": true, // about nothing that is asked for: what they show is tested below
		"/ask/thanks": true, "/ask/mail": true, // say the same to everybody
	}
	for _, page := range portalPages {
		path, _, _ := strings.Cut(page, "?")
		walked[path] = true
	}
	for _, path := range routesOf(t, "../portal/self.go", regexp.MustCompile(`\{path: "(/[^"]*)"`)) {
		if !walked[path] {
			t.Errorf("U01: %s is in no walk: add it to portalPages", path)
		}
	}
}

// TestNothingOfTheNeighbours is row U01: whichever one id of a page is another
// partner's, opened or sent, by an admin or a developer, nothing is changed and
// nothing of theirs is shown.
func TestNothingOfTheNeighbours(t *testing.T) {
	t.Parallel()
	n := neighbours(t)
	own := map[string]string{"$C": n.own.Client.ID, "$S": n.own.SecretID, "$P": n.partner.ID, "$A": n.adminID, "$R": n.asked.ID}
	theirs := map[string]string{"$C": n.others.Client.ID, "$S": n.others.SecretID, "$P": n.stranger.ID, "$A": n.eveID, "$R": n.theirs.ID}
	with := func(page, other string) string {
		for name, id := range own {
			if name == other {
				id = theirs[name]
			}
			page = strings.ReplaceAll(page, name, id)
		}
		return "/portal" + page
	}
	show := func(b *browser) {
		t.Helper()
		for _, text := range []string{"Elsewhere", "eve@example.com", "Person eve"} {
			if strings.Contains(b.body, text) {
				t.Errorf("U01: %s shows %q", b.at, text)
			}
		}
	}
	before := n.moment(t)
	tried := 0
	for _, b := range []*browser{n.admin, n.developer} {
		for _, page := range portalPages {
			path, _, _ := strings.Cut(page, "?")
			b.visit(with(page, ""))
			fields, action, sends := b.form(path)
			for other, id := range theirs {
				if !strings.Contains(page, other) {
					continue
				}
				show(b.visit(with(page, other)))
				if !sends {
					continue
				}
				sent := maps.Clone(fields)
				for name, values := range fields {
					if slices.Contains(values, own[other]) {
						sent[name] = []string{id}
					}
				}
				if path == "/try" {
					sent = url.Values{"form": fields["form"], "client": {"staging " + id}, "method": {"GET"}, "path": {"/notes"}}
				}
				if path == "/ask" {
					sent = url.Values{"form": fields["form"], "environment": {"staging"}, "partner": {id}, "application": {"A"}, "purpose": {"P"}, "scopes": {"notes notes:read"}}
				}
				tried++
				if show(b.do(http.MethodPost, "http://"+n.address+action, sent)); b.code < 400 {
					t.Errorf("U01: POST %s with another partner's %s: %d", page, other, b.code)
				}
				if now := n.moment(t); now != before {
					t.Errorf("U01: POST %s with another partner's %s: %s, was %s", page, other, now, before)
					before = now
				}
			}
		}
		for _, page := range []string{"/applications", "/members", "/why", "/try", "/ask"} {
			show(b.visit("/portal" + page))
		}
	}
	if tried < 15 {
		t.Errorf("%d forms were sent", tried)
	}
}

// TestPortalFormsOfFormerAdmins is row U02: forms that somebody opened as an admin do
// nothing that developers may not once they are one, and nothing at all once they are
// nobody's member, or their partner is switched off.
func TestPortalFormsOfFormerAdmins(t *testing.T) {
	t.Parallel()
	developers := []string{"/ask", "/ask/withdraw", "/application/secret", "/application/leaked", "/try"}
	for _, row := range []struct {
		name   string
		become func(*neighbourhood) error
		may    []string
	}{
		{"a developer", func(n *neighbourhood) error {
			return n.SetMember(t.Context(), n.partner.ID, n.adminID, store.MemberDeveloper, n.by())
		}, developers},
		// Whoever has an account may ask for a partner that is to be made.
		{"nobody", func(n *neighbourhood) error { return n.SetMember(t.Context(), n.partner.ID, n.adminID, "", n.by()) }, nil},
		{"of a partner that is off", func(n *neighbourhood) error {
			_, err := n.SetDisabled(t.Context(), n.partner.ID, true, n.by())
			return err
		}, []string{"/ask/withdraw"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			n := neighbours(t)
			if err := n.SetMember(t.Context(), n.partner.ID, n.developID, store.MemberAdmin, n.by()); err != nil {
				t.Fatal(err)
			}
			var pages []string
			for _, page := range portalPages {
				pages = append(pages, "/portal"+strings.NewReplacer("$R", n.asked.ID).Replace(n.of(page, false)))
			}
			forms := n.admin.formsAt(pages, func(at string) string { return strings.TrimPrefix(at, "/portal") })
			if len(forms) < 8 {
				t.Fatalf("%d forms: this test proves nothing", len(forms))
			}
			if err := row.become(n); err != nil {
				t.Fatal(err)
			}
			before := n.moment(t)
			for _, form := range forms {
				path, _, _ := strings.Cut(strings.TrimPrefix(form.page, "/portal"), "?")
				if slices.Contains(row.may, path) {
					continue
				}
				for name, value := range map[string]string{"role": store.MemberDeveloper, "email": "x@evil.example", "application": "A", "purpose": "P", "scopes": "notes notes:read"} {
					form.fields.Set(name, value)
				}
				b := n.admin.do(http.MethodPost, form.action, form.fields)
				if now := n.moment(t); b.code < 400 || now != before {
					t.Errorf("U02: POST %s: %d at %s; %s, was %s", form.page, b.code, b.at, now, before)
					before = now
				}
			}
		})
	}
}
