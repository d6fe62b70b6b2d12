package sqlstore

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type replays struct{ *Store }

// Replays returns the answers to requests with idempotency keys.
func (s *Store) Replays() store.Replays { return replays{s} }

var (
	insertReplay = sentence(`INSERT INTO {}replay (key, request, status, answer, at) VALUES ($1, $2, 0, $3, $4) ON CONFLICT DO NOTHING`)
	findReplay   = sentence(`SELECT request, status, answer, at FROM {}replay WHERE key = $1`)
	finishReplay = sentence(`UPDATE {}replay SET status = $2, answer = $3 WHERE key = $1`)
	forgetReplay = sentence(`DELETE FROM {}replay WHERE key = $1`)
	purgeReplays = sentence(`DELETE FROM {}replay WHERE key IN (SELECT key FROM {}replay WHERE at < $1 ORDER BY at LIMIT $2)`)
)

// Begin implements store.Replays.
func (s replays) Begin(ctx context.Context, r store.Replay) (store.Replay, error) {
	there := r
	err := checkTimes(r.At)
	if err == nil {
		err = s.db.write(ctx, func(ctx context.Context, t transaction) error {
			there = r
			err := fresh(t.exec(ctx, insertReplay, r.Key[:], r.Request[:], []byte{}, micros(r.At)))
			if err == nil {
				return nil
			}
			var (
				request, answer []byte
				status, at      int64
			)
			is, failed := one(ctx, t, findReplay, []any{r.Key[:]}, &request, &status, &answer, &at)
			if failed == nil && !is {
				failed = store.ErrUnavailable // it was forgotten in between: another try finds it so
			}
			if failed != nil {
				return failed
			}
			copy(there.Request[:], request)
			there.Status, there.Answer, there.At = int(status), bytes.Clone(answer), instant(at)
			return err
		})
	}
	if err != nil {
		return there, fmt.Errorf("begin request: %w", err)
	}
	return there, nil
}

// Finish implements store.Replays.
func (s replays) Finish(ctx context.Context, key [32]byte, status int, answer []byte) error {
	err := s.db.write(ctx, func(ctx context.Context, t transaction) error {
		if status == 0 {
			return found(t.exec(ctx, forgetReplay, key[:]))
		}
		if answer == nil {
			answer = []byte{}
		}
		return found(t.exec(ctx, finishReplay, key[:], int64(status), answer))
	})
	if err != nil {
		return fmt.Errorf("finish request: %w", err)
	}
	return nil
}

// Purge implements store.Replays.
func (s replays) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.purge(ctx, "purge requests", purgeReplays, before, limit)
}
