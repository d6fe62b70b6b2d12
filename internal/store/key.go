package store

import (
	"context"
	"time"
)

// A Key is a signing key of this environment, sealed. It begins as a standby,
// which is published and signs nothing; is then active; then retired, which is
// published for as long as a token that it signed can live; and in the end gone.
type Key struct {
	ID        string // the kid (RFC 7517 §4.5), unique in the deployment
	Purpose   string // "access-token"; one key serves one purpose
	Algorithm string // the alg it signs with (RFC 7518 §3.1)
	Public    []byte // its JWK, without private members
	Sealed    []byte // the private key, encrypted under the sealing key; empty once the key is gone

	CreatedAt   time.Time // since when it is published
	ActivatedAt time.Time // since when it signs; zero: it never did
	RetiredAt   time.Time // since when it signs no more, because another one took its place
	RemovedAt   time.Time // since when it is gone
}

// What a Key is at the moment.
const (
	KeyStandby = "standby"
	KeyActive  = "active"
	KeyRetired = "retired"
	KeyGone    = "gone"
)

// State is KeyStandby, KeyActive, KeyRetired or KeyGone.
func (k *Key) State() string {
	switch {
	case !k.RemovedAt.IsZero():
		return KeyGone
	case !k.RetiredAt.IsZero():
		return KeyRetired
	case !k.ActivatedAt.IsZero():
		return KeyActive
	}
	return KeyStandby
}

// A Rotation makes the standby of a purpose and algorithm the active key.
type Rotation struct {
	Purpose   string
	Algorithm string
	From      string // the id of the key that is active now; it is retired
	To        string // the id of the standby
	Standby   Key    // the new one
}

// A Removal makes a key useless at once.
type Removal struct {
	ID      string
	Standby Key       // takes a place that becomes free; the zero Key leaves it empty
	Forget  time.Time // no verifier remembers the key any longer
}

// RevokedKey is the Kind of a Revocation that ends every token signed with the
// key, whatever the token says of when it was issued.
const RevokedKey = "key"

// Keys remembers signing keys. Of a purpose and algorithm there is at any moment
// at most one that is active and at most one that is a standby. A key that was
// ever here stays as a row, without its private part.
type Keys interface {
	// Create stores k as the active key, when it has an ActivatedAt, or as the
	// standby, and writes "key.created". When there is one already, because another
	// node was first, or the id was ever in use, it returns ErrConflict and List
	// has the other node's key.
	Create(ctx context.Context, k Key, by By) error

	// List returns all keys, those that are gone too, oldest first.
	List(ctx context.Context) ([]Key, error)

	// Rotate retires the active key, makes the standby active and stores a new
	// standby, in one step, and writes "key.rotated" for the key that is active
	// then. When From is not the active key or To not the standby, because another
	// node was first, nothing happens and it returns ErrConflict.
	Rotate(ctx context.Context, r Rotation, by By) error

	// Remove makes a key gone at once, whatever it is, and erases its private part.
	// The standby takes the place of an active key, and r.Standby that of the
	// standby. It ends all tokens of the key and writes "key.removed". A key that is
	// gone already stays as it is, without a change; an unknown one returns
	// ErrNotFound.
	Remove(ctx context.Context, r Removal, by By) error

	// Erase makes a retired key gone, whose tokens have all expired, and writes
	// "key.erased". One that is gone already stays as it is, without a change; one
	// in use returns ErrConflict, an unknown one ErrNotFound.
	Erase(ctx context.Context, id string, by By) error

	// Reseal replaces the sealed private parts of all keys that are not gone, by
	// id, in one step, and writes "key.resealed" without an id. When there are
	// others than the given ones, nothing happens and it returns ErrConflict.
	Reseal(ctx context.Context, sealed map[string][]byte, by By) error
}
