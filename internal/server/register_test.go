package server

import (
	"crypto/rand"
	"encoding/hex"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/oauth"
)

// A registration is a client to register; what it leaves out is what a partner
// usually gets.
type registration struct {
	id       string
	secret   string              // empty: a generated one
	allotted map[string][]string // nil: everything
	grants   []string            // nil: client_credentials
	methods  []string
	expires  time.Duration // of the secret, from now; 0: never
	resource bool          // an API that introspects: no grants
	kind     string        // empty: machine
	signIn   store.SignIn
}

// register makes a client and returns its secret.
func (s *site) register(t testing.TB, environment string, r registration) string {
	t.Helper()
	e := s.environment(environment)
	text := secret.Of(r.secret)
	var verifier secret.Verifier
	var err error
	if r.secret == "" {
		if text, err = secret.New(environment, rand.Reader); err == nil {
			verifier, err = secret.FromGenerated(text)
		}
	} else {
		verifier, err = secret.FromChosen(text, rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := store.Client{
		ID: r.id, Name: r.id, Type: store.TypeMachine, Grants: r.grants, AuthMethods: r.methods, Allotted: r.allotted, CreatedAt: begin,
		Secrets: []store.Secret{{ID: "s" + hex.EncodeToString([]byte(r.id)), ClientID: r.id, Verifier: verifier.Encoded(), CreatedAt: begin}},
	}
	c.SignIn = r.signIn
	switch {
	case r.resource:
		c.Type, c.Grants = store.TypeResource, nil
	case r.kind != "":
		c.Type = r.kind
		if r.grants == nil {
			c.Grants = []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}
		}
		if c.Public() {
			c.Secrets = nil
		}
	case r.grants == nil:
		c.Grants = []string{oauth.GrantClientCredentials}
	}
	if r.allotted == nil {
		c.Allotted = map[string][]string{}
		for _, api := range e.Grantable() {
			if api == e.OpenID && r.kind == "" {
				continue
			}
			c.Allotted[api.Name] = []string{}
			for _, scope := range api.Scopes {
				c.Allotted[api.Name] = append(c.Allotted[api.Name], scope.Name)
			}
		}
	}
	if r.expires != 0 && len(c.Secrets) > 0 {
		c.Secrets[0].ExpiresAt = s.clock.Now().Add(r.expires)
	}
	if err := e.resources.store.Clients().Create(t.Context(), c, s.by()); err != nil {
		t.Fatal(err)
	}
	s.settle(t, environment)
	disclosed(text.Reveal())
	return text.Reveal()
}
