package store

import (
	"context"
	"time"
)

// What a Revocation can be about; a key, RevokedKey, too. Kinds are compared with
// the ids: the client "a" and the account "a" have nothing to do with each other.
const (
	RevokedToken   = "token"   // the token with this jti
	RevokedGrant   = "grant"   // every token that hangs on the grant
	RevokedSecret  = "secret"  // every token that the secret obtained
	RevokedClient  = "client"  // every token that the client obtained
	RevokedAccount = "account" // every token about the account, of whatever client
)

// A Revocation ends tokens before they expire. It is written by the step that
// causes it (Clients.Disable, Secrets.Revoke) in the same transaction, or by
// itself (Revocations.Revoke).
type Revocation struct {
	Seq          int64 // of the change it came with
	Kind         string
	ID           string
	IssuedBefore time.Time // tokens issued up to here are ended
	ForgetAt     time.Time // no token it is about lives longer; zero: never forget
}

// Revocations remembers what was revoked.
type Revocations interface {
	// Revoke ends what r is about and writes "token.revoked", or another noun by
	// r.Kind. Revoking the same again writes it again and ends nothing more. The
	// Seq of r is not looked at.
	Revoke(ctx context.Context, r Revocation, by By) error

	// Ensure is Revoke for what was said while the store did not answer, and may
	// be said to it several times: when what is stored ends as much, and is kept
	// as long, nothing happens.
	Ensure(ctx context.Context, r Revocation, by By) error

	// Since returns the revocations that came with changes after seq and are not
	// to be forgotten yet, oldest first.
	Since(ctx context.Context, seq int64, now time.Time) ([]Revocation, error)
}
