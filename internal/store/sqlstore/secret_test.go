package sqlstore

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

var countNetworks = sentence(`SELECT COUNT(*) FROM {}secret WHERE last_used_from <> ''`)

// TestForgottenSecretsHaveNoNetwork: from where a secret was used is known as long
// as the secret is there, however it goes.
func TestForgottenSecretsHaveNoNetwork(t *testing.T) {
	for name, dsn := range map[string]string{
		"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "a.db"), "PostgreSQL": pgtest.Schema(t),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(t.Context(), dsn, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			at := time.Unix(1_700_000_000, 0)
			c := store.Client{ID: "c"}
			for _, id := range []string{"revoked", "replaced", "deleted"} {
				c.Secrets = append(c.Secrets, store.Secret{ID: id, LastUsedAt: at, LastUsedFrom: "192.0.2.0/24"})
			}
			for step, do := range []func() error{
				func() error { return s.Clients().Create(t.Context(), c, someone()) },
				func() error { return s.Secrets().Revoke(t.Context(), "c", "revoked", at, someone()) },
				func() error {
					return s.Secrets().Replace(t.Context(), "replaced", store.Secret{ID: "new", ClientID: "c"}, at, someone())
				},
				func() error { return s.Clients().Delete(t.Context(), "c", at, someone()) },
			} {
				if err := do(); err != nil {
					t.Fatal(err)
				}
				known := 0
				if err := s.db.read(t.Context(), countNetworks, func(scan scanFunc) error { return scan(&known) }); err != nil {
					t.Fatal(err)
				}
				if want := 3 - step; known != want {
					t.Errorf("after step %d the networks of %d secrets are known, want %d", step, known, want)
				}
			}
		})
	}
}
