package store

import (
	"context"
	"time"
)

// A Request is an authorization request that was found good (RFC 6749 §4.1.1) and
// waits for the person. It is all that the pages know of it.
type Request struct {
	Hash      [32]byte // SHA-256 of its handle
	Browser   [32]byte // SHA-256 of the cookie of the browser that brought it
	ClientID  string
	Asked     []byte // the request as package grant writes it
	CreatedAt time.Time
	EndsAt    time.Time
}

// Requests remembers authorization requests. Grants.Start spends them.
type Requests interface {
	// Save stores r. A hash in use returns ErrConflict.
	Save(ctx context.Context, r Request) error

	// Find returns a request that is neither spent nor past its end; any other
	// returns ErrNotFound.
	Find(ctx context.Context, hash [32]byte, now time.Time) (Request, error)

	// Drop forgets the request: it was refused or denied. Of many calls, and of
	// Grants.Start, exactly one succeeds; the others return ErrSpent. One past its
	// end that nobody purged can be dropped.
	Drop(ctx context.Context, hash [32]byte) error

	// Purge forgets at most limit requests that have reached their end and says
	// how many.
	Purge(ctx context.Context, now time.Time, limit int) (int, error)
}
