package store

import (
	"context"
	"time"
)

// Marks remember how far those have come who pass on what happened here, each by a
// name, such as "changes". One process at a time passes on: it holds the mark.
type Marks interface {
	// Hold returns where a mark stands, 0 for one that nobody moved yet, and keeps
	// it for the holder until the given time, or until it moves it. While another
	// one holds it, it returns where it stands and ErrConflict. It writes no change.
	Hold(ctx context.Context, name, holder string, now, until time.Time) (int64, error)

	// Move moves a mark and keeps it until the given time; now or before lets go.
	// When somebody else has held it since, it returns ErrConflict and the mark
	// stays. It writes no change.
	Move(ctx context.Context, name, holder string, to int64, now, until time.Time) error

	// At returns where a mark stands, and when it was moved to there; 0 and the zero
	// time for one that nobody moved.
	At(ctx context.Context, name string) (int64, time.Time, error)
}
