package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type notices struct{ *Store }

// Notices returns what people and webhooks are to be told.
func (s *Store) Notices() store.Notices { return notices{s} }

var (
	insertNotice = sentence(`INSERT INTO {}notice (id, kind, addressee, detail, queued_at, due_at, tries, sent_at)
		VALUES ($1, $2, $3, $4, $5, $6, 0, 0) ON CONFLICT DO NOTHING`)

	// The outer conditions are looked at again where another node was first.
	claimDue = sentence(`UPDATE {}notice SET due_at = $2, tries = tries + 1
		WHERE sent_at = 0 AND due_at <= $1
			AND id IN (SELECT id FROM {}notice WHERE sent_at = 0 AND due_at <= $1 ORDER BY due_at, id LIMIT $3)
		RETURNING id, kind, addressee, detail, queued_at, due_at, tries`)
	sentNotice   = sentence(`UPDATE {}notice SET sent_at = $2 WHERE id = $1 AND sent_at = 0`)
	gaveUp       = sentence(`UPDATE {}notice SET sent_at = $2 WHERE id = $1 AND sent_at = 0 RETURNING kind, tries`)
	purgeNotices = sentence(`DELETE FROM {}notice WHERE sent_at <> 0 AND id IN (
		SELECT id FROM {}notice WHERE sent_at <> 0 AND sent_at < $1 ORDER BY sent_at LIMIT $2)`)
)

// Queue implements store.Notices.
func (s notices) Queue(ctx context.Context, all []store.Notice) (int, error) {
	rows := make([][]any, len(all))
	var err error
	for i, n := range all {
		err = errors.Join(err, checkTimes(n.QueuedAt, n.DueAt))
		rows[i] = []any{n.ID, n.Kind, n.To, n.Detail, micros(n.QueuedAt), micros(n.DueAt)}
	}
	queued := 0
	if err == nil && len(rows) > 0 {
		err = s.db.write(ctx, func(ctx context.Context, t transaction) error {
			added, err := t.execEach(ctx, insertNotice, rows)
			queued = 0
			for _, n := range added {
				queued += int(n)
			}
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("queue notices: %w", err)
	}
	return queued, nil
}

// Claim implements store.Notices.
func (s notices) Claim(ctx context.Context, now, until time.Time, limit int) ([]store.Notice, error) {
	var all []store.Notice
	err := checkTimes(now, until)
	if err == nil {
		err = s.db.write(ctx, func(ctx context.Context, t transaction) error {
			all = nil
			return t.query(ctx, claimDue, func(scan scanFunc) error {
				var (
					n                  store.Notice
					queued, due, tries int64
				)
				err := scan(&n.ID, &n.Kind, &n.To, &n.Detail, &queued, &due, &tries)
				n.QueuedAt, n.DueAt, n.Tries = instant(queued), instant(due), int(tries)
				all = append(all, n)
				return err
			}, micros(now), micros(until), int64(max(limit, 0)))
		})
	}
	if err != nil {
		return nil, fmt.Errorf("claim notices: %w", err)
	}
	return all, nil
}

// Sent implements store.Notices.
func (s notices) Sent(ctx context.Context, ids []string, at time.Time) error {
	times := make(map[string]time.Time, len(ids))
	for _, id := range ids {
		times[id] = at
	}
	return s.touch(ctx, "record notices as sent", sentNotice, times)
}

// GiveUp implements store.Notices.
func (s notices) GiveUp(ctx context.Context, id string, by store.By) error {
	err := error(store.ErrNotFound)
	if storable(id) {
		err = s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
			var (
				kind  string
				tries int64
			)
			err := known(one(ctx, t, gaveUp, []any{id, micros(by.At)}, &kind, &tries))
			return &fact{kind: "notice.undelivered", id: id, detail: map[string]any{"kind": kind, "tries": tries}}, err
		})
	}
	if err != nil {
		return fmt.Errorf("give up notice: %w", err)
	}
	return nil
}

// Purge implements store.Notices.
func (s notices) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.purge(ctx, "purge notices", purgeNotices, before, limit)
}
