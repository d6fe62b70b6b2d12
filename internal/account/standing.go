package account

import (
	"context"
	"fmt"
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
	means, err := s.Means(ctx, who.AccountID)
	if err != nil {
		return Verdict{}, err
	}
	return Judge(Standing{Means: means, Proven: who.Proven, Remembered: remembered, Required: s.Required, Now: s.Now()}, w), nil
}

// Means returns with what an account's person could prove who they are.
func (s *Strength) Means(ctx context.Context, accountID string) (Means, error) {
	factors, err := s.Factors.Of(ctx, accountID)
	if err != nil {
		return Means{}, err
	}
	identities, err := s.Identities.Of(ctx, accountID)
	if err != nil {
		return Means{}, err
	}
	return MeansOf(factors, identities), nil
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
