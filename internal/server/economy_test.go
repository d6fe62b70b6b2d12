package server

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// credentialsOf asks for the tokens of config/economy.yaml.
func credentialsOf(id, secret string) string {
	return "grant_type=client_credentials&client_id=" + id + "&client_secret=" + secret
}

// TestReuseEnds: after what each row does, the token that a client has is not
// given to it again, and is good only where the row says so.
func TestReuseEnds(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		what  string
		does  func(*testing.T, *site, *environment) error
		again bool // the same token is given
		good  bool // the one of before
	}{
		{"nothing", func(*testing.T, *site, *environment) error { return nil }, true, true},
		{"a scope is taken away", func(t *testing.T, s *site, e *environment) error {
			_, err := e.partners.Change(t.Context(), "partner", partner.Change{Scopes: partner.Edit{Remove: []string{"write:moves"}}}, s.by())
			return err
		}, false, false},
		{"a scope comes", func(t *testing.T, s *site, e *environment) error {
			_, err := e.partners.Change(t.Context(), "partner", partner.Change{Scopes: partner.Edit{Add: []string{"read:accounts"}}}, s.by())
			return err
		}, false, true},
		{"the client is called otherwise", func(t *testing.T, s *site, e *environment) error {
			name := "Another"
			_, err := e.partners.Change(t.Context(), "partner", partner.Change{Name: &name}, s.by())
			return err
		}, false, true},
		{"the client is disabled and enabled", func(t *testing.T, s *site, e *environment) error {
			if _, err := e.partners.Disable(t.Context(), "partner", s.by()); err != nil {
				return err
			}
			_, err := e.partners.Enable(t.Context(), "partner", s.by())
			return err
		}, false, false},
		{"the signing key is removed", func(t *testing.T, s *site, e *environment) error {
			signer, err := e.resources.ring.Signer(jose.ES256)
			if err != nil {
				return err
			}
			return e.resources.ring.Remove(t.Context(), signer.KeyID(), s.by())
		}, false, false},
		{"the secret is denied while the store is silent", func(_ *testing.T, s *site, e *environment) error {
			e.resources.revoked.Deny(store.Revocation{Kind: store.RevokedSecret, ID: "s706172746e6572", IssuedBefore: s.clock.Now(), ForgetAt: s.forget()})
			return nil
		}, false, false},
		{"the file is read again", func(t *testing.T, s *site, _ *environment) error {
			c := *s.catalogue
			return s.server.Reload(t.Context(), &c)
		}, false, true},
	} {
		t.Run(row.what, func(t *testing.T) {
			t.Parallel()
			s := start(t, setup{example: "economy"})
			secret := s.register(t, "staging", registration{id: "partner", allotted: map[string][]string{"moves": {"read:moves", "write:moves"}}})
			ask := credentialsOf("partner", secret) + "&audience=urn:moves"
			first := s.token(t, ask)
			if s.token(t, ask) != first {
				t.Fatal("it is not given again at all")
			}
			if err := row.does(t, s, s.environment("staging")); err != nil {
				t.Fatal(err)
			}
			s.settle(t, "staging")
			if err := s.environment("staging").resources.revoked.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.clock.move(time.Second)
			next := s.token(t, ask)
			if (next == first) != row.again {
				t.Errorf("given again: %v", next == first)
			}
			if got := s.call(t, "/staging/api/moves?limit=1", next); got.code != 200 {
				t.Errorf("the token that is given is not good: %s", got)
			}
			if got := s.call(t, "/staging/api/moves?limit=1", first); (got.code == 200) != row.good {
				t.Errorf("the one of before: %s", got)
			}
		})
	}
}

// TestReuseOfTwoSecrets: each secret has its own token, and the end of one is
// nothing to the other.
func TestReuseOfTwoSecrets(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "economy"})
	e := s.environment("staging")
	leaked := s.register(t, "staging", registration{id: "partner", allotted: map[string][]string{"moves": {"read:moves"}}})
	second, err := e.partners.AddSecret(t.Context(), "partner", partner.NewSecret{}, s.by())
	if err != nil {
		t.Fatal(err)
	}
	s.settle(t, "staging")
	one, other := s.token(t, credentialsOf("partner", leaked)), s.token(t, credentialsOf("partner", second.Secret.Reveal()))
	if one == other {
		t.Fatal("two secrets are given the same token")
	}
	if _, err := e.partners.RevokeSecret(t.Context(), "partner", "s706172746e6572", s.by()); err != nil {
		t.Fatal(err)
	}
	s.settle(t, "staging")
	s.clock.move(time.Second)
	if got := s.token(t, credentialsOf("partner", second.Secret.Reveal())); got != other {
		t.Error("the token of the secret that stays is gone")
	}
	if got := s.ask(t, credentialsOf("partner", leaked)); got.code != 401 {
		t.Errorf("the revoked secret: %s", got)
	}
	if got := s.call(t, "/staging/api/moves?limit=1", one); got.code != 401 {
		t.Errorf("its token: %s", got)
	}
}

// TestEconomyIsTold: what is given again, and what is refused, is counted apart;
// and the scopes that calls need are noted.
func TestEconomyIsTold(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "economy"})
	e := s.environment("staging")
	ask := credentialsOf("partner", s.register(t, "staging", registration{id: "partner", allotted: map[string][]string{"moves": {"read:moves", "write:moves"}}}))
	token := s.token(t, ask)
	s.token(t, ask)
	s.token(t, ask+"&scope=read:moves")
	s.token(t, ask+"&scope=write:moves")
	s.clock.move(55 * time.Minute)
	for range 3 {
		s.token(t, ask) // one anew, since too little is left, and twice that one
	}
	if got := s.call(t, "/staging/api/moves?limit=1", token); got.code != 200 {
		t.Fatal(got)
	} else {
		s.logged(got) // and so it is recorded
	}
	if got := s.ask(t, ask+"&scope=write:moves"); got.code != 200 {
		t.Fatal(got)
	}
	if got := s.ask(t, ask+"&scope=read:moves"); got.code != 429 {
		t.Fatal(got)
	}
	published := httptest.NewRecorder()
	s.server.Operations().ServeHTTP(published, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{
		`grantway_tokens_issued_total{api="moves",environment="staging"} 5`, `grantway_tokens_reused_total{api="moves",environment="staging"} 3`,
		`grantway_refusals_total{environment="staging",reason="too-many-tokens"} 1`,
	} {
		if !strings.Contains(published.Body.String(), line+"\n") {
			t.Errorf("the metrics do not say %s", line)
		}
	}
	if err := e.resources.activity.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	tallies, err := e.resources.store.Activity().Tallies(t.Context(), store.TallyQuery{Client: "partner", Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, one := range tallies {
		counts[one.Event+one.Refusal] += one.Count
	}
	if counts["token.issued"] != 5 || counts["token.reused"] != 3 || counts["too-many-tokens"] != 1 {
		t.Error(counts)
	}
	unused, err := e.partners.Unused(t.Context(), "partner")
	if err != nil || len(unused["moves"]) != 1 || !strings.HasPrefix(unused["moves"][0], "write") {
		t.Error(unused, err)
	}
}
