package store

import (
	"context"
	"slices"
	"time"
)

// A Partner is an organisation that owns clients. Partners are home's: a client
// of any environment names its partner by id.
type Partner struct {
	ID       string // never used again
	Name     string
	Email    string // where notices go that are nobody's in particular; may be empty
	Homepage string // URL; may be empty
	Verified bool   // we know that it is who it says
	Members  []Member

	CreatedAt  time.Time
	DisabledAt time.Time // zero while its people may use the portal
}

// A Member is a person who acts for a partner.
type Member struct {
	AccountID string // of home
	Role      string // MemberAdmin or MemberDeveloper
	Since     time.Time
}

// What a member may do.
const (
	MemberAdmin     = "admin"     // everything, and say who else is a member
	MemberDeveloper = "developer" // see, try, and make and rotate secrets
)

// Disabled reports whether the partner's people are kept out.
func (p *Partner) Disabled() bool { return !p.DisabledAt.IsZero() }

// Role is what an account may do for the partner, empty for nothing.
func (p *Partner) Role(accountID string) string {
	i := slices.IndexFunc(p.Members, func(m Member) bool { return m.AccountID == accountID })
	if i < 0 {
		return ""
	}
	return p.Members[i].Role
}

// A PartnerQuery says which partners. The zero value is all of them.
type PartnerQuery struct {
	Member string // only those of which this account is a member
	After  string // only those whose ids sort after it
	Limit  int
}

// Partners remembers partners and their members.
type Partners interface {
	// Create stores p with its members and writes "partner.created". An id that is
	// or ever was in use returns ErrConflict. An unknown account among the members
	// returns ErrNotFound.
	Create(ctx context.Context, p Partner, by By) error

	// Find returns the partner with its members, disabled or not. An unknown or
	// deleted one returns ErrNotFound.
	Find(ctx context.Context, id string) (Partner, error)

	// List returns the partners that q asks for, with their members, in the order
	// of their ids.
	List(ctx context.Context, q PartnerQuery) ([]Partner, error)

	// Describe replaces name, e-mail address, homepage and whether it is verified,
	// and writes "partner.described". An unknown one returns ErrNotFound.
	Describe(ctx context.Context, p Partner, by By) error

	// SetDisabled disables or enables the partner and writes "partner.disabled" or
	// "partner.enabled". What is so already changes nothing. An unknown one returns
	// ErrNotFound. Its clients lie in other stores and are the caller's to disable.
	SetDisabled(ctx context.Context, id string, disabled bool, by By) error

	// Delete forgets the partner, its members and its requests, keeps its id from
	// ever being used again, and writes "partner.deleted". An unknown one returns
	// ErrNotFound.
	Delete(ctx context.Context, id string, by By) error

	// SetMember makes the account a member with that role, or none with an empty
	// role, and writes "partner.member" with account and role. What is so already
	// changes nothing. The last admin stays one: taking that role away returns
	// ErrConflict, also when two admins lose it at the same time. An unknown partner
	// or account returns ErrNotFound.
	SetMember(ctx context.Context, id, accountID, role string, by By) error
}
