package partner

import (
	"context"
	"testing"

	"github.com/grantway/grantway/internal/store"
)

// TestClientsFollowTheirPartner: what people are shown of a partner's clients is
// what the partner is called, and verified as it is, in every environment.
func TestClientsFollowTheirPartner(t *testing.T) {
	h := openHouse(t)
	acme, _ := h.acme()
	h.owned(h.staging, acme.ID, "export")
	h.owned(h.production, acme.ID, "export")
	h.owned(h.staging, acme.ID, "brand")
	h.owned(h.staging, "", "ours")
	yes, no, brand := true, false, "A brand"
	for _, c := range []*fixture{h.staging, h.production} {
		if _, err := c.Change(t.Context(), "export", Change{Owner: &acme.Name}, olive); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.staging.Change(t.Context(), "brand", Change{Owner: &brand, Verified: &yes}, olive); err != nil {
		t.Fatal(err)
	}
	if _, err := h.staging.Change(t.Context(), "ours", Change{Owner: &acme.Name}, olive); err != nil {
		t.Fatal(err)
	}
	shows := func(what string, c *fixture, id, owner, homepage string, verified bool) {
		t.Helper()
		client, err := c.Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if in := client.SignIn; in.Owner != owner || in.Homepage != homepage || in.Verified != verified {
			t.Errorf("%s: %s is shown as %q %q %t", what, id, in.Owner, in.Homepage, in.Verified)
		}
	}

	name, at := "Acme Nederland", "https://acme.example"
	stored := h.production.Store
	h.production.Store = brokenClients{stored}
	if _, err := h.Describe(t.Context(), acme.ID, PartnerChange{Name: &name, Homepage: &at, Verified: &yes}, olive); err == nil {
		t.Fatal("it is said to be done")
	}
	h.production.Store = stored
	for range 2 { // what was cut off is finished, and what is done stays
		if _, err := h.Describe(t.Context(), acme.ID, PartnerChange{Name: &name, Homepage: &at, Verified: &yes}, olive); err != nil {
			t.Fatal(err)
		}
		shows("renamed", h.staging, "export", name, at, true)
		shows("renamed", h.production, "export", name, at, true)
		shows("renamed", h.staging, "brand", brand, "", true)
		shows("renamed", h.staging, "ours", "Acme", "", false)
	}
	if _, err := h.Describe(t.Context(), acme.ID, PartnerChange{Verified: &no}, olive); err != nil {
		t.Fatal(err)
	}
	shows("not verified", h.staging, "export", name, at, false)
	shows("not verified", h.staging, "brand", brand, "", false)
}

// brokenClients cannot be changed.
type brokenClients struct{ store.Clients }

func (brokenClients) Change(context.Context, string, store.ClientChange, store.By) error {
	return store.ErrUnavailable
}
