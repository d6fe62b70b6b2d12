package store

import "context"

// MarkDev is the mark of a store that `grantway dev` made: its credentials are
// printed in public documents, and `grantway serve` refuses it.
const MarkDev = "dev"

// An About says whose store this is.
type About struct {
	Environment string
	Mark        string // MarkDev or empty
}

// Abouts reads and writes what the store says of itself.
type Abouts interface {
	// Claim makes the store the given environment's. The first claim is kept; a
	// later one that differs in environment or mark changes nothing and returns
	// ErrConflict. It returns what the store says of itself in any case but
	// ErrUnavailable.
	Claim(ctx context.Context, a About) (About, error)
}
