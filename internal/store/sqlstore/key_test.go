package sqlstore

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

// The table of signing keys as the first migration made it.
var firstKeys = []statement{
	sentence(`DROP TABLE {}signing_key`),
	sentence(`CREATE TABLE {}signing_key (id TEXT PRIMARY KEY, purpose TEXT NOT NULL, algorithm TEXT NOT NULL,
		public BYTEA NOT NULL, sealed BYTEA NOT NULL, created_at BIGINT NOT NULL, UNIQUE (purpose, algorithm))`),
	sentence(`DROP TABLE {}tally`),
	sentence(`DROP TABLE {}refused`),
	sentence(`DROP TABLE {}logout_notice`),
	sentence(`DROP TABLE {}api_token_use`),
	sentence(`DROP TABLE {}api_token`),
	sentence(`DROP TABLE {}consent`),
	sentence(`DROP TABLE {}grant_`),
	sentence(`DROP TABLE {}request`),
	sentence(`DROP TABLE {}identity`),
	sentence(`DROP TABLE {}link`),
	sentence(`DROP TABLE {}device`),
	sentence(`DROP TABLE {}session`),
	sentence(`DROP TABLE {}factor`),
	sentence(`DROP TABLE {}person`),
	sentence(`DROP TABLE {}account`),
	sentence(`DROP TABLE {}member`),
	sentence(`DROP TABLE {}partner`),
	sentence(`DROP TABLE {}access`),
	sentence(`DROP TABLE {}notice`),
	sentence(`DROP TABLE {}seal`),
	sentence(`DROP TABLE {}replay`),
	sentence(`DROP TABLE {}scope_use`),
	sentence(`DROP TABLE {}mark`),
	sentence(`DROP TABLE {}unconfirmed`),
	sentence(`DROP INDEX {}client_partner`),
	sentence(`DROP INDEX {}secret_expires`),
	sentence(`DROP INDEX {}change_client`),
	sentence(`DROP INDEX {}change_id`),
	sentence(`ALTER TABLE {}secret DROP COLUMN last_used_from`),
	sentence(`ALTER TABLE {}client DROP COLUMN partner`),
	sentence(`ALTER TABLE {}client DROP COLUMN disabled_by`),
	sentence(`ALTER TABLE {}client DROP COLUMN grants_end`),
	sentence(`ALTER TABLE {}client DROP COLUMN sign_in`),
	sentence(`ALTER TABLE {}client DROP COLUMN ended_at`),
	sentence(`DELETE FROM {}migration WHERE number > 1`),
}

var insertFirstKey = sentence(`INSERT INTO {}signing_key (id, purpose, algorithm, public, sealed, created_at)
	VALUES ($1, $2, $3, $4, $5, $6)`)

func TestKeysOfTheFirstTablesSign(t *testing.T) {
	for name, dsn := range map[string]string{
		"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "a.db"), "PostgreSQL": pgtest.Schema(t),
	} {
		t.Run(name, func(t *testing.T) {
			created := time.Unix(1_700_000_000, 0).UTC()
			s, err := Open(t.Context(), dsn, Options{})
			if err != nil {
				t.Fatal(err)
			}
			client := store.Client{ID: "c", Secrets: []store.Secret{{ID: "s", ClientID: "c", LastUsedAt: created, LastUsedFrom: "192.0.2.0/24"}}}
			if err := s.Clients().Create(t.Context(), client, someone()); err != nil {
				t.Fatal(err)
			}
			err = s.db.write(t.Context(), func(ctx context.Context, w transaction) error {
				for _, one := range firstKeys {
					if _, err := w.exec(ctx, one); err != nil {
						return err
					}
				}
				_, err := w.exec(ctx, insertFirstKey, "a", "access-token", "ES256", []byte("public"), []byte("sealed\x00"), micros(created))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s, err = Open(t.Context(), dsn, Options{}); err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			old := store.Key{
				ID: "a", Purpose: "access-token", Algorithm: "ES256", Public: []byte("public"), Sealed: []byte("sealed\x00"),
				CreatedAt: created, ActivatedAt: created,
			}
			standby := store.Key{ID: "b", Purpose: "access-token", Algorithm: "ES256", CreatedAt: created, Public: []byte{1}, Sealed: []byte{2}}
			if err := s.Keys().Create(t.Context(), standby, someone()); err != nil {
				t.Fatal(err)
			}
			all, err := s.Keys().List(t.Context())
			if diff := cmp.Diff([]store.Key{old, standby}, all); diff != "" || err != nil {
				t.Errorf("%v, differs (-want +got):\n%s", err, diff)
			}
			client.Secrets[0].LastUsedFrom = "" // the first tables knew when and not from where
			found, err := s.Clients().Find(t.Context(), "c")
			if diff := cmp.Diff(client.Secrets, found.Secrets); diff != "" || err != nil {
				t.Errorf("%v, differs (-want +got):\n%s", err, diff)
			}
		})
	}
}
