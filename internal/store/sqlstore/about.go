package sqlstore

import (
	"context"
	"fmt"

	"github.com/grantway/grantway/internal/store"
)

type abouts struct{ *Store }

var (
	insertAbout = sentence(`INSERT INTO {}about (one, environment, mark) VALUES (1, $1, $2) ON CONFLICT DO NOTHING`)
	readAbout   = sentence(`SELECT environment, mark FROM {}about WHERE one = 1`)
)

// Claim implements store.Abouts.
func (a abouts) Claim(ctx context.Context, about store.About) (store.About, error) {
	var kept store.About
	err := a.db.write(ctx, func(ctx context.Context, t transaction) error {
		if _, err := t.exec(ctx, insertAbout, about.Environment, about.Mark); err != nil {
			return err
		}
		_, err := one(ctx, t, readAbout, nil, &kept.Environment, &kept.Mark)
		return err
	})
	if err != nil {
		return store.About{}, fmt.Errorf("claim the store: %w", err)
	}
	if kept != about {
		return kept, fmt.Errorf("claim the store: %w", store.ErrConflict)
	}
	return kept, nil
}
