package store

import (
	"context"
	"time"
)

// The kinds of factor.
const (
	FactorPassword = "password" // Data is a verifier as package secret writes it; one at most
	FactorTOTP     = "totp"     // Data is the sealed secret, Counter the last step that was used (RFC 6238 §5.2)
	FactorPasskey  = "passkey"  // Data is the credential as package account writes it, Counter its signature count
	FactorRecovery = "recovery" // Data is a hash; one row for each code, gone when it was used
)

// A Factor is something that a person proves to be who they are with.
type Factor struct {
	ID        string
	AccountID string
	Kind      string
	Name      string // what the person calls it
	Handle    string // a passkey's credential id, base64url; empty for other kinds
	Data      string // never the secret itself
	Counter   int64

	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never
}

// A Remainder names what an account must still have when something else of it is
// removed: ids of factors, and identities, whose AccountID is not looked at. The
// zero value names nothing.
type Remainder struct {
	Factors    []string
	Identities []Identity
}

// Factors remembers how people prove who they are. Add, Replace and Remove also
// forget the account's remembered devices.
type Factors interface {
	// Of returns the account's factors, oldest first; none is no error.
	Of(ctx context.Context, accountID string) ([]Factor, error)

	// FindPasskey returns the passkey with this handle, or ErrNotFound.
	FindPasskey(ctx context.Context, handle string) (Factor, error)

	// Add stores f and writes "factor.added". An unknown account returns
	// ErrNotFound; an id or handle in use, or a second password, ErrConflict.
	Add(ctx context.Context, f Factor, by By) error

	// Replace puts the given factors in place of all that the account has of a
	// kind and writes "factor.replaced". Where the kind is the password, it ends
	// the account's sessions but the one named by keep (a Session's ID; empty:
	// none is kept), its links, all its grants and its tokens until by.At. An
	// unknown account returns ErrNotFound, an id or handle in use, or two
	// passwords, ErrConflict, and a factor of another kind an error of its own.
	Replace(ctx context.Context, accountID, kind string, factors []Factor, keep string, forget time.Time, by By) error

	// Remove forgets one factor and writes "factor.removed". One that the account
	// does not have returns ErrNotFound. Where the account no longer has all that
	// stays names, it forgets nothing and returns ErrConflict, so that of two calls
	// that each count on what the other removes only one succeeds.
	Remove(ctx context.Context, accountID, factorID string, stays Remainder, by By) error

	// Use records that a factor was used. For TOTP the counter must be greater
	// than the stored one; for a passkey too, unless both are zero (WebAuthn §6.1.1);
	// a recovery code is forgotten. Of many calls with one counter or code exactly
	// one succeeds, the others return ErrSpent. It writes no change. One that is
	// gone returns ErrSpent.
	Use(ctx context.Context, factorID string, counter int64, at time.Time) error

	// Rehash puts another hash of the same password in place of the one that was
	// read. It ends nothing and writes no change. A factor that is gone, is no
	// password or has another hash by now stays as it is, and that is no error.
	Rehash(ctx context.Context, factorID, was, now string) error
}
