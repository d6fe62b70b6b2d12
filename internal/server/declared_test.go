package server

import (
	"crypto/rand"
	"net/http"
	"testing"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/oauth"
)

// TestDeclaredClientsAreRememberedApart: clients of the file, and of several
// environments, whose secrets are under a slow hash are hashed once each, however
// they take turns.
func TestDeclaredClientsAreRememberedApart(t *testing.T) {
	t.Parallel()
	declared := []struct{ environment, id, secret string }{
		{"staging", "one", "the secret of the first client"},
		{"staging", "two", "the secret of the second client"},
		{"production", "one", "the secret of the first client"},
	}
	s := start(t, setup{example: "fitness", change: func(c *catalogue.Catalogue) {
		for _, d := range declared {
			e := c.Find(d.environment)
			verifier, err := secret.FromChosen(secret.Of(d.secret), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			e.Clients = append(e.Clients, catalogue.Client{
				ID: d.id, Type: "machine", Grants: []string{oauth.GrantClientCredentials}, Verifier: verifier.Encoded(),
				Allotted: map[string][]string{e.APIs[0].Name: {e.APIs[0].Scopes[0].Name}},
			})
		}
	}})
	before := s.server.secrets.Hashings()
	for range 3 {
		for _, d := range declared {
			got := s.send(t, s.request("POST /"+d.environment+"/auth/oauth2/token HTTP/1.1",
				"grant_type=client_credentials&client_id="+d.id+"&client_secret="+d.secret, formType))
			if got.code != http.StatusOK {
				t.Fatalf("%s in %s: %s", d.id, d.environment, got)
			}
		}
	}
	if hashed := s.server.secrets.Hashings() - before; hashed != uint64(len(declared)) {
		t.Errorf("%d secrets were hashed %d times", len(declared), hashed)
	}
}
