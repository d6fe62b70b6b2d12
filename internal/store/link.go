package store

import (
	"context"
	"time"
)

// What a Link is for.
const (
	LinkReset  = "reset"  // sets a new password
	LinkVerify = "verify" // shows that an e-mail address is the person's
)

// A Link is a handle that was sent to a person, good once.
type Link struct {
	Hash      [32]byte // SHA-256 of the handle
	Purpose   string
	AccountID string
	Email     string // where it was sent
	CreatedAt time.Time
	EndsAt    time.Time
}

// Links remembers links.
type Links interface {
	// Issue stores l unless the account got as many of its purpose since the
	// given time as most says: then it stores nothing and returns ErrConflict. An
	// unknown or disabled account returns ErrNotFound.
	Issue(ctx context.Context, l Link, since time.Time, most int) error

	// Find returns a link of this purpose that is still good, or ErrNotFound.
	Find(ctx context.Context, hash [32]byte, purpose string, now time.Time) (Link, error)

	// Spend returns the link, which is not good from then on, nor is any other of
	// its purpose and account. Of many calls exactly one succeeds. One that is not
	// good any more returns ErrSpent.
	Spend(ctx context.Context, hash [32]byte, purpose string, now time.Time) (Link, error)

	// Confirm spends a LinkVerify as Spend does and, at once with it, writes down that
	// its address is verified and "account.described". Nothing else of the account
	// changes. A link that is not good any more, or whose address the account has no
	// longer, returns ErrSpent; an address that another account has verified
	// ErrConflict, which spends nothing.
	Confirm(ctx context.Context, hash [32]byte, by By) error

	// Purge forgets at most limit links that had reached their end at the given
	// time and says how many. Issue counts none of them any more, so that time lies
	// as far back as Issue's does.
	Purge(ctx context.Context, ended time.Time, limit int) (int, error)
}
