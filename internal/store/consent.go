package store

import (
	"context"
	"time"
)

// A Consent is what a person has allowed a client, so that they are not asked for
// the same again.
type Consent struct {
	AccountID string
	ClientID  string
	Scope     []string
	APIs      []string // at which it was given, by name
	Redirects []string // redirect URIs that it was given with (row B22)
	GivenAt   time.Time
	UsedAt    time.Time // when a grant was last started under it
}

// Consents remembers consents; Grants.Start gives them.
type Consents interface {
	// Find returns what the person has allowed the client, or ErrNotFound.
	Find(ctx context.Context, accountID, clientID string) (Consent, error)

	// List returns an account's consents, the one last used first.
	List(ctx context.Context, accountID string) ([]Consent, error)

	// Withdraw forgets the consent, ends every grant of that person and client
	// with its tokens, and writes "consent.withdrawn" with the account's id. It also ends
	// grants that were given without a remembered consent. Where there is neither
	// it returns ErrNotFound.
	Withdraw(ctx context.Context, accountID, clientID string, forget time.Time, by By) error
}
