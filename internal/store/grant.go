package store

import (
	"context"
	"time"
)

// A Grant is what a person allowed an application, and what its code, refresh
// tokens and access tokens hang on (RFC 6749 §1.3). It exists before its code.
type Grant struct {
	ID        string // stands in the jti of its tokens
	ClientID  string
	AccountID string
	SessionID string // in which it was given
	Offline   bool   // it outlives the session

	Scope           []string
	APIs            []string // names of the APIs that its tokens are for
	Asked           []byte   // what of the request matters later, as package grant writes it: redirect URI, challenge, nonce, claims
	Methods         []string // how the person had proved who they are
	AuthenticatedAt time.Time

	Code    GrantCode
	Refresh GrantRefresh

	CreatedAt time.Time
	EndsAt    time.Time // whatever happens
	EndedAt   time.Time // zero while it is good
}

// A GrantCode is a grant's authorization code.
type GrantCode struct {
	Hash    [32]byte // SHA-256 of the code
	EndsAt  time.Time
	SpentAt time.Time // zero: it has not been presented
}

// A GrantRefresh is where a grant's refresh tokens are. Each is derived from the
// grant's id and its generation, so none is stored.
type GrantRefresh struct {
	Generation int64     // of the newest one, from 1; zero: none was issued
	RotatedAt  time.Time // when the newest was issued
	EndsAt     time.Time // when the newest ends, unless it is used before
}

// A Presented is what somebody brings of a grant.
type Presented struct {
	GrantID string   // the grant of a refresh token; empty: a code was brought
	Code    [32]byte // SHA-256 of the code, spent or not
}

// A Redemption spends what was presented and stores what was made for it, as one
// step.
type Redemption struct {
	GrantID    string
	Generation int64 // of the refresh token presented; zero: the code was

	// Failed says that the proof beside it was wrong (verifier, redirect URI,
	// another client): the code is spent and the grant ended, and nothing issued.
	Failed bool

	Token   *Token        // an opaque access token to keep; nil: none
	Refresh time.Time     // end of the refresh token that is issued; zero: none is, and the one presented stays the newest
	Grace   time.Duration // how long after its successor was issued a refresh token is still good; zero: not at all
	Forget  time.Time     // no access token of the grant lives longer; zero: it is not known
}

// Grants remembers grants.
type Grants interface {
	// Start spends the request with this hash, stores g with its code, remembers
	// the consent (nil: it was remembered already, or is not to be), and writes
	// "grant.started". What a consent was before is replaced; its account and client
	// are those of g, and it is used now. A request that is spent, past its end or
	// another client's returns ErrSpent; an account or client that is unknown or
	// disabled by now, and a session (unless g has none) that the account no longer
	// has, ErrNotFound; an id or code in use ErrConflict. What of g only a
	// redemption or an end sets is not looked at.
	Start(ctx context.Context, request [32]byte, g Grant, c *Consent, by By) error

	// Find returns the grant, ended or not, or ErrNotFound. The end of a client,
	// its being disabled too, is the end of all grants that it had.
	Find(ctx context.Context, id string) (Grant, error)

	// Present returns the grant of what is presented, as Find does, and the account
	// that it is of, disabled or not, both as they are at one moment. The account is
	// nil once it is deleted. What is unknown returns ErrNotFound.
	Present(ctx context.Context, p Presented) (Grant, *Account, error)

	// Commit makes a redemption. Of many calls with the same code exactly one
	// succeeds. A refresh token of the newest generation is followed by the next
	// one; the one before it, within the grace since by.At, succeeds too and
	// changes nothing but storing its access token. Anything older, later or spent
	// ends the grant with every token of it and returns ErrSpent, as does one that
	// has ended or reached an end. A Failed redemption that commits returns nil.
	// It returns the generation of the refresh token to answer with, zero when
	// none is issued. An unknown grant returns ErrNotFound, a token with a hash in
	// use ErrConflict.
	//
	// It writes a change only where it ends a grant ("grant.ended"). The revocation
	// beside it ends all tokens that the grant has, also one whose IssuedAt is after
	// by.At: of two calls with one code the one that loses may have begun first.
	// That is so wherever grants end.
	Commit(ctx context.Context, r Redemption, by By) (generation int64, err error)

	// End ends the grant with every token of it and writes "grant.ended". One that
	// has ended changes nothing. An unknown one returns ErrNotFound.
	End(ctx context.Context, id string, forget time.Time, by By) error

	// List returns an account's grants that have not ended and of which something
	// is still good (the code, the refresh token or an access token), newest first.
	List(ctx context.Context, accountID string, now time.Time) ([]Grant, error)

	// Purge forgets at most limit grants whose last token has reached its end
	// before the given time and says how many.
	Purge(ctx context.Context, ended time.Time, limit int) (int, error)
}
