package server

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/clientauth"
	"github.com/grantway/grantway/internal/store"
)

// follow starts what an environment does in the background: it follows the
// changes of its store, keeps its signing keys, writes when secrets were last
// used, and forgets tokens that have expired.
func (s *Server) follow(r *resources) {
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	var last int64
	r.clients.OnChange(func(c store.Change) {
		if c.Seq <= last {
			r.revoked.Reread() // the store was set back
			r.feed.Reread()
		}
		last = c.Seq
		if c.Kind == "secret.revoked" {
			s.secrets.Forget(clientauth.Remembered(r.environment, c.Client, c.ID))
		}
		r.feed.noteChange(c)
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
	all.Go(func() { s.repeat(ctx, 5*time.Second, "last use not written", r.used.write) })
	all.Go(func() { s.repeat(ctx, time.Minute, "expired tokens not forgotten", r.purge) })
	go func() {
		all.Wait()
		close(r.stopped)
	}()
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
	r.stop()
	<-r.stopped
	return r.store.Close()
}

// purge forgets expired opaque tokens, some at a time so that no request waits
// for it long.
func (r *resources) purge(ctx context.Context) error {
	for {
		const some = 1000
		n, err := r.store.Tokens().Purge(ctx, r.now(), some)
		if err != nil || n < some {
			return err
		}
	}
}

// lastUsed collects when secrets were last used. What a crash loses is bounded
// by the interval at which it is written.
type lastUsed struct {
	secrets store.Secrets
	mu      sync.Mutex
	at      map[string]time.Time
}

// note says that a secret was used then; an older time changes nothing.
func (l *lastUsed) note(secretID string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at == nil {
		l.at = map[string]time.Time{}
	}
	if l.at[secretID].Before(at) {
		l.at[secretID] = at
	}
}

func (l *lastUsed) write(ctx context.Context) error {
	l.mu.Lock()
	at := l.at
	l.at = nil
	l.mu.Unlock()
	if len(at) == 0 {
		return nil
	}
	err := l.secrets.Used(ctx, at)
	if err != nil {
		for id, t := range at { // the next round writes it
			l.note(id, t)
		}
	}
	return err
}
