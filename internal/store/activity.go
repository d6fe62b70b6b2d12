package store

import (
	"context"
	"time"
)

// A Tally is how often something happened to one client in one hour.
type Tally struct {
	Hour    time.Time // its beginning
	Client  string    // empty: none that is registered
	Secret  string    // the id of the secret that was used; empty where none proved anything
	API     string
	Event   string // "token.issued", "call.passed"; empty for a refusal
	Refusal string // the id of the reason; empty where nothing was refused
	Count   int64
}

// EventTook begins the events of tallies that say how long answers took. They have
// no client, and are asked for by themselves (TallyQuery.Took).
const EventTook = "took."

// A RefusedRequest is one request that was refused, to be found again under its
// trace id.
type RefusedRequest struct {
	Trace   string // 32 hexadecimal digits
	At      time.Time
	Client  string // as in Tally
	Secret  string // as in Tally
	API     string
	Route   string
	Refusal string // the id of the reason
}

// RefusedKept is how many refused requests are kept of each client, and how many
// of all together that no client is known of.
const RefusedKept = 1000

// A TallyQuery says which tallies, and how they are added up.
type TallyQuery struct {
	Client string    // only this one's; empty: everybody's
	API    string    // only this one's; empty: those of all
	Since  time.Time // from the hour that it lies in; zero: from the first
	Until  time.Time // hours that begin before it; zero: to the last
	Days   bool      // add up the hours of a day, in UTC; Hour is the day's beginning then

	Took bool // only how long answers took (EventTook), of which else nothing is returned

	// What is kept apart. The member of what is added up is empty.
	ByClient, BySecret, ByAPI bool

	After Tally // only those that come after it in the order of the answer; zero: all
	Limit int
}

// Activity remembers what happened, added up, and what was refused. It is told in
// batches of what package activity collects; it is not the record of changes.
type Activity interface {
	// Add adds the counts of tallies to those that are there, and stores the
	// refused requests; both or nothing. A refused request with a trace and time
	// that are there already is not stored again. Of each client only the newest
	// RefusedKept are kept. It writes no change.
	Add(ctx context.Context, tallies []Tally, refused []RefusedRequest) error

	// Tallies returns what q asks for, ordered by hour, client, secret, API, event
	// and refusal.
	Tallies(ctx context.Context, q TallyQuery) ([]Tally, error)

	// Refused returns the requests that were refused under a trace id, the oldest
	// first: one, unless the caller of a trusted proxy gave several requests one id.
	// There are at most a hundred. None is ErrNotFound.
	Refused(ctx context.Context, trace string) ([]RefusedRequest, error)

	// RefusedOf returns at most limit refused requests of a client, the newest
	// first; for an empty client, those of all.
	RefusedOf(ctx context.Context, client string, limit int) ([]RefusedRequest, error)

	// Purge forgets at most limit tallies of hours that began before the one time,
	// and at most limit refused requests from before the other, and says how many
	// it forgot in all.
	Purge(ctx context.Context, tallies, refused time.Time, limit int) (int, error)
}
