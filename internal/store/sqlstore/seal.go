package sqlstore

import (
	"context"
	"fmt"

	"github.com/grantway/grantway/internal/store"
)

type seals struct{ *Store }

// Seals returns the seals over the changes.
func (s *Store) Seals() store.Seals { return seals{s} }

const readSeals = `SELECT from_seq, through_seq, hash, checkpoint, at FROM {}seal `

var (
	// It adds nothing unless it begins right after the last one, and the unique
	// columns let one of two through that both do.
	appendSeal = sentence(`INSERT INTO {}seal (from_seq, through_seq, hash, checkpoint, at)
		SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), $3, $4, CAST($5 AS BIGINT)
		WHERE $1 = 1 + COALESCE((SELECT MAX(through_seq) FROM {}seal), 0) AND $2 >= $1 ON CONFLICT DO NOTHING`)
	lastSeal   = sentence(readSeals + `ORDER BY from_seq DESC LIMIT 1`)
	sealsSince = sentence(readSeals + `WHERE from_seq > $1 ORDER BY from_seq LIMIT $2`)
)

// Append implements store.Seals.
func (s seals) Append(ctx context.Context, one store.Seal) error {
	err := checkTimes(one.At)
	if err == nil {
		err = s.db.write(ctx, func(ctx context.Context, t transaction) error {
			return fresh(t.exec(ctx, appendSeal, one.From, one.Through, one.Hash[:], one.Checkpoint, micros(one.At)))
		})
	}
	if err != nil {
		return fmt.Errorf("append seal: %w", err)
	}
	return nil
}

// Last implements store.Seals.
func (s seals) Last(ctx context.Context) (store.Seal, error) {
	return find(ctx, "find last seal", s.read, lastSeal)
}

// Since implements store.Seals.
func (s seals) Since(ctx context.Context, seq int64, limit int) ([]store.Seal, error) {
	all, err := s.read(ctx, sealsSince, seq, int64(max(limit, 0)))
	if err != nil {
		return nil, fmt.Errorf("read seals: %w", err)
	}
	return all, nil
}

func (s seals) read(ctx context.Context, q statement, args ...any) ([]store.Seal, error) {
	return gather(ctx, s.db, func(scan scanFunc) (store.Seal, error) {
		var (
			one  store.Seal
			hash []byte
			at   int64
		)
		err := scan(&one.From, &one.Through, &hash, &one.Checkpoint, &at)
		copy(one.Hash[:], hash)
		one.At = instant(at)
		return one, err
	}, q, args...)
}
