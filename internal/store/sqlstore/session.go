package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type sessions struct{ *Store }

// Sessions returns the browsers in which people have signed in.
func (s *Store) Sessions() store.Sessions { return sessions{s} }

const readSession = `SELECT hash, id, account_id, methods, agent, created_at, authenticated_at, seen_at, ends_at FROM {}session `

// longestToken is longer than any access token lives: the catalogue refuses more
// than a day.
const longestToken = 25 * time.Hour

var (
	insertSession = sentence(`INSERT INTO {}session (hash, id, account_id, methods, agent, created_at, authenticated_at, seen_at, ends_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`)
	replacedSession = sentence(`DELETE FROM {}session WHERE hash = $1 RETURNING id, account_id`)
	findSession     = sentence(readSession + `WHERE hash = $1 AND seen_at > $2 AND ends_at > $3`)
	sessionByID     = sentence(readSession + `WHERE id = $1 AND seen_at > $2 AND ends_at > $3`)
	seenSession     = sentence(`UPDATE {}session SET seen_at = $2 WHERE hash = $1 AND seen_at < $2`)
	listSessions    = sentence(readSession + `WHERE account_id = $1 AND ends_at > $2 ORDER BY seen_at DESC, id`)
	forgetStale     = sentence(`DELETE FROM {}session WHERE account_id = $1 AND id = $2 AND (seen_at <= $3 OR ends_at <= $4)`)
	forgetSession   = sentence(`DELETE FROM {}session WHERE account_id = $1 AND id = $2`)
	sessionsBut     = sentence(`SELECT id FROM {}session WHERE account_id = $1 AND id <> $2 ORDER BY id`)
	staleSessions   = sentence(`SELECT account_id, id FROM {}session WHERE seen_at <= $1 OR ends_at <= $2 ORDER BY account_id, id LIMIT $3`)
)

// Start implements store.Sessions.
func (s sessions) Start(ctx context.Context, n store.Session, replaces [32]byte, by store.By) error {
	err := checkTexts([]any{n.Methods})
	if err == nil {
		err = checkTimes(n.CreatedAt, n.AuthenticatedAt, n.SeenAt, n.EndsAt)
	}
	if err == nil && replaces == n.Hash {
		err = store.ErrConflict // a handle does not take the place of itself
	}
	if err == nil {
		err = s.alterAccount(ctx, n.AccountID, by, func(ctx context.Context, t transaction, disabledAt int64) (*fact, error) {
			if disabledAt != 0 {
				return nil, store.ErrNotFound
			}
			begun := &fact{kind: "session.started", id: n.ID, detail: map[string]any{"account": n.AccountID, "methods": n.Methods}}
			if err := replace(ctx, t, &n, replaces, begun, by); err != nil {
				return nil, err
			}
			return begun, fresh(t.exec(ctx, insertSession, n.Hash[:], n.ID, n.AccountID, text(n.Methods), n.Agent,
				micros(n.CreatedAt), micros(n.AuthenticatedAt), micros(n.SeenAt), micros(n.EndsAt)))
		})
	}
	if err != nil {
		return fmt.Errorf("start session: %w", err)
	}
	return nil
}

// replace forgets the session with the hash, which n takes the place of.
func replace(ctx context.Context, t transaction, n *store.Session, hash [32]byte, begun *fact, by store.By) error {
	if hash == [32]byte{} {
		return nil
	}
	var id, account string
	was, err := one(ctx, t, replacedSession, []any{hash[:]}, &id, &account)
	if err == nil && !was {
		err = store.ErrConflict // somebody signed out meanwhile
	}
	if err != nil || id == n.ID && account == n.AccountID {
		return err
	}
	// Who was signed in here before is not any more.
	begun.detail["ended"] = id
	if err := queueNotices(ctx, t, account, id, by); err != nil {
		return err
	}
	begun.grants, err = endGrants(ctx, t, grantsInSession, id, account, by.At.Add(longestToken), by)
	return err
}

// Find implements store.Sessions.
func (s sessions) Find(ctx context.Context, hash [32]byte, idle time.Duration, now time.Time) (store.Session, error) {
	return find(ctx, "find session", s.read, findSession, hash[:], micros(now.Add(-idle)), micros(now))
}

// FindByID implements store.Sessions.
func (s sessions) FindByID(ctx context.Context, id string, idle time.Duration, now time.Time) (store.Session, error) {
	return find(ctx, "find session", s.read, sessionByID, id, micros(now.Add(-idle)), micros(now))
}

// Seen implements store.Sessions.
func (s sessions) Seen(ctx context.Context, hash [32]byte, at time.Time) error {
	err := checkTimes(at)
	if err == nil {
		err = s.db.write(ctx, func(ctx context.Context, t transaction) error {
			_, err := t.exec(ctx, seenSession, hash[:], micros(at))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("record use of session: %w", err)
	}
	return nil
}

// List implements store.Sessions.
func (s sessions) List(ctx context.Context, accountID string, now time.Time) ([]store.Session, error) {
	return listOf(ctx, "list sessions", s.read, listSessions, accountID, micros(now))
}

func (s sessions) read(ctx context.Context, q statement, args ...any) ([]store.Session, error) {
	return gather(ctx, s.db, func(scan scanFunc) (store.Session, error) {
		var (
			one                                store.Session
			hash                               []byte
			methods                            string
			created, authenticated, seen, ends int64
		)
		err := scan(&hash, &one.ID, &one.AccountID, &methods, &one.Agent, &created, &authenticated, &seen, &ends)
		if err != nil {
			return one, err
		}
		copy(one.Hash[:], hash)
		one.CreatedAt, one.AuthenticatedAt = instant(created), instant(authenticated)
		one.SeenAt, one.EndsAt = instant(seen), instant(ends)
		err = list(methods, &one.Methods)
		return one, err
	}, q, args...)
}

// End implements store.Sessions.
func (s sessions) End(ctx context.Context, accountID, sessionID string, forget time.Time, by store.By) error {
	err := error(store.ErrNotFound)
	if storable(sessionID) {
		err = s.end(ctx, accountID, sessionID, forget, by, forgetSession, accountID, sessionID)
	}
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// end ends the session, which the statement how forgets if it still fits.
func (s sessions) end(ctx context.Context, accountID, sessionID string, forget time.Time, by store.By, how statement, args ...any) error {
	return s.alterAccount(ctx, accountID, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
		if err := found(t.exec(ctx, how, args...)); err != nil {
			return nil, err
		}
		if err := queueNotices(ctx, t, accountID, sessionID, by); err != nil {
			return nil, err
		}
		ended, err := endGrants(ctx, t, grantsInSession, sessionID, accountID, forget, by)
		return &fact{kind: "session.ended", id: sessionID, detail: map[string]any{"account": accountID}, grants: ended}, err
	})
}

// endSessions forgets an account's sessions but the one with the ID keep, and
// queues the notices. Their grants are the caller's to end.
func endSessions(ctx context.Context, t transaction, accountID, keep string, by store.By) error {
	var ids []string
	err := t.query(ctx, sessionsBut, func(scan scanFunc) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	}, accountID, keep)
	for _, id := range ids {
		if err == nil {
			err = queueNotices(ctx, t, accountID, id, by)
		}
		if err == nil {
			_, err = t.exec(ctx, forgetSession, accountID, id)
		}
	}
	return err
}

// Purge implements store.Sessions. Each session ends by itself, as End ends it, so
// that a long list of them holds no lock for long, and only if it is stale still.
func (s sessions) Purge(ctx context.Context, idle time.Duration, now time.Time, limit int) (int, error) {
	type stale struct{ account, id string }
	var all []stale
	err := s.db.read(ctx, staleSessions, func(scan scanFunc) error {
		var one stale
		err := scan(&one.account, &one.id)
		all = append(all, one)
		return err
	}, micros(now.Add(-idle)), micros(now), int64(max(limit, 0)))
	by := store.By{Actor: "server", At: now}
	n := 0
	for _, one := range all {
		if err == nil {
			err = s.end(ctx, one.account, one.id, now.Add(longestToken), by,
				forgetStale, one.account, one.id, micros(now.Add(-idle)), micros(now))
		}
		if errors.Is(err, store.ErrNotFound) {
			err = nil // somebody else ended it, or came back to it
			continue
		}
		if err == nil {
			n++
		}
	}
	if err != nil {
		return n, fmt.Errorf("purge sessions: %w", err)
	}
	return n, nil
}
