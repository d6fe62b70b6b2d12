package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type apiTokens struct{ *Store }

// APITokens returns the long-lived credentials of servers.
func (s *Store) APITokens() store.APITokens { return apiTokens{s} }

// APITokenUses returns what elevated ones did for whom.
func (s *Store) APITokenUses() store.APITokenUses { return apiTokens{s} }

const apiTokenColumns = `id, hash, hint, name, elevated, needs_user, scope, addresses, apis,
		created_at, ends_at, created_by, approved_by, approved_at, revoked_at, last_used_at`

var (
	insertAPIToken = sentence(`INSERT INTO {}api_token (` + apiTokenColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING`)
	findAPIToken    = sentence(`SELECT ` + apiTokenColumns + ` FROM {}api_token WHERE hash = $1`)
	listAPITokens   = sentence(`SELECT ` + apiTokenColumns + ` FROM {}api_token WHERE id > $1 ORDER BY id LIMIT $2`)
	isElevated      = sentence(`SELECT elevated FROM {}api_token WHERE id = $1`)
	approveAPIToken = sentence(`UPDATE {}api_token SET approved_by = $2, approved_at = $3
		WHERE id = $1 AND elevated = 1 AND approved_at = 0 AND revoked_at = 0 AND created_by <> $2`)
	revokeAPIToken = sentence(`UPDATE {}api_token SET revoked_at = $2 WHERE id = $1 AND revoked_at = 0`)
	touchAPIToken  = sentence(`UPDATE {}api_token SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2`)
	lastActed      = sentence(`SELECT day FROM {}api_token_use WHERE api_token_id = $1 AND account_id = $2`)
	actedForOf     = sentence(`SELECT api_token_id, day FROM {}api_token_use WHERE account_id = $1`)
	noteActed      = sentence(`INSERT INTO {}api_token_use AS u (api_token_id, account_id, day) VALUES ($1, $2, $3)
		ON CONFLICT (api_token_id, account_id) DO UPDATE SET day = excluded.day WHERE u.day < excluded.day`)
)

// Create implements store.APITokens.
func (s apiTokens) Create(ctx context.Context, a store.APIToken, by store.By) error {
	err := checkTimes(a.CreatedAt, a.EndsAt, a.ApprovedAt, a.RevokedAt, a.LastUsedAt)
	if err == nil {
		err = checkTexts([]any{a.Scope, a.Addresses, a.APIs})
	}
	if err == nil && a.Elevated && a.EndsAt.IsZero() {
		err = errors.New("an elevated API token needs an end")
	}
	if err == nil {
		err = s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
			err := fresh(t.exec(ctx, insertAPIToken, a.ID, a.Hash[:], a.Hint, a.Name, flag(a.Elevated), flag(a.NeedsUser),
				text(a.Scope), text(a.Addresses), text(a.APIs), micros(a.CreatedAt), micros(a.EndsAt), a.CreatedBy,
				a.ApprovedBy, micros(a.ApprovedAt), micros(a.RevokedAt), micros(a.LastUsedAt)))
			return &fact{kind: "api-token.created", id: a.ID, detail: map[string]any{"elevated": a.Elevated}}, err
		})
	}
	if err != nil {
		return fmt.Errorf("create API token: %w", err)
	}
	return nil
}

// flag is how a yes or no stands in a column.
func flag(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// Approve implements store.APITokens.
func (s apiTokens) Approve(ctx context.Context, id string, by store.By) error {
	err := s.alter(ctx, id, by, "api-token.approved", func(ctx context.Context, t transaction, elevated bool) (int64, error) {
		if !elevated {
			return 0, store.ErrNotFound
		}
		n, err := t.exec(ctx, approveAPIToken, id, by.Actor, micros(by.At))
		return n, fresh(n, err)
	})
	if err != nil {
		return fmt.Errorf("approve API token: %w", err)
	}
	return nil
}

// Revoke implements store.APITokens.
func (s apiTokens) Revoke(ctx context.Context, id string, by store.By) error {
	err := s.alter(ctx, id, by, "api-token.revoked", func(ctx context.Context, t transaction, _ bool) (int64, error) {
		return t.exec(ctx, revokeAPIToken, id, micros(by.At))
	})
	if err != nil {
		return fmt.Errorf("revoke API token: %w", err)
	}
	return nil
}

// alter does something to an API token that is there, and writes the change when
// it did.
func (s apiTokens) alter(ctx context.Context, id string, by store.By, kind string,
	step func(ctx context.Context, t transaction, elevated bool) (int64, error),
) error {
	if !storable(id) {
		return store.ErrNotFound
	}
	return s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
		var elevated int64
		if err := known(one(ctx, t, isElevated, []any{id}, &elevated)); err != nil {
			return nil, err
		}
		n, err := step(ctx, t, elevated != 0)
		if err != nil || n == 0 {
			return nil, err
		}
		return &fact{kind: kind, id: id}, nil
	})
}

// Find implements store.APITokens.
func (s apiTokens) Find(ctx context.Context, hash [32]byte) (store.APIToken, error) {
	return find(ctx, "find API token", s.read, findAPIToken, hash[:])
}

// List implements store.APITokens.
func (s apiTokens) List(ctx context.Context, after string, limit int) ([]store.APIToken, error) {
	return page(ctx, "list API tokens", s.read, listAPITokens, after, limit)
}

func (s apiTokens) read(ctx context.Context, q statement, args ...any) ([]store.APIToken, error) {
	return gather(ctx, s.db, func(scan scanFunc) (store.APIToken, error) {
		var (
			a                                       store.APIToken
			hash                                    []byte
			scope, addresses, apis                  string
			elevated, needsUser                     int64
			created, ends, approved, revoked, usage int64
		)
		err := scan(&a.ID, &hash, &a.Hint, &a.Name, &elevated, &needsUser, &scope, &addresses, &apis,
			&created, &ends, &a.CreatedBy, &a.ApprovedBy, &approved, &revoked, &usage)
		if err != nil {
			return a, err
		}
		copy(a.Hash[:], hash)
		a.Elevated, a.NeedsUser = elevated != 0, needsUser != 0
		a.CreatedAt, a.EndsAt, a.ApprovedAt = instant(created), instant(ends), instant(approved)
		a.RevokedAt, a.LastUsedAt = instant(revoked), instant(usage)
		err = errors.Join(list(scope, &a.Scope), list(addresses, &a.Addresses), list(apis, &a.APIs))
		return a, err
	}, q, args...)
}

// Used implements store.APITokens.
func (s apiTokens) Used(ctx context.Context, at map[string]time.Time) error {
	return s.touch(ctx, "record use of API tokens", touchAPIToken, at)
}

const secondsOfDay = 24 * 60 * 60

// ActedFor implements store.APITokens.
func (s apiTokens) ActedFor(ctx context.Context, id, accountID string, by store.By) error {
	err := s.actedFor(ctx, id, accountID, by)
	if err != nil {
		return fmt.Errorf("record what an API token did: %w", err)
	}
	return nil
}

// ActedForOf implements store.APITokenUses.
func (s apiTokens) ActedForOf(ctx context.Context, accountID string) (map[string]time.Time, error) {
	all := map[string]time.Time{}
	if !storable(accountID) {
		return all, nil
	}
	err := s.db.read(ctx, actedForOf, func(scan scanFunc) error {
		var (
			id  string
			day int64
		)
		err := scan(&id, &day)
		all[id] = time.Unix(day*secondsOfDay, 0).UTC()
		return err
	}, accountID)
	if err != nil {
		return nil, fmt.Errorf("read what API tokens did: %w", err)
	}
	return all, nil
}

func (s apiTokens) actedFor(ctx context.Context, id, accountID string, by store.By) error {
	if !storable(id) || !storable(accountID) {
		return store.ErrNotFound
	}
	today := by.At.Unix() / secondsOfDay
	// It is asked at every call of the token and writes once a day.
	noted := false
	err := s.db.read(ctx, lastActed, func(scan scanFunc) error {
		var day int64
		err := scan(&day)
		noted = day >= today
		return err
	}, id, accountID)
	if err != nil || noted {
		return err
	}
	return s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
		var elevated int64
		if err := known(one(ctx, t, isElevated, []any{id}, &elevated)); err != nil {
			return nil, err
		}
		n, err := t.exec(ctx, noteActed, id, accountID, today)
		if err != nil || n == 0 {
			return nil, err
		}
		return &fact{kind: "api-token.acted", id: id, detail: map[string]any{"account": accountID}}, nil
	})
}
