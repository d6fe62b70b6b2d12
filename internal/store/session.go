package store

import (
	"context"
	"time"
)

// A Session is a browser in which a person has signed in.
type Session struct {
	Hash      [32]byte // SHA-256 of the cookie's handle
	ID        string   // what others may know of it (sid); never the handle, not empty
	AccountID string
	Methods   []string // how the person proved who they are (amr, RFC 8176)
	Agent     string   // the browser, as people call it: "Firefox on Linux"

	CreatedAt       time.Time
	AuthenticatedAt time.Time // of the last proof (auth_time)
	SeenAt          time.Time
	EndsAt          time.Time // whatever happens
}

// Sessions remembers sessions.
type Sessions interface {
	// Start stores s, forgets the session with the hash that it takes the place
	// of (zero: none), and writes "session.started". Grants of the one replaced go
	// on under the new one when both have the same ID and account; else it ends as
	// with End. A hash or an ID in use returns ErrConflict: of many that take the
	// place of one session under its ID, one succeeds. So does the place of a session
	// that has ended: what was signed out of goes on under no new handle. An unknown
	// or disabled account returns ErrNotFound.
	Start(ctx context.Context, s Session, replaces [32]byte, by By) error

	// Find returns the session that was seen within idle before now and has not
	// reached its end. Any other returns ErrNotFound.
	Find(ctx context.Context, hash [32]byte, idle time.Duration, now time.Time) (Session, error)

	// FindByID is Find by the session's ID.
	FindByID(ctx context.Context, id string, idle time.Duration, now time.Time) (Session, error)

	// Seen moves SeenAt forward, never back. It writes no change, and a session
	// that is gone is no error.
	Seen(ctx context.Context, hash [32]byte, at time.Time) error

	// List returns an account's sessions that have not reached their end, the one
	// last seen first.
	List(ctx context.Context, accountID string, now time.Time) ([]Session, error)

	// End forgets the session, ends its grants that are not offline with their
	// tokens until by.At, queues a logout notice for every client that has a grant
	// in it, offline or not, and writes "session.ended". One that the account does
	// not have returns ErrNotFound.
	End(ctx context.Context, accountID, sessionID string, forget time.Time, by By) error

	// Purge forgets at most limit sessions that have reached their end or were not
	// seen since idle before now, each as End does, with the actor "server" and a
	// change of its own, and says how many.
	Purge(ctx context.Context, idle time.Duration, now time.Time, limit int) (int, error)
}
