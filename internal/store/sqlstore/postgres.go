package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/grantway/grantway/internal/store"
)

const (
	answerWithin = 1800 * time.Millisecond // a statement or a transaction, the wait for a connection included (row R5)
	tries        = 5                       // of a transaction that PostgreSQL asks to be repeated

	// defaultSchema is used when the dsn names none: never "public", which others
	// share.
	defaultSchema = "grantway"

	// migrating is the advisory lock that the migrations of all schemas of a
	// database take.
	migrating = 0x6772616e74776179
)

var (
	schemaName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

	takeLock     = sentence(`SELECT pg_advisory_xact_lock($1)`)
	findSchema   = sentence(`SELECT count(*) FROM pg_namespace WHERE nspname = $1`)
	insertTokens = sentence(`INSERT INTO {}token (hash, id, client_id, subject, audience, scope, issued_at, expires_at)
		SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[])
		ON CONFLICT DO NOTHING RETURNING hash`)
)

// A postgresSchema is a database in one schema of a PostgreSQL database.
type postgresSchema struct {
	pool     *sharedPool
	texts    []string
	tokens   *group[tokenRow]
	redeemed *group[*redemption]
	shown    *group[*presented]
}

func openPostgres(ctx context.Context, dsn string, now func() time.Time) (database, error) {
	server, schema, _ := strings.Cut(dsn, "#")
	schema = cmp.Or(schema, defaultSchema)
	if !schemaName.MatchString(schema) || strings.HasPrefix(schema, "pg_") || schema == "information_schema" {
		return nil, fmt.Errorf("%q cannot name a schema: use a lower-case letter, then letters, digits, hyphens and underscores", schema)
	}
	pool, err := sharePool(ctx, server)
	if err != nil {
		return nil, err
	}
	quoted := pgx.Identifier{schema}.Sanitize()
	p := &postgresSchema{pool: pool, texts: spell(quoted + ".")}
	if err := p.migrate(ctx, schema, quoted, now); err != nil {
		pool.leave()
		return nil, err
	}
	p.tokens = newGroup(p.commitTokens)
	p.redeemed = newGroup(p.redeemAll)
	p.shown = newGroup(p.presentAll)
	return p, nil
}

func (p *postgresSchema) migrate(ctx context.Context, schema, quoted string, now func() time.Time) error {
	words := strings.NewReplacer("{}", quoted+".", "{bytes}", "BYTEA", "{bytewise}", `COLLATE "C"`)
	conn, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	script := func(sql string) error {
		_, err := conn.Conn().PgConn().Exec(ctx, sql).ReadAll()
		return unavailable(err)
	}
	return p.transact(ctx, conn.Conn(), func(ctx context.Context, t transaction) error {
		// Another node's migration may take long, and so may this one.
		if err := script(`SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		if _, err := t.exec(ctx, takeLock, int64(migrating)); err != nil {
			return err
		}
		// CREATE SCHEMA IF NOT EXISTS asks for the right to create one even when
		// it exists.
		var schemas int64
		if _, err := one(ctx, t, findSchema, []any{schema}, &schemas); err != nil {
			return err
		}
		if schemas == 0 {
			if err := script(`CREATE SCHEMA ` + quoted); err != nil {
				return err
			}
		}
		return migrate(ctx, t, script, words, now())
	})
}

func (p *postgresSchema) read(ctx context.Context, s statement, row rowFunc, args ...any) error {
	if checkTexts(args) != nil {
		return store.ErrNotFound // no row holds such a text
	}
	return p.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return (&postgresTx{conn: conn, texts: p.texts}).query(ctx, s, row, args...)
	})
}

func (p *postgresSchema) write(ctx context.Context, s func(context.Context, transaction) error) error {
	return p.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for try := 1; ; try++ {
			err := p.transact(ctx, conn, s)
			if try == tries || !errors.Is(err, errAgain) {
				return err
			}
			// Of two that deadlocked only one is asked, so they do not meet again.
			select {
			case <-time.After(time.Duration(try) * 5 * time.Millisecond):
			case <-ctx.Done():
				return err
			}
		}
	})
}

// transact runs the step in a transaction and commits it.
func (p *postgresSchema) transact(ctx context.Context, conn *pgx.Conn, s step) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return unavailable(err)
	}
	if err := s(ctx, &postgresTx{conn: conn, texts: p.texts}); err != nil {
		// Where this fails, the pool closes the connection, which undoes as well.
		tx.Rollback(ctx)
		return err
	}
	return broken(tx.Commit(ctx))
}

// with lends a connection. Once there is one, the caller's going away no longer
// matters: breaking off would cost the connection and leave the outcome open.
func (p *postgresSchema) with(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	return p.within(ctx, answerWithin, f)
}

func (p *postgresSchema) within(ctx context.Context, limit time.Duration, f func(context.Context, *pgx.Conn) error) error {
	until := time.Now().Add(limit)
	conn, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	return f(ctx, conn.Conn())
}

func (p *postgresSchema) saveToken(ctx context.Context, r tokenRow) error {
	return p.tokens.do(ctx, r)
}

// commitTokens stores several tokens by one statement, so by one commit. A hash
// that is in use, or that came twice, is stored for nobody or for the first.
func (p *postgresSchema) commitTokens(rows []tokenRow) []error {
	var (
		hashes                                   = make([][]byte, len(rows))
		ids, clients, subjects, audiences, lists = make([]string, len(rows)), make([]string, len(rows)),
			make([]string, len(rows)), make([]string, len(rows)), make([]string, len(rows))
		issued, expires = make([]int64, len(rows)), make([]int64, len(rows))
	)
	for i, r := range rows {
		hashes[i], ids[i], clients[i], subjects[i] = r.hash, r.id, r.clientID, r.subject
		audiences[i], lists[i], issued[i], expires[i] = r.audience, r.scope, r.issuedAt, r.expiresAt
	}
	stored := make(map[string]bool, len(rows))
	err := p.within(context.Background(), commitWithin, func(ctx context.Context, conn *pgx.Conn) error {
		return (&postgresTx{conn: conn, texts: p.texts}).query(ctx, insertTokens, func(scan scanFunc) error {
			var hash []byte
			err := scan(&hash)
			stored[string(hash)] = true
			return err
		}, hashes, ids, clients, subjects, audiences, lists, issued, expires)
	})
	errs := make([]error, len(rows))
	for i, r := range rows {
		switch {
		case err != nil:
			errs[i] = err
		case stored[string(r.hash)]:
			stored[string(r.hash)] = false
		default:
			errs[i] = store.ErrConflict
		}
	}
	return errs
}

func (p *postgresSchema) close() error {
	p.tokens.close()
	p.redeemed.close()
	p.shown.close()
	p.pool.leave()
	return nil
}

// errAgain is in errors after which PostgreSQL wants the transaction repeated.
var errAgain = errors.New("asked to try again")

// broken is unavailable, with errAgain in it for a serialization failure or a
// deadlock: those two, and only they, say for certain that nothing happened.
func broken(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && (pg.Code == "40001" || pg.Code == "40P01") {
		return fmt.Errorf("%w: %w: PostgreSQL answered %s", store.ErrUnavailable, errAgain, pg.Code)
	}
	return unavailable(err)
}

// A postgresTx implements transaction on a connection.
type postgresTx struct {
	conn  *pgx.Conn
	texts []string
}

func (t *postgresTx) exec(ctx context.Context, s statement, args ...any) (int64, error) {
	if err := checkTexts(args); err != nil {
		return 0, err
	}
	tag, err := t.conn.Exec(ctx, t.texts[s], args...)
	return tag.RowsAffected(), broken(err)
}

// execEach sends all at once, so that many rows cost one round trip.
func (t *postgresTx) execEach(ctx context.Context, s statement, args [][]any) (counts []int64, err error) {
	if len(args) == 0 {
		return nil, nil
	}
	var batch pgx.Batch
	for _, a := range args {
		if err := checkTexts(a); err != nil {
			return nil, err
		}
		batch.Queue(t.texts[s], a...)
	}
	results := t.conn.SendBatch(ctx, &batch)
	defer func() {
		if closed := results.Close(); err == nil {
			err = broken(closed)
		}
	}()
	for range args {
		tag, err := results.Exec()
		if err != nil {
			return nil, broken(err)
		}
		counts = append(counts, tag.RowsAffected())
	}
	return slices.Clip(counts), nil
}

func (t *postgresTx) query(ctx context.Context, s statement, row rowFunc, args ...any) error {
	if err := checkTexts(args); err != nil {
		return err
	}
	rows, err := t.conn.Query(ctx, t.texts[s], args...)
	if err != nil {
		return broken(err)
	}
	defer rows.Close()
	scan := func(dest ...any) error { return unavailable(rows.Scan(dest...)) }
	for rows.Next() {
		if err := row(scan); err != nil {
			return err
		}
	}
	return broken(rows.Err())
}
