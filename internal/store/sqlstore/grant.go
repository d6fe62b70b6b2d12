package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type grants struct{ *Store }

// Grants returns what people allowed applications.
func (s *Store) Grants() store.Grants { return grants{s} }

// A grant has ended when it was ended, or all of its client's were.
const grantColumns = `SELECT g.id, g.client_id, g.account_id, g.session_id, g.offline, g.scope, g.apis, g.asked, g.methods,
		g.authenticated_at, g.code_hash, g.code_ends_at, g.code_spent_at, g.generation, g.rotated_at, g.refresh_ends_at,
		g.created_at, g.ends_at,
		CASE WHEN g.ended_at = 0 AND c.ended_at <> g.era THEN c.ended_at ELSE g.ended_at END `

const readGrant = grantColumns + `FROM {}grant_ g JOIN {}client c ON c.id = g.client_id `

var (
	insertGrant = sentence(`INSERT INTO {}grant_ (id, client_id, account_id, session_id, offline, scope, apis, asked, methods,
			authenticated_at, code_hash, code_ends_at, code_spent_at, generation, rotated_at, refresh_ends_at,
			created_at, ends_at, ended_at, forget_at, look_at, era)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, 0, 0, $13, $14, 0, $12, $12, $15)
		ON CONFLICT DO NOTHING`)
	findGrant  = sentence(readGrant + `WHERE g.id = $1`)
	listGrants = sentence(readGrant + `WHERE g.account_id = $1 AND g.ended_at = 0 AND c.ended_at = g.era
			AND (g.ends_at = 0 OR g.ends_at > $2) AND g.forget_at > $2
		ORDER BY g.created_at DESC, g.id`)
	grantClient = sentence(`SELECT client_id FROM {}grant_ WHERE id = $1`)
	endGrant    = sentence(`UPDATE {}grant_ SET ended_at = $2 WHERE id = $1 AND ended_at = 0`)
	endAtCode   = sentence(`UPDATE {}grant_ SET ended_at = $2, code_spent_at = $2
		WHERE id = $1 AND ended_at = 0 AND code_spent_at = 0 AND code_ends_at > $2`)
	lockEra      = sentence(`UPDATE {}client SET id = id WHERE id = $1 AND deleted_at = 0 RETURNING disabled_at, ended_at`)
	lockSession  = sentence(`UPDATE {}session SET id = id WHERE id = $1 AND account_id = $2 RETURNING id`)
	postponeLook = sentence(`UPDATE {}grant_ SET look_at = forget_at WHERE look_at < forget_at AND id IN (
		SELECT id FROM {}grant_ WHERE look_at < $1 AND look_at < forget_at ORDER BY look_at LIMIT $2)`)
	purgeGrants = sentence(`DELETE FROM {}grant_ WHERE forget_at < $1 AND id IN (
		SELECT id FROM {}grant_ WHERE look_at < $1 AND forget_at < $1 ORDER BY look_at LIMIT $2)`)

	// What endGrants can be told to end. $2 and $3 are those of each.
	grantsOfAccount = sentence(`SELECT id FROM {}grant_
		WHERE account_id = $2 AND ($3 = '' OR client_id = $3) AND ended_at = 0 AND forget_at > $1 ORDER BY id`)
	grantsInSession = sentence(`SELECT id FROM {}grant_
		WHERE session_id = $2 AND account_id = $3 AND offline = 0 AND ended_at = 0 AND forget_at > $1 ORDER BY id`)
)

// endGrants ends the grants that which selects by a and b, as far as they have
// not ended, and returns the revocations that end their tokens, for fact.grants. A
// step that ends all tokens of the account need not write these.
//
//	grantsOfAccount   an account's; those of one client, or of all with an empty one
//	grantsInSession   a session's of that account that are not offline
//
// Whoever calls it holds a lock that Grants.Start takes too (the account's or the
// session's row), so that no grant begins beside it. Grants are locked in the
// order of their ids, here as in a redemption, so that two who meet do not wait
// for one another.
func endGrants(ctx context.Context, t transaction, which statement, a, b string, forget time.Time, by store.By) ([]store.Revocation, error) {
	var (
		ids  []string
		rows [][]any
	)
	err := t.query(ctx, which, func(scan scanFunc) error {
		var id string
		err := scan(&id)
		ids, rows = append(ids, id), append(rows, []any{id, micros(by.At)})
		return err
	}, micros(by.At), a, b)
	if err != nil {
		return nil, err
	}
	ended, err := t.execEach(ctx, endGrant, rows)
	if err != nil {
		return nil, err
	}
	var ends []store.Revocation
	for i, n := range ended {
		if n > 0 {
			ends = append(ends, endsGrant(ids[i], forget, by))
		}
	}
	return ends, nil
}

// endsGrant ends every token of a grant: of two calls with one code the one that lost
// may have begun before the other, whose token it ends.
func endsGrant(id string, forget time.Time, by store.By) store.Revocation {
	return *endsForGood(store.RevokedGrant, id, forget, by)
}

// endsForGood ends every token of what never comes back, so that it does not matter
// what the clocks said: that of the server which issued a token may be ahead of the
// one which ends it.
func endsForGood(kind, id string, forget time.Time, by store.By) *store.Revocation {
	before := forget
	if forget.IsZero() {
		before = latest
	}
	if before.Before(by.At) {
		before = by.At
	}
	return &store.Revocation{Kind: kind, ID: id, IssuedBefore: before, ForgetAt: forget}
}

// Start implements store.Grants.
func (s grants) Start(ctx context.Context, request [32]byte, g store.Grant, c *store.Consent, by store.By) error {
	err := checkGrant(&g, c)
	if err == nil {
		err = s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
			era, err := enter(ctx, t, &g)
			if err != nil {
				return nil, err
			}
			n, err := t.exec(ctx, spendRequest, request[:], micros(by.At), g.ClientID)
			if err == nil && n == 0 {
				err = store.ErrSpent
			}
			if err == nil {
				err = fresh(t.exec(ctx, insertGrant, append(grantArgs(&g), era)...))
			}
			if err == nil {
				err = remember(ctx, t, &g, c, by)
			}
			return &fact{kind: "grant.started", id: g.ID, client: g.ClientID, detail: map[string]any{
				"account": g.AccountID, "scope": g.Scope, "offline": g.Offline,
			}}, err
		})
	}
	if err != nil {
		return fmt.Errorf("start grant: %w", err)
	}
	return nil
}

// enter locks those whose end would end the grant, always in the same order, and
// returns the era that the grant begins in.
func enter(ctx context.Context, t transaction, g *store.Grant) (era int64, err error) {
	var disabled, clientDisabled int64
	if err := known(one(ctx, t, lockAccount, []any{g.AccountID}, &disabled)); err != nil {
		return 0, err
	}
	if err := known(one(ctx, t, lockEra, []any{g.ClientID}, &clientDisabled, &era)); err != nil {
		return 0, err
	}
	if disabled != 0 || clientDisabled != 0 {
		return 0, store.ErrNotFound
	}
	if g.SessionID == "" {
		return era, nil
	}
	var id string
	return era, known(one(ctx, t, lockSession, []any{g.SessionID, g.AccountID}, &id))
}

func checkGrant(g *store.Grant, c *store.Consent) error {
	err := checkTexts([]any{g.ID, g.ClientID, g.AccountID, g.SessionID, g.Scope, g.APIs, g.Methods})
	if err == nil {
		err = checkTimes(g.AuthenticatedAt, g.Code.EndsAt, g.CreatedAt, g.EndsAt)
	}
	if err == nil && c != nil {
		err = errors.Join(checkTexts([]any{c.Allowed, c.Redirects}), checkTimes(c.GivenAt))
	}
	if err == nil && g.Code.EndsAt.IsZero() {
		err = errors.New("a code needs an end")
	}
	return err
}

func grantArgs(g *store.Grant) []any {
	asked := g.Asked
	if asked == nil {
		asked = []byte{}
	}
	return []any{
		g.ID, g.ClientID, g.AccountID, g.SessionID, flag(g.Offline), text(g.Scope), text(g.APIs), asked, text(g.Methods),
		micros(g.AuthenticatedAt), g.Code.Hash[:], micros(g.Code.EndsAt), micros(g.CreatedAt), micros(g.EndsAt),
	}
}

// Find implements store.Grants.
func (s grants) Find(ctx context.Context, id string) (store.Grant, error) {
	return find(ctx, "find grant", s.read, findGrant, id)
}

// List implements store.Grants.
func (s grants) List(ctx context.Context, accountID string, now time.Time) ([]store.Grant, error) {
	return listOf(ctx, "list grants", s.read, listGrants, accountID, micros(now))
}

func (s grants) read(ctx context.Context, q statement, args ...any) ([]store.Grant, error) {
	var all []store.Grant
	err := s.db.read(ctx, q, func(scan scanFunc) error {
		var row grantRow
		if err := scan(row.columns()...); err != nil {
			return err
		}
		g, err := row.grant()
		all = append(all, g)
		return err
	}, args...)
	return all, err
}

// A grantRow is a grant as grantColumns are.
type grantRow struct {
	id, clientID, accountID, sessionID          string
	scope, apis, methods                        string
	asked, hash                                 []byte
	offline, generation                         int64
	authenticated, codeEnds, codeSpent, rotated int64
	refreshEnds, created, ends, ended           int64
}

// columns are where to read them to.
func (r *grantRow) columns() []any {
	return []any{
		&r.id, &r.clientID, &r.accountID, &r.sessionID, &r.offline, &r.scope, &r.apis, &r.asked, &r.methods,
		&r.authenticated, &r.hash, &r.codeEnds, &r.codeSpent, &r.generation, &r.rotated, &r.refreshEnds,
		&r.created, &r.ends, &r.ended,
	}
}

func (r *grantRow) grant() (store.Grant, error) {
	g := store.Grant{
		ID: r.id, ClientID: r.clientID, AccountID: r.accountID, SessionID: r.sessionID, Offline: r.offline != 0,
		Asked: r.asked, AuthenticatedAt: instant(r.authenticated),
		Code:      store.GrantCode{EndsAt: instant(r.codeEnds), SpentAt: instant(r.codeSpent)},
		Refresh:   store.GrantRefresh{Generation: r.generation, RotatedAt: instant(r.rotated), EndsAt: instant(r.refreshEnds)},
		CreatedAt: instant(r.created), EndsAt: instant(r.ends), EndedAt: instant(r.ended),
	}
	copy(g.Code.Hash[:], r.hash)
	return g, errors.Join(list(r.scope, &g.Scope), list(r.apis, &g.APIs), list(r.methods, &g.Methods))
}

// End implements store.Grants.
func (s grants) End(ctx context.Context, id string, forget time.Time, by store.By) error {
	if _, err := s.end(ctx, endGrant, id, forget, by); err != nil {
		return fmt.Errorf("end grant: %w", err)
	}
	return nil
}

// end ends one grant with the statement how and says whether that did it.
func (s grants) end(ctx context.Context, how statement, id string, forget time.Time, by store.By) (did bool, err error) {
	if !storable(id) {
		return false, store.ErrNotFound
	}
	err = s.change(ctx, by, func(ctx context.Context, t transaction) (*fact, error) {
		did = false
		n, err := t.exec(ctx, how, id, micros(by.At))
		if err != nil {
			return nil, err
		}
		var client string
		known, err := one(ctx, t, grantClient, []any{id}, &client)
		if err == nil && !known {
			err = store.ErrNotFound
		}
		if err != nil || n == 0 {
			return nil, err
		}
		did = true
		ends := endsGrant(id, forget, by)
		return &fact{kind: "grant.ended", id: id, client: client, ends: &ends}, nil
	})
	return did, err
}

// Purge implements store.Grants.
func (s grants) Purge(ctx context.Context, ended time.Time, limit int) (int, error) {
	var n int64
	err := s.db.write(ctx, func(ctx context.Context, t transaction) (err error) {
		if _, err := t.exec(ctx, postponeLook, micros(ended), int64(max(limit, 0))); err != nil {
			return err
		}
		n, err = t.exec(ctx, purgeGrants, micros(ended), int64(max(limit, 0)))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purge grants: %w", err)
	}
	return int(n), nil
}
