package partner

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

var olive = store.By{Actor: "olive", Trace: "4567", At: today}

// A house is home and two environments, each with a real store.
type house struct {
	*Partners
	t                   *testing.T
	home                *sqlstore.Store
	staging, production *fixture
	now                 time.Time
	told                []store.Notice
	mails               []account.Message
}

func openHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, staging: open(t), production: open(t), now: today}
	h.production.Environment.Name = "production"
	h.production.Environment.Clients = nil
	var err error
	h.home, err = sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "home.db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.home.Close() })
	now := func() time.Time { return h.now }
	h.staging.Clients.Now, h.production.Clients.Now = now, now
	passwords := &account.Passwords{
		Accounts: h.home.Accounts(), Factors: h.home.Factors(), Checker: h.staging.Check, Random: rand.Reader, Now: now,
		Strength: &account.Strength{Factors: h.home.Factors(), Identities: h.home.Identities(), Now: now},
	}
	h.Partners = &Partners{
		Store: h.home.Partners(), Access: h.home.AccessRequests(), Unconfirmed: h.home.UnconfirmedRequests(), Accounts: h.home.Accounts(),
		People: &account.People{Accounts: h.home.Accounts(), Passwords: passwords, Strength: passwords.Strength, Random: rand.Reader, Now: now, Forget: time.Hour},
		Links: &account.Links{
			Store: h.home.Links(), Accounts: h.home.Accounts(), Passwords: passwords, Mailer: h, Publisher: "De Stip", Random: rand.Reader, Now: now,
			Reset: func(handle string) string { return "https://home.example/password?link=" + handle },
		},
		Environments: func() []*Clients { return []*Clients{h.staging.Clients, h.production.Clients} },
		Notify: func(ctx context.Context, notices ...store.Notice) error {
			for _, n := range notices {
				queued, err := h.home.Notices().Queue(ctx, []store.Notice{n})
				if err != nil {
					return err
				}
				if queued == 1 {
					h.told = append(h.told, n)
				}
			}
			return nil
		},
		Contact: "api@publisher.example", PortalURL: "https://portal.example", ConsoleURL: "https://console.example",
		Now: now, Random: rand.Reader,
	}
	return h
}

// Send implements account.Mailer.
func (h *house) Send(_ context.Context, m account.Message) error {
	h.mails = append(h.mails, m)
	return nil
}

// acme makes a partner with an admin.
func (h *house) acme() (store.Partner, string) {
	h.t.Helper()
	a, err := h.People.Create(h.t.Context(), account.New{
		Name: "ada@acme.example", Profile: store.Profile{FullName: "Ada", Email: "ada@acme.example", Locale: "nl"},
	}, olive)
	if err != nil {
		h.t.Fatal(err)
	}
	made, err := h.Create(h.t.Context(), NewPartner{Name: "Acme", Admins: []string{a.ID}}, olive)
	if err != nil {
		h.t.Fatal(err)
	}
	return made, a.ID
}

// owned registers a client of a partner.
func (h *house) owned(f *fixture, partner, id string) {
	h.t.Helper()
	n := wanted()
	n.ID, n.Partner = id, partner
	if _, err := f.Clients.Create(h.t.Context(), n, olive); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) disabled(f *fixture, id string) bool {
	h.t.Helper()
	c, err := f.db.Clients().Find(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return c.Disabled()
}

// stranger asks for something that nothing is wrong with.
func stranger() Asking {
	return Asking{
		Organised: "Acme", Person: "Ada", Email: "ada@acme.example", Environment: "staging", Application: "Nightly export",
		Purpose: "We copy moves\ninto our own reports.", Scopes: []string{"moves:read", "moves:admin"}, APIs: []string{"moves"},
	}
}

func (h *house) asked(a Asking) store.AccessRequest {
	h.t.Helper()
	r, err := h.Ask(h.t.Context(), a, store.By{Actor: "stranger"})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// about are the fields that an error of Faults names.
func about(err error) string {
	var faults Faults
	if !errors.As(err, &faults) {
		return "no faults"
	}
	var fields []string
	for _, f := range faults {
		fields = append(fields, f.Field)
	}
	return strings.Join(fields, " ")
}

func TestPartnerIsJudged(t *testing.T) {
	h := openHouse(t)
	_, admin := h.acme()
	good := func() NewPartner {
		return NewPartner{ID: "brew", Name: strings.Repeat("é", MaxName), Email: "it@brew.example", Homepage: "https://brew.example/", Admins: []string{admin}}
	}
	made, err := h.Create(t.Context(), good(), olive)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := h.Find(t.Context(), "brew"); err != nil || found.Role(admin) != store.MemberAdmin || found.Name != made.Name {
		t.Error(found, err)
	}
	for name, row := range map[string]struct {
		change func(*NewPartner)
		field  string
	}{
		"name of 129":    {func(n *NewPartner) { n.Name = strings.Repeat("é", MaxName+1) }, "name"},
		"no name":        {func(n *NewPartner) { n.Name = " " }, "name"},
		"turned name":    {func(n *NewPartner) { n.Name = "Ac\u202eme" }, "name"},
		"two lines":      {func(n *NewPartner) { n.Name = "Ac\nme" }, "name"},
		"no address":     {func(n *NewPartner) { n.Email = "brew" }, "email"},
		"two addresses":  {func(n *NewPartner) { n.Email = "a@brew.example,b@brew.example" }, "email"},
		"plain homepage": {func(n *NewPartner) { n.Homepage = "http://brew.example" }, "homepage"},
		"script":         {func(n *NewPartner) { n.Homepage = "javascript:alert(1)" }, "homepage"},
		"unknown admin":  {func(n *NewPartner) { n.Admins = []string{"nobody"} }, "admins[0]"},
		"admin twice":    {func(n *NewPartner) { n.Admins = []string{admin, admin} }, "admins[1]"},
		"id":             {func(n *NewPartner) { n.ID = "a b" }, "id"},
	} {
		n := good()
		n.ID = "other"
		row.change(&n)
		if _, err := h.Create(t.Context(), n, olive); about(err) != row.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Create(t.Context(), good(), olive); !errors.Is(err, store.ErrConflict) {
		t.Error("an id twice:", err)
	}
	title, yes := "Brew & Co", true
	is, err := h.Describe(t.Context(), "brew", PartnerChange{Name: &title, Verified: &yes}, olive)
	if err != nil || is.Name != title || !is.Verified || is.Email != "it@brew.example" {
		t.Error(is, err)
	}
	bad := "\u200b"
	if _, err := h.Describe(t.Context(), "brew", PartnerChange{Name: &bad}, olive); about(err) != "name" {
		t.Error(err)
	}
	one, more, err := h.List(t.Context(), store.PartnerQuery{Limit: 1})
	if err != nil || len(one) != 1 || !more {
		t.Error(one, more, err)
	}
	all, more, err := h.List(t.Context(), store.PartnerQuery{Limit: 2})
	if err != nil || len(all) != 2 || more {
		t.Error(all, more, err)
	}
}

// A partner's clients go and come with it in every environment, but for what was
// disabled before.
func TestDisabledWithItsClients(t *testing.T) {
	h := openHouse(t)
	acme, _ := h.acme()
	h.owned(h.staging, acme.ID, "a")
	h.owned(h.staging, acme.ID, "b")
	h.owned(h.production, acme.ID, "a")
	h.owned(h.staging, "", "ours")
	if _, err := h.staging.Disable(t.Context(), "b", olive); err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Microsecond)
	for range 2 { // it can be repeated
		is, err := h.SetDisabled(t.Context(), acme.ID, true, olive)
		if err != nil || !is.Disabled() {
			t.Fatal(is, err)
		}
	}
	if !h.disabled(h.staging, "a") || !h.disabled(h.staging, "b") || !h.disabled(h.production, "a") || h.disabled(h.staging, "ours") {
		t.Error("other clients than the partner's are disabled")
	}
	if got := kindsOf(h.told); !slices.Equal(got, []string{NoticeDisabled}) {
		t.Error("told of", got)
	}
	h.now = h.now.Add(time.Hour)
	for range 2 {
		is, err := h.SetDisabled(t.Context(), acme.ID, false, olive)
		if err != nil || is.Disabled() {
			t.Fatal(is, err)
		}
	}
	if h.disabled(h.staging, "a") || !h.disabled(h.staging, "b") || h.disabled(h.production, "a") {
		t.Error("what was disabled before is not what stays disabled")
	}
	clients, err := h.Partners.Clients(t.Context(), acme.ID)
	if err != nil || len(clients) != 3 || clients[2].Environment != "production" {
		t.Error(clients, err)
	}
}

// A crash between home and the environments: Resume does the rest, and what it
// disables comes back with the partner, also where this node's clock is behind.
func TestResumeDisables(t *testing.T) {
	h := openHouse(t)
	acme, _ := h.acme()
	h.owned(h.staging, acme.ID, "a")
	by := olive
	by.At = h.now.Add(time.Minute)
	if err := h.Store.SetDisabled(t.Context(), acme.ID, true, by); err != nil {
		t.Fatal(err)
	}
	if err := h.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !h.disabled(h.staging, "a") {
		t.Fatal("the client still works")
	}
	if _, err := h.SetDisabled(t.Context(), acme.ID, false, olive); err != nil {
		t.Fatal(err)
	}
	if h.disabled(h.staging, "a") {
		t.Error("the client did not come back with its partner")
	}
}

func TestDeletedWithItsClients(t *testing.T) {
	h := openHouse(t)
	acme, _ := h.acme()
	for i := range page + 1 { // more than are read at a time
		h.owned(h.staging, acme.ID, fmt.Sprint("a-", i))
	}
	h.owned(h.staging, "", "ours")
	if err := h.Delete(t.Context(), acme.ID, olive); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Find(t.Context(), acme.ID); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	left, _, err := h.staging.Clients.List(t.Context(), "", 200)
	if err != nil || len(left) != 2 { // and the one of the file
		t.Error(len(left), err)
	}
	if err := h.Delete(t.Context(), acme.ID, olive); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

func kindsOf(notices []store.Notice) []string {
	var kinds []string
	for _, n := range notices {
		kinds = append(kinds, n.Kind)
	}
	return kinds
}

// secretsIn reports whether a text is in anything that home keeps or tells.
func (h *house) secretsIn(t *testing.T, text string) bool {
	t.Helper()
	var all []string
	for _, db := range []*sqlstore.Store{h.home, h.staging.db, h.production.db} {
		changes, err := db.Changes().Since(t.Context(), 0, 10000)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			all = append(all, c.ID, c.Detail, c.Actor)
		}
	}
	for _, n := range h.told {
		all = append(all, n.ID, n.To, n.Detail)
	}
	return slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, text) })
}
