package store

import (
	"context"
	"time"
)

// A Key is a signing key of this environment, sealed.
type Key struct {
	ID        string // the kid (RFC 7517 §4.5), unique in the deployment
	Purpose   string // "access-token"; one key serves one purpose
	Algorithm string // the alg it signs with (RFC 7518 §3.1)
	Public    []byte // its JWK, without private members
	Sealed    []byte // the private key, encrypted under the sealing key
	CreatedAt time.Time
}

// Keys remembers signing keys.
type Keys interface {
	// Create stores k and writes "key.created". When a key of the same purpose
	// and algorithm exists, because another node was first, it returns
	// ErrConflict, and List has the other node's key.
	Create(ctx context.Context, k Key, by By) error

	// List returns all keys, oldest first.
	List(ctx context.Context) ([]Key, error)
}
