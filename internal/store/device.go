package store

import (
	"context"
	"time"
)

// A Device is a browser that a person asked to be remembered in, so that the
// second factor is not asked for there again for a while.
type Device struct {
	Hash      [32]byte // SHA-256 of the cookie's handle
	ID        string
	AccountID string
	Name      string // "Firefox on Linux"
	CreatedAt time.Time
	EndsAt    time.Time
}

// Devices remembers devices. Every change of a person's factors forgets them.
type Devices interface {
	// Remember stores d, forgets the account's devices that have reached their end
	// and writes "device.remembered". A hash or id in use returns ErrConflict, an
	// unknown account ErrNotFound.
	Remember(ctx context.Context, d Device, by By) error

	// Find returns the account's device that has not reached its end; another
	// account's, an unknown one and one past its end return ErrNotFound.
	Find(ctx context.Context, accountID string, hash [32]byte, now time.Time) (Device, error)

	// List returns an account's devices that have not reached their end, newest
	// first.
	List(ctx context.Context, accountID string, now time.Time) ([]Device, error)

	// Forget forgets one device, or all with an empty id, and writes
	// "device.forgotten". One that the account does not have returns ErrNotFound;
	// where there was none to forget an empty id changes nothing.
	Forget(ctx context.Context, accountID, id string, by By) error

	// Purge forgets at most limit devices that have reached their end and says how
	// many.
	Purge(ctx context.Context, now time.Time, limit int) (int, error)
}
