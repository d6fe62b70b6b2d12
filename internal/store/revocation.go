package store

import (
	"context"
	"time"
)

// What a Revocation can be about.
const (
	RevokedClient = "client" // every token that the client obtained
	RevokedSecret = "secret" // every token that the secret obtained
)

// A Revocation ends tokens before they expire. It is written by the step that
// causes it (Clients.Disable, Secrets.Revoke), in the same transaction.
type Revocation struct {
	Seq          int64 // of the change it came with
	Kind         string
	ID           string
	IssuedBefore time.Time // tokens issued up to here are ended
	ForgetAt     time.Time // no token it is about lives longer
}

// Revocations reads what was revoked.
type Revocations interface {
	// Since returns the revocations that came with changes after seq and are not
	// to be forgotten yet, oldest first.
	Since(ctx context.Context, seq int64, now time.Time) ([]Revocation, error)
}
