package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
)

// TestSecretReplacedTwice: who presses the button twice sees the second answer. It says
// that the secret is gone, and what to do where nobody saw the new one; a secret is
// replaced once.
func TestSecretReplacedTwice(t *testing.T) {
	t.Parallel()
	h := helps(t)
	olga, _ := h.operator(t, "olga", home.Owner)
	for _, row := range []struct {
		part, path string
		b          *browser
	}{
		{"/portal", "/application/leaked", h.admin},
		{"/portal", "/application/revoke", h.admin},
		{"/console", "/client/leaked", olga},
		{"/console", "/client/revoke", olga},
	} {
		c, err := h.environment("staging").partners.Find(t.Context(), h.own.Client.ID)
		if err != nil {
			t.Fatal(err)
		}
		row.b.visit(row.part + row.path + "?environment=staging&id=" + c.ID + "&secret=" + c.Secrets[0].ID)
		form, action, ok := row.b.form(row.path)
		if !ok {
			t.Fatalf("no form at %s:\n%s", row.b.at, row.b.body)
		}
		if row.b.post(action, form); row.b.code != http.StatusOK {
			t.Errorf("%s%s: %d\n%s", row.part, row.path, row.b.code, row.b.body)
		}
		row.b.post(action, form)
		if words := row.b.words(); row.b.code != http.StatusNotFound || !strings.Contains(words, "The secret is gone already") || !strings.Contains(words, "make another") {
			t.Errorf("%s%s again: %d %s", row.part, row.path, row.b.code, words)
		}
		if strings.HasSuffix(row.path, "revoke") { // for the next row
			if h.own, err = h.environment("staging").partners.AddSecret(t.Context(), c.ID, partner.NewSecret{}, h.by()); err != nil {
				t.Fatal(err)
			}
		}
	}
}
