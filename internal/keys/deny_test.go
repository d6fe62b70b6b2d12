package keys_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/jose"
)

// TestDeny: without the store, a denied key is neither published nor signed with;
// the standby signs. Reading the store again does not bring it back.
func TestDeny(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "a.db"))
	r := ring(t, settings(t, db.Keys()), jose.ES256)
	active := kid(t, r, jose.ES256)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Deny(active); err != nil {
		t.Fatal(err)
	}
	standby := kid(t, r, jose.ES256)
	if standby == active || strings.Contains(string(r.JWKS()), active) || !strings.Contains(string(r.JWKS()), standby) || len(r.Public()) != 1 {
		t.Errorf("%s was denied, %s signs, published: %s", active, standby, r.JWKS())
	}
	if err := r.Deny(standby); err != nil {
		t.Fatal(err)
	}
	if s, err := r.Signer(jose.ES256); err == nil {
		t.Errorf("%s signs", s.KeyID())
	}
}

// TestDenyOutlivesReading: the store still has the key as the active one; and
// when it is removed there, the standby stays in its place.
func TestDenyOutlivesReading(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "a.db"))
	r := ring(t, settings(t, db.Keys()), jose.ES256)
	active := kid(t, r, jose.ES256)
	if err := r.Deny(active); err != nil {
		t.Fatal(err)
	}
	standby := kid(t, r, jose.ES256)
	for name, step := range map[string]func() error{
		"read":     func() error { return r.Reload(t.Context()) },
		"kept":     func() error { return r.Maintain(t.Context(), by) },
		"removed":  func() error { return r.Remove(t.Context(), active, by) },
		"denied":   func() error { return r.Deny(active) },
		"a nobody": func() error { return r.Deny("nobody") },
	} {
		if err := step(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := kid(t, r, jose.ES256); got != standby || strings.Contains(string(r.JWKS()), active) {
			t.Errorf("%s: %s signs, published: %s", name, got, r.JWKS())
		}
	}
}

// TestSignerAs: the same key under another header.
func TestSignerAs(t *testing.T) {
	r := ring(t, settings(t, open(t, filepath.Join(t.TempDir(), "a.db")).Keys()), jose.ES256)
	header := func(algorithm, kid string) []byte {
		return []byte(`{"typ":"other+jwt","alg":"` + algorithm + `","kid":"` + kid + `"}`)
	}
	s, err := r.SignerAs(jose.ES256, header)
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.Sign(t.Context(), []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parsed.Verify(r.Public()[0]); err != nil || parsed.Type() != "other+jwt" || parsed.KeyID() != kid(t, r, jose.ES256) {
		t.Errorf("%s by %s: %v", parsed.Type(), parsed.KeyID(), err)
	}
	if _, err := r.SignerAs(jose.RS256, header); err == nil {
		t.Error("an algorithm that the ring has not")
	}
}
