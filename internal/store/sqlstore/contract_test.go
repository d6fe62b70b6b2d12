package sqlstore_test

import (
	"path/filepath"
	"testing"

	"github.com/grantway/grantway/internal/store/sqlstore"
	"github.com/grantway/grantway/internal/store/storetest"
	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func open(t testing.TB, dsn string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), dsn, sqlstore.Options{Keep: storetest.Kept})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func roles(s *sqlstore.Store) storetest.Roles {
	return storetest.Roles{
		Clients: s.Clients(), Secrets: s.Secrets(), Keys: s.Keys(), Tokens: s.Tokens(),
		Revocations: s.Revocations(), Changes: s.Changes(), Abouts: s.Abouts(), Activity: s.Activity(),
		Accounts: s.Accounts(), Factors: s.Factors(), Sessions: s.Sessions(), Devices: s.Devices(), Links: s.Links(),
		Identities: s.Identities(), Requests: s.Requests(), Grants: s.Grants(), Consents: s.Consents(),
		APITokens: s.APITokens(), APITokenUses: s.APITokenUses(), LogoutNotices: s.LogoutNotices(),
		Partners: s.Partners(), AccessRequests: s.AccessRequests(), Unconfirmed: s.UnconfirmedRequests(), Notices: s.Notices(), Seals: s.Seals(), Replays: s.Replays(),
		ScopeUses: s.ScopeUses(), PartnerClients: s.PartnerClients(), History: s.History(), Marks: s.Marks(), Close: s.Close,
	}
}

func sqliteFile(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "store.db") }

// databases are the two that every test must pass on.
var databases = map[string]func(testing.TB) string{"SQLite": sqliteFile, "PostgreSQL": pgtest.Schema}

func TestContract(t *testing.T) {
	for name, dsn := range databases {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Opener {
				dsn := dsn(t)
				return func(t *testing.T) storetest.Roles { return roles(open(t, dsn)) }
			})
		})
	}
}
