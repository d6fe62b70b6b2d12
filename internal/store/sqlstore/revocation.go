package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type revocations struct{ *Store }

var (
	insertRevocation = sentence(`INSERT INTO {}revocation (seq, kind, id, issued_before, forget_at)
		VALUES ($1, $2, $3, $4, $5)`)
	revocationsSince = sentence(`SELECT seq, kind, id, issued_before, forget_at
		FROM {}revocation WHERE seq > $1 AND (forget_at = 0 OR forget_at > $2) ORDER BY seq, kind, id`)
	endsAsMuch = sentence(`SELECT seq FROM {}revocation
		WHERE kind = $1 AND id = $2 AND issued_before >= $3 AND (forget_at = 0 OR forget_at >= $4) LIMIT 1`)
)

// Revoke implements store.Revocations.
func (r revocations) Revoke(ctx context.Context, one store.Revocation, by store.By) error {
	return r.revoke(ctx, &one, by, func(context.Context, transaction) (bool, error) { return false, nil })
}

// Ensure implements store.Revocations. Two nodes that do it at the same moment
// may both write, which ends nothing more.
func (r revocations) Ensure(ctx context.Context, ended store.Revocation, by store.By) error {
	return r.revoke(ctx, &ended, by, func(ctx context.Context, t transaction) (bool, error) {
		forget := int64(math.MaxInt64) // never: only one that is never forgotten will do
		if !ended.ForgetAt.IsZero() {
			forget = micros(ended.ForgetAt)
		}
		var seq int64
		return one(ctx, t, endsAsMuch, []any{ended.Kind, ended.ID, micros(ended.IssuedBefore), forget}, &seq)
	})
}

func (r revocations) revoke(ctx context.Context, one *store.Revocation, by store.By, done func(context.Context, transaction) (bool, error)) error {
	err := errors.New("the id cannot be stored")
	if storable(one.ID) && storable(one.Kind) {
		err = r.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
			if is, err := done(ctx, t); err != nil || is {
				return nil, err
			}
			return &fact{kind: one.Kind + ".revoked", id: one.ID, ends: one}, nil
		})
	}
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	return nil
}

// Since implements store.Revocations.
func (r revocations) Since(ctx context.Context, seq int64, now time.Time) ([]store.Revocation, error) {
	var all []store.Revocation
	err := r.db.read(ctx, revocationsSince, func(scan scanFunc) error {
		var (
			one            store.Revocation
			before, forget int64
		)
		err := scan(&one.Seq, &one.Kind, &one.ID, &before, &forget)
		one.IssuedBefore, one.ForgetAt = instant(before), instant(forget)
		all = append(all, one)
		return err
	}, seq, micros(now))
	if err != nil {
		return nil, fmt.Errorf("read revocations: %w", err)
	}
	return all, nil
}

func insert(ctx context.Context, t transaction, seq int64, r *store.Revocation) error {
	if err := checkTimes(r.IssuedBefore, r.ForgetAt); err != nil {
		return err
	}
	_, err := t.exec(ctx, insertRevocation, seq, r.Kind, r.ID, micros(r.IssuedBefore), micros(r.ForgetAt))
	return err
}
