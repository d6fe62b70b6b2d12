package keys_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
)

func rekeying(t *testing.T, k store.Keys) *keys.Rekeying {
	return &keys.Rekeying{Environment: "staging", Keys: k, Old: seal(t, 1), New: seal(t, 2)}
}

func does(t *testing.T, r *keys.Rekeying, sealed, removed int) {
	t.Helper()
	s, g, err := r.Do(t.Context(), by)
	if err != nil || s != sealed || g != removed {
		t.Errorf("sealed %d and removed %d, want %d and %d; %v", s, g, sealed, removed, err)
	}
}

func TestRekey(t *testing.T) {
	s := settings(t, open(t, filepath.Join(t.TempDir(), "a.db")).Keys())
	before := ring(t, s, jose.ES256, jose.EdDSA)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(before.Rotate(t.Context(), jose.ES256, true, by))
	must(before.Remove(t.Context(), before.Public()[4].KeyID, by)) // the retired one
	r := rekeying(t, s.Keys)
	does(t, r, 4, 0)
	does(t, r, 0, 0) // as after an interruption

	if _, err := keys.Open(t.Context(), s, nil, by); !errors.Is(err, keys.ErrSealed) {
		t.Errorf("the old sealing key opens: %v", err)
	}
	// A process that still has the old one signs on and makes no key with it.
	must(before.Reload(t.Context()))
	if err := before.Rotate(t.Context(), jose.ES256, true, by); !errors.Is(err, keys.ErrSealed) {
		t.Errorf("error %v", err)
	}
	s.Seal = seal(t, 2)
	after := ring(t, s, jose.ES256, jose.EdDSA)
	if string(after.JWKS()) != string(before.JWKS()) {
		t.Error("the keys are others")
	}
}

// TestRekeyFinishes: a store in which some keys are under the new sealing key.
func TestRekeyFinishes(t *testing.T) {
	s := settings(t, open(t, filepath.Join(t.TempDir(), "a.db")).Keys())
	ring(t, s, jose.ES256)
	newer := s
	newer.Seal, newer.Purpose = seal(t, 2), "id-token"
	ring(t, newer, jose.ES256)
	does(t, rekeying(t, s.Keys), 2, 0)
	s.Seal = seal(t, 2)
	ring(t, s, jose.ES256)
	ring(t, newer, jose.ES256)
}

func TestRekeyWithWrongKeys(t *testing.T) {
	s := settings(t, open(t, filepath.Join(t.TempDir(), "a.db")).Keys())
	before := ring(t, s, jose.ES256)
	r := rekeying(t, s.Keys)
	r.Old = seal(t, 3)
	if _, _, err := r.Do(t.Context(), by); !errors.Is(err, keys.ErrSealed) || !strings.Contains(err.Error(), "neither") {
		t.Errorf("error %v", err)
	}
	r = rekeying(t, s.Keys)
	r.Environment = "production"
	if _, _, err := r.Do(t.Context(), by); !errors.Is(err, keys.ErrSealed) {
		t.Errorf("another environment: error %v", err)
	}
	if string(ring(t, s, jose.ES256).JWKS()) != string(before.JWKS()) {
		t.Error("the keys are others")
	}

	// The old one is lost: what cannot be opened goes, and the next start makes new
	// keys; what the new one opens stays.
	r = rekeying(t, s.Keys)
	r.Old = nil
	does(t, r, 0, 2)
	s.Seal = seal(t, 2)
	after := ring(t, s, jose.ES256)
	if len(after.Public()) != 2 || kid(t, after, jose.ES256) == kid(t, before, jose.ES256) {
		t.Error("a lost key is published")
	}
	does(t, r, 0, 0)
	if string(ring(t, s, jose.ES256).JWKS()) != string(after.JWKS()) {
		t.Error("the keys are others")
	}
}
