package store

import (
	"context"
	"time"
)

// An AccessRequest asks the publisher for a client: who asks, for which
// application, in which environment, and for what purpose. It is home's; the
// client that comes of it lies in the environment's store, under an id that is
// chosen beforehand, so that approving can be repeated after a crash.
type AccessRequest struct {
	ID          string
	PartnerID   string // whose it is; empty until a stranger's request is approved
	AccountID   string // who asked; empty for a stranger
	Organised   string // the organisation's name, as a stranger wrote it
	Person      string // the same of the person
	Email       string // where the answer goes
	Environment string
	ClientID    string // that the client will have
	Application string // its name
	Type        string // as of Client
	Redirects   []string
	Wanted      map[string][]string // by API name: scopes
	Purpose     string
	AskedAt     time.Time

	Decision  string              // DecisionApproved, DecisionRefused, DecisionWithdrawn; empty while it is open
	Allowed   map[string][]string // what was approved, a part of Wanted
	Reason    string              // why it was refused or narrowed; people read it
	DecidedBy string
	DecidedAt time.Time
	DoneAt    time.Time // when the client was there
}

// The decisions.
const (
	DecisionApproved  = "approved"
	DecisionRefused   = "refused"
	DecisionWithdrawn = "withdrawn"
)

// A Decision is what becomes of an AccessRequest.
type Decision struct {
	Decision string
	Allowed  map[string][]string
	Reason   string

	// For a stranger's request that is approved: the partner and the account that
	// it belongs to from now on.
	PartnerID, AccountID string
}

// An AccessQuery says which requests. The zero value is all of them.
type AccessQuery struct {
	PartnerID string // only this one's
	AccountID string // only those that this account asked for
	Open      bool   // only those that are undecided, or approved and not done
	Before    string // only those asked before this one, by its id
	Limit     int
}

// AccessLimits are how many open requests of strangers there may be. What is zero is
// not looked at.
type AccessLimits struct {
	Open      int // together
	OfNetwork int // from one network, where it is known

	// Network is from which a request comes. It is kept while the request is undecided.
	Network string
}

// AccessRequests remembers requests for access.
type AccessRequests interface {
	// Ask stores r and writes "access.asked". An id in use returns ErrConflict. When
	// open requests of strangers are as many as the limits say already, another
	// stranger's returns ErrSpent.
	Ask(ctx context.Context, r AccessRequest, limits AccessLimits, by By) error

	// Find returns a request, or ErrNotFound.
	Find(ctx context.Context, id string) (AccessRequest, error)

	// List returns the requests that q asks for, the newest first.
	List(ctx context.Context, q AccessQuery) ([]AccessRequest, error)

	// Decide records what is to become of an open request, forgets its network and writes
	// "access.approved", "access.refused" or "access.withdrawn". The same decision
	// again, as after a crash, changes nothing; another one returns ErrConflict. An
	// unknown one returns ErrNotFound.
	Decide(ctx context.Context, id string, d Decision, by By) error

	// Done records that the client of an approved request is there, and writes
	// "access.done". What is done already changes nothing. One that is not approved
	// returns ErrConflict, an unknown one ErrNotFound.
	Done(ctx context.Context, id string, by By) error

	// Forget erases who asked, and why, in at most limit requests on which it was
	// decided before the given time: organisation, person, e-mail address and purpose.
	// The rest stays. It says how many those were.
	Forget(ctx context.Context, before time.Time, limit int) (int, error)
}
