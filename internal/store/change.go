package store

import (
	"context"
	"time"
)

// A Change is a fact that altered state. It is written in the transaction that
// it records, so that there is no change without its record and no record
// without its change.
type Change struct {
	Seq    int64 // 1, 2, 3, … in the order of commit, without gaps
	At     time.Time
	Kind   string // "client.created", "secret.revoked": noun, dot, verb
	ID     string // of the client, secret or key it is about
	Client string // whose secret it is, where the kind is a secret's
	Actor  string
	Trace  string
	Detail string // a JSON object; never a secret
}

// Moved is when a change is not made any more, because somebody else came first: it
// then returns ErrMoved, and nothing happened. What is done in several steps is held
// to that until the first of them about the thing is made.
type Moved struct {
	About string  // a thing's id: a change of that id, of that client's secrets or of that account's factors came
	After int64   // after this one
	Of    History // in this store; others pass over it
	Begun bool    // by the store: the first step is made
}

// Changes reads the changes; nodes, caches and feeds follow it.
type Changes interface {
	// Since returns at most limit changes after seq, in order.
	Since(ctx context.Context, seq int64, limit int) ([]Change, error)

	// Last returns the newest change's Seq, 0 when there is none.
	Last(ctx context.Context) (int64, error)

	// Wait returns when there may be changes after seq: at once when there are,
	// else within a quarter of a second of their commit on whatever node. It
	// returns the context's error when that ends first and ErrUnavailable when
	// the store cannot say.
	Wait(ctx context.Context, seq int64) error
}

// A ChangeQuery says which changes. The zero value is all of them.
type ChangeQuery struct {
	About  string // only those of which this is the id, or the client
	Kind   string // only those whose kind begins with it: "secret." or "secret.added"
	Actor  string // only those that this actor made
	Before int64  // only those before this one; 0: from the newest
	Limit  int
}

// History searches the changes.
type History interface {
	// Search returns the changes that q asks for, the newest first.
	Search(ctx context.Context, q ChangeQuery) ([]Change, error)
}
