package store

import (
	"context"
	"time"
)

// A Token is an opaque access token: the record that its holder's string points
// to. JWTs are not stored.
type Token struct {
	Hash      [32]byte // SHA-256 of the token; the token itself is never stored
	ID        string   // what a JWT's jti would be
	ClientID  string
	Subject   string
	Audience  []string
	Scope     []string
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Tokens remembers opaque access tokens.
type Tokens interface {
	// Save stores t. It returns once t is durable. A hash in use returns ErrConflict.
	Save(ctx context.Context, t Token) error

	// Find returns the token. An unknown or expired one returns ErrNotFound.
	Find(ctx context.Context, hash [32]byte, now time.Time) (Token, error)

	// Purge forgets at most limit tokens that expired before the given time and
	// says how many it forgot.
	Purge(ctx context.Context, expired time.Time, limit int) (int, error)
}
