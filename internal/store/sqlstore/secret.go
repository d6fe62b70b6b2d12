package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type secrets struct{ *Store }

var (
	insertSecret = sentence(`INSERT INTO {}secret
		(id, client_id, verifier, hint, created_at, expires_at, last_used_at, last_used_from, revoked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) ON CONFLICT DO NOTHING`)
	forgetSecret = sentence(`UPDATE {}secret SET verifier = '', hint = '', last_used_from = '', revoked_at = $3
		WHERE id = $1 AND client_id = $2 AND revoked_at = 0`)
	endingSecrets = sentence(`SELECT s.id, s.client_id, s.hint, s.created_at, s.expires_at, s.last_used_at, s.last_used_from FROM {}secret s
		WHERE s.revoked_at = 0 AND s.expires_at > $1 AND s.expires_at < $2 AND (s.expires_at, s.id) > ($3, $4)
		ORDER BY s.expires_at, s.id LIMIT $5`)
	touchSecret = sentence(`UPDATE {}secret SET last_used_at = $2, last_used_from = $3
		WHERE id = $1 AND last_used_at < $2 AND revoked_at = 0`)
)

func secretArgs(s *store.Secret) []any {
	return []any{s.ID, s.ClientID, s.Verifier, s.Hint, micros(s.CreatedAt), micros(s.ExpiresAt), micros(s.LastUsedAt), s.LastUsedFrom}
}

// Add implements store.Secrets.
func (s secrets) Add(ctx context.Context, one store.Secret, by store.By) error {
	err := checkTimes(one.CreatedAt, one.ExpiresAt, one.LastUsedAt)
	if err == nil {
		// The lock on the client keeps a deletion from overlooking this secret.
		err = s.alter(ctx, one.ClientID, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
			detail := map[string]any{}
			if !one.ExpiresAt.IsZero() {
				detail["expires_at"] = one.ExpiresAt.UTC().Format(time.RFC3339)
			}
			err := fresh(t.exec(ctx, insertSecret, secretArgs(&one)...))
			return &fact{kind: "secret.added", id: one.ID, client: one.ClientID, detail: detail}, err
		})
	}
	if err != nil {
		return fmt.Errorf("add secret: %w", err)
	}
	return nil
}

// Revoke implements store.Secrets.
func (s secrets) Revoke(ctx context.Context, clientID, secretID string, forget time.Time, by store.By) error {
	err := error(store.ErrNotFound)
	if storable(clientID) && storable(secretID) {
		err = s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
			err := found(t.exec(ctx, forgetSecret, secretID, clientID, micros(by.At)))
			return &fact{kind: "secret.revoked", id: secretID, client: clientID, ends: endsForGood(store.RevokedSecret, secretID, forget, by)}, err
		})
	}
	if err != nil {
		return fmt.Errorf("revoke secret: %w", err)
	}
	return nil
}

// Replace implements store.Secrets.
func (s secrets) Replace(ctx context.Context, old string, n store.Secret, forget time.Time, by store.By) error {
	err := checkTimes(n.CreatedAt, n.ExpiresAt, n.LastUsedAt)
	if err == nil {
		err = s.alter(ctx, n.ClientID, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
			if !storable(old) {
				return nil, store.ErrNotFound
			}
			if err := found(t.exec(ctx, forgetSecret, old, n.ClientID, micros(by.At))); err != nil {
				return nil, err
			}
			err := fresh(t.exec(ctx, insertSecret, secretArgs(&n)...))
			return &fact{
				kind: "secret.replaced", id: old, client: n.ClientID, detail: map[string]any{"by": n.ID},
				ends: endsForGood(store.RevokedSecret, old, forget, by),
			}, err
		})
	}
	if err != nil {
		return fmt.Errorf("replace secret: %w", err)
	}
	return nil
}

// Ending implements store.Secrets.
func (s secrets) Ending(ctx context.Context, now, before, after time.Time, id string, limit int) ([]store.Secret, error) {
	all, err := gather(ctx, s.db, func(scan scanFunc) (store.Secret, error) {
		var (
			one                    store.Secret
			created, expires, used int64
		)
		err := scan(&one.ID, &one.ClientID, &one.Hint, &created, &expires, &used, &one.LastUsedFrom)
		one.CreatedAt, one.ExpiresAt, one.LastUsedAt = instant(created), instant(expires), instant(used)
		return one, err
	}, endingSecrets, micros(now), micros(before), micros(after), id, int64(max(limit, 0)))
	if err != nil {
		return nil, fmt.Errorf("list secrets that end: %w", err)
	}
	return all, nil
}

// Used implements store.Secrets.
func (s secrets) Used(ctx context.Context, uses map[string]store.SecretUse) error {
	at := make(map[string]time.Time, len(uses))
	for id, use := range uses {
		at[id] = use.At
	}
	return s.touch(ctx, "record use of secrets", touchSecret, at, func(id string) any { return uses[id].From })
}
