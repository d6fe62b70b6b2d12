package sqlstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

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

// touch runs a statement that notes when each of some rows was used last.
func (s *Store) touch(ctx context.Context, what string, q statement, at map[string]time.Time) error {
	rows := make([][]any, 0, len(at))
	// In one order everywhere, so that two nodes cannot wait for each other.
	for _, id := range slices.Sorted(maps.Keys(at)) {
		if err := checkTimes(at[id]); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if storable(id) {
			rows = append(rows, []any{id, micros(at[id])})
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
