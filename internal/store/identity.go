package store

import "context"

// An Identity says which account is whose at an upstream OpenID provider. Issuer
// and subject together are the key, and nothing else is (row V06).
type Identity struct {
	Issuer    string
	Subject   string
	AccountID string
}

// Identities remembers identities.
type Identities interface {
	// Link stores i and writes "identity.linked". An identity that has an account
	// already returns ErrConflict, an unknown account ErrNotFound.
	Link(ctx context.Context, i Identity, by By) error

	// Find returns the identity with its account, or ErrNotFound.
	Find(ctx context.Context, issuer, subject string) (Identity, error)

	// Of returns an account's identities.
	Of(ctx context.Context, accountID string) ([]Identity, error)

	// Unlink forgets an identity and writes "identity.unlinked". One that the
	// account does not have returns ErrNotFound. Where the account no longer has
	// all that stays names, it forgets nothing and returns ErrConflict.
	Unlink(ctx context.Context, i Identity, stays Remainder, by By) error
}
