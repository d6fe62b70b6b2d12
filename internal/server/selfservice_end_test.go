package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// TestSelfServiceEnds: an admin disables, enables and deletes what is the partner's
// own, and never enables what the publisher disabled.
func TestSelfServiceEnds(t *testing.T) {
	t.Parallel()
	h := helps(t)
	staging := h.environment("staging")
	a := &applicant{site: h.site, Partners: h.Partners, t: t, staging: staging, client: h.own.Client.ID}
	page := func(path string) string { return "/portal" + path + "?environment=staging&id=" + a.client }
	b := h.admin
	disabled := func(by string) {
		t.Helper()
		c, err := staging.partners.Find(t.Context(), a.client)
		if err != nil || !c.Disabled() || c.DisabledBy != by {
			t.Fatalf("disabled %v by %q, want by %q, %v", c.Disabled(), c.DisabledBy, by, err)
		}
	}
	recorded := func(kind string) {
		t.Helper()
		found, err := staging.resources.store.History().Search(t.Context(), store.ChangeQuery{Kind: kind, Limit: 1})
		if err != nil || len(found) != 1 || found[0].Actor != h.adminID || found[0].ID != a.client || len(found[0].Trace) != 32 ||
			!strings.Contains(found[0].Detail, h.partner.ID) {
			t.Errorf("%s: %+v, %v", kind, found, err)
		}
	}

	h.developer.visit(page("/application"))
	if words := h.developer.words(); !strings.Contains(words, "An admin of your organisation can do it") || strings.Contains(h.developer.body, "/application/disable") {
		t.Errorf("a developer reads:\n%s", words)
	}
	token := a.fetches(h.own.Secret)
	if b.visit(page("/application/disable")); !strings.Contains(b.words(), "end within a second, everywhere") {
		t.Errorf("what happens is not said:\n%s", b.words())
	}
	b.submit("/application/disable")
	if words := b.words(); b.at.Path != "/portal/application" || b.text("done") == "" || !strings.Contains(words, "Your organisation disabled this application") {
		t.Fatalf("%s %d\n%s", b.at, b.code, words)
	}
	a.dies(token)
	if got := a.asks(h.own.Secret); got.code != http.StatusUnauthorized {
		t.Errorf("its secret gets %s", got.status)
	}
	disabled(h.partner.ID)
	recorded("client.disabled")
	b.visit(page("/application/enable")).submit("/application/enable")
	if b.at.Path != "/portal/application" || b.text("done") == "" {
		t.Fatalf("%s %d\n%s", b.at, b.code, b.words())
	}
	recorded("client.enabled")
	h.clock.move(time.Second)
	a.fetches(h.own.Secret)
	if a.calls(token) != http.StatusUnauthorized {
		t.Error("a token that ended is good again")
	}

	// The publisher takes over what the partner disabled.
	b.visit(page("/application/disable")).submit("/application/disable")
	form, _, _ := b.visit(page("/application/enable")).form("/application/enable")
	if _, err := staging.partners.Disable(t.Context(), a.client, h.by()); err != nil {
		t.Fatal(err)
	}
	disabled("")
	if words := b.visit(page("/application")).words(); !strings.Contains(words, "only the publisher can enable it") || strings.Contains(b.body, "/application/enable") {
		t.Errorf("the admin reads:\n%s", words)
	}
	late := b.altered("http://"+h.address+"/portal/application/enable", form, func(url.Values) {})
	if b.visit(page("/application/enable")); b.code != http.StatusConflict || late != http.StatusConflict || !strings.Contains(b.words(), "Only the publisher can enable it") {
		t.Errorf("enabling what the publisher disabled: %d, before seen %d\n%s", b.code, late, b.words())
	}
	disabled("")

	// Deleted, once its id is typed.
	b.visit(page("/application/delete")).submit("/application/delete", "confirm", "yes")
	if b.code != http.StatusUnprocessableEntity || b.text("f-confirm-problem") == "" {
		t.Errorf("without its id: %d\n%s", b.code, b.words())
	}
	disabled("")
	b.submit("/application/delete", "confirm", a.client)
	if b.at.Path != "/portal/applications" || b.text("done") == "" || strings.Contains(b.body, a.client) {
		t.Fatalf("%s %d\n%s", b.at, b.code, b.words())
	}
	recorded("client.deleted")
	if b.visit(page("/application")); b.code != http.StatusNotFound {
		t.Errorf("the deleted one: %d", b.code)
	}
}

// TestSelfServiceEndsWantASignIn: who sits down at a portal that was left open ends
// nothing.
func TestSelfServiceEndsWantASignIn(t *testing.T) {
	t.Parallel()
	h := helps(t)
	page := func(path string) string { return h.of("/portal"+path+"?environment=staging&id=$C", false) }
	for _, path := range []string{"/application/disable", "/application/enable", "/application/delete"} {
		b := h.member(t, "ada")
		h.clock.move(20 * time.Minute)
		b.visit(page(path)) // and so the session goes on
		h.clock.move(10*time.Minute + time.Second)
		b.submit(path, "confirm", h.own.Client.ID).is("/login", http.StatusOK)
	}
	c, err := h.environment("staging").partners.Find(t.Context(), h.own.Client.ID)
	if err != nil || c.Disabled() {
		t.Errorf("something was done: %+v, %v", c, err)
	}
}

// forWhom is who does something: an operator, or "for PARTNER" an admin of that.
func (p *player) forWhom(s step, words []string) store.By {
	by := p.site.by()
	if len(words) == 2 && words[0] == "for" {
		by.Actor, by.Partner = "member", p.expand(s, words[1])
	}
	return by
}
