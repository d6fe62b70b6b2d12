package token

import (
	"context"
	"errors"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
)

// leeway is how much longer than its tokens a grant's end is remembered, for
// verifiers whose clocks are behind.
const leeway = time.Minute

// spend spends what was presented and keeps what was made, in one step. It returns
// the refresh token to answer with, empty when none is issued.
func (i *Issuer) spend(ctx context.Context, a *Authorization, kept *store.Token, expires time.Time) (string, error) {
	s, now := a.Spend, i.Now()
	r := store.Redemption{
		GrantID: s.GrantID, Generation: s.Generation, Token: kept, Grace: i.People.Life.Grace, Forget: expires.Add(leeway),
	}
	if s.Refresh {
		r.Refresh = now.Add(i.People.Life.Idle)
		if !s.EndsAt.IsZero() && s.EndsAt.Before(r.Refresh) {
			r.Refresh = s.EndsAt
		}
	}
	generation, err := i.People.Grants.Commit(ctx, r, by(ctx, a, now))
	if err != nil {
		return "", i.over(ctx, s, err)
	}
	if generation == 0 {
		return "", nil
	}
	return i.People.Refresh.Text(s.GrantID, generation).Reveal(), nil
}

// Void spends what was presented beside a wrong proof: its grant ends, and nothing
// is issued. It returns an error of the store alone, which is the answer then.
func (i *Issuer) Void(ctx context.Context, a Authorization) error {
	now := i.Now()
	_, err := i.People.Grants.Commit(ctx, store.Redemption{
		GrantID: a.Spend.GrantID, Generation: a.Spend.Generation, Failed: true, Forget: now.Add(i.People.Longest + leeway),
	}, by(ctx, &a, now))
	if err != nil && !errors.Is(err, store.ErrSpent) && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return i.People.Seen(ctx)
}

// over turns the end of what was presented into its refusal.
func (i *Issuer) over(ctx context.Context, s *Spend, err error) error {
	if !errors.Is(err, store.ErrSpent) && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if seen := i.People.Seen(ctx); seen != nil {
		return seen // the tokens have ended, and this node may not know yet
	}
	if s.Generation == 0 {
		return refusal.CodeSpent.From(err) // rows C01, C02
	}
	return refusal.RefreshReused.From(err) // row F01
}

// by says that the client did it.
func by(ctx context.Context, a *Authorization, now time.Time) store.By {
	return store.By{Actor: a.ClientID, Trace: activity.Of(ctx).Trace, At: now}
}
