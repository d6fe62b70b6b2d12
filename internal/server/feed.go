package server

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/endpoint"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

// A feed tells verifiers elsewhere what is revoked in an environment. It is kept
// over reloads.
type feed struct {
	*revocation.Feed
	ring        *keys.Ring
	denials     *revocation.Denials
	keysChanged chan struct{}
	streams     endpoint.Streams
}

func (s *Server) openFeed(ctx context.Context, e *catalogue.Environment, db *sqlstore.Store) (*feed, error) {
	// Tokens' keys sign no message, and these no token (row G25). What they signed
	// is kept by gateways for an hour at most, and by operators for as long as a
	// denial counts: the usual life is long enough for both.
	ring, err := keys.Open(ctx, keys.Settings{
		Environment: e.Name, Purpose: keys.Feed, Keys: db.Keys(), Seal: s.options.Seal, Header: revocation.FeedHeader, Now: s.options.Now,
		Announce: s.options.Announce,
	}, []jose.Algorithm{jose.ES256}, s.by())
	if err != nil {
		return nil, err
	}
	f := &feed{Feed: revocation.NewFeed(issuerOf(e), db.Revocations(), ring, s.options.Now), ring: ring, keysChanged: make(chan struct{}, 1)}
	if err := f.Refresh(ctx); err != nil {
		return nil, fmt.Errorf("read the revocations: %w", err)
	}
	return f, nil
}

// run feeds, and keeps the keys, until the context ends.
func (f *feed) run(ctx context.Context, s *Server) {
	failed := func(err error) {
		s.options.Log.LogAttrs(ctx, slog.LevelError, "the feed of revocations is not kept", slog.Any("error", err))
	}
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { f.Run(ctx, failed) })
	due := time.NewTicker(time.Minute)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.keysChanged:
		case <-due.C:
		}
		if err := f.ring.Maintain(ctx, s.by()); err != nil && ctx.Err() == nil {
			failed(err) // the next minute tries again
		}
	}
}

// feed is the endpoint of an environment's feed.
func (e *environment) feed(answers *endpoint.Answers) *endpoint.Feed {
	f := e.resources.feed
	return &endpoint.Feed{Clients: e.auth, Feed: f.Feed, Streams: &f.streams, Answers: answers}
}

// hangUp ends the streams of all feeds, so that a server that stops need not
// wait for readers that stay.
func (s *Server) hangUp() {
	for _, e := range s.current.Load().environments {
		e.resources.feed.Close()
	}
}
