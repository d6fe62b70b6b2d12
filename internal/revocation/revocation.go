// Package revocation knows which tokens have ended before their time, in memory,
// so that a check costs a few map lookups and no database.
//
// What ends a token is a change in the store (store.Revocation); this package
// follows the changes. It does not revoke: the steps that disable a client or
// revoke a secret do. The one exception is a denial, which ends tokens while the
// store does not answer, and is written there when it does.
package revocation

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// A Source says what was revoked. It is the part of store.Revocations that is
// read.
type Source interface {
	Since(ctx context.Context, seq int64, now time.Time) ([]store.Revocation, error)
}

// A Set is what is revoked in one environment. It is safe for concurrent use;
// the zero value is not ready, use New.
type Set struct {
	from Source
	now  func() time.Time

	reading sync.Mutex // readings of the store follow each other

	mu      sync.RWMutex
	entries map[entry]until
	seq     int64
	reread  bool      // what comes next is of another history
	heard   time.Time // when the store last answered
	swept   time.Time // when what is over was last forgotten
}

type entry struct{ kind, id string }

type until struct{ issuedBefore, forgetAt time.Time }

// New returns an empty set; Refresh fills it.
func New(from Source, now func() time.Time) *Set {
	return &Set{from: from, now: now, entries: map[entry]until{}}
}

// Refresh reads what was revoked since the last call, and forgets what no token
// can be about any more. Call it once before tokens are checked, after every
// change, and now and then in between, so that Heard is true. It returns
// store.ErrUnavailable, and then knows what it knew.
func (s *Set) Refresh(ctx context.Context) error {
	s.reading.Lock()
	defer s.reading.Unlock()
	s.mu.Lock()
	seq := s.seq
	if s.reread {
		seq = 0
	}
	s.reread = false // or again, from here on
	s.mu.Unlock()
	now := s.now() // before the reading: what is revoked during it may be missing
	news, err := s.from.Since(ctx, seq, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.reread = s.reread || seq < s.seq
		return err
	}
	if now.Sub(s.swept) >= time.Minute {
		s.swept = now
		maps.DeleteFunc(s.entries, func(_ entry, e until) bool { return !e.forgetAt.IsZero() && now.After(e.forgetAt) })
	}
	for i := range news {
		s.add(&news[i])
		seq = max(seq, news[i].Seq)
	}
	s.seq, s.heard = seq, now
	return nil
}

// add is called under mu. What was known adds to what is new.
func (s *Set) add(r *store.Revocation) {
	key := entry{r.Kind, r.ID}
	e := until{r.IssuedBefore, r.ForgetAt}
	if old, known := s.entries[key]; known {
		e.issuedBefore = later(old.issuedBefore, e.issuedBefore)
		if e.forgetAt.IsZero() || old.forgetAt.IsZero() {
			e.forgetAt = time.Time{}
		} else {
			e.forgetAt = later(old.forgetAt, e.forgetAt)
		}
	}
	s.entries[key] = e
}

// Heard is when the store was last asked and answered, be it that there was
// nothing new; the zero time when it never did. What was revoked up to then is
// known.
func (s *Set) Heard() time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.heard
}

// Deny ends tokens at once, whatever the store says or knows.
func (s *Set) Deny(r store.Revocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(&r)
}

// Reread makes the next Refresh read everything again. Call it when the store has
// come back with fewer changes than it had, restored or failed over: numbers are
// then given a second time. What is known stays known, so that nothing that was
// revoked comes back.
func (s *Set) Reread() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reread = true
}

// A Token is what a token says of itself that a revocation can be about. What
// it does not say is empty.
type Token struct {
	ID       string // jti
	KeyID    string // kid
	GrantID  string // as its jti says
	SecretID string // as its jti says
	ClientID string
	Subject  string // sub; an account's id where GrantID is not empty
	IssuedAt time.Time
}

// Ended reports whether a token has been ended. Tokens say their time in whole
// seconds: one issued in the same second as the revocation counts as issued
// before it. For a key it does not matter what its tokens say.
//
// The subject of a token without a grant is its client, and is not taken for an
// account: the end of the account "a" ends no token of the client "a".
func (s *Set) Ended(t Token) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.entries) == 0 {
		return false
	}
	if _, removed := s.entries[entry{store.RevokedKey, t.KeyID}]; removed && t.KeyID != "" {
		return true
	}
	return s.ended(entry{store.RevokedClient, t.ClientID}, t.IssuedAt) ||
		s.ended(entry{store.RevokedSecret, t.SecretID}, t.IssuedAt) ||
		s.ended(entry{store.RevokedToken, t.ID}, t.IssuedAt) ||
		t.GrantID != "" && (s.ended(entry{store.RevokedGrant, t.GrantID}, t.IssuedAt) ||
			s.ended(entry{store.RevokedAccount, t.Subject}, t.IssuedAt))
}

// KeyEnded reports whether a signing key was removed because somebody else may
// have it.
func (s *Set) KeyEnded(kid string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, removed := s.entries[entry{store.RevokedKey, kid}]
	return removed
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
