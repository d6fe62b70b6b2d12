package store

import (
	"context"
	"time"
)

// A ScopeUse is when a client last made a call that needed a scope.
type ScopeUse struct {
	ClientID string
	API      string
	Scope    string
	Day      time.Time // its beginning, in UTC
}

// ScopeUses remembers which of their scopes clients use.
type ScopeUses interface {
	// Used records uses. It never moves a day back, ignores clients that are gone
	// and writes no change.
	Used(ctx context.Context, uses []ScopeUse) error

	// Of returns the uses of a client, ordered by API and scope; none is no error.
	Of(ctx context.Context, clientID string) ([]ScopeUse, error)
}
