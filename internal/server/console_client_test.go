package server

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// TestConsoleTakesScopesAway: what ends is said before it does, nothing is done until
// that is agreed to, and never to a client that somebody changed meanwhile.
func TestConsoleTakesScopesAway(t *testing.T) {
	t.Parallel()
	s, ids := consoled(t)
	b, _ := s.operator(t, "anna", home.Operator)
	staging, id := s.environment("staging").partners, ids.Replace("$C")
	allotted := func() []string {
		t.Helper()
		c, err := staging.Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return c.Allotted["notes"]
	}
	page := "/console/client/change?environment=staging&id=" + id
	if b.visit(page); !strings.Contains(b.body, "Never used.") {
		t.Errorf("what was never used is not marked:\n%s", b.body)
	}
	had := allotted()
	b.submit("/client/change", "scopes", "notes notes:read")
	if !strings.Contains(b.body, "the scope notes:write of notes") || !slices.Equal(allotted(), had) {
		t.Fatalf("not asked first: %v\n%s", allotted(), b.body)
	}
	b.submit("/client/change")
	if got := allotted(); !slices.Equal(got, []string{"notes:read"}) || !strings.Contains(b.body, "tokens of the client have ended") {
		t.Fatalf("%v\n%s", got, b.body)
	}

	b.visit(page)
	name := "Another"
	if _, err := staging.Change(t.Context(), id, partner.Change{Name: &name}, s.by()); err != nil {
		t.Fatal(err)
	}
	if b.submit("/client/change", "name", "Mine"); b.code != http.StatusConflict {
		t.Errorf("over another's change: %d", b.code)
	}
	b.visit(page)
	s.clock.move(10*time.Minute + time.Second)
	b.submit("/client/change", "scopes", "-").is("/login", http.StatusOK)
}

// TestConsoleComparesAndPromotes: what differs is shown until it was promoted, and to
// promote again changes nothing.
func TestConsoleComparesAndPromotes(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true, change: func(c *catalogue.Catalogue) {
		for _, e := range c.Environments[:2] {
			e.Clients = append(e.Clients, catalogue.Client{ID: "declared", Name: e.Name, Type: store.TypeMachine, Allotted: map[string][]string{"notes": {"notes:read"}}})
		}
	}})
	ids := s.furnish(t, "")
	b, _ := s.operator(t, "anna", home.Operator)
	way := ids.Replace("/client/promote?environment=staging&amp;id=$C&amp;to=production")
	compare := func(want bool) {
		t.Helper()
		if b.visit("/console/compare?environment=staging&to=production"); b.code != http.StatusOK || strings.Contains(b.body, way) != want {
			t.Fatalf("a way to promote, %v wanted: %d\n%s", want, b.code, b.body)
		}
	}
	compare(true)
	production := s.environment("production")
	b.visit("/console" + strings.ReplaceAll(way, "&amp;", "&"))
	b.submit("/client/promote", "scopes", "notes notes:read")
	made, err := production.partners.Find(t.Context(), ids.Replace("$C"))
	if err != nil || len(made.Secrets) != 0 || !slices.Equal(made.Allotted["notes"], []string{"notes:read"}) {
		t.Fatalf("%+v, %v\n%s", made, err, b.body)
	}
	if compare(true); !strings.Contains(b.body, "notes:write") || strings.Contains(b.body, "declared") {
		t.Errorf("what is lacking:\n%s", b.body)
	}
	var last [2]int64
	for i := range last {
		b.visit("/console" + strings.ReplaceAll(way, "&amp;", "&")).submit("/client/promote")
		if last[i], err = production.resources.store.Changes().Last(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if compare(false); last[0] != last[1] || strings.Contains(b.body, ids.Replace("$C")) {
		t.Errorf("after %v changes:\n%s", last, b.body)
	}
	for page, want := range map[string]int{
		"/compare?environment=home": http.StatusNotFound, "/compare?environment=staging&to=home": http.StatusNotFound, "/compare?environment=staging&to=staging": http.StatusOK,
		"/client/promote?environment=home&id=grantway-console": http.StatusForbidden, "/client/change?environment=staging&id=declared": http.StatusConflict,
	} {
		if b.visit("/console" + page); b.code != want {
			t.Errorf("%s: %d, want %d", page, b.code, want)
		}
	}
	if b.visit("/console/client?environment=staging&id=declared"); !strings.Contains(b.body, "changed in grantway.yaml") || strings.Contains(b.body, "/client/change") {
		t.Errorf("a declared client:\n%s", b.body)
	}
}

// TestACookieThatCameTwice: nobody is signed in by it, and the page says what to do.
func TestACookieThatCameTwice(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	for _, part := range []string{"console", "portal"} {
		path := map[string]string{"console": "/console/clients", "portal": "/portal/applications"}[part]
		cookie := "Cookie: grantway-" + part + "-visit="
		got := s.send(t, s.request("GET "+path+" HTTP/1.1", "", cookie+"a; grantway-"+part+"-visit=b"))
		if got.code != http.StatusBadRequest || !strings.Contains(got.body, "cookie twice") {
			t.Errorf("%s: %s\n%s", part, got.status, got.body)
		}
		if got := s.send(t, s.request("GET "+path+" HTTP/1.1", "", cookie+"a")); got.code >= http.StatusBadRequest {
			t.Errorf("%s with one: %s", part, got.status)
		}
	}
}
