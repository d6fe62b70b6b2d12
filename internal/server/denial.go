package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/oauth"
)

// overlap is for a node that hears nothing of the store, which issues tokens for
// five minutes more, and for clocks that differ.
const overlap = 6 * time.Minute

// openDenials reads what was denied in an earlier run and is not in the store.
func (s *Server) openDenials(e *catalogue.Environment, r *resources) (*revocation.Denials, error) {
	return revocation.OpenDenials(revocation.DenialSettings{
		Issuer: issuerOf(e), Path: filepath.Join(s.options.Catalogue.Data, "denials-"+e.Name+".json"),
		Set: r.revoked, Feed: r.feed.Feed, Store: r.store.Revocations(), Keys: &denialKeys{r},
		Life: longestLife(e) + overlap, Now: s.options.Now,
	})
}

// keepDenials writes denials into the store when it answers.
func (s *Server) keepDenials(ctx context.Context, r *resources) {
	r.feed.denials.Run(ctx, func(err error) {
		s.options.Log.LogAttrs(ctx, slog.LevelError, "denials are in force and not stored yet",
			slog.String("environment", r.environment), slog.Any("error", err))
	})
}

// denialKeys are an environment's keys of every purpose: each can be denied.
type denialKeys struct{ of *resources }

func (k *denialKeys) rings() []*keys.Ring { return append(k.of.rings(), k.of.feed.ring) }

// Signer is revocation.DenialKeys'.
func (k *denialKeys) Signer() (*jose.Signer, error) {
	return k.of.feed.ring.SignerAs(jose.ES256, revocation.DenialHeader)
}

// Public is revocation.DenialKeys'.
func (k *denialKeys) Public() []jose.PublicKey { return k.of.feed.ring.Public() }

// Deny is revocation.DenialKeys'.
func (k *denialKeys) Deny(kid string) (err error) {
	for _, ring := range k.rings() {
		err = errors.Join(err, ring.Deny(kid))
	}
	return err
}

// Remove is revocation.DenialKeys'.
func (k *denialKeys) Remove(ctx context.Context, kid string, by store.By) (err error) {
	for _, ring := range k.rings() {
		if err = ring.Remove(ctx, kid, by); !errors.Is(err, store.ErrNotFound) {
			break
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		return k.removeClosed(ctx, kid, by)
	}
	if errors.Is(err, keys.ErrUnread) {
		return nil // it is stored, and the keys are read again when they change
	}
	return err
}

// removeClosed is Remove for the keys of ID tokens while they are not open: nobody
// can sign in yet, after a start, or any more.
func (k *denialKeys) removeClosed(ctx context.Context, kid string, by store.By) error {
	stored, err := k.of.store.Keys().List(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(stored, func(s store.Key) bool { return s.ID == kid && s.Purpose == keys.ID }) {
		return store.ErrNotFound
	}
	by.At = k.of.now()
	return k.of.store.Keys().Remove(ctx, store.Removal{ID: kid, Forget: by.At.Add(24*time.Hour + overlap)}, by)
}

// denials are those of an environment, nil when there is none of that name.
func (s *Server) denials(environment string) *revocation.Denials {
	if r := s.current.Load().resources(environment); r != nil {
		return r.feed.denials
	}
	return nil
}

// errNoToken: what was presented is no token that could be ended.
var errNoToken = errors.New("it is no live token of this environment")

// tokenID is the id of a token and when it ends. An opaque one is looked up in
// the store.
func (s *Server) tokenID(ctx context.Context, environment, presented string) (id string, ends time.Time, err error) {
	for _, e := range s.current.Load().environments {
		if e.Name != environment {
			continue
		}
		found, err := e.introspection.Tokens.Check(ctx, presented)
		if errors.Is(err, oauth.InvalidToken) {
			return "", time.Time{}, fmt.Errorf("%w: %w", errNoToken, err)
		}
		if err != nil {
			return "", time.Time{}, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		return found.ID, found.ExpiresAt.Add(time.Minute), nil
	}
	return "", time.Time{}, errNoToken
}

// FeedAge is how long ago each environment's store last said what is revoked. One
// that never did has the age of the clock itself.
func (s *Server) FeedAge() map[string]time.Duration {
	ages := map[string]time.Duration{}
	for _, e := range s.current.Load().environments {
		ages[e.Name] = s.options.Now().Sub(e.resources.revoked.Heard())
	}
	return ages
}

// FeedAge is how long ago each environment's issuer last said what is revoked, by
// the issuer's clock. One that never did has the age of the clock itself.
func (g *Gateway) FeedAge() map[string]time.Duration {
	ages := map[string]time.Duration{}
	for _, f := range g.current.Load().followers {
		ages[f.environment] = g.options.Now().Sub(f.feed.Status().Heard)
	}
	return ages
}
