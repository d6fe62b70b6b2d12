package sqlstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// An alteration changes a thing whose row is locked. disabledAt is 0 while it is not
// disabled.
type alteration func(ctx context.Context, t transaction, disabledAt int64) (*fact, error)

// alterRow runs a step with one row locked, or returns store.ErrNotFound.
func (s *Store) alterRow(ctx context.Context, lock statement, id string, by store.By, step alteration) error {
	if !storable(id) {
		return store.ErrNotFound
	}
	return s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
		var disabledAt int64
		if err := known(one(ctx, t, lock, []any{id}, &disabledAt)); err != nil {
			return nil, err
		}
		return step(ctx, t, disabledAt)
	})
}

// purge runs a statement that forgets at most limit of what ended before a time.
func (s *Store) purge(ctx context.Context, what string, q statement, before time.Time, limit int) (int, error) {
	var n int64
	err := s.db.write(ctx, func(ctx context.Context, t transaction) (err error) {
		n, err = t.exec(ctx, q, micros(before), int64(max(limit, 0)))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	return int(n), nil
}

// touch runs a statement that notes when each of some rows was used last. Its
// further arguments are what each of more says of a row.
func (s *Store) touch(ctx context.Context, what string, q statement, at map[string]time.Time, more ...func(id string) any) error {
	rows := make([][]any, 0, len(at))
	// In one order everywhere, so that two nodes cannot wait for each other.
	for _, id := range slices.Sorted(maps.Keys(at)) {
		if err := checkTimes(at[id]); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if storable(id) {
			row := []any{id, micros(at[id])}
			for _, say := range more {
				row = append(row, say(id))
			}
			rows = append(rows, row)
		}
	}
	return s.each(ctx, what, q, rows)
}

// each runs a statement for each list of arguments, in one transaction.
func (s *Store) each(ctx context.Context, what string, q statement, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	err := s.db.write(ctx, func(ctx context.Context, t transaction) error {
		_, err := t.execEach(ctx, q, rows)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
