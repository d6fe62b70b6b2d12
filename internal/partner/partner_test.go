package partner

import (
	"context"
	"crypto/rand"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

var (
	today = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	anna  = store.By{Actor: "anna", Trace: "0123"}
)

// A fixture is an environment with a real store.
type fixture struct {
	*Clients
	db     *sqlstore.Store
	now    time.Time
	synced atomic.Int32
}

func open(t *testing.T) *fixture {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "staging.db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	check, err := secret.NewChecker(rand.Reader, secret.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{db: db, now: today}
	f.Clients = &Clients{
		Environment: staging(), Store: db.Clients(), Secrets: db.Secrets(), Check: check, Random: rand.Reader,
		Partners: db.PartnerClients(), ScopeUses: db.ScopeUses(),
		Now:  func() time.Time { return f.now },
		Sync: func(context.Context) error { f.synced.Add(1); return nil },
	}
	return f
}

func staging() *catalogue.Environment {
	issuer, _ := url.Parse("https://auth.staging.example")
	return &catalogue.Environment{
		Name: "staging", Issuer: issuer, Base: issuer,
		APIs: []*catalogue.API{
			{
				Name: "notes", Audience: "https://api.staging.example/notes", Token: catalogue.Token{Lifetime: time.Hour},
				Scopes: []*catalogue.Scope{
					{Name: "https://scopes.example/notes.read", Aliases: []string{"read-notes"}},
					{Name: "https://scopes.example/notes.write"},
					{Name: "https://scopes.example/admin"},
				},
			},
			{
				Name: "moves", Audience: "https://api.staging.example/moves", Token: catalogue.Token{Lifetime: 10 * time.Minute},
				Scopes: []*catalogue.Scope{{Name: "moves:read"}, {Name: "moves:admin"}, {Name: "shared", Aliases: []string{"read-notes"}}},
			},
			{Name: "status", Audience: "https://api.staging.example/status", Token: catalogue.Token{Lifetime: time.Hour}},
		},
		Clients: []catalogue.Client{{
			ID: "nightly-sync", Name: "Nightly sync", Grants: []string{"client_credentials"},
			Allotted: map[string][]string{"moves": {"moves:read"}}, Verifier: "sha256:AAAA",
		}},
	}
}

// wanted is a client that nothing is wrong with.
func wanted() New { return New{Name: "Acme nightly export", Scopes: []string{"moves:read"}} }

// created registers the wanted client.
func (f *fixture) created(t *testing.T) Result {
	t.Helper()
	made, err := f.Create(t.Context(), wanted(), anna)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// accepts reports whether the store's verifier of a secret takes the text.
func (f *fixture) accepts(t *testing.T, clientID, secretID, text string) bool {
	t.Helper()
	client, err := f.db.Clients().Find(t.Context(), clientID)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range client.Secrets {
		if s.ID != secretID {
			continue
		}
		v, err := secret.Parse(s.Verifier)
		if err != nil {
			t.Fatal(err)
		}
		ok, err := f.Check.Check(t.Context(), s.ID, v, text)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	return false
}
