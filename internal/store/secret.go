package store

import (
	"context"
	"time"
)

// A Secret is one of a client's credentials. Several may be live, so that a
// rotation overlaps.
type Secret struct {
	ID       string // alphanumeric; it stands in the jti of every token it obtained
	ClientID string
	Verifier string // what package secret checks a presented secret with; never the secret
	Hint     string // its last characters, for people; empty for an imported hash

	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: it does not expire
	LastUsedAt time.Time // zero: never, as far as was recorded

	// LastUsedFrom is the network from which it was used at LastUsedAt, such as
	// "203.0.113.0/24"; empty: never, or unknown.
	LastUsedFrom string
}

// Live reports whether the secret has not expired.
func (s *Secret) Live(now time.Time) bool {
	return s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt)
}

// Secrets remembers the secrets of clients; Clients.Find returns them.
type Secrets interface {
	// Add stores s for its client and writes "secret.added". An unknown client
	// returns ErrNotFound, a secret id that is or ever was in use ErrConflict.
	Add(ctx context.Context, s Secret, by By) error

	// Revoke forgets the secret, ends every token it obtained, and writes
	// "secret.revoked". One that this client does not have returns ErrNotFound.
	Revoke(ctx context.Context, clientID, secretID string, forget time.Time, by By) error

	// Replace stores s and forgets the secret old of the same client, in one step:
	// the tokens that the old one obtained end, and there is no moment without a
	// secret. It writes "secret.replaced" with both ids. An unknown client or old
	// secret returns ErrNotFound, a secret id that is or ever was in use
	// ErrConflict.
	Replace(ctx context.Context, old string, s Secret, forget time.Time, by By) error

	// Ending returns at most limit secrets that have not expired at now and will
	// before the given time, ordered by their end and id, after the one of that end
	// and id (zero and empty: from the first). They come without verifiers.
	Ending(ctx context.Context, now, before, after time.Time, id string, limit int) ([]Secret, error)

	// Used records when and from where secrets were last used, by secret id. It
	// never moves a time back, takes the network of the latest use with its time,
	// ignores secrets that are gone and writes no change.
	Used(ctx context.Context, uses map[string]SecretUse) error
}

// A SecretUse is when a secret was used, and from where.
type SecretUse struct {
	At   time.Time
	From string // as LastUsedFrom
}
