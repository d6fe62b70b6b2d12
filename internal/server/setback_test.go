package server

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/cached"
)

// changesSetBack are those of a store that fails, and then has fewer than before.
type changesSetBack struct {
	store.Changes
	fell, failed atomic.Bool
}

func (c *changesSetBack) Since(ctx context.Context, seq int64, limit int) ([]store.Change, error) {
	if c.fell.Load() && !c.failed.Swap(true) {
		return nil, store.ErrUnavailable
	}
	return c.Changes.Since(ctx, seq, limit)
}

func (c *changesSetBack) Last(ctx context.Context) (int64, error) {
	last, err := c.Changes.Last(ctx)
	if c.fell.Load() {
		last--
	}
	return last, err
}

// wholeReadings counts how often all revocations are read.
type wholeReadings struct{ atomic.Int64 }

func (w *wholeReadings) Since(_ context.Context, seq int64, now time.Time) ([]store.Revocation, error) {
	if seq != 0 {
		return nil, nil
	}
	w.Add(1)
	return []store.Revocation{{Seq: 5, Kind: store.RevokedToken, ID: "ended", IssuedBefore: now}}, nil
}

// TestAllIsReadAgainOfAStoreSetBack: what another node revoked between the restoring
// of a store and the first look at it bears numbers that were given before.
func TestAllIsReadAgainOfAStoreSetBack(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "mytimetable", api: http.NotFoundHandler()})
	of := s.environment("demo").resources
	changes := &changesSetBack{Changes: of.store.Changes()}
	var checked, fed wholeReadings
	r := &resources{
		environment: of.environment, dsn: of.dsn, issuer: of.issuer, store: of.store, ring: of.ring, audit: of.audit,
		activity: of.activity, directory: of.directory, now: of.now, keysChanged: make(chan struct{}, 1), stopped: make(chan struct{}),
		clients: cached.New(of.store.Clients(), changes, cached.Options{Now: of.now}),
		revoked: revocation.New(&checked, of.now),
		feed: &feed{
			Feed: revocation.NewFeed(of.issuer, &fed, of.feed.ring, of.now), ring: of.feed.ring, denials: of.feed.denials,
			keysChanged: make(chan struct{}, 1),
		},
	}
	s.server.follow(r)
	defer func() {
		r.stop()
		<-r.stopped
	}()
	until(t, "revocations that were read", func() bool { return r.clients.Following() && checked.Load() == 1 && fed.Load() == 1 })
	changes.fell.Store(true)
	until(t, "revocations that were read again", func() bool { return checked.Load() > 1 && fed.Load() > 1 })
}
