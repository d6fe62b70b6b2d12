package sqlstore

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/grantway/grantway/internal/store"
)

// Whoever presents a code or a refresh token waits for two things of the store:
// what is presented, in this file, and its redemption, in redeem.go. What is
// presented is read in one statement, account included.

// The columns of an account come last, empty where it is deleted.
const presentGrant = grantColumns + `, COALESCE(p.account_id, ''), COALESCE(p.name, ''), COALESCE(p.name_key, ''),
		COALESCE(p.profile, ''), COALESCE(a.roles, ''), COALESCE(a.created_at, 0), COALESCE(a.disabled_at, 0)
	FROM {}grant_ g JOIN {}client c ON c.id = g.client_id
		LEFT JOIN {}account a ON a.id = g.account_id LEFT JOIN {}person p ON p.account_id = g.account_id `

var (
	presentRefresh = sentence(presentGrant + `WHERE g.id = $1`)
	presentCode    = sentence(presentGrant + `WHERE g.code_hash = $1`)
	presentMany    = sentence(presentGrant + `WHERE g.id = ANY($1::text[]) OR g.code_hash = ANY($2::bytea[])`)
)

// A presented is a store.Presented, and what there is of it.
type presented struct {
	grantID string
	code    []byte // where grantID is empty
	found   bool
	grant   grantRow
	account accountRow
}

// An accountRow is an account as presentGrant reads it.
type accountRow struct {
	id, name, key, profile, roles string
	created, disabled             int64
}

// read reads one row.
func (p *presented) read(scan scanFunc) error {
	a := &p.account
	p.found = true
	return scan(append(p.grant.columns(), &a.id, &a.name, &a.key, &a.profile, &a.roles, &a.created, &a.disabled)...)
}

// Present implements store.Grants.
func (s grants) Present(ctx context.Context, p store.Presented) (store.Grant, *store.Account, error) {
	wanted := presented{grantID: p.GrantID}
	if p.GrantID == "" {
		wanted.code = p.Code[:]
	}
	err := error(store.ErrNotFound)
	if storable(p.GrantID) {
		err = s.db.present(ctx, &wanted)
	}
	if err == nil && !wanted.found {
		err = store.ErrNotFound
	}
	var (
		g store.Grant
		a *store.Account
	)
	if err == nil {
		g, err = wanted.grant.grant()
	}
	if err == nil && wanted.account.id != "" {
		a, err = wanted.account.account()
	}
	if err != nil {
		return store.Grant{}, nil, fmt.Errorf("find what is presented: %w", err)
	}
	return g, a, nil
}

func (r *accountRow) account() (*store.Account, error) {
	a := store.Account{ID: r.id, Name: r.name, Key: r.key, CreatedAt: instant(r.created), DisabledAt: instant(r.disabled)}
	if err := list(r.roles, &a.Roles); err != nil {
		return nil, err
	}
	return &a, list(r.profile, &a.Profile)
}

func (f *sqliteFile) present(ctx context.Context, p *presented) error {
	if p.grantID == "" {
		return f.read(ctx, presentCode, p.read, p.code)
	}
	return f.read(ctx, presentRefresh, p.read, p.grantID)
}

func (p *postgresSchema) present(ctx context.Context, wanted *presented) error {
	return p.shown.do(ctx, wanted)
}

// presentAll reads what several present in one round trip.
func (p *postgresSchema) presentAll(wanted []*presented) []error {
	ids, codes := make([]string, 0, len(wanted)), make([][]byte, 0, len(wanted))
	for _, w := range wanted {
		if w.grantID == "" {
			codes = append(codes, w.code)
		} else {
			ids = append(ids, w.grantID)
		}
	}
	err := p.within(context.Background(), commitWithin, func(ctx context.Context, conn *pgx.Conn) error {
		return (&postgresTx{conn: conn, texts: p.texts}).query(ctx, presentMany, func(scan scanFunc) error {
			var one presented
			if err := one.read(scan); err != nil {
				return err
			}
			for _, w := range wanted {
				if w.grantID == one.grant.id || w.grantID == "" && bytes.Equal(w.code, one.grant.hash) {
					w.found, w.grant, w.account = true, one.grant, one.account
				}
			}
			return nil
		}, ids, codes)
	})
	errs := make([]error, len(wanted))
	for i := range errs {
		errs[i] = err
	}
	return errs
}
