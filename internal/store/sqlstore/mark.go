package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type marks struct{ *Store }

// Marks returns how far those have come who pass on what happened here.
func (s *Store) Marks() store.Marks { return marks{s} }

var (
	holdMark = sentence(`INSERT INTO {}mark AS m (name, seq, moved_at, holder, held) VALUES ($1, 0, 0, $2, $4)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held = excluded.held WHERE m.holder = $2 OR m.held <= $3`)
	moveMark = sentence(`UPDATE {}mark SET seq = $3, moved_at = $4, held = $5 WHERE name = $1 AND holder = $2`)
	findMark = sentence(`SELECT seq, moved_at FROM {}mark WHERE name = $1`)
)

// Hold implements store.Marks.
func (m marks) Hold(ctx context.Context, name, holder string, now, until time.Time) (seq int64, err error) {
	err = checkTimes(now, until)
	if err == nil {
		err = m.db.write(ctx, func(ctx context.Context, t transaction) error {
			held := fresh(t.exec(ctx, holdMark, name, holder, micros(now), micros(until)))
			var moved int64
			if _, err := one(ctx, t, findMark, []any{name}, &seq, &moved); err != nil {
				return err
			}
			return held
		})
	}
	if err != nil {
		return seq, fmt.Errorf("hold mark: %w", err)
	}
	return seq, nil
}

// Move implements store.Marks.
func (m marks) Move(ctx context.Context, name, holder string, to int64, now, until time.Time) error {
	err := checkTimes(now, until)
	if err == nil {
		err = m.db.write(ctx, func(ctx context.Context, t transaction) error {
			return fresh(t.exec(ctx, moveMark, name, holder, to, micros(now), micros(until)))
		})
	}
	if err != nil {
		return fmt.Errorf("move mark: %w", err)
	}
	return nil
}

// At implements store.Marks.
func (m marks) At(ctx context.Context, name string) (seq int64, moved time.Time, err error) {
	type mark struct {
		seq   int64
		moved time.Time
	}
	all, err := gather(ctx, m.db, func(scan scanFunc) (mark, error) {
		var one mark
		var at int64
		err := scan(&one.seq, &at)
		one.moved = instant(at)
		return one, err
	}, findMark, name)
	if err != nil || len(all) == 0 {
		if err != nil {
			err = fmt.Errorf("read mark: %w", err)
		}
		return 0, time.Time{}, err
	}
	return all[0].seq, all[0].moved, nil
}
