package server

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// A helped is two partners with a client each in staging, and people of the first.
type helped struct {
	*site
	*partner.Partners
	own, others        partner.Result // clients, with a secret
	partner, stranger  store.Partner
	admin, developer   *browser
	adminID, developID string
}

// member signs somebody in to the portal.
func (s *site) member(t *testing.T, name string) *browser {
	t.Helper()
	b := s.visitor(t)
	b.visit("/portal/applications").is("/login", http.StatusOK)
	b.signIn(name, goodPassword)
	if b.at.Path != "/portal/applications" {
		t.Fatalf("%s is at %s:\n%s", name, b.at, b.body)
	}
	return b
}

func helps(t *testing.T) *helped { return helpsAs(t, nil) }

func helpsAs(t *testing.T, change func(*catalogue.Catalogue)) *helped {
	t.Helper()
	s := start(t, setup{example: "quickstart", home: true, change: change})
	h := &helped{site: s, Partners: s.server.current.Load().partners}
	ada, dan, eve := s.resident(t, "home", "ada"), s.resident(t, "home", "dan"), s.resident(t, "home", "eve")
	h.adminID, h.developID = ada.ID, dan.ID
	make := func(name string, admin store.Account) (store.Partner, partner.Result) {
		p, err := h.Create(t.Context(), partner.NewPartner{Name: name, Admins: []string{admin.ID}}, s.by())
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.environment("staging").partners.Create(t.Context(), partner.New{Name: name + "'s export", Partner: p.ID, Scopes: []string{partner.AllScopes}}, s.by())
		if err != nil {
			t.Fatal(err)
		}
		return p, c
	}
	h.partner, h.own = make("Acme", ada)
	h.stranger, h.others = make("Elsewhere", eve)
	if err := h.SetMember(t.Context(), h.partner.ID, dan.ID, store.MemberDeveloper, s.by()); err != nil {
		t.Fatal(err)
	}
	h.admin, h.developer = s.member(t, "ada"), s.member(t, "dan")
	return h
}

// of writes a path about the first partner's things, or about the other's.
func (h *helped) of(path string, others bool) string {
	p, c := h.partner, h.own
	if others {
		p, c = h.stranger, h.others
	}
	return strings.NewReplacer("$C", c.Client.ID, "$S", c.SecretID, "$P", p.ID, "$A", h.adminID).Replace(path)
}

// selfPages are all pages about something, with who may see them: developer tells
// whether one may.
var selfPages = []struct {
	path      string
	developer bool
}{
	{"/application?environment=staging&id=$C", true},
	{"/application/secret?environment=staging&id=$C", true},
	{"/application/leaked?environment=staging&id=$C&secret=$S", true},
	{"/application/revoke?environment=staging&id=$C&secret=$S", false},
	{"/application/disable?environment=staging&id=$C", false},
	{"/application/enable?environment=staging&id=$C", false},
	{"/application/delete?environment=staging&id=$C", false},
	{"/members/invite?partner=$P", false},
	{"/members/role?partner=$P&account=$A", false},
	{"/members/remove?partner=$P&account=$A", false},
}

var traceID = regexp.MustCompile(`[0-9a-f]{32}|value="[A-Za-z0-9_-]{60,}"`)

// TestSelfServiceBelongs opens every page as everybody, and posts to it (rows U01,
// U02): what another partner has is answered exactly like what there is not.
func TestSelfServiceBelongs(t *testing.T) {
	t.Parallel()
	h := helps(t)
	for _, page := range selfPages {
		path, query, _ := strings.Cut(page.path, "?")
		own, others := "/portal"+h.of(page.path, false), "/portal"+h.of(page.path, true)
		unknown := "/portal" + strings.NewReplacer("$C", "nobodysClient00", "$S", "none", "$P", "nobody", "$A", "none").Replace(page.path)
		if h.admin.visit(own); h.admin.code != http.StatusOK {
			t.Errorf("an admin at %s: %d %s", own, h.admin.code, h.admin.body)
		}
		for _, header := range []string{"Content-Security-Policy", "X-Frame-Options"} {
			if h.admin.header.Get(header) == "" {
				t.Errorf("%s: no %s", own, header)
			}
		}
		if got := h.admin.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %s", own, got)
		}
		if len(h.admin.body) > 100<<10 {
			t.Errorf("%s has %d bytes", own, len(h.admin.body))
		}
		want := http.StatusForbidden
		if page.developer {
			want = http.StatusOK
		}
		if h.developer.visit(own); h.developer.code != want {
			t.Errorf("a developer at %s: %d, want %d", own, h.developer.code, want)
		}
		for _, b := range []*browser{h.admin, h.developer} {
			b.visit(others)
			code, body := b.code, traceID.ReplaceAllString(b.body, "")
			if b.visit(unknown); code != http.StatusNotFound || b.code != code || traceID.ReplaceAllString(b.body, "") != body {
				t.Errorf("%s: %d of another partner, %d unknown, or they differ:\n%s\n%s", path, code, b.code, body, b.body)
			}
		}
		nobody := h.visitor(t)
		if nobody.visit(own); nobody.at.Path != "/home/login" {
			t.Errorf("a stranger at %s: %s %d", own, nobody.at, nobody.code)
		}
		if path == "/application" {
			continue
		}
		fields, _, ok := h.admin.visit(own).form(path)
		if !ok {
			t.Errorf("%s: no form", own)
			continue
		}
		post := func(who *browser, change func(url.Values)) int {
			return who.altered("http://"+h.address+"/portal"+path, fields, change)
		}
		asked, _ := url.ParseQuery(query)
		otherwise := func(v url.Values) {
			for name, values := range asked {
				v.Set(name, h.of(values[0], true))
			}
		}
		for what, got := range map[string]int{
			"without its token": post(h.admin, func(v url.Values) { v.Del("form") }) - http.StatusForbidden,
			"with another's":    post(h.developer, func(url.Values) {}) - http.StatusForbidden,
			"of another's":      post(h.admin, otherwise) - http.StatusNotFound,
		} {
			if got != 0 {
				t.Errorf("POST %s %s: off by %d", path, what, got)
			}
		}
	}
	if h.admin.visit(h.of("/portal/application?environment=production&id=$C", false)); h.admin.code != http.StatusNotFound {
		t.Errorf("a client of another environment: %d", h.admin.code)
	}
	for _, c := range []partner.Result{h.own, h.others} {
		now, err := h.environment("staging").partners.Find(t.Context(), c.Client.ID)
		if err != nil || len(now.Secrets) != 1 || now.Secrets[0].ID != c.SecretID {
			t.Errorf("something was done: %+v, %v", now.Secrets, err)
		}
	}
}

// TestSelfServiceKeepsOut: who is nobody's member, and whose partner is disabled, get
// a page that says so.
func TestSelfServiceKeepsOut(t *testing.T) {
	t.Parallel()
	h := helps(t)
	h.resident(t, "home", "nora")
	nora := h.member(t, "nora")
	for _, page := range []string{"/why", "/try", "/members", h.of("/application?environment=staging&id=$C", false)} {
		if nora.visit("/portal" + page); nora.code != http.StatusForbidden || !strings.Contains(nora.body, "no organisation") {
			t.Errorf("%s: %d %s", page, nora.code, nora.body)
		}
	}
	if _, err := h.SetDisabled(t.Context(), h.partner.ID, true, h.by()); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"/applications", "/why", "/try", "/members", h.of("/application?environment=staging&id=$C", false)} {
		if h.admin.visit("/portal" + page); h.admin.code != http.StatusForbidden || !strings.Contains(h.admin.body, "switched off") {
			t.Errorf("%s of a disabled partner: %d", page, h.admin.code)
		}
	}
}

// onPage is the text of a page.
func (b *browser) words() string {
	var text strings.Builder
	for n := range b.page.Descendants() {
		if n.Type == html.TextNode {
			text.WriteString(n.Data)
			if n.NextSibling == nil || n.NextSibling.Data != "wbr" { // a line may end there, and the word goes on
				text.WriteByte(' ')
			}
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

// TestSelfServiceSecrets: made, rotated, revoked and leaked; each is shown once, and
// in no address, log or later page (rows O15, U04).
func TestSelfServiceSecrets(t *testing.T) {
	t.Parallel()
	h := helps(t)
	a := &applicant{site: h.site, Partners: h.Partners, t: t, staging: h.environment("staging"), client: h.own.Client.ID}
	b := h.admin
	b.visit("/portal"+h.of("/application/secret?environment=staging&id=$C", false)).submit("/application/secret", "expires_at", "90")
	first := b.text("once")
	if b.code != http.StatusOK || first == "" || b.at.RawQuery != "" {
		t.Fatalf("no secret at %s: %d\n%s", b.at, b.code, b.body)
	}
	disclosed(first)
	token := a.fetches(secretOf(first))
	now, err := a.staging.partners.Find(t.Context(), a.client)
	if err != nil || len(now.Secrets) != 2 {
		t.Fatalf("%+v, %v", now, err)
	}
	i := slices.IndexFunc(now.Secrets, func(s store.Secret) bool { return s.ID != h.own.SecretID })
	if want := h.clock.Now().AddDate(0, 0, 90); !now.Secrets[i].ExpiresAt.Equal(want) {
		t.Errorf("it ends %s, want %s", now.Secrets[i].ExpiresAt, want)
	}
	b.visit("/portal/application/revoke?environment=staging&id=" + a.client + "&secret=" + h.own.SecretID).submit("/application/revoke")
	if b.at.Path != "/portal/application" || b.text("done") == "" {
		t.Fatalf("after revoking: %s %d\n%s", b.at, b.code, b.body)
	}
	h.logged(a.asks(secretOf(first))) // and so it is recorded

	if err := a.staging.resources.activity.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.visit("/portal/application/leaked?environment=staging&id=" + a.client + "&secret=" + now.Secrets[i].ID).submit("/application/leaked")
	second := b.text("once")
	if second == "" || second == first {
		t.Fatalf("no other secret:\n%s", b.body)
	}
	disclosed(second)
	if words := b.words(); !strings.Contains(words, "token.issued") {
		t.Errorf("what it did is not said:\n%s", words)
	}
	a.dies(token)
	a.fetches(secretOf(second))
	if got := a.asks(secretOf(first)); got.code != http.StatusUnauthorized {
		t.Errorf("the leaked secret: %s", got.status)
	}
	b.visit("/portal/application?environment=staging&id=" + a.client)
	for _, secret := range []string{first, second} {
		if strings.Contains(b.body, secret) || strings.Contains(h.log.all(), secret) {
			t.Error("a secret can be read a second time")
		}
	}
	history, err := a.staging.resources.store.History().Search(t.Context(), store.ChangeQuery{Kind: "secret.added", Limit: 5})
	if err != nil || len(history) == 0 || history[0].Actor != h.adminID || len(history[0].Trace) != 32 {
		t.Errorf("the change: %+v, %v", history, err)
	}

	t.Run("an old sign-in is not enough", func(t *testing.T) {
		page := "/portal/application/secret?environment=staging&id=" + a.client
		b.visit(page)
		h.clock.move(30*time.Minute + time.Second)
		b.submit("/application/secret").is("/login", http.StatusOK)
		b.signIn("ada", goodPassword)
		if b.at.RequestURI() != page || b.code != http.StatusOK {
			t.Fatalf("back at %s with %d", b.at, b.code)
		}
	})
}

func secretOf(text string) secret.Secret { return secret.Of(text) }
