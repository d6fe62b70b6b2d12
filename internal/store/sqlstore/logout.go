package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type logoutNotices struct{ *Store }

// LogoutNotices returns what clients are to be told of sessions that ended.
func (s *Store) LogoutNotices() store.LogoutNotices { return logoutNotices{s} }

var (
	// A session ends once, so its id and a client's name one notice.
	insertNotices = sentence(`INSERT INTO {}logout_notice (id, client_id, account_id, session_id, queued_at, tries, due_at)
		SELECT DISTINCT session_id || '.' || client_id, client_id, account_id, session_id, CAST($3 AS BIGINT), 0, CAST($3 AS BIGINT)
		FROM {}grant_ WHERE session_id = $1 AND account_id = $2 ON CONFLICT DO NOTHING`)

	// The outer condition is looked at again where another node was first.
	claimNotices = sentence(`UPDATE {}logout_notice SET due_at = $2, tries = tries + 1
		WHERE due_at <= $1 AND id IN (SELECT id FROM {}logout_notice WHERE due_at <= $1 ORDER BY due_at, id LIMIT $3)
		RETURNING id, client_id, account_id, session_id, queued_at, tries, due_at`)
	forgetNotice = sentence(`DELETE FROM {}logout_notice WHERE id = $1`)
	giveUpNotice = sentence(`DELETE FROM {}logout_notice WHERE id = $1 RETURNING client_id, session_id, tries`)
)

// queueNotices queues a notice for every client that has a grant in the session of
// an account. It is called before the session's grants are forgotten.
func queueNotices(ctx context.Context, t transaction, accountID, sessionID string, by store.By) error {
	_, err := t.exec(ctx, insertNotices, sessionID, accountID, micros(by.At))
	return err
}

// Claim implements store.LogoutNotices.
func (s logoutNotices) Claim(ctx context.Context, now, until time.Time, limit int) ([]store.LogoutNotice, error) {
	var all []store.LogoutNotice
	err := checkTimes(now, until)
	if err == nil {
		err = s.db.write(ctx, func(ctx context.Context, t transaction) error {
			all = nil
			return t.query(ctx, claimNotices, func(scan scanFunc) error {
				var (
					n                  store.LogoutNotice
					queued, tries, due int64
				)
				err := scan(&n.ID, &n.ClientID, &n.AccountID, &n.SessionID, &queued, &tries, &due)
				n.QueuedAt, n.Tries, n.DueAt = instant(queued), int(tries), instant(due)
				all = append(all, n)
				return err
			}, micros(now), micros(until), int64(max(limit, 0)))
		})
	}
	if err != nil {
		return nil, fmt.Errorf("claim logout notices: %w", err)
	}
	return all, nil
}

// Done implements store.LogoutNotices.
func (s logoutNotices) Done(ctx context.Context, ids []string) error {
	var rows [][]any
	for _, id := range ids {
		if storable(id) {
			rows = append(rows, []any{id})
		}
	}
	return s.each(ctx, "forget logout notices", forgetNotice, rows)
}

// GiveUp implements store.LogoutNotices.
func (s logoutNotices) GiveUp(ctx context.Context, id string, by store.By) error {
	err := error(store.ErrNotFound)
	if storable(id) {
		err = s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
			var (
				client, session string
				tries           int64
			)
			err := known(one(ctx, t, giveUpNotice, []any{id}, &client, &session, &tries))
			return &fact{kind: "logout.undelivered", id: session, client: client, detail: map[string]any{"tries": tries}}, err
		})
	}
	if err != nil {
		return fmt.Errorf("give up logout notice: %w", err)
	}
	return nil
}
