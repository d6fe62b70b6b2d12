package store

import (
	"context"
	"time"
)

// An Account is a person who signs in. The row that others point to holds an
// opaque id; what says who the person is lies apart and goes when the account is
// deleted.
type Account struct {
	ID      string // what tokens call the person (sub); never used again
	Name    string // what the person types, as it was chosen
	Key     string // the one spelling of Name that it is found by (RFC 8265 §3.3)
	Roles   []string
	Profile Profile

	CreatedAt  time.Time
	DisabledAt time.Time // zero while the person may sign in
}

// A Profile is what an account says of the person (OpenID Connect Core §5.1).
// Empty members are unknown.
type Profile struct {
	FullName      string `json:"name,omitempty"`
	GivenName     string `json:"given_name,omitempty"`
	FamilyName    string `json:"family_name,omitempty"`
	Email         string `json:"email,omitempty"`
	EmailVerified bool   `json:"email_verified,omitempty"`
	Phone         string `json:"phone_number,omitempty"`
	PhoneVerified bool   `json:"phone_number_verified,omitempty"`
	Address       string `json:"address,omitempty"` // formatted, lines separated by \n
	Locale        string `json:"locale,omitempty"`  // BCP 47
	Zone          string `json:"zoneinfo,omitempty"`
}

// Disabled reports whether the person may not sign in.
func (a *Account) Disabled() bool { return !a.DisabledAt.IsZero() }

// Accounts remembers people. An account's key and its e-mail address, when that
// is verified, are each one account's only.
//
// A store may keep a role: home keeps its owners. The last account that has it and
// is not disabled stays as it is: Describe without the role, SetDisabled and Delete
// return ErrLast and change nothing, also when two lose it at the same time.
type Accounts interface {
	// Create stores a with its factors and writes "account.created". An id that is
	// or ever was in use, or a key or verified address of another account, returns
	// ErrConflict.
	Create(ctx context.Context, a Account, factors []Factor, by By) error

	// Find returns the account, disabled or not. An unknown or deleted one returns
	// ErrNotFound.
	Find(ctx context.Context, id string) (Account, error)

	// FindBy returns the account with this key, else the one with this verified
	// e-mail address, compared without regard to case. None returns ErrNotFound.
	FindBy(ctx context.Context, keyOrEmail string) (Account, error)

	// List returns at most limit accounts whose ids sort after the given one, in
	// the order of their ids.
	List(ctx context.Context, after string, limit int) ([]Account, error)

	// Describe replaces profile and roles and writes "account.described". Where a
	// role is taken away it ends the account's tokens until by.At, so that none
	// outlives the right. Reset links that were sent to another address than the
	// new profile's are spent. An unknown account returns ErrNotFound, a verified
	// address of another account ErrConflict.
	Describe(ctx context.Context, id string, profile Profile, roles []string, forget time.Time, by By) error

	// SetDisabled disables or enables the account and writes "account.disabled" or
	// "account.enabled". Disabling ends its sessions (as Sessions.End does, with
	// their notices), remembered devices, links, grants and tokens until by.At;
	// enabling brings none of them back. What is so already changes nothing. An
	// unknown account returns ErrNotFound.
	SetDisabled(ctx context.Context, id string, disabled bool, forget time.Time, by By) error

	// Delete erases the person: profile, factors, sessions, devices, links,
	// identities, consents, what its grants were asked with and what it is told
	// (notices whose id ends with a slash and its own) go, grants and tokens end,
	// and the id is kept from ever being used again; key and address are free. It
	// writes "account.deleted". An unknown one returns ErrNotFound.
	Delete(ctx context.Context, id string, forget time.Time, by By) error
}
