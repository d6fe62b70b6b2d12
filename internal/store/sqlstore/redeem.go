package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/grantway/grantway/internal/store"
)

// Commit is what every exchange of a code and every refresh waits for. Its usual
// outcome is one conditional UPDATE, and an INSERT for an opaque token, and it
// shares a commit with those that come at the same time. What it refuses is rare
// and takes a transaction of its own afterwards, which ends the grant. A crash
// between the two leaves the grant as it was: what is presented again is found
// spent again.

// redeemGrants is the condition and the effect of redemptions in PostgreSQL, which
// takes many at once. Where it changes no row the redemption is refused. An index
// holds none of the columns that it sets, so that PostgreSQL can keep the new row
// beside the old one.
const redeemGrants = `UPDATE {}grant_ AS g SET
		code_spent_at = CASE WHEN r.presented = 0 THEN r.now ELSE g.code_spent_at END,
		generation = CASE WHEN g.generation = r.presented AND r.refresh > 0 THEN g.generation + 1 ELSE g.generation END,
		rotated_at = CASE WHEN g.generation = r.presented AND r.refresh > 0 THEN r.now ELSE g.rotated_at END,
		refresh_ends_at = CASE WHEN g.generation = r.presented AND r.refresh > 0 THEN r.refresh ELSE g.refresh_ends_at END,
		forget_at = CASE WHEN g.forget_at < r.keep THEN r.keep ELSE g.forget_at END
	FROM {r} AS r
	WHERE g.id = r.grant_id AND g.ended_at = 0 AND (g.ends_at = 0 OR g.ends_at > r.now)
		AND EXISTS (SELECT 1 FROM {}client c WHERE c.id = g.client_id AND c.ended_at = g.era)
		AND CASE WHEN r.presented = 0 THEN g.code_spent_at = 0 AND g.code_ends_at > r.now
			ELSE g.refresh_ends_at > r.now
				AND (g.generation = r.presented OR g.generation = r.presented + 1 AND r.now < g.rotated_at + r.grace) END
	RETURNING id, generation`

// What redeemGrants says, as SQLite does it in half the time: one redemption, and
// the usual case first. See insertToken for the places without names.
const (
	redeemed = ` forget_at = max(forget_at, ?) WHERE id = ? AND ended_at = 0 AND (ends_at = 0 OR ends_at > ?)
		AND era = (SELECT c.ended_at FROM {}client c WHERE c.id = client_id) `
	issued = ` generation = ?, rotated_at = ?, refresh_ends_at = ?,`
)

var (
	redeemCode = sentence(`UPDATE {}grant_ SET code_spent_at = ?,` + issued + redeemed +
		`AND code_spent_at = 0 AND code_ends_at > ?`)
	redeemRefresh = sentence(`UPDATE {}grant_ SET` + issued + redeemed + `AND generation = ? AND refresh_ends_at > ?`)
	repeatRefresh = sentence(`UPDATE {}grant_ SET` + redeemed + `AND generation = ? AND refresh_ends_at > ? AND ? < rotated_at + ?`)
	keepRefresh   = sentence(`UPDATE {}grant_ SET` + redeemed + `AND generation = ? AND refresh_ends_at > ?`)

	redeemMany = sentence(strings.ReplaceAll(redeemGrants, "{r} AS r", `unnest($1::text[], $2::bigint[], $3::bigint[],
			$4::bigint[], $5::bigint[], $6::bigint[]) AS r (grant_id, presented, now, refresh, grace, keep)`))
	redeemManyForTokens = sentence(`WITH r AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[],
				$4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[], $8::text[], $9::text[], $10::text[], $11::text[],
				$12::text[], $13::bigint[], $14::bigint[])
			AS r (grant_id, presented, now, refresh, grace, keep,
				hash, id_, client_id_, subject, audience, scope_, issued_at, expires_at)),
		redeemed AS (` + strings.ReplaceAll(redeemGrants, "{r} AS r", "r") + `),
		saved AS (INSERT INTO {}token (hash, id, client_id, subject, audience, scope, issued_at, expires_at)
			SELECT r.hash, r.id_, r.client_id_, r.subject, r.audience, r.scope_, r.issued_at, r.expires_at
			FROM r JOIN redeemed ON redeemed.id = r.grant_id WHERE r.hash IS NOT NULL)
		SELECT id, generation FROM redeemed`)
	// An UPDATE takes rows in whatever order its plan has.
	lockGrants = sentence(`SELECT id FROM {}grant_ WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE`)

	takeTokenBack = sentence(`DELETE FROM {}token WHERE hash = $1`)
)

// errRefused says that a redemption found its grant otherwise than it must be, or
// not at all. Nothing has happened then.
var errRefused = errors.New("not to be redeemed")

// A redemption is a store.Redemption as its columns hold it.
type redemption struct {
	grantID                              string
	presented, now, refresh, grace, keep int64
	token                                *tokenRow // nil: none
	generation                           int64     // of the newest refresh token, once it is done
}

// Commit implements store.Grants.
func (s grants) Commit(ctx context.Context, r store.Redemption, by store.By) (int64, error) {
	generation, err := s.commit(ctx, &r, by)
	if err != nil {
		return 0, fmt.Errorf("redeem: %w", err)
	}
	return generation, nil
}

func (s grants) commit(ctx context.Context, r *store.Redemption, by store.By) (int64, error) {
	if by.Actor == "" || by.At.IsZero() || r.Generation < 0 {
		return 0, errors.New("a redemption needs its actor, its time and a generation that exists")
	}
	if err := checkTimes(by.At, r.Refresh, r.Forget); err != nil {
		return 0, err
	}
	if !storable(r.GrantID) {
		return 0, store.ErrNotFound
	}
	if r.Failed {
		return 0, s.fail(ctx, r, by)
	}
	row := redemption{
		grantID: r.GrantID, presented: r.Generation, now: micros(by.At), refresh: micros(r.Refresh),
		grace: r.Grace.Microseconds(), keep: max(micros(r.Refresh), micros(r.Forget)),
	}
	if r.Token != nil {
		token, err := rowOf(r.Token)
		if err != nil {
			return 0, err
		}
		row.token = &token
	}
	err := s.db.redeem(ctx, &row)
	if errors.Is(err, errRefused) {
		if _, err = s.end(ctx, endGrant, r.GrantID, r.Forget, by); err == nil {
			err = store.ErrSpent
		}
	}
	if err != nil || r.Refresh.IsZero() {
		return 0, err
	}
	return row.generation, nil
}

// fail ends a grant whose code or refresh token somebody presented who could not
// prove that it is theirs.
func (s grants) fail(ctx context.Context, r *store.Redemption, by store.By) error {
	how := endGrant
	if r.Generation == 0 {
		how = endAtCode
	}
	did, err := s.end(ctx, how, r.GrantID, r.Forget, by)
	if err != nil || did {
		return err
	}
	if _, err = s.end(ctx, endGrant, r.GrantID, r.Forget, by); err != nil {
		return err
	}
	return store.ErrSpent
}

func (f *sqliteFile) redeem(ctx context.Context, r *redemption) error {
	return f.deeds.do(ctx, deed{redeem: r})
}

// redeemHere redeems in the transaction that others share. The token comes first,
// since it can be taken back: undoing the redemption would need a savepoint, which
// costs as much as both.
func (f *sqliteFile) redeemHere(ctx context.Context, r *redemption) (refused, broken error) {
	if r.token != nil {
		if refused, broken = f.insert(ctx, r.token); refused != nil || broken != nil {
			return refused, broken
		}
	}
	did, err := f.spend(ctx, r)
	if err != nil || did {
		return nil, err
	}
	if r.token != nil {
		if _, err := f.writer.run(ctx, takeTokenBack, []any{r.token.hash}); err != nil {
			return nil, err
		}
	}
	return errRefused, nil
}

// spend does what redeemGrants does.
func (f *sqliteFile) spend(ctx context.Context, r *redemption) (did bool, err error) {
	run := func(s statement, args ...any) (bool, error) {
		n, err := f.writer.run(ctx, s, args)
		return n > 0, err
	}
	r.generation = r.presented + 1
	switch {
	case r.presented == 0 && r.refresh == 0:
		r.generation = 0
		return run(redeemCode, r.now, int64(0), int64(0), int64(0), r.keep, r.grantID, r.now, r.now)
	case r.presented == 0:
		return run(redeemCode, r.now, r.generation, r.now, r.refresh, r.keep, r.grantID, r.now, r.now)
	case r.refresh == 0:
		did, err = run(keepRefresh, r.keep, r.grantID, r.now, r.presented, r.now)
	default:
		did, err = run(redeemRefresh, r.generation, r.now, r.refresh, r.keep, r.grantID, r.now, r.presented, r.now)
	}
	if err != nil || did {
		return did, err
	}
	return run(repeatRefresh, r.keep, r.grantID, r.now, r.presented+1, r.now, r.now, r.grace)
}

func (p *postgresSchema) redeem(ctx context.Context, r *redemption) error {
	return p.redeemed.do(ctx, r)
}

// redeemAll redeems several in one round trip and one commit. One statement can
// change a grant once, so those of one grant take turns.
func (p *postgresSchema) redeemAll(work []*redemption) []error {
	turns := takeTurns(work)
	did := make([]bool, len(work))
	err := p.within(context.Background(), commitWithin, func(ctx context.Context, conn *pgx.Conn) (err error) {
		for try := 1; ; try++ {
			clear(did)
			err = p.redeemTurns(ctx, conn, work, turns, did)
			if try == tries || !errors.Is(err, errAgain) {
				return err
			}
		}
	})
	errs := make([]error, len(work))
	for i, r := range work {
		switch {
		case errors.Is(err, errTaken) && len(work) > 1:
			errs[i] = p.redeemAll([]*redemption{r})[0]
		case errors.Is(err, errTaken):
			errs[i] = store.ErrConflict
		case err != nil:
			errs[i] = err
		case !did[i]:
			errs[i] = errRefused
		}
	}
	return errs
}

// takeTurns returns the indices of redemptions so that each turn has a grant once,
// and the first one has them all. They are in the order of the grants' ids, in which
// they are locked: of two nodes that redeem the same ones, neither waits for a grant
// while the other waits for one of its own.
func takeTurns(work []*redemption) (turns [][]int) {
	order := make([]int, len(work))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(work[a].grantID, work[b].grantID) })
	for n, turn := 0, 0; n < len(order); n++ {
		turn++
		if n == 0 || work[order[n]].grantID != work[order[n-1]].grantID {
			turn = 0
		}
		if turn == len(turns) {
			turns = append(turns, nil)
		}
		turns[turn] = append(turns[turn], order[n])
	}
	return turns
}

// errTaken says that the hash of a token is in use. Then nothing has happened.
var errTaken = errors.New("a hash is in use")

// redeemTurns sends all turns at once, which makes them one transaction, and says
// what they did.
func (p *postgresSchema) redeemTurns(ctx context.Context, conn *pgx.Conn, work []*redemption, turns [][]int, did []bool) (err error) {
	var batch pgx.Batch
	if len(turns[0]) > 1 {
		ids := make([]string, len(turns[0]))
		for i, at := range turns[0] {
			ids[i] = work[at].grantID
		}
		batch.Queue(p.texts[lockGrants], ids)
	}
	for _, turn := range turns {
		s, args := columns(work, turn)
		batch.Queue(p.texts[s], args...)
	}
	results := conn.SendBatch(ctx, &batch)
	defer func() {
		if closed := results.Close(); err == nil {
			err = closed
		}
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "23505" {
			err = errTaken
		} else {
			err = broken(err)
		}
	}()
	if len(turns[0]) > 1 {
		if _, err := results.Exec(); err != nil {
			return err
		}
	}
	for _, turn := range turns {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		for rows.Next() {
			var (
				id         string
				generation int64
			)
			if err := rows.Scan(&id, &generation); err != nil {
				return err
			}
			at, found := slices.BinarySearchFunc(turn, id, func(i int, id string) int { return strings.Compare(work[i].grantID, id) })
			if found {
				did[turn[at]], work[turn[at]].generation = true, generation
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}

// columns returns the statement for redemptions and its arguments.
func columns(work []*redemption, turn []int) (statement, []any) {
	var (
		n                                    = len(turn)
		grantIDs                             = make([]string, n)
		presented, now, refresh, grace, keep = make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
		tokens                               = false
	)
	for i, at := range turn {
		r := work[at]
		grantIDs[i], presented[i], now[i], refresh[i], grace[i], keep[i] = r.grantID, r.presented, r.now, r.refresh, r.grace, r.keep
		tokens = tokens || r.token != nil
	}
	args := []any{grantIDs, presented, now, refresh, grace, keep}
	if !tokens {
		return redeemMany, args
	}
	var (
		hashes                                   = make([][]byte, n)
		ids, clients, subjects, audiences, lists = make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
		issued, expires                          = make([]int64, n), make([]int64, n)
	)
	for i, at := range turn {
		t := work[at].token
		if t == nil {
			continue // its hash stays NULL
		}
		hashes[i], ids[i], clients[i], subjects[i] = t.hash, t.id, t.clientID, t.subject
		audiences[i], lists[i], issued[i], expires[i] = t.audience, t.scope, t.issuedAt, t.expiresAt
	}
	return redeemManyForTokens, append(args, hashes, ids, clients, subjects, audiences, lists, issued, expires)
}
