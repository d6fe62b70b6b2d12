package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type unconfirmedRequests struct{ *Store }

// UnconfirmedRequests returns what strangers ask for and have not confirmed.
func (s *Store) UnconfirmedRequests() store.UnconfirmedRequests { return unconfirmedRequests{s} }

var (
	insertUnconfirmed = sentence(`INSERT INTO {}unconfirmed (hash, id, address, request, asked_at, ends_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`)
	findUnconfirmed  = sentence(`SELECT request FROM {}unconfirmed WHERE hash = $1 AND ends_at > $2`)
	spendUnconfirmed = sentence(`DELETE FROM {}unconfirmed WHERE hash = $1 AND ends_at > $2 RETURNING request`)
	countUnconfirmed = sentence(`SELECT COUNT(*) FROM {}unconfirmed WHERE ends_at > $1`)
	purgeUnconfirmed = sentence(`DELETE FROM {}unconfirmed WHERE hash IN (
		SELECT hash FROM {}unconfirmed WHERE ends_at < $1 ORDER BY ends_at LIMIT $2)`)
	oldestUnconfirmed = sentence(`DELETE FROM {}unconfirmed WHERE hash IN (
		SELECT hash FROM {}unconfirmed ORDER BY asked_at DESC, id DESC LIMIT 1000000 OFFSET $1)`)
	waitingFor = sentence(`SELECT (SELECT COUNT(*) FROM {}unconfirmed WHERE address = $1 AND ends_at > $2)
		+ (SELECT COUNT(*) FROM {}access WHERE stranger = 1 AND decision = '' AND lower(email) = lower($3))`)
)

// asking is the column request.
type asking struct {
	store.AccessRequest
	Network string
}

// Add implements store.UnconfirmedRequests.
func (s unconfirmedRequests) Add(ctx context.Context, u store.Unconfirmed, ofAddress, most int) error {
	r := &u.Request
	err := errors.Join(checkTimes(r.AskedAt, u.EndsAt), checkTexts([]any{
		[]string{r.ID, r.Organised, r.Person, r.Email, r.Environment, r.ClientID, r.Application, r.Type, r.Purpose, u.Network}, r.Redirects, r.Wanted,
	}))
	if err == nil {
		address := strings.ToLower(r.Email)
		err = s.db.write(ctx, func(ctx context.Context, t transaction) error {
			if _, err := t.exec(ctx, lockHead); err != nil { // of two at a time, the second counts the first
				return err
			}
			var has int64
			if _, err := one(ctx, t, waitingFor, []any{address, micros(r.AskedAt), r.Email}, &has); err != nil {
				return err
			}
			if has >= int64(ofAddress) {
				return store.ErrSpent
			}
			err := fresh(t.exec(ctx, insertUnconfirmed, u.Hash[:], r.ID, address, text(asking{*r, u.Network}), micros(r.AskedAt), micros(u.EndsAt)))
			if err == nil {
				_, err = t.exec(ctx, oldestUnconfirmed, int64(most))
			}
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("keep what a stranger asks for: %w", err)
	}
	return nil
}

// Find implements store.UnconfirmedRequests.
func (s unconfirmedRequests) Find(ctx context.Context, hash [32]byte, now time.Time) (store.AccessRequest, error) {
	read := func(ctx context.Context, q statement, args ...any) ([]store.AccessRequest, error) {
		return gather(ctx, s.db, func(scan scanFunc) (store.AccessRequest, error) {
			var column string
			var is asking
			err := scan(&column)
			if err == nil {
				err = list(column, &is)
			}
			return is.AccessRequest, err
		}, q, args...)
	}
	return find(ctx, "find what a stranger asks for", read, findUnconfirmed, hash[:], micros(now))
}

// Confirm implements store.UnconfirmedRequests.
func (s unconfirmedRequests) Confirm(ctx context.Context, hash [32]byte, limits store.AccessLimits, by store.By) (store.AccessRequest, error) {
	var is asking
	err := s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
		var column string
		is = asking{}
		if _, err := t.exec(ctx, lockHead); err != nil { // first, as Add does
			return nil, err
		}
		if err := known(one(ctx, t, spendUnconfirmed, []any{hash[:], micros(by.At)}, &column)); err != nil {
			return nil, err
		}
		if err := list(column, &is); err != nil {
			return nil, err
		}
		limits.Network = is.Network
		return askFor(ctx, t, &is.AccessRequest, limits)
	})
	if err != nil {
		return store.AccessRequest{}, fmt.Errorf("confirm what a stranger asks for: %w", err)
	}
	return is.AccessRequest, nil
}

// Count implements store.UnconfirmedRequests.
func (s unconfirmedRequests) Count(ctx context.Context, now time.Time) (int, error) {
	all, err := gather(ctx, s.db, func(scan scanFunc) (n int64, err error) { return n, scan(&n) }, countUnconfirmed, micros(now))
	if err != nil || len(all) == 0 {
		return 0, fmt.Errorf("count what strangers ask for: %w", err)
	}
	return int(all[0]), nil
}

// Purge implements store.UnconfirmedRequests.
func (s unconfirmedRequests) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.purge(ctx, "forget what strangers did not confirm", purgeUnconfirmed, before, limit)
}
