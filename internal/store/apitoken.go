package store

import (
	"context"
	"time"
)

// An APIToken is a long-lived credential for a server. A plain one counts and
// limits an application's use; an elevated one also names the person it asks for.
type APIToken struct {
	ID        string
	Hash      [32]byte // SHA-256 of the token
	Hint      string   // its last characters
	Name      string   // the application's
	Elevated  bool
	NeedsUser bool     // good only together with an OAuth token ("authentication required")
	Scope     []string // what an elevated one may do for people
	Addresses []string // networks that an elevated one may come from, as CIDR
	APIs      []string // by name

	CreatedAt  time.Time
	EndsAt     time.Time // zero: it does not end; an elevated one always does
	CreatedBy  string
	ApprovedBy string // the second operator; an elevated one is not good before
	ApprovedAt time.Time
	RevokedAt  time.Time
	LastUsedAt time.Time
}

// Good reports whether the token may be used now.
func (t *APIToken) Good(now time.Time) bool {
	return t.RevokedAt.IsZero() && (t.EndsAt.IsZero() || now.Before(t.EndsAt)) && (!t.Elevated || !t.ApprovedAt.IsZero())
}

// APITokens remembers API tokens.
type APITokens interface {
	// Create stores t and writes "api-token.created". An id or hash in use returns
	// ErrConflict; an elevated one without an end is refused.
	Create(ctx context.Context, t APIToken, by By) error

	// Approve makes an elevated token good and writes "api-token.approved". The
	// actor who created it cannot: that returns ErrConflict, as does approving
	// twice, or one that was revoked. An unknown or plain one returns ErrNotFound.
	Approve(ctx context.Context, id string, by By) error

	// Find returns the token with this hash, good or not, or ErrNotFound.
	Find(ctx context.Context, hash [32]byte) (APIToken, error)

	// List returns at most limit tokens whose ids sort after the given one, in the
	// order of their ids, revoked ones too.
	List(ctx context.Context, after string, limit int) ([]APIToken, error)

	// Revoke ends the token and writes "api-token.revoked". Revoking a revoked one
	// changes nothing. An unknown one returns ErrNotFound.
	Revoke(ctx context.Context, id string, by By) error

	// Used records when tokens were last used, by id. It never moves a time back
	// and writes no change.
	Used(ctx context.Context, at map[string]time.Time) error

	// ActedFor records that an elevated token was used for a person and writes
	// "api-token.acted" with the account's id, once a day (in UTC), token and
	// person; the other calls only read. An unknown token returns ErrNotFound.
	ActedFor(ctx context.Context, id, accountID string, by By) error
}

// APITokenUses reads what APITokens.ActedFor recorded.
type APITokenUses interface {
	// ActedForOf returns for each token that was ever used for a person, by its id,
	// the beginning of the last day (in UTC) on which it was; none is no error.
	ActedForOf(ctx context.Context, accountID string) (map[string]time.Time, error)
}
