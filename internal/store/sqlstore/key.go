package sqlstore

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/grantway/grantway/internal/store"
)

type keys struct{ *Store }

// That there is one active key and one standby is kept by two unique indexes; the
// statements below never ask first.
const (
	isStandby = ` activated_at = 0 AND removed_at = 0`
	isActive  = ` activated_at <> 0 AND retired_at = 0 AND removed_at = 0`
)

var (
	insertKey = sentence(`INSERT INTO {}signing_key
		(id, purpose, algorithm, public, sealed, created_at, activated_at, retired_at, removed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0) ON CONFLICT DO NOTHING`)
	allKeys = sentence(`SELECT id, purpose, algorithm, public, sealed, created_at, activated_at, retired_at, removed_at
		FROM {}signing_key ORDER BY created_at, id`)
	retireKey = sentence(`UPDATE {}signing_key SET retired_at = $4
		WHERE id = $1 AND purpose = $2 AND algorithm = $3 AND` + isActive)
	activateKey = sentence(`UPDATE {}signing_key SET activated_at = $4
		WHERE id = $1 AND purpose = $2 AND algorithm = $3 AND` + isStandby)
	activateStandby = sentence(`UPDATE {}signing_key SET activated_at = $3
		WHERE purpose = $1 AND algorithm = $2 AND` + isStandby)

	// As lockClient: an UPDATE that changes nothing takes the lock on the row.
	lockKey = sentence(`UPDATE {}signing_key SET id = id WHERE id = $1
		RETURNING purpose, algorithm, activated_at, retired_at, removed_at`)
	forgetKey = sentence(`UPDATE {}signing_key SET sealed = $3, removed_at = $2 WHERE id = $1`)
	resealKey = sentence(`UPDATE {}signing_key SET sealed = $2 WHERE id = $1 AND removed_at = 0`)
	countKeys = sentence(`SELECT COUNT(*) FROM {}signing_key WHERE removed_at = 0`)
	noKey     = []byte{} // nil would be NULL
)

// Create implements store.Keys.
func (s keys) Create(ctx context.Context, k store.Key, by store.By) error {
	err := s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
		return &fact{kind: "key.created", id: k.ID, detail: map[string]any{
			"purpose": k.Purpose, "algorithm": k.Algorithm, "state": k.State(),
		}}, insertOne(ctx, t, &k)
	})
	if err != nil {
		return fmt.Errorf("create key: %w", err)
	}
	return nil
}

// insertOne stores a key that is active or a standby.
func insertOne(ctx context.Context, t transaction, k *store.Key) error {
	if err := checkTimes(k.CreatedAt, k.ActivatedAt); err != nil {
		return err
	}
	return fresh(t.exec(ctx, insertKey, k.ID, k.Purpose, k.Algorithm, append(noKey, k.Public...), append(noKey, k.Sealed...),
		micros(k.CreatedAt), micros(k.ActivatedAt)))
}

// List implements store.Keys.
func (s keys) List(ctx context.Context) ([]store.Key, error) {
	var all []store.Key
	err := s.db.read(ctx, allKeys, func(scan scanFunc) error {
		var (
			k                                    store.Key
			created, activated, retired, removed int64
		)
		err := scan(&k.ID, &k.Purpose, &k.Algorithm, &k.Public, &k.Sealed, &created, &activated, &retired, &removed)
		k.CreatedAt, k.ActivatedAt, k.RetiredAt, k.RemovedAt = instant(created), instant(activated), instant(retired), instant(removed)
		all = append(all, k)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return all, nil
}

// Rotate implements store.Keys.
func (s keys) Rotate(ctx context.Context, r store.Rotation, by store.By) error {
	err := error(store.ErrConflict)
	if storable(r.From) && storable(r.To) && storable(r.Purpose) && storable(r.Algorithm) {
		err = s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
			// The lock on the row of the active key lets one node through.
			if err := fresh(t.exec(ctx, retireKey, r.From, r.Purpose, r.Algorithm, micros(by.At))); err != nil {
				return nil, err
			}
			if err := fresh(t.exec(ctx, activateKey, r.To, r.Purpose, r.Algorithm, micros(by.At))); err != nil {
				return nil, err
			}
			standby := r.Standby
			standby.Purpose, standby.Algorithm, standby.ActivatedAt = r.Purpose, r.Algorithm, instant(0)
			return &fact{kind: "key.rotated", id: r.To, detail: map[string]any{
				"purpose": r.Purpose, "algorithm": r.Algorithm, "from": r.From, "standby": standby.ID,
			}}, insertOne(ctx, t, &standby)
		})
	}
	if err != nil {
		return fmt.Errorf("rotate key: %w", err)
	}
	return nil
}

// Remove implements store.Keys.
func (s keys) Remove(ctx context.Context, r store.Removal, by store.By) error {
	err := s.end(ctx, r.ID, by, func(ctx context.Context, t transaction, k *store.Key) (*fact, error) {
		// Its tokens are ended whatever time they say: who has the key writes any.
		f := &fact{kind: "key.removed", ends: &store.Revocation{
			Kind: store.RevokedKey, ID: r.ID, IssuedBefore: r.Forget, ForgetAt: r.Forget,
		}}
		state := k.State()
		f.detail = map[string]any{"purpose": k.Purpose, "algorithm": k.Algorithm, "state": state}
		if state == store.KeyActive {
			if _, err := t.exec(ctx, activateStandby, k.Purpose, k.Algorithm, micros(by.At)); err != nil {
				return nil, err
			}
		}
		if state == store.KeyRetired || r.Standby.ID == "" {
			return f, nil
		}
		standby := r.Standby
		standby.Purpose, standby.Algorithm, standby.ActivatedAt = k.Purpose, k.Algorithm, instant(0)
		f.detail["standby"] = standby.ID
		return f, insertOne(ctx, t, &standby)
	})
	if err != nil {
		return fmt.Errorf("remove key: %w", err)
	}
	return nil
}

// Erase implements store.Keys.
func (s keys) Erase(ctx context.Context, id string, by store.By) error {
	err := s.end(ctx, id, by, func(_ context.Context, _ transaction, k *store.Key) (*fact, error) {
		if k.State() != store.KeyRetired {
			return nil, store.ErrConflict
		}
		return &fact{kind: "key.erased"}, nil
	})
	if err != nil {
		return fmt.Errorf("erase key: %w", err)
	}
	return nil
}

// end makes a key gone while holding the lock on its row, and then takes the step
// that goes with it. A key that is gone already is left alone.
func (s keys) end(ctx context.Context, id string, by store.By, step func(context.Context, transaction, *store.Key) (*fact, error)) error {
	if !storable(id) {
		return store.ErrNotFound
	}
	return s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
		k := store.Key{ID: id}
		var activated, retired, removed int64
		known, err := one(ctx, t, lockKey, []any{id}, &k.Purpose, &k.Algorithm, &activated, &retired, &removed)
		if err != nil {
			return nil, err
		}
		if !known {
			return nil, store.ErrNotFound
		}
		k.ActivatedAt, k.RetiredAt, k.RemovedAt = instant(activated), instant(retired), instant(removed)
		if k.State() == store.KeyGone {
			return nil, nil
		}
		if _, err := t.exec(ctx, forgetKey, id, micros(by.At), noKey); err != nil {
			return nil, err
		}
		f, err := step(ctx, t, &k)
		if err != nil {
			return nil, err
		}
		f.id = id
		return f, nil
	})
}

// Reseal implements store.Keys.
func (s keys) Reseal(ctx context.Context, sealed map[string][]byte, by store.By) error {
	ids := slices.Sorted(maps.Keys(sealed))
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{id, append(noKey, sealed[id]...)}
	}
	err := s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
		changed, err := t.execEach(ctx, resealKey, rows)
		for i := range changed {
			err = fresh(changed[i], err)
		}
		if err != nil {
			return nil, err
		}
		var all int
		if _, err := one(ctx, t, countKeys, nil, &all); err != nil {
			return nil, err
		}
		if all != len(ids) {
			return nil, store.ErrConflict
		}
		return &fact{kind: "key.resealed", detail: map[string]any{"keys": ids}}, nil
	})
	if err != nil {
		return fmt.Errorf("reseal keys: %w", err)
	}
	return nil
}
