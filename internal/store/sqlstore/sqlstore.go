// Package sqlstore keeps what package store describes in SQL: in one SQLite
// file, or in one schema of a PostgreSQL database.
//
// There is one file for each noun, as in package store, and one SQL for both
// databases. What differs stands in sqlite.go and postgres.go: opening, locking,
// retrying, and how writes that wait at the same time share a commit. The tables
// are in migrations/. Whether both keep the contract is tested by package
// storetest.
//
// It answers from the database every time; package cached holds the hot reads in
// memory.
package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// Options are what Open can be told. The zero value is ready for use.
type Options struct {
	// Now tells the time of a migration; nil means time.Now. Every other time
	// comes with the call.
	Now func() time.Time

	// Keep is a role, in letters only, of which the last account stays (store.Accounts);
	// empty: none.
	Keep string
}

// A Store is one environment's store. It offers one small value for each role of
// package store. All of them may be used concurrently.
type Store struct {
	db    database
	feed  *feed
	keep  string
	close func() error
}

// Open opens the store that dsn names and brings its tables up to date:
//
//	sqlite:path/to/file.db            a file, made with mode 0600 in a folder with mode 0700
//	postgres://user@host/db#schema    a schema, made if it is missing; "grantway" without a fragment
//
// All PostgreSQL stores of one process whose dsn differs in the fragment only
// share one pool of connections. A store written by a newer version is refused.
// An error wraps store.ErrUnavailable when trying again may help.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	var (
		db  database
		err error
	)
	scheme, rest, _ := strings.Cut(dsn, ":")
	switch scheme {
	case "sqlite":
		db, err = openSQLite(ctx, rest, o.Now)
	case "postgres", "postgresql":
		db, err = openPostgres(ctx, dsn, o.Now)
	default:
		// The dsn may hold a password, so it is not repeated.
		err = errors.New(`a store is named "sqlite:path/to/file.db" or "postgres://…#schema"`)
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{db: db, feed: newFeed(db), keep: o.Keep}
	s.close = sync.OnceValue(func() error {
		s.feed.close()
		return s.db.close()
	})
	return s, nil
}

// Close ends the store. Calls that are under way are finished; later ones return
// store.ErrUnavailable. Closing again does nothing.
func (s *Store) Close() error { return s.close() }

// Ping asks whether the database answers; if not, it returns
// store.ErrUnavailable.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.feed.ask(ctx)
	return err
}

// Clients returns the clients.
func (s *Store) Clients() store.Clients { return clients{s} }

// PartnerClients returns the clients of one partner.
func (s *Store) PartnerClients() store.PartnerClients { return clients{s} }

// Secrets returns the clients' secrets.
func (s *Store) Secrets() store.Secrets { return secrets{s} }

// Keys returns the signing keys.
func (s *Store) Keys() store.Keys { return keys{s} }

// Tokens returns the opaque access tokens.
func (s *Store) Tokens() store.Tokens { return tokens{s} }

// Revocations returns what was revoked.
func (s *Store) Revocations() store.Revocations { return revocations{s} }

// Changes returns the changes.
func (s *Store) Changes() store.Changes { return changes{s} }

// History searches the changes.
func (s *Store) History() store.History { return changes{s} }

// Abouts returns what the store says of itself.
func (s *Store) Abouts() store.Abouts { return abouts{s} }
