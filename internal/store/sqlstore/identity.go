package sqlstore

import (
	"context"
	"fmt"

	"github.com/grantway/grantway/internal/store"
)

type identities struct{ *Store }

// Identities returns who people are at other providers.
func (s *Store) Identities() store.Identities { return identities{s} }

const readIdentity = `SELECT issuer, subject, account_id FROM {}identity `

var (
	insertIdentity = sentence(`INSERT INTO {}identity (issuer, subject, account_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`)
	findIdentity   = sentence(readIdentity + `WHERE issuer = $1 AND subject = $2`)
	identitiesOf   = sentence(readIdentity + `WHERE account_id = $1 ORDER BY issuer, subject`)
	hasIdentity    = sentence(`SELECT account_id FROM {}identity WHERE issuer = $1 AND subject = $2 AND account_id = $3`)
	removeIdentity = sentence(`DELETE FROM {}identity WHERE issuer = $1 AND subject = $2 AND account_id = $3`)
)

// Link implements store.Identities.
func (s identities) Link(ctx context.Context, i store.Identity, by store.By) error {
	err := s.alterAccount(ctx, i.AccountID, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
		err := fresh(t.exec(ctx, insertIdentity, i.Issuer, i.Subject, i.AccountID))
		return &fact{kind: "identity.linked", id: i.AccountID, detail: map[string]any{"issuer": i.Issuer}}, err
	})
	if err != nil {
		return fmt.Errorf("link identity: %w", err)
	}
	return nil
}

// Find implements store.Identities.
func (s identities) Find(ctx context.Context, issuer, subject string) (store.Identity, error) {
	return find(ctx, "find identity", s.read, findIdentity, issuer, subject)
}

// Of implements store.Identities.
func (s identities) Of(ctx context.Context, accountID string) ([]store.Identity, error) {
	return listOf(ctx, "read identities", s.read, identitiesOf, accountID)
}

func (s identities) read(ctx context.Context, q statement, args ...any) ([]store.Identity, error) {
	return gather(ctx, s.db, func(scan scanFunc) (store.Identity, error) {
		var i store.Identity
		err := scan(&i.Issuer, &i.Subject, &i.AccountID)
		return i, err
	}, q, args...)
}

// Unlink implements store.Identities.
func (s identities) Unlink(ctx context.Context, i store.Identity, stays store.Remainder, by store.By) error {
	err := error(store.ErrNotFound)
	if storable(i.Issuer) && storable(i.Subject) {
		err = s.alterAccount(ctx, i.AccountID, by, func(ctx context.Context, t transaction, _ int64) (*fact, error) {
			err := found(t.exec(ctx, removeIdentity, i.Issuer, i.Subject, i.AccountID))
			if err == nil {
				err = stillHas(ctx, t, i.AccountID, &stays)
			}
			return &fact{kind: "identity.unlinked", id: i.AccountID, detail: map[string]any{"issuer": i.Issuer}}, err
		})
	}
	if err != nil {
		return fmt.Errorf("unlink identity: %w", err)
	}
	return nil
}
