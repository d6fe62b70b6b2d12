package keys_test

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
)

func derivation(t *testing.T, s keys.Settings) *keys.Derivation {
	t.Helper()
	s.Purpose = keys.Refresh
	d, err := keys.OpenDerivation(t.Context(), s, rand.Reader, by)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDerivation: the same on every node and after every start and rekeying, and
// another one for whatever differs.
func TestDerivation(t *testing.T) {
	s := settings(t, open(t, filepath.Join(t.TempDir(), "a.db")).Keys())
	ring(t, s) // keys of another purpose are beside it
	first := derivation(t, s).Derive("use", "message")
	if derivation(t, s).Derive("use", "message") != first {
		t.Error("another start derives another")
	}
	does(t, rekeying(t, s.Keys), 1, 0)
	s.Purpose = keys.Refresh
	if _, err := keys.OpenDerivation(t.Context(), s, rand.Reader, by); !errors.Is(err, keys.ErrSealed) {
		t.Errorf("the old sealing key: %v", err)
	}
	s.Seal = seal(t, 2)
	again := derivation(t, s)
	if again.Derive("use", "message") != first {
		t.Error("another sealing key derives another")
	}
	for name, other := range map[string][32]byte{
		"use": again.Derive("uses", "message"), "message": again.Derive("use", "messages"), "split": again.Derive("usem", "essage"),
	} {
		if other == first {
			t.Errorf("another %s derives the same", name)
		}
	}
	elsewhere := settings(t, open(t, filepath.Join(t.TempDir(), "b.db")).Keys())
	if derivation(t, elsewhere).Derive("use", "message") == first {
		t.Error("another environment derives the same")
	}
	// The sealing key is lost, and the key with it.
	r := &keys.Rekeying{Environment: "staging", Keys: s.Keys, New: seal(t, 3)}
	if _, removed, err := r.Do(t.Context(), by); err != nil || removed != 1 {
		t.Fatalf("%d removed, %v", removed, err)
	}
	s.Seal = seal(t, 3)
	if derivation(t, s).Derive("use", "message") == first {
		t.Error("a key that is gone derives")
	}
}

// TestDerivationOfManyNodes: of several that make the key at a time, one does.
func TestDerivationOfManyNodes(t *testing.T) {
	s := settings(t, open(t, filepath.Join(t.TempDir(), "a.db")).Keys())
	s.Purpose = keys.Refresh
	derived := make([][32]byte, 20)
	var all sync.WaitGroup
	for i := range derived {
		all.Go(func() {
			d, err := keys.OpenDerivation(t.Context(), s, rand.Reader, store.By{Actor: "test", At: start})
			if err != nil {
				t.Error(err)
				return
			}
			derived[i] = d.Derive("use", "message")
		})
	}
	all.Wait()
	for _, d := range derived {
		if d != derived[0] {
			t.Error("nodes derive differently")
		}
	}
}
