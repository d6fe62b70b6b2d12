// Package revocation knows which tokens have ended before their time, in memory,
// so that a check costs a few map lookups and no database.
//
// What ends a token is a change in the store (store.Revocation); this package
// follows the changes. It does not revoke: the steps that disable a client or
// revoke a secret do.
package revocation

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// A Set is what is revoked in one environment. It is safe for concurrent use;
// the zero value is not ready, use New.
type Set struct {
	from store.Revocations
	now  func() time.Time

	mu      sync.RWMutex
	entries map[entry]until
	seq     int64
	swept   time.Time // when what is over was last forgotten
}

type entry struct{ kind, id string }

type until struct{ issuedBefore, forgetAt time.Time }

// New returns an empty set; Refresh fills it.
func New(from store.Revocations, now func() time.Time) *Set {
	return &Set{from: from, now: now, entries: map[entry]until{}}
}

// Refresh reads what was revoked since the last call, and forgets what no token
// can be about any more. Call it once before tokens are checked and after every
// change. It returns store.ErrUnavailable, and then knows what it knew.
func (s *Set) Refresh(ctx context.Context) error {
	s.mu.RLock()
	seq := s.seq
	s.mu.RUnlock()
	now := s.now()
	news, err := s.from.Since(ctx, seq, now)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.swept) >= time.Minute {
		s.swept = now
		maps.DeleteFunc(s.entries, func(_ entry, e until) bool { return now.After(e.forgetAt) })
	}
	for _, r := range news {
		key := entry{r.Kind, r.ID}
		old := s.entries[key]
		s.entries[key] = until{later(old.issuedBefore, r.IssuedBefore), later(old.forgetAt, r.ForgetAt)}
		s.seq = max(s.seq, r.Seq)
	}
	return nil
}

// Reread makes the next Refresh read everything again. Call it when the store has
// come back with fewer changes than it had, restored or failed over: numbers are
// then given a second time. What is known stays known, so that nothing that was
// revoked comes back.
func (s *Set) Reread() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq = 0
}

// A Token is what a token says of itself that a revocation can be about.
type Token struct {
	ID       string // jti
	ClientID string
	SecretID string
	IssuedAt time.Time
}

// Ended reports whether a token has been ended. Tokens say their time in whole
// seconds: one issued in the same second as the revocation counts as issued
// before it.
func (s *Set) Ended(t Token) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.entries) == 0 {
		return false
	}
	return s.ended(entry{store.RevokedClient, t.ClientID}, t.IssuedAt) ||
		s.ended(entry{store.RevokedSecret, t.SecretID}, t.IssuedAt) ||
		s.ended(entry{store.RevokedToken, t.ID}, t.IssuedAt)
}

func (s *Set) ended(key entry, issued time.Time) bool {
	e, ok := s.entries[key]
	return ok && !issued.After(e.issuedBefore)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
