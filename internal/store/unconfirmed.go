package store

import (
	"context"
	"time"
)

// An Unconfirmed is what a stranger asks for, before they have shown that the
// address is theirs. Nobody decides on it, and it is no AccessRequest yet.
type Unconfirmed struct {
	Hash    [32]byte // SHA-256 of what the link in their mail holds
	Request AccessRequest
	Network string // from which it comes; empty: unknown
	EndsAt  time.Time
}

// UnconfirmedRequests remembers what strangers have not confirmed.
type UnconfirmedRequests interface {
	// Add stores u and writes no change. Where ofAddress requests under its address, in
	// whatever case, are open or wait here already, it stores nothing and returns ErrSpent.
	// Of more than most that wait here, the oldest go. A hash or an id in use returns
	// ErrConflict.
	Add(ctx context.Context, u Unconfirmed, ofAddress, most int) error

	// Find returns the request of a hash; ErrNotFound where there is none, or it has
	// ended by now.
	Find(ctx context.Context, hash [32]byte, now time.Time) (AccessRequest, error)

	// Confirm makes an open request of it, once, and writes "access.asked". As for Ask,
	// with its own network, too many open ones are ErrSpent, and it can be confirmed later. An unknown hash, or
	// one whose request has ended by by.At, returns ErrNotFound.
	Confirm(ctx context.Context, hash [32]byte, limits AccessLimits, by By) (AccessRequest, error)

	// Count says how many have not ended.
	Count(ctx context.Context, now time.Time) (int, error)

	// Purge forgets at most limit that ended before the given time, and says how many.
	Purge(ctx context.Context, before time.Time, limit int) (int, error)
}
