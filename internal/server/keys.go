package server

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

// openKeys opens the signing keys of an environment.
func (s *Server) openKeys(ctx context.Context, e *catalogue.Environment, stored store.Keys) (*keys.Ring, error) {
	return keys.Open(ctx, keys.Settings{
		Environment: e.Name, Purpose: keys.AccessToken, Keys: stored, Seal: s.options.Seal,
		Header: dialect.Find(e.Dialect).Header, Now: s.options.Now,
		Lifetime: longestLife(e), Announce: s.options.Announce,
	}, algorithms(e), s.by())
}

// longestLife is how long a token of the environment may live. The catalogue of an
// hour ago may have let tokens live longer than that of now does, so it is as long
// as a production server allows, at least.
func longestLife(e *catalogue.Environment) time.Duration {
	longest := 24 * time.Hour
	for _, api := range e.APIs {
		longest = max(longest, api.Token.Lifetime)
	}
	return longest
}

// noteKeys says that the stored keys may be others now. It never blocks.
func (r *resources) noteKeys() {
	for _, changed := range []chan struct{}{r.keysChanged, r.feed.keysChanged} {
		select {
		case changed <- struct{}{}:
		default: // it has been said, and not been heard yet
		}
	}
}

// keepKeys reads the keys when they change, and does once a minute what is due
// for them. What fails is tried again soon: a removed key must not stay in use
// because the store did not answer once.
func (s *Server) keepKeys(ctx context.Context, r *resources) {
	const soon, often = 250 * time.Millisecond, time.Minute
	again := soon
	due := time.NewTimer(time.Second) // keys may have changed before the changes were followed
	defer due.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-r.keysChanged:
			if err = r.eachRing(func(k *keys.Ring) error { return k.Reload(ctx) }); err == nil {
				continue
			}
		case <-due.C:
			if err = r.eachRing(func(k *keys.Ring) error { return k.Maintain(ctx, s.by()) }); err == nil {
				again = soon
				due.Reset(often)
				continue
			}
		}
		if ctx.Err() != nil {
			return
		}
		s.options.Log.LogAttrs(ctx, slog.LevelError, "signing keys not kept", slog.String("issuer", r.issuer), slog.Any("error", err))
		due.Reset(again)
		again = min(2*again, often)
	}
}

// ring is the keys that sign an environment's tokens, nil when there is no
// environment of that name.
func (s *Server) ring(environment string) *keys.Ring { return s.rings(environment, keys.AccessToken) }

// rings is the keys of an environment that serve a purpose, nil when there are
// none.
func (s *Server) rings(environment, purpose string) *keys.Ring {
	r := s.current.Load().resources(environment)
	switch {
	case r == nil:
		return nil
	case purpose == keys.AccessToken:
		return r.ring
	case purpose == keys.Feed:
		return r.feed.ring
	case purpose == keys.Audit:
		return r.audit.ring
	case purpose == keys.ID && r.people.Load() != nil:
		return r.people.Load().ids
	}
	return nil
}

// A Resealing is what Reseal did to one environment.
type Resealing struct {
	Environment     string
	Sealed, Removed int // keys
}

// Reseal puts the signing keys of all environments under another sealing key,
// while no server runs on their stores. Each environment is done in one step, and
// all of it can be done again after an interruption: done are those that were. A
// nil old sealing key is lost: keys that were sealed with it are removed, and the
// next start makes new ones. It returns keys.ErrSealed where a key was sealed with
// neither.
func Reseal(ctx context.Context, c *catalogue.Catalogue, old, next *keys.Seal, now func() time.Time) (done []Resealing, err error) {
	for _, e := range c.All() {
		one, err := reseal(ctx, e, old, next, now)
		if err != nil {
			return done, fmt.Errorf("environment %s: %w", e.Name, err)
		}
		done = append(done, one)
	}
	return done, nil
}

func reseal(ctx context.Context, e *catalogue.Environment, old, next *keys.Seal, now func() time.Time) (_ Resealing, err error) {
	db, err := sqlstore.Open(ctx, e.Store, sqlstore.Options{Now: now})
	if err != nil {
		return Resealing{}, err
	}
	defer func() {
		if closed := db.Close(); err == nil {
			err = closed
		}
	}()
	by := store.By{Actor: "command line", At: now()}
	// A store that belongs to another environment is not touched.
	if claimed, err := db.Abouts().Claim(ctx, store.About{Environment: e.Name}); err != nil {
		return Resealing{}, foreign(e.Name, "", claimed, err)
	}
	r := keys.Rekeying{Environment: e.Name, Keys: db.Keys(), Old: old, New: next}
	sealed, removed, err := r.Do(ctx, by)
	return Resealing{Environment: e.Name, Sealed: sealed, Removed: removed}, err
}
