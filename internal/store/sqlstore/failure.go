package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/grantway/grantway/internal/store"
)

// unavailable makes store.ErrUnavailable of what a database driver returned.
// Every error of a driver is one: what the contract promises to tell (not found,
// already exists) is read from what a statement did, never from an error.
func unavailable(err error) error {
	switch {
	case err == nil, errors.Is(err, store.ErrUnavailable):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	// The text of a PostgreSQL error can repeat a value, its code cannot.
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Errorf("%w: PostgreSQL answered %s", store.ErrUnavailable, pg.Code)
	}
	return fmt.Errorf("%w: %v", store.ErrUnavailable, err)
}
