package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type consents struct{ *Store }

// Consents returns what people need not be asked again.
func (s *Store) Consents() store.Consents { return consents{s} }

const readConsent = `SELECT account_id, client_id, allowed, redirects, given_at, used_at FROM {}consent `

var (
	giveConsent = sentence(`INSERT INTO {}consent (account_id, client_id, scope, allowed, redirects, given_at, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account_id, client_id) DO UPDATE SET
		scope = excluded.scope, allowed = excluded.allowed, redirects = excluded.redirects, given_at = excluded.given_at, used_at = excluded.used_at`)
	useConsent = sentence(`UPDATE {}consent SET used_at = $3
		WHERE account_id = $1 AND client_id = $2 AND used_at < $3`)
	findConsent   = sentence(readConsent + `WHERE account_id = $1 AND client_id = $2`)
	listConsents  = sentence(readConsent + `WHERE account_id = $1 ORDER BY used_at DESC, client_id`)
	forgetConsent = sentence(`DELETE FROM {}consent WHERE account_id = $1 AND client_id = $2`)
)

// remember is the part of Grants.Start that is about consent.
func remember(ctx context.Context, t transaction, g *store.Grant, c *store.Consent, by store.By) error {
	if c == nil {
		_, err := t.exec(ctx, useConsent, g.AccountID, g.ClientID, micros(by.At))
		return err
	}
	_, err := t.exec(ctx, giveConsent, g.AccountID, g.ClientID, text(c.Scope()), text(c.Allowed), text(c.Redirects),
		micros(c.GivenAt), micros(by.At))
	return err
}

// Find implements store.Consents.
func (s consents) Find(ctx context.Context, accountID, clientID string) (store.Consent, error) {
	return find(ctx, "find consent", s.read, findConsent, accountID, clientID)
}

// List implements store.Consents.
func (s consents) List(ctx context.Context, accountID string) ([]store.Consent, error) {
	return listOf(ctx, "list consents", s.read, listConsents, accountID)
}

func (s consents) read(ctx context.Context, q statement, args ...any) ([]store.Consent, error) {
	return gather(ctx, s.db, func(scan scanFunc) (store.Consent, error) {
		var (
			c                  store.Consent
			allowed, redirects string
			given, used        int64
		)
		if err := scan(&c.AccountID, &c.ClientID, &allowed, &redirects, &given, &used); err != nil {
			return c, err
		}
		c.GivenAt, c.UsedAt = instant(given), instant(used)
		err := errors.Join(list(allowed, &c.Allowed), list(redirects, &c.Redirects))
		return c, err
	}, q, args...)
}

// Withdraw implements store.Consents.
func (s consents) Withdraw(ctx context.Context, accountID, clientID string, forget time.Time, by store.By) error {
	err := error(store.ErrNotFound)
	if storable(accountID) && storable(clientID) && clientID != "" {
		err = s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
			var disabledAt int64
			if err := known(one(ctx, t, lockAccount, []any{accountID}, &disabledAt)); err != nil {
				return nil, err
			}
			n, err := t.exec(ctx, forgetConsent, accountID, clientID)
			if err != nil {
				return nil, err
			}
			ended, err := endGrants(ctx, t, grantsOfAccount, accountID, clientID, forget, by)
			if err == nil && n == 0 && len(ended) == 0 {
				err = store.ErrNotFound
			}
			return &fact{kind: "consent.withdrawn", id: accountID, client: clientID, grants: ended}, err
		})
	}
	if err != nil {
		return fmt.Errorf("withdraw consent: %w", err)
	}
	return nil
}

// known turns "no row was read" into store.ErrNotFound.
func known(is bool, err error) error {
	if err == nil && !is {
		return store.ErrNotFound
	}
	return err
}
