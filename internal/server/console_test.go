package server

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// operator signs somebody with a role in to the console.
func (s *site) operator(t *testing.T, name string, roles ...string) (*browser, store.Account) {
	t.Helper()
	a := s.resident(t, "home", name, roles...)
	b := s.visitor(t)
	b.visit("/console/").is("/login", http.StatusOK)
	b.signIn(name, goodPassword)
	return b, a
}

// consolePages are pages of the console, and from which role on they may be seen.
// An owner sees all of them; what is sharp is asked for with a fresh sign-in here.
var consolePages = map[string][]string{
	"/":                                      {home.Operator, home.Support, home.Auditor},
	"/clients":                               {home.Operator, home.Support, home.Auditor},
	"/client?id=$C":                          {home.Operator, home.Support, home.Auditor},
	"/client/new":                            {home.Operator},
	"/client/secret?id=$C":                   {home.Operator},
	"/client/change?id=$C":                   {home.Operator},
	"/client/promote?id=$C":                  {home.Operator},
	"/compare":                               {home.Operator, home.Support, home.Auditor},
	"/client/disable?id=$C":                  {home.Operator},
	"/client/enable?id=$C":                   {home.Operator},
	"/client/delete?id=$C":                   {home.Operator},
	"/client/leaked?id=$C&secret=$S":         {home.Operator},
	"/client/revoke?id=$C&secret=$S":         {home.Operator},
	"/client/new?environment=home":           {},
	"/requests":                              {home.Operator, home.Support, home.Auditor},
	"/request?id=$R":                         {home.Operator, home.Support, home.Auditor},
	"/request/approve?id=$R":                 {home.Operator},
	"/request/refuse?id=$R":                  {home.Operator},
	"/partners":                              {home.Operator, home.Support, home.Auditor},
	"/partner?id=$P":                         {home.Operator, home.Support, home.Auditor},
	"/partner/new":                           {home.Operator},
	"/partner/change?id=$P":                  {home.Operator},
	"/partner/invite?id=$P":                  {home.Operator},
	"/partner/member?id=$P&member=$A":        {home.Operator},
	"/partner/disable?id=$P":                 {home.Operator},
	"/partner/enable?id=$P":                  {home.Operator},
	"/partner/delete?id=$P":                  {home.Operator},
	"/keys":                                  {home.Operator, home.Support, home.Auditor},
	"/key/rotate?purpose=access-token":       {},
	"/key/remove?purpose=access-token&id=$K": {},
	"/accounts":                              {home.Operator, home.Support, home.Auditor},
	"/account?id=$A":                         {home.Operator, home.Support, home.Auditor},
	"/account/disable?id=$A":                 {home.Operator, home.Support},
	"/account/enable?id=$A":                  {home.Operator, home.Support},
	"/account/reset?id=$A":                   {home.Operator, home.Support},
	"/account/session?id=$A&session=x":       {home.Operator, home.Support},
	"/account/consent?id=$A&client=x":        {home.Operator, home.Support},
	"/account/reset?id=$O":                   {}, // whoever gets into an owner's account is one
	"/account/disable?id=$O":                 {},
	"/account/session?id=$O&session=x":       {},
	"/api-tokens":                            {home.Operator, home.Support, home.Auditor},
	"/api-token/new":                         {home.Operator},
	"/api-token/approve?id=$T":               {home.Operator},
	"/api-token/revoke?id=$T":                {home.Operator},
	"/changes":                               {home.Operator, home.Support, home.Auditor},
	"/changes/export":                        {home.Operator, home.Support, home.Auditor},
	"/activity/export":                       {home.Operator, home.Support, home.Auditor},
	"/operators":                             {home.Operator, home.Support, home.Auditor},
	"/operator/roles?id=$A":                  {},
	"/operator/new":                          {},
}

// consoled is a site with one of each thing, and what stands for their ids.
func consoled(t *testing.T) (*site, *strings.Replacer) {
	t.Helper()
	s := start(t, setup{example: "quickstart", home: true})
	return s, s.furnish(t, "")
}

// furnish makes one of each thing, with names that end so.
func (s *site) furnish(t *testing.T, ends string) *strings.Replacer {
	t.Helper()
	staging := s.environment("staging")
	made, err := staging.partners.Create(t.Context(), partner.New{Name: "Harbour", Scopes: []string{partner.AllScopes}}, s.by())
	if err != nil {
		t.Fatal(err)
	}
	member, owner := s.resident(t, "home", "mia"+ends), s.resident(t, "home", "olga"+ends, home.Owner)
	partners := s.server.current.Load().partners
	p, err := partners.Create(t.Context(), partner.NewPartner{Name: "Harbour Works", Email: "a@harbour.example", Admins: []string{member.ID}}, s.by())
	if err != nil {
		t.Fatal(err)
	}
	asked, err := partners.Ask(t.Context(), partner.Asking{
		PartnerID: p.ID, AccountID: member.ID, Environment: "staging", Application: "Cranes", Purpose: "To lift", Scopes: []string{partner.AllScopes},
	}, s.by())
	if err != nil {
		t.Fatal(err)
	}
	token := store.APIToken{
		ID: "craneToken" + ends, Hash: sha256.Sum256([]byte(ends)), Name: "Crane", APIs: []string{"notes"}, Elevated: true, Scope: []string{"notes.read"}, Addresses: []string{"192.0.2.7/32"},
		CreatedAt: s.clock.Now(), CreatedBy: "test", EndsAt: s.clock.Now().Add(24 * time.Hour),
	}
	if err := staging.resources.store.APITokens().Create(t.Context(), token, s.by()); err != nil {
		t.Fatal(err)
	}
	keys, err := staging.resources.ring.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("$C", made.Client.ID, "$S", made.SecretID, "$A", member.ID, "$O", owner.ID, "$P", p.ID, "$R", asked.ID, "$T", token.ID, "$K", keys[0].ID)
}

// TestConsoleRoles opens every page in every role (row U02), and posts to it: what
// a role may not see is 403, with a page that says so, and nobody else is let in.
func TestConsoleRoles(t *testing.T) {
	t.Parallel()
	s, ids := consoled(t)
	for _, role := range append(home.Roles(), "student") {
		b, _ := s.operator(t, role+"-person", role)
		for page, may := range consolePages {
			want := http.StatusOK
			if role != home.Owner && !slices.Contains(may, role) {
				want = http.StatusForbidden
			}
			b.visit("/console" + ids.Replace(page))
			if b.code != want {
				t.Errorf("%s at %s: %d, want %d", role, page, b.code, want)
			}
			if b.code == http.StatusForbidden && !strings.Contains(b.body, "Trace id") {
				t.Errorf("%s at %s: no page that says why", role, page)
			}
			if strings.Contains(page, "/export") {
				continue
			}
			for _, header := range []string{"Content-Security-Policy", "X-Frame-Options"} {
				if b.header.Get(header) == "" {
					t.Errorf("%s at %s: no %s", role, page, header)
				}
			}
			if got := b.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("%s at %s: Cache-Control %s", role, page, got)
			}
			if len(b.body) > 100<<10 {
				t.Errorf("%s is %d bytes long", page, len(b.body))
			}
		}
	}
}

// TestConsoleForms: each form is bound to the visit in which it was shown (row R02).
func TestConsoleForms(t *testing.T) {
	t.Parallel()
	s, ids := consoled(t)
	b, _ := s.operator(t, "anna", home.Owner)
	other, _ := s.operator(t, "otto", home.Owner)
	for page := range consolePages {
		path, query, _ := strings.Cut(ids.Replace(page), "?")
		if strings.Count(path, "/") < 2 || strings.HasSuffix(path, "/export") {
			continue
		}
		b.visit("/console" + path + "?" + query)
		fields, _, ok := b.form(path)
		if !ok {
			t.Errorf("%s: no form:\n%s", page, b.body)
			continue
		}
		post := func(who *browser, change func(url.Values)) int {
			return who.altered("http://"+s.address+"/console"+path, fields, change)
		}
		if got := post(b, func(v url.Values) { v.Del("form") }); got != http.StatusForbidden {
			t.Errorf("%s without its token: %d", page, got)
		}
		if got := post(b, func(v url.Values) { v.Set("form", "AAAA") }); got != http.StatusForbidden {
			t.Errorf("%s with another token: %d", page, got)
		}
		if got := post(other, func(url.Values) {}); got != http.StatusForbidden {
			t.Errorf("%s in another visit: %d", page, got)
		}
		if got := s.send(t, s.request("POST /console"+path+" HTTP/1.1", fields.Encode(), "Content-Type: application/x-www-form-urlencoded", "Origin: http://evil.example", "Sec-Fetch-Site: cross-site")); got.code != http.StatusSeeOther {
			t.Errorf("%s from elsewhere without a cookie: %s", page, got.status)
		}
	}
}

// TestConsoleWantsARecentSignIn: what destroys asks for another proof after ten
// minutes, and comes back to where it asked.
func TestConsoleWantsARecentSignIn(t *testing.T) {
	t.Parallel()
	s, ids := consoled(t)
	b, anna := s.operator(t, "anna", home.Owner)
	page := ids.Replace("/client/disable?environment=staging&id=$C")
	b.visit("/console" + page)
	s.clock.move(10*time.Minute + time.Second)
	b.submit("/client/disable").is("/login", http.StatusOK)
	b.signIn("anna", goodPassword)
	if b.at.RequestURI() != "/console"+page || b.code != http.StatusOK {
		t.Fatalf("after signing in again: %d %s", b.code, b.at)
	}
	b.submit("/client/disable")
	if b.text("done") == "" {
		t.Fatalf("not disabled:\n%s", b.body)
	}
	history, err := s.environment("staging").resources.store.History().Search(t.Context(), store.ChangeQuery{Kind: "client.disabled", Limit: 5})
	if err != nil || len(history) != 1 || history[0].Actor != anna.ID || len(history[0].Trace) != 32 {
		t.Fatalf("the change: %+v, %v", history, err)
	}
}

// TestConsoleSecretsAreShownOnce: in the answer to the form, and in no address, log
// or later page (rows O15, U04).
func TestConsoleSecretsAreShownOnce(t *testing.T) {
	t.Parallel()
	s, ids := consoled(t)
	b, _ := s.operator(t, "anna", home.Owner)
	client := ids.Replace("$C")
	b.visit("/console/client/secret?environment=staging&id=" + client).submit("/client/secret")
	first := b.text("once")
	if first == "" || b.at.RawQuery != "" {
		t.Fatalf("no secret at %s:\n%s", b.at, b.body)
	}
	b.visit("/console" + ids.Replace("/client/leaked?environment=staging&id=$C&secret=$S")).submit("/client/leaked")
	second := b.text("once")
	if second == "" || second == first {
		t.Fatalf("no other secret:\n%s", b.body)
	}
	b.visit("/console/client?environment=staging&id=" + client)
	for _, secret := range []string{first, second} {
		if strings.Contains(b.body, secret) || strings.Contains(s.log.all(), secret) {
			t.Error("a secret can be read a second time")
		}
	}
}

// TestConsoleShowsNamesAsTheyAre: a name is text, whatever stands in it, and no
// formula for who opens an export (row R01).
func TestConsoleShowsNamesAsTheyAre(t *testing.T) {
	t.Parallel()
	s, _ := consoled(t)
	const evil = `=cmd|'/C calc'!A0"><script>alert(1)</script>`
	b, _ := s.operator(t, "anna", home.Owner)
	staging := s.environment("staging")
	made, err := staging.partners.Create(t.Context(), partner.New{Name: evil, Scopes: []string{partner.AllScopes}}, store.By{Actor: "=1+1", At: s.clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"/clients?environment=staging", "/client?environment=staging&id=" + made.Client.ID, "/client/delete?environment=staging&id=" + made.Client.ID, "/changes?environment=staging"} {
		if b.visit("/console" + page); strings.Contains(b.body, "<script>alert") || b.code != http.StatusOK {
			t.Errorf("%s: %d, or a script", page, b.code)
		}
	}
	csv := b.visit("/console/changes/export?environment=staging&format=csv").body
	if !strings.Contains(csv, "'=1+1") || strings.Contains(csv, ",=1+1") {
		t.Errorf("a formula:\n%s", csv)
	}
	if lines := b.visit("/console/changes/export?environment=staging&format=jsonl&kind=client.").body; strings.Count(lines, "\n") != 3 {
		t.Errorf("JSON lines:\n%s", lines)
	}
}

// TestConsoleKeepsAnOwner: the last owner stays one.
func TestConsoleKeepsAnOwner(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	b, anna := s.operator(t, "anna", home.Owner)
	bert := s.resident(t, "home", "bert")
	b.visit("/console/operator/roles?id="+anna.ID).submit("/operator/roles", "role", "-")
	if b.code != http.StatusUnprocessableEntity || !strings.Contains(b.text("problem"), "last owner") {
		t.Fatalf("the last owner: %d %s", b.code, b.text("problem"))
	}
	b.visit("/console/operator/roles?id="+bert.ID).submit("/operator/roles", "role", home.Owner)
	b.visit("/console/operator/roles?id="+anna.ID).submit("/operator/roles", "role", home.Auditor)
	if b.visit("/console/operator/roles?id=" + bert.ID); b.code != http.StatusForbidden {
		t.Errorf("who is an auditor now changes roles: %d", b.code)
	}
}

// TestConsoleOfServe: in production two factors are wanted, and no other name than
// its own leads to the console.
func TestConsoleOfServe(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true, change: func(c *catalogue.Catalogue) { c.Console.Listen = "127.0.0.1:1" }})
	if got := s.send(t, s.request("GET /console/ HTTP/1.1", "")); got.code != http.StatusNotFound {
		t.Errorf("the public listener answers for the console: %s", got.status)
	}
}
