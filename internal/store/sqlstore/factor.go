package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type factors struct{ *Store }

// Factors returns how people prove who they are.
func (s *Store) Factors() store.Factors { return factors{s} }

const readFactor = `SELECT id, account_id, kind, name, COALESCE(handle, ''), data, counter, created_at, last_used_at FROM {}factor `

var (
	insertFactor = sentence(`INSERT INTO {}factor (id, account_id, kind, name, handle, data, counter, created_at, last_used_at)
		VALUES ($1, $2, $3, $4, NULLIF($5, ''), $6, $7, $8, $9) ON CONFLICT DO NOTHING`)
	factorsOf     = sentence(readFactor + `WHERE account_id = $1 ORDER BY created_at, id`)
	findPasskey   = sentence(readFactor + `WHERE handle = $1`)
	removeFactor  = sentence(`DELETE FROM {}factor WHERE id = $1 AND account_id = $2`)
	hasFactor     = sentence(`SELECT id FROM {}factor WHERE id = $1 AND account_id = $2`)
	removeFactors = sentence(`DELETE FROM {}factor WHERE account_id = $1 AND kind = $2`)

	// Which of the three fits is decided by the row's own kind, in one statement,
	// so that of many callers one wins.
	useFactor = sentence(`UPDATE {}factor SET counter = $2, last_used_at = CASE WHEN last_used_at < $3 THEN $3 ELSE last_used_at END WHERE id = $1 AND (
		kind = 'password' OR kind IN ('totp', 'passkey') AND counter < $2 OR kind = 'passkey' AND counter = 0 AND $2 = 0)`)
	rehashFactor = sentence(`UPDATE {}factor SET data = $3 WHERE id = $1 AND data = $2 AND kind = 'password'`)
	useRecovery  = sentence(`DELETE FROM {}factor WHERE id = $1 AND kind = 'recovery'`)
)

func factorArgs(f *store.Factor) []any {
	return []any{f.ID, f.AccountID, f.Kind, f.Name, f.Handle, f.Data, f.Counter, micros(f.CreatedAt), micros(f.LastUsedAt)}
}

// Of implements store.Factors.
func (s factors) Of(ctx context.Context, accountID string) ([]store.Factor, error) {
	return listOf(ctx, "read factors", s.read, factorsOf, accountID)
}

// FindPasskey implements store.Factors.
func (s factors) FindPasskey(ctx context.Context, handle string) (store.Factor, error) {
	return find(ctx, "find passkey", s.read, findPasskey, handle)
}

func (s factors) read(ctx context.Context, q statement, args ...any) ([]store.Factor, error) {
	return gather(ctx, s.db, func(scan scanFunc) (store.Factor, error) {
		var (
			f             store.Factor
			created, used int64
		)
		err := scan(&f.ID, &f.AccountID, &f.Kind, &f.Name, &f.Handle, &f.Data, &f.Counter, &created, &used)
		f.CreatedAt, f.LastUsedAt = instant(created), instant(used)
		return f, err
	}, q, args...)
}

// Add implements store.Factors.
func (s factors) Add(ctx context.Context, f store.Factor, by store.By) error {
	err := checkTimes(f.CreatedAt, f.LastUsedAt)
	if err == nil {
		err = s.alterAccount(ctx, f.AccountID, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
			if err := fresh(t.exec(ctx, insertFactor, factorArgs(&f)...)); err != nil {
				return nil, err
			}
			_, err := t.exec(ctx, forgetDevices, f.AccountID, "")
			return &fact{kind: "factor.added", id: f.ID, detail: map[string]any{"account": f.AccountID, "kind": f.Kind}}, err
		})
	}
	if err != nil {
		return fmt.Errorf("add factor: %w", err)
	}
	return nil
}

// Replace implements store.Factors.
func (s factors) Replace(ctx context.Context, accountID, kind string, with []store.Factor, keep string, forget time.Time, by store.By) error {
	rows := make([][]any, len(with))
	var err error
	for i, f := range with {
		f.AccountID = accountID
		rows[i] = factorArgs(&f)
		err = errors.Join(err, checkTimes(f.CreatedAt, f.LastUsedAt))
		if f.Kind != kind {
			err = errors.Join(err, fmt.Errorf("factor %s is of another kind", f.ID))
		}
	}
	if err == nil {
		err = s.alterAccount(ctx, accountID, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
			if _, err := t.exec(ctx, removeFactors, accountID, kind); err != nil {
				return nil, err
			}
			added, err := t.execEach(ctx, insertFactor, rows)
			for i := range added {
				err = fresh(added[i], err)
			}
			if err != nil {
				return nil, err
			}
			changed := &fact{id: accountID}
			if kind == store.FactorPassword {
				changed, err = endAll(ctx, t, "", accountID, keep, forget, by)
			} else {
				_, err = t.exec(ctx, forgetDevices, accountID, "")
			}
			if err != nil {
				return nil, err
			}
			changed.kind, changed.detail = "factor.replaced", map[string]any{"kind": kind}
			return changed, nil
		})
	}
	if err != nil {
		return fmt.Errorf("replace factors: %w", err)
	}
	return nil
}

// Remove implements store.Factors.
func (s factors) Remove(ctx context.Context, accountID, factorID string, stays store.Remainder, by store.By) error {
	err := error(store.ErrNotFound)
	if storable(factorID) {
		err = s.alterAccount(ctx, accountID, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
			if err := found(t.exec(ctx, removeFactor, factorID, accountID)); err != nil {
				return nil, err
			}
			if err := stillHas(ctx, t, accountID, &stays); err != nil {
				return nil, err
			}
			_, err := t.exec(ctx, forgetDevices, accountID, "")
			return &fact{kind: "factor.removed", id: factorID, detail: map[string]any{"account": accountID}}, err
		})
	}
	if err != nil {
		return fmt.Errorf("remove factor: %w", err)
	}
	return nil
}

// stillHas returns store.ErrConflict unless the account, whose row is locked, has
// all of these.
func stillHas(ctx context.Context, t transaction, accountID string, stays *store.Remainder) error {
	var ignored string
	for _, id := range stays.Factors {
		if is, err := one(ctx, t, hasFactor, []any{id, accountID}, &ignored); err != nil || !is {
			return gone(err)
		}
	}
	for _, i := range stays.Identities {
		if is, err := one(ctx, t, hasIdentity, []any{i.Issuer, i.Subject, accountID}, &ignored); err != nil || !is {
			return gone(err)
		}
	}
	return nil
}

func gone(err error) error {
	if err == nil {
		return store.ErrConflict
	}
	return err
}

// Use implements store.Factors.
func (s factors) Use(ctx context.Context, factorID string, counter int64, at time.Time) error {
	err := error(store.ErrSpent)
	if storable(factorID) {
		err = checkTimes(at)
		if err == nil {
			err = s.db.write(ctx, func(ctx context.Context, t transaction) error {
				n, err := t.exec(ctx, useFactor, factorID, counter, micros(at))
				if err == nil && n == 0 {
					n, err = t.exec(ctx, useRecovery, factorID)
				}
				if err == nil && n == 0 {
					err = store.ErrSpent
				}
				return err
			})
		}
	}
	if err != nil {
		return fmt.Errorf("use factor: %w", err)
	}
	return nil
}

// Rehash implements store.Factors.
func (s factors) Rehash(ctx context.Context, factorID, was, now string) error {
	if !storable(factorID) || !storable(was) {
		return nil // no factor has these
	}
	err := s.db.write(ctx, func(ctx context.Context, t transaction) error {
		_, err := t.exec(ctx, rehashFactor, factorID, was, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("rehash factor: %w", err)
	}
	return nil
}
