package account

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// Strength puts before [Judge] what the store knows of an account.
type Strength struct {
	Factors    store.Factors
	Identities store.Identities
	Required   bool // the environment wants two factors of everybody
	Now        func() time.Time
}

// A Signed is a person who has proven something: in a session, or on the way to
// one.
type Signed struct {
	AccountID string
	SessionID string // empty before there is one
	Proven    []Proof
}

// SignedIn returns who is signed in in a session.
func SignedIn(s store.Session) Signed {
	return Signed{AccountID: s.AccountID, SessionID: s.ID, Proven: ProvenIn(s)}
}

// Judge asks [Judge] about a person. Remembered says that the browser is one of
// the account's ([Devices.Known]).
func (s *Strength) Judge(ctx context.Context, who Signed, remembered bool, w Wish) (Verdict, error) {
	factors, identities, err := held(ctx, s.Factors, s.Identities, who.AccountID)
	if err != nil {
		return Verdict{}, err
	}
	proven := who.Proven
	if who.SessionID == "" {
		proven = standing(proven, factors, identities)
	}
	return Judge(Standing{Means: MeansOf(factors, identities), Proven: proven, Remembered: remembered, Required: s.Required, Now: s.Now()}, w), nil
}

// Means returns with what an account's person could prove who they are.
func (s *Strength) Means(ctx context.Context, accountID string) (Means, error) {
	factors, identities, err := held(ctx, s.Factors, s.Identities, accountID)
	return MeansOf(factors, identities), err
}

// held is all that somebody signs in with.
func held(ctx context.Context, factors store.Factors, identities store.Identities, accountID string) ([]store.Factor, []store.Identity, error) {
	all, err := factors.Of(ctx, accountID)
	if err != nil {
		return nil, nil, err
	}
	elsewhere, err := identities.Of(ctx, accountID)
	return all, elsewhere, err
}

// standing are the proofs of half a sign-in that still stand: what they were proven
// with is there. Whoever knew a password that was replaced since, or taken away, does
// not go on with it. A session that survives such a change says so itself.
func standing(proven []Proof, factors []store.Factor, identities []store.Identity) []Proof {
	has := func(kind string, at time.Time) bool {
		return slices.ContainsFunc(factors, func(f store.Factor) bool { return f.Kind == kind && !at.Before(f.CreatedAt.Add(-time.Second)) })
	}
	return slices.DeleteFunc(slices.Clone(proven), func(p Proof) bool {
		switch p.Method {
		case Password:
			return !has(store.FactorPassword, p.At)
		case Passkey:
			return !has(store.FactorPasskey, p.At)
		case TOTP:
			return !has(store.FactorTOTP, p.At)
		case Provider:
			return len(identities) == 0
		}
		return false // a recovery code is gone once it is used
	})
}

// sensitive returns ErrStepUp unless the person has just proven all that is to be
// proven for a sensitive change (row P15). Setup lets somebody through who must set
// up a second factor and has none yet.
func (s *Strength) sensitive(ctx context.Context, who Signed, setup bool) error {
	v, err := s.Judge(ctx, who, false, Wish{Sensitive: true})
	if err != nil {
		return err
	}
	if !v.Enough && !(setup && len(v.SetUp) > 0) {
		return fmt.Errorf("change how to sign in: %w", ErrStepUp)
	}
	return nil
}
