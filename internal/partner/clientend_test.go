package partner

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// TestAPartnersOwnEnd: what a partner disabled stays disabled when the partner is
// enabled again, and what the publisher disabled the partner cannot enable.
func TestAPartnersOwnEnd(t *testing.T) {
	h := openHouse(t)
	acme, err := h.Create(t.Context(), NewPartner{Name: "Acme", Email: "it@acme.example"}, olive)
	if err != nil {
		t.Fatal(err)
	}
	h.staging.Tell = h.Tell
	n := wanted()
	n.Partner = acme.ID
	made, err := h.staging.Create(t.Context(), n, anna)
	if err != nil {
		t.Fatal(err)
	}
	id := made.Client.ID
	member := store.By{Actor: "mia", Partner: acme.ID}
	find := func() store.Client {
		t.Helper()
		c, err := h.staging.Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}

	if result, err := h.staging.Disable(t.Context(), id, member); err != nil || result.Client.DisabledBy != acme.ID {
		t.Fatalf("%+v, %v", result.Client, err)
	}
	for _, disabled := range []bool{true, false} {
		if _, err := h.SetDisabled(t.Context(), acme.ID, disabled, olive); err != nil {
			t.Fatal(err)
		}
	}
	if c := find(); !c.Disabled() || c.DisabledBy != acme.ID {
		t.Errorf("enabling the partner enabled what it had disabled: %+v", c)
	}
	if _, err := h.staging.Enable(t.Context(), id, member); err != nil || func() bool { c := find(); return c.Disabled() }() {
		t.Errorf("the partner cannot enable its own: %v", err)
	}

	told := len(h.told)
	h.now = h.now.Add(time.Hour)
	for _, by := range []store.By{member, anna} { // the second takes over
		if _, err := h.staging.Disable(t.Context(), id, by); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.staging.Enable(t.Context(), id, member); !errors.Is(err, ErrPublishers) {
		t.Errorf("error %v, want ErrPublishers", err)
	}
	if c := find(); !c.Disabled() || c.DisabledBy != "" {
		t.Errorf("it is not the publisher's: %+v", c)
	}
	var ids []string
	for _, notice := range h.told[told:] {
		ids = append(ids, notice.ID)
	}
	if len(ids) != 2 || !strings.HasSuffix(ids[0], "/own/partner") || strings.Contains(ids[1], "/own") {
		t.Errorf("the partner was told %q, want of its own and of the publisher's", ids)
	}
	if _, err := h.staging.Delete(t.Context(), id, store.By{Actor: "eve", Partner: "another"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another partner deletes it: %v", err)
	}
	if _, err := h.staging.Delete(t.Context(), id, member); err != nil {
		t.Error(err)
	}
}

// TestDisabledWithItsPartner: no member of a partner that is enabled again finds a
// client that was disabled with it and is not enabled.
func TestDisabledWithItsPartner(t *testing.T) {
	h := openHouse(t)
	acme, err := h.Create(t.Context(), NewPartner{Name: "Acme"}, olive)
	if err != nil {
		t.Fatal(err)
	}
	n := wanted()
	n.Partner = acme.ID
	made, err := h.staging.Create(t.Context(), n, anna)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.SetDisabled(t.Context(), acme.ID, true, olive); err != nil {
		t.Fatal(err)
	}
	if _, err := h.staging.Enable(t.Context(), made.Client.ID, store.By{Actor: "mia", Partner: acme.ID}); !errors.Is(err, ErrPublishers) {
		t.Errorf("a client of a disabled partner: error %v, want ErrPublishers", err)
	}
}
