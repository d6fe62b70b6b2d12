package sqlstore

import (
	"context"
	"fmt"

	"github.com/grantway/grantway/internal/store"
)

type keys struct{ *Store }

var (
	insertKey = sentence(`INSERT INTO {}signing_key (id, purpose, algorithm, public, sealed, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`)
	allKeys = sentence(`SELECT id, purpose, algorithm, public, sealed, created_at
		FROM {}signing_key ORDER BY created_at, id`)
)

// Create implements store.Keys.
func (s keys) Create(ctx context.Context, k store.Key, by store.By) error {
	err := s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
		if err := checkTimes(k.CreatedAt); err != nil {
			return nil, err
		}
		// A nil slice would be NULL.
		public, sealed := append([]byte{}, k.Public...), append([]byte{}, k.Sealed...)
		err := fresh(t.exec(ctx, insertKey, k.ID, k.Purpose, k.Algorithm, public, sealed, micros(k.CreatedAt)))
		return &fact{kind: "key.created", id: k.ID, detail: map[string]any{
			"purpose": k.Purpose, "algorithm": k.Algorithm,
		}}, err
	})
	if err != nil {
		return fmt.Errorf("create key: %w", err)
	}
	return nil
}

// List implements store.Keys.
func (s keys) List(ctx context.Context) ([]store.Key, error) {
	var all []store.Key
	err := s.db.read(ctx, allKeys, func(scan scanFunc) error {
		var (
			k       store.Key
			created int64
		)
		err := scan(&k.ID, &k.Purpose, &k.Algorithm, &k.Public, &k.Sealed, &created)
		k.CreatedAt = instant(created)
		all = append(all, k)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return all, nil
}
