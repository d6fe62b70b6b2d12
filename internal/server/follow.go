package server

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/clientauth"
	"github.com/grantway/grantway/internal/store"
)

// follow starts what an environment does in the background: it follows the
// changes of its store, keeps its signing keys, writes what happened, and forgets
// what has expired.
func (s *Server) follow(r *resources) {
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	notices := s.newLogoutNotices(r)
	var last int64
	r.clients.OnReset(r.setBack)
	r.clients.OnChange(func(c store.Change) {
		if c.Seq <= last {
			r.setBack()
		}
		last = c.Seq
		if c.Kind == "secret.revoked" || c.Kind == "secret.replaced" {
			s.secrets.Forget(clientauth.Remembered(r.environment, c.Client, c.ID))
		}
		r.feed.Changed()
		notices.noteChange(c)
		if strings.HasPrefix(c.Kind, "key.") {
			r.noteKeys()
		}
		if err := r.revoked.Refresh(ctx); err != nil {
			s.options.Log.LogAttrs(ctx, slog.LevelError, "revocations not read", slog.Any("error", err))
		}
	})
	var all sync.WaitGroup
	all.Go(func() {
		if err := r.clients.Run(ctx); err != nil && ctx.Err() == nil {
			s.options.Log.LogAttrs(ctx, slog.LevelError, "changes not followed", slog.Any("error", err))
		}
	})
	all.Go(func() { s.keepKeys(ctx, r) })
	all.Go(func() { r.feed.run(ctx, s) })
	all.Go(func() { s.keepDenials(ctx, r) })
	all.Go(func() { r.listen(ctx) })
	all.Go(func() { s.keepAudit(ctx, r) })
	all.Go(func() { notices.run(ctx) })
	if r.environment == catalogue.HomeName {
		outbox := s.newPartnerNotices(r)
		s.outbox.Store(outbox)
		all.Go(func() { outbox.run(ctx) })
		all.Go(func() { s.keepPartners(ctx, r) })
	}
	all.Go(func() { s.repeat(ctx, activity.FlushEvery, "activity not written", s.settle(r)) })
	all.Go(func() { s.repeat(ctx, activity.FlushEvery, "use of API tokens not written", r.directory.flush) })
	all.Go(func() {
		s.repeat(ctx, time.Minute, "old records not forgotten", func(ctx context.Context) error {
			return r.purge(ctx, s.current.Load().of(r).idle())
		})
	})
	go func() {
		all.Wait()
		close(r.stopped)
	}()
}

// setBack has all be read again, for the store has gone back to an earlier state: of
// what came since then, nothing may be said that would have it read. It never blocks.
func (r *resources) setBack() {
	r.revoked.Reread()
	r.feed.Reread()
	r.feed.Changed()
	r.noteKeys()
}

// listen asks the store once a second what was revoked, whatever it says of its
// changes: so it is known how old the last word is, and a reading that failed is
// made up for. That the store does not answer is said by who follows the changes.
func (r *resources) listen(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			inTime, cancel := context.WithTimeout(ctx, 5*time.Second)
			_ = r.revoked.Refresh(inTime)
			cancel()
		case <-ctx.Done():
			return
		}
	}
}

// repeat does something at intervals until the context ends, and once more then.
func (s *Server) repeat(ctx context.Context, every time.Duration, failed string, do func(context.Context) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for last := false; !last; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			last = true
		}
		inTime, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		if err := do(inTime); err != nil {
			s.options.Log.LogAttrs(ctx, slog.LevelWarn, failed, slog.Any("error", err))
		}
		cancel()
	}
}

// close stops the background work, lets it write what it holds, and closes the
// store.
func (r *resources) close() error {
	if p := r.people.Load(); p != nil {
		p.pages.close() // first: it waits for changes to be followed
	}
	r.stop()
	<-r.stopped
	return r.store.Close()
}
