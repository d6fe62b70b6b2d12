package store

import (
	"context"
	"maps"
	"slices"
	"time"
)

// A Consent is what a person has allowed a client, so that they are not asked for
// the same again.
type Consent struct {
	AccountID string
	ClientID  string
	Allowed   map[string][]string // by API name: the scopes; an API without scopes has an empty list
	Redirects []string            // redirect URIs that it was given with (row B22)
	GivenAt   time.Time
	UsedAt    time.Time // when a grant was last started under it
}

// Scope is what was allowed at whichever API, each scope once and sorted.
func (c *Consent) Scope() []string {
	all := slices.Concat(slices.Collect(maps.Values(c.Allowed))...)
	slices.Sort(all)
	return slices.Compact(all)
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
