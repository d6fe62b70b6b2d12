package sqlstore

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/grantway/grantway/internal/store"
)

// Whoever presents a code or a refresh token waits for two things of the store:
// what is presented, in this file, and its redemption, in redeem.go. What is
// presented is read in one statement, account included.

// The columns of an account come last, empty where it is deleted. {from} is where
// the grants are found.
const presentGrant = grantColumns + `, COALESCE(p.account_id, ''), COALESCE(p.name, ''), COALESCE(p.name_key, ''),
		COALESCE(p.profile, ''), COALESCE(a.roles, ''), COALESCE(a.created_at, 0), COALESCE(a.disabled_at, 0)
	FROM {from} JOIN {}client c ON c.id = g.client_id
		LEFT JOIN {}account a ON a.id = g.account_id LEFT JOIN {}person p ON p.account_id = g.account_id `

func presentFrom(from string) string { return strings.ReplaceAll(presentGrant, "{from}", from) }

// What several callers present is read at once: SQLite's driver asks for the name
// and the type of each column at each call, which was a fifth of what reading one
// row took, and PostgreSQL answers all in one round trip. SQLite keeps to the order
// of a CROSS JOIN, and so looks each key up without making a set of them first.
var (
	presentListed = sentence(presentFrom(`json_each(?) AS wanted CROSS JOIN {}grant_ g ON g.id = wanted.value`) +
		` UNION ALL ` + presentFrom(`json_each(?) AS wanted CROSS JOIN {}grant_ g ON g.code_hash = unhex(wanted.value)`))
	presentMany = sentence(presentFrom(`{}grant_ g`) + `WHERE g.id = ANY($1::text[]) OR g.code_hash = ANY($2::bytea[])`)
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

func (f *sqliteFile) present(ctx context.Context, p *presented) error { return f.shown.do(ctx, p) }

func (f *sqliteFile) presentAll(wanted []*presented) []error {
	ctx, cancel := context.WithTimeout(context.Background(), commitWithin)
	defer cancel()
	ids, codes := keysOf(wanted)
	listed := make([]string, len(codes))
	for i, code := range codes {
		listed[i] = hex.EncodeToString(code)
	}
	return forAll(wanted, f.read(ctx, presentListed, deliver(wanted), text(ids), text(listed)))
}

func (p *postgresSchema) present(ctx context.Context, wanted *presented) error {
	return p.shown.do(ctx, wanted)
}

func (p *postgresSchema) presentAll(wanted []*presented) []error {
	return forAll(wanted, p.within(context.Background(), commitWithin, func(ctx context.Context, conn *pgx.Conn) error {
		ids, codes := keysOf(wanted)
		return (&postgresTx{conn: conn, texts: p.texts}).query(ctx, presentMany, deliver(wanted), ids, codes)
	}))
}

// keysOf are the ids and the codes that are wanted.
func keysOf(wanted []*presented) (ids []string, codes [][]byte) {
	ids, codes = make([]string, 0, len(wanted)), make([][]byte, 0, len(wanted))
	for _, w := range wanted {
		if w.grantID == "" {
			codes = append(codes, w.code)
		} else {
			ids = append(ids, w.grantID)
		}
	}
	return ids, codes
}

// deliver gives each row to all who want it.
func deliver(wanted []*presented) rowFunc {
	return func(scan scanFunc) error {
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
	}
}

// forAll is what became of all of them.
func forAll(wanted []*presented, err error) []error {
	return slices.Repeat([]error{err}, len(wanted))
}
