package store

import (
	"context"
	"time"
)

// A Replay is one request under an idempotency key, so that the same request
// sent again gets its answer instead of being done a second time.
type Replay struct {
	Key     [32]byte // SHA-256 of who asks, the route and the key
	Request [32]byte // SHA-256 of what was asked
	Status  int      // of the answer; 0 while there is none
	Answer  []byte   // never with a secret in it
	At      time.Time
}

// Replays remembers the answers to requests with idempotency keys.
type Replays interface {
	// Begin stores r without an answer. When its key is there already, it returns
	// what is there and ErrConflict.
	Begin(ctx context.Context, r Replay) (Replay, error)

	// Finish stores the answer; with status 0 it forgets the key instead, for a
	// request that did nothing. An unknown key returns ErrNotFound.
	Finish(ctx context.Context, key [32]byte, status int, answer []byte) error

	// Purge forgets at most limit of those from before the given time, and says how
	// many.
	Purge(ctx context.Context, before time.Time, limit int) (int, error)
}
