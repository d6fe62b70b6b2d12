package store

import (
	"context"
	"time"
)

// A Seal closes a run of changes, so that none of them can be altered, left out
// or put in between without its being seen: its hash is over the one before and
// over every change of the run.
type Seal struct {
	From, Through int64 // the first and the last change, by Seq
	Hash          [32]byte
	Checkpoint    string // the same, signed, as it leaves the machine: a compact JWS
	At            time.Time
}

// Seals remembers seals. Together they cover the changes from the first on,
// without gap and without overlap.
type Seals interface {
	// Append stores s after the last one. When it does not begin right after that
	// one, because another node was first, it returns ErrConflict. It writes no
	// change.
	Append(ctx context.Context, s Seal) error

	// Last returns the newest seal, ErrNotFound when there is none.
	Last(ctx context.Context) (Seal, error)

	// Since returns at most limit seals whose From is after seq, in order.
	Since(ctx context.Context, seq int64, limit int) ([]Seal, error)
}
