package server

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/grantway/grantway/internal/endpoint"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

// TestMoreIsAskedAlone: of a request for more only that is to be ticked, and what was
// allowed before is kept with it, or without.
func TestMoreIsAskedAlone(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b := s.browser(t, "demo")
	b.open(documented+"&scope=username+user_read").signIn("anna", goodPassword).is("/consent", http.StatusOK)
	b.submit("/consent", "decision", "allow", "remember", "1").back("http://localhost")
	more := documented + "&scope=username+user_read+profile_read"
	ticks := func() (found []string) {
		b.find(func(n *html.Node) bool {
			if n.Data == "input" && attributeOf(n, "type") == "checkbox" && attributeOf(n, "name") == "scope" {
				found = append(found, attributeOf(n, "value"))
			}
			return false
		})
		return found
	}
	for _, ask := range []string{more, more} {
		b.open(ask).is("/consent", http.StatusOK)
		if got := ticks(); !slices.Equal(got, []string{"profile_read"}) || b.text("already") == "" {
			t.Fatalf("to tick: %v", got)
		}
		fields, action, _ := b.form("/consent")
		fields["scope"] = slices.DeleteFunc(fields["scope"], func(s string) bool { return s == "profile_read" })
		code := b.post(action, fields, "decision", "allow", "remember", "-").back("http://localhost").Get("code")
		if got := b.spend(code); !slices.Equal(got, []string{"user_read", "username"}) {
			t.Errorf("no more than before: %v", got)
		}
	}
	b.open(more+"&prompt=consent").is("/consent", http.StatusOK)
	if got := ticks(); len(got) != 3 {
		t.Errorf("asked anew: %v", got)
	}
	b.open(more).is("/consent", http.StatusOK)
	code := b.submit("/consent", "decision", "allow", "remember", "1").back("http://localhost").Get("code")
	all := []string{"profile_read", "user_read", "username"}
	if got := b.spend(code); !slices.Equal(got, all) {
		t.Errorf("both: %v", got)
	}
	if got := b.spend(b.open(more).back("http://localhost").Get("code")); !slices.Equal(got, all) {
		t.Errorf("remembered: %v", got)
	}
}

// TestAPersonLinksAProvider is row P18 from the account page: after a recent sign-in,
// and never somebody whom another account has.
func TestAPersonLinksAProvider(t *testing.T) {
	t.Parallel()
	here, b := elsewhere(t, false)
	here.resident(t, "demo", "bert")
	b.open("/login").signIn("anna", goodPassword).is("/account", http.StatusOK)
	if policy := b.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https: http://localhost:*") {
		t.Errorf("the form cannot lead there: %s", policy)
	}
	here.clock.move(6 * time.Minute)
	b.submit("/account/link").is("/login", http.StatusOK) // row P15
	b.signIn("anna", goodPassword).is("/account", http.StatusOK)
	fields, action, _ := b.form("/account/link")
	if b.post(action, url.Values{"id": fields["id"]}); b.left != nil || b.code != http.StatusForbidden && b.code != http.StatusBadRequest { // row B20
		t.Errorf("without a token: %d, to %v", b.code, b.left)
	}
	b.open("/account").submit("/account/link").goOn().signIn("jan", goodPassword)
	b.submit("/consent", "decision", "allow").goOn().is("/account", http.StatusOK)
	if _, _, ok := b.form("/account/identity"); !ok || !strings.Contains(b.body, "You can sign in there from now on.") {
		t.Fatalf("the page: %s", b.body)
	}
	if _, _, more := b.form("/account/link"); more {
		t.Error("it is offered again")
	}
	other := here.browser(t, "demo")
	other.open("/login").toUniversity().signIn("jan", goodPassword).goOn().is("/account", http.StatusOK)
	if !strings.Contains(other.body, "anna") {
		t.Errorf("signed in as: %s", other.body)
	}
	third := here.browser(t, "demo")
	third.open("/login").signIn("bert", goodPassword).submit("/account/link").goOn().signIn("jan", goodPassword).goOn()
	third.is("/login/from/uni", http.StatusForbidden)
	if !strings.Contains(third.body, "Nothing was linked") {
		t.Errorf("the page: %s", third.body)
	}
}

// TestServersAreShown: every elevated token that is good, and when it was last used
// for this person; no plain one. At a bare address there are no passkeys.
func TestServersAreShown(t *testing.T) {
	t.Parallel()
	s := timetables(t, raised)
	id, _ := s.apiToken(t, "demo", partner.NewAPIToken{
		Name: "Screens", Elevated: true, Scopes: []string{"profile_write"}, Addresses: []string{"127.0.0.1/32"}, EndsAt: s.clock.Now().AddDate(0, 6, 0),
	})
	s.apiToken(t, "demo", partner.NewAPIToken{Name: "Plain one"})
	b := s.browser(t, "demo")
	b.open("/login").signIn("anna", goodPassword).is("/account", http.StatusOK)
	if !strings.Contains(b.body, "Screens") || strings.Contains(b.body, "Plain one") || !strings.Contains(b.body, "Change your subscriptions") {
		t.Fatalf("the page: %s", b.body)
	}
	if strings.Contains(b.body, "add-passkey") {
		t.Error("a passkey is offered at a bare address")
	}
	db := s.environment("demo").resources.store
	anna, err := db.Accounts().FindBy(t.Context(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	unused := strings.Count(b.body, "never used")
	if err := db.APITokens().ActedFor(t.Context(), id, anna.ID, s.by()); err != nil {
		t.Fatal(err)
	}
	if b.open("/account"); strings.Count(b.body, "never used") != unused-1 {
		t.Errorf("its use is not shown: %s", b.body)
	}
	if err := db.APITokens().Revoke(t.Context(), id, s.by()); err != nil {
		t.Fatal(err)
	}
	if b.open("/account"); strings.Contains(b.body, "Screens") {
		t.Error("one that was revoked is shown")
	}
}

// TestAnAuthenticatorOutlivesTheSealingKey: with another sealing key, codes are right
// as before, and so are all other keys; without the old one no code is right.
func TestAnAuthenticatorOutlivesTheSealingKey(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	b := s.browser(t, "demo")
	b.open("/login").signIn("anna", goodPassword)
	text, _ := b.follow("add-totp").protect()
	old, err := seal()
	if err != nil {
		t.Fatal(err)
	}
	next, err := keys.NewSeal(strings.Repeat("7a", 32))
	if err != nil {
		t.Fatal(err)
	}
	lost, err := keys.NewSeal(strings.Repeat("8b", 32))
	if err != nil {
		t.Fatal(err)
	}
	e := s.environment("demo")
	anna, err := e.resources.store.Accounts().FindBy(t.Context(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	if err := os.CopyFS(data, os.DirFS(s.catalogue.Data)); err != nil {
		t.Fatal(err)
	}
	o, err := options(setup{example: "mytimetable"}, "http://"+s.address, data, s.clock.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name           string
		from, to       *keys.Seal
		right, removes bool
	}{
		{name: "rekeyed", from: old, to: next, right: true},
		{name: "lost", to: lost, removes: true},
	} {
		for _, e := range o.Catalogue.All() { // Reseal without its claim: the stores are of `grantway dev`
			db, err := sqlstore.Open(t.Context(), e.Store, sqlstore.Options{Now: s.clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			r := keys.Rekeying{Environment: e.Name, Keys: db.Keys(), Old: step.from, New: step.to}
			sealed, removed, err := r.Do(t.Context(), s.by())
			if err := errors.Join(err, db.Close()); err != nil || (sealed > 0) == step.removes || (removed > 0) != step.removes {
				t.Fatalf("%s: %d, %d, %v", step.name, sealed, removed, err)
			}
		}
		o.Seal = step.to
		again, err := New(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		at := again.current.Load().environments
		i := slices.IndexFunc(at, func(e *environment) bool { return e.Name == "demo" })
		stored, err := at[i].resources.store.Keys().List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, purpose := range []string{keys.AccessToken, keys.ID, keys.Feed, keys.Refresh, keys.Forms, keys.Factors} {
			if !slices.ContainsFunc(stored, func(k store.Key) bool { return k.Purpose == purpose && k.State() == store.KeyActive }) {
				t.Errorf("%s: no key for %s", step.name, purpose)
			}
		}
		s.clock.move(30 * time.Second)
		_, err = at[i].signIn.journey.People.Codes.Check(t.Context(), anna.ID, oneTime(t, text, s.clock.Now()), netip.MustParseAddr("127.0.0.1"))
		if (err == nil) != step.right {
			t.Errorf("%s: a code: %v", step.name, err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestKeysOfIDTokensRotate: when they are due, as the others do, and by an operator.
func TestKeysOfIDTokensRotate(t *testing.T) {
	t.Parallel()
	s := timetables(t, nil)
	ring := s.server.rings("demo", keys.ID)
	if ring == nil {
		t.Fatal("an operator does not reach them")
	}
	active := func() string {
		signer, err := ring.Signer(endpoint.IDTokenAlgorithms()[0])
		if err != nil {
			t.Fatal(err)
		}
		return signer.KeyID()
	}
	first := active()
	s.clock.move(91 * 24 * time.Hour)
	for range 2 {
		r := s.environment("demo").resources
		if err := r.eachRing(func(k *keys.Ring) error { return k.Maintain(t.Context(), s.by()) }); err != nil {
			t.Fatal(err)
		}
	}
	if active() == first {
		t.Error("the key signs for ever")
	}
}
