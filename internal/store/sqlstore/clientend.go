package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// It takes the lock on the row, as lockClient does.
var lockOwned = sentence(`UPDATE {}client SET id = id WHERE id = $1 AND deleted_at = 0 RETURNING disabled_at, disabled_by, partner`)

// owned is what is known of a client whose row is locked.
type owned struct {
	disabledAt          int64
	disabledBy, partner string
}

// alterOwned changes one client while holding the lock on its row, where it is that
// of whom it is changed for.
func (s clients) alterOwned(ctx context.Context, id string, by store.By,
	step func(context.Context, transaction, *owned) (*fact, error),
) error {
	if !storable(id) {
		return store.ErrNotFound
	}
	return s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
		var is owned
		if err := known(one(ctx, t, lockOwned, []any{id}, &is.disabledAt, &is.disabledBy, &is.partner)); err != nil {
			return nil, err
		}
		if by.Partner != "" && by.Partner != is.partner {
			return nil, store.ErrNotFound
		}
		return step(ctx, t, &is)
	})
}

// forWhom is the detail of a change that a partner makes to what is its own.
func forWhom(by store.By) map[string]any {
	if by.Partner == "" {
		return nil
	}
	return map[string]any{"partner": by.Partner}
}

// Disable implements store.Clients.
func (s clients) Disable(ctx context.Context, id string, forget time.Time, by store.By) error {
	err := s.alterOwned(ctx, id, by, func(ctx context.Context, t transaction, is *owned) (*fact, error) {
		if is.disabledAt != 0 {
			if is.disabledBy == "" || by.Partner != "" {
				return nil, nil
			}
			_, err := t.exec(ctx, setDisabled, id, is.disabledAt, "") // nothing of it is left to end
			return &fact{kind: "client.disabled", id: id, detail: map[string]any{"instead_of": is.disabledBy}}, err
		}
		_, err := t.exec(ctx, setDisabled, id, micros(by.At), by.Partner)
		if err == nil {
			_, err = t.exec(ctx, endGrantsOf, id, micros(by.At))
		}
		return &fact{kind: "client.disabled", id: id, detail: forWhom(by), ends: endsClient(id, forget, by)}, err
	})
	if err != nil {
		return fmt.Errorf("disable client: %w", err)
	}
	return nil
}

// Enable implements store.Clients.
func (s clients) Enable(ctx context.Context, id string, by store.By) error {
	err := s.alterOwned(ctx, id, by, func(ctx context.Context, t transaction, is *owned) (*fact, error) {
		switch {
		case is.disabledAt == 0:
			return nil, nil
		case by.Partner != "" && by.Partner != is.disabledBy:
			return nil, store.ErrConflict
		}
		_, err := t.exec(ctx, setDisabled, id, int64(0), "")
		return &fact{kind: "client.enabled", id: id, detail: forWhom(by)}, err
	})
	if err != nil {
		return fmt.Errorf("enable client: %w", err)
	}
	return nil
}

// Delete implements store.Clients.
func (s clients) Delete(ctx context.Context, id string, forget time.Time, by store.By) error {
	err := s.alterOwned(ctx, id, by, func(ctx context.Context, t transaction, _ *owned) (*fact, error) {
		for _, q := range []statement{forgetClient, forgetSecrets} {
			if _, err := t.exec(ctx, q, id, micros(by.At)); err != nil {
				return nil, err
			}
		}
		_, err := t.exec(ctx, forgetScopes, id)
		return &fact{kind: "client.deleted", id: id, detail: forWhom(by), ends: endsClient(id, forget, by)}, err
	})
	if err != nil {
		return fmt.Errorf("delete client: %w", err)
	}
	return nil
}
