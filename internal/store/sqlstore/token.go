package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type tokens struct{ *Store }

var (
	findToken = sentence(`SELECT id, client_id, subject, audience, scope, issued_at, expires_at
		FROM {}token WHERE hash = $1 AND (expires_at = 0 OR expires_at > $2)`)
	purgeTokens = sentence(`DELETE FROM {}token WHERE hash IN (
		SELECT hash FROM {}token WHERE expires_at > 0 AND expires_at < $1 ORDER BY expires_at LIMIT $2)`)
)

// A tokenRow is a token as its columns hold it.
type tokenRow struct {
	hash                                   []byte
	id, clientID, subject, audience, scope string
	issuedAt, expiresAt                    int64
}

func (r *tokenRow) args() []any {
	return []any{r.hash, r.id, r.clientID, r.subject, r.audience, r.scope, r.issuedAt, r.expiresAt}
}

func rowOf(t *store.Token) (tokenRow, error) {
	if err := checkTexts([]any{t.ID, t.ClientID, t.Subject, t.Audience, t.Scope}); err != nil {
		return tokenRow{}, err
	}
	return tokenRow{
		hash: t.Hash[:], id: t.ID, clientID: t.ClientID, subject: t.Subject,
		audience: text(t.Audience), scope: text(t.Scope),
		issuedAt: micros(t.IssuedAt), expiresAt: micros(t.ExpiresAt),
	}, checkTimes(t.IssuedAt, t.ExpiresAt)
}

// Save implements store.Tokens.
func (s tokens) Save(ctx context.Context, t store.Token) error {
	row, err := rowOf(&t)
	if err == nil {
		err = s.db.saveToken(ctx, row)
	}
	if err != nil {
		return fmt.Errorf("save token: %w", err)
	}
	return nil
}

// Find implements store.Tokens.
func (s tokens) Find(ctx context.Context, hash [32]byte, now time.Time) (store.Token, error) {
	t := store.Token{Hash: hash}
	is := false
	err := s.db.read(ctx, findToken, func(scan scanFunc) error {
		var (
			audience, scope string
			issued, expires int64
		)
		if err := scan(&t.ID, &t.ClientID, &t.Subject, &audience, &scope, &issued, &expires); err != nil {
			return err
		}
		is = true
		t.IssuedAt, t.ExpiresAt = instant(issued), instant(expires)
		if err := list(audience, &t.Audience); err != nil {
			return err
		}
		return list(scope, &t.Scope)
	}, hash[:], micros(now))
	if err := known(is, err); err != nil {
		return store.Token{}, fmt.Errorf("find token: %w", err)
	}
	return t, nil
}

// Purge implements store.Tokens.
func (s tokens) Purge(ctx context.Context, expired time.Time, limit int) (int, error) {
	return s.purge(ctx, "purge tokens", purgeTokens, expired, limit)
}
