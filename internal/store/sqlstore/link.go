package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type links struct{ *Store }

// Links returns the handles that were sent to people.
func (s *Store) Links() store.Links { return links{s} }

var (
	insertLink = sentence(`INSERT INTO {}link (hash, purpose, account_id, email, created_at, ends_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`)
	countLinks = sentence(`SELECT COUNT(*) FROM {}link WHERE account_id = $1 AND purpose = $2 AND created_at >= $3`)
	findLink   = sentence(`SELECT account_id, email, created_at, ends_at FROM {}link
		WHERE hash = $1 AND purpose = $2 AND ends_at > $3 AND spent_at = 0`)
	linkAccount = sentence(`SELECT account_id FROM {}link WHERE hash = $1 AND purpose = $2`)
	spendLink   = sentence(`UPDATE {}link SET spent_at = $3 WHERE hash = $1 AND purpose = $2 AND ends_at > $3 AND spent_at = 0
		RETURNING email, created_at, ends_at`)
	spendOthers    = sentence(`UPDATE {}link SET spent_at = $3 WHERE account_id = $1 AND purpose = $2 AND spent_at = 0`)
	spendElsewhere = sentence(`UPDATE {}link SET spent_at = $3 WHERE account_id = $1 AND purpose = $2 AND spent_at = 0 AND email <> $4`)
	spendAll       = sentence(`UPDATE {}link SET spent_at = $2 WHERE account_id = $1 AND spent_at = 0`)
	accountProfile = sentence(`SELECT profile FROM {}person WHERE account_id = $1`)
	purgeLinks     = sentence(`DELETE FROM {}link WHERE hash IN (
		SELECT hash FROM {}link WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)`)
)

// Issue implements store.Links. The account's row is locked, so that two calls
// cannot both be the last one that is allowed.
func (s links) Issue(ctx context.Context, l store.Link, since time.Time, most int) error {
	err := checkTimes(l.CreatedAt, l.EndsAt, since)
	if err == nil && !storable(l.AccountID) {
		err = store.ErrNotFound
	}
	if err == nil {
		err = s.db.write(ctx, func(ctx context.Context, t transaction) error {
			var disabled, n int64
			if err := known(one(ctx, t, lockAccount, []any{l.AccountID}, &disabled)); err != nil {
				return err
			}
			if disabled != 0 {
				return store.ErrNotFound
			}
			if _, err := one(ctx, t, countLinks, []any{l.AccountID, l.Purpose, micros(since)}, &n); err != nil {
				return err
			}
			if n >= int64(most) {
				return store.ErrConflict
			}
			return fresh(t.exec(ctx, insertLink, l.Hash[:], l.Purpose, l.AccountID, l.Email, micros(l.CreatedAt), micros(l.EndsAt)))
		})
	}
	if err != nil {
		return fmt.Errorf("issue link: %w", err)
	}
	return nil
}

// Find implements store.Links.
func (s links) Find(ctx context.Context, hash [32]byte, purpose string, now time.Time) (store.Link, error) {
	l := store.Link{Hash: hash, Purpose: purpose}
	is := false
	err := s.db.read(ctx, findLink, func(scan scanFunc) error {
		var created, ends int64
		is = true
		err := scan(&l.AccountID, &l.Email, &created, &ends)
		l.CreatedAt, l.EndsAt = instant(created), instant(ends)
		return err
	}, hash[:], purpose, micros(now))
	if err := known(is, err); err != nil {
		return store.Link{}, fmt.Errorf("find link: %w", err)
	}
	return l, nil
}

// Spend implements store.Links. Spent links stay until their end, since Issue
// counts them.
func (s links) Spend(ctx context.Context, hash [32]byte, purpose string, now time.Time) (store.Link, error) {
	var l store.Link
	err := s.db.write(ctx, func(ctx context.Context, t transaction) (err error) {
		l, err = spend(ctx, t, hash, purpose, now)
		return err
	})
	if err != nil {
		return store.Link{}, fmt.Errorf("spend link: %w", err)
	}
	return l, nil
}

func spend(ctx context.Context, t transaction, hash [32]byte, purpose string, now time.Time) (store.Link, error) {
	l := store.Link{Hash: hash, Purpose: purpose}
	var created, ends, disabled int64
	is, err := one(ctx, t, linkAccount, []any{hash[:], purpose}, &l.AccountID)
	if err == nil && is {
		// The account is locked before its links, here as everywhere.
		is, err = one(ctx, t, lockAccount, []any{l.AccountID}, &disabled)
	}
	if err == nil && is {
		is, err = one(ctx, t, spendLink, []any{hash[:], purpose, micros(now)}, &l.Email, &created, &ends)
	}
	if err == nil && (!is || disabled != 0) {
		err = store.ErrSpent
	}
	if err != nil {
		return l, err
	}
	l.CreatedAt, l.EndsAt = instant(created), instant(ends)
	_, err = t.exec(ctx, spendOthers, l.AccountID, purpose, micros(now))
	return l, err
}

// Confirm implements store.Links.
func (s links) Confirm(ctx context.Context, hash [32]byte, by store.By) error {
	err := s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
		l, err := spend(ctx, t, hash, store.LinkVerify, by.At)
		if err != nil {
			return nil, err
		}
		var (
			written string
			roles   []string
			profile store.Profile
		)
		if err := known(one(ctx, t, accountProfile, []any{l.AccountID}, &written)); err != nil {
			return nil, err
		}
		if err := list(written, &profile); err != nil {
			return nil, err
		}
		if profile.Email != l.Email {
			return nil, store.ErrSpent
		}
		if err := known(one(ctx, t, accountRoles, []any{l.AccountID}, &written)); err != nil {
			return nil, err
		}
		if err := list(written, &roles); err != nil {
			return nil, err
		}
		profile.EmailVerified = true
		if _, err := redescribe(ctx, t, l.AccountID, &profile, roles); err != nil {
			return nil, err
		}
		return &fact{kind: "account.described", id: l.AccountID, detail: map[string]any{"roles": roles}}, nil
	})
	if err != nil {
		return fmt.Errorf("confirm address: %w", err)
	}
	return nil
}

// Purge implements store.Links.
func (s links) Purge(ctx context.Context, ended time.Time, limit int) (int, error) {
	return s.purge(ctx, "purge links", purgeLinks, ended, limit)
}
