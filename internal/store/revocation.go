package store

import (
	"context"
	"time"
)

// What a Revocation can be about.
const (
	RevokedToken  = "token"  // the token with this jti
	RevokedClient = "client" // every token that the client obtained
	RevokedSecret = "secret" // every token that the secret obtained
)

// A Revocation ends tokens before they expire. It is written by the step that
// causes it (Clients.Disable, Secrets.Revoke) in the same transaction, or by
// itself (Revocations.Revoke).
type Revocation struct {
	Seq          int64 // of the change it came with
	Kind         string
	ID           string
	IssuedBefore time.Time // tokens issued up to here are ended
	ForgetAt     time.Time // no token it is about lives longer
}

// Revocations remembers what was revoked.
type Revocations interface {
	// Revoke ends what r is about and writes "token.revoked", or another noun by
	// r.Kind. Revoking the same again writes it again and ends nothing more. The
	// Seq of r is not looked at.
	Revoke(ctx context.Context, r Revocation, by By) error

	// Since returns the revocations that came with changes after seq and are not
	// to be forgotten yet, oldest first.
	Since(ctx context.Context, seq int64, now time.Time) ([]Revocation, error)
}
