package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/grantway/grantway/internal/store"
)

// A readFunc reads what a statement finds.
type readFunc[T any] func(ctx context.Context, q statement, args ...any) ([]T, error)

// find returns the one that the statement reads, or store.ErrNotFound. Its errors
// begin with what was being done.
func find[T any](ctx context.Context, what string, read readFunc[T], q statement, args ...any) (T, error) {
	all, err := read(ctx, q, args...)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		var none T
		return none, fmt.Errorf("%s: %w", what, err)
	}
	return all[0], nil
}

// listOf returns what belongs to an account: nothing where no account can have such
// an id. Its errors begin with what was being done.
func listOf[T any](ctx context.Context, what string, read readFunc[T], q statement, accountID string, more ...any) ([]T, error) {
	all, err := read(ctx, q, append([]any{accountID}, more...)...)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return all, nil
}

// page returns at most limit of what comes after an id. Its errors begin with what
// was being done.
func page[T any](ctx context.Context, what string, read readFunc[T], q statement, after string, limit int) ([]T, error) {
	all, err := read(ctx, q, after, int64(max(limit, 0)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return all, nil
}

// gather reads the rows of a statement, each with row.
func gather[T any](ctx context.Context, db database, row func(scan scanFunc) (T, error), q statement, args ...any) ([]T, error) {
	var all []T
	err := db.read(ctx, q, func(scan scanFunc) error {
		one, err := row(scan)
		all = append(all, one)
		return err
	}, args...)
	return all, err
}
