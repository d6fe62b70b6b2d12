package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite" // the driver, registered as "sqlite"
	sqlitecode "modernc.org/sqlite/lib"

	"github.com/grantway/grantway/internal/store"
)

// readers is how many reads run at the same time. More gain nothing: each is
// microseconds of work in memory.
const readers = 4

// busyFor is how long a statement waits for a lock of another process.
const busyFor = 1500 * time.Millisecond

var (
	begin        = sentence(`BEGIN IMMEDIATE`)
	commit       = sentence(`COMMIT`)
	rollback     = sentence(`ROLLBACK`)
	savepoint    = sentence(`SAVEPOINT step`)
	rollbackStep = sentence(`ROLLBACK TO step`)
	releaseStep  = sentence(`RELEASE step`)
)

// insertToken has places without names: the driver makes a string of each name at
// each call.
var insertToken = sentence(`INSERT INTO {}token (hash, id, client_id, subject, audience, scope, issued_at, expires_at)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)

// A step is what write was given.
type step func(ctx context.Context, t transaction) error

// A deed is a step, a token to be stored, or a redemption.
type deed struct {
	step   step
	token  *tokenRow
	redeem *redemption
}

// sqliteFile is a database in one SQLite file: one connection that writes, in a
// goroutine of its own, and a few that read beside it.
type sqliteFile struct {
	pool   *sql.DB
	writer *sqliteConn
	free   chan *sqliteConn // readers that nobody uses
	deeds  *group[deed]
	shown  *group[*presented]
}

func openSQLite(ctx context.Context, path string, now func() time.Time) (database, error) {
	if path == "" {
		return nil, errors.New(`the path of the file is missing after "sqlite:"`)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := makeFile(path); err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", sqliteName(path))
	if err != nil {
		return nil, err
	}
	f := &sqliteFile{pool: pool, free: make(chan *sqliteConn, readers)}
	if err := f.prepare(ctx, now); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	f.deeds = newGroup(f.commit)
	f.shown = newGroup(f.presentAll)
	return f, nil
}

// makeFile makes the file before SQLite would, for SQLite gives the write-ahead
// log beside it the same mode.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// sqliteName is the file and the settings of every connection, as the driver
// wants them. FULL makes a commit durable before it returns, in WAL mode too.
func sqliteName(path string) string {
	settings := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyFor.Milliseconds()),
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"foreign_keys(ON)",
		"trusted_schema(OFF)",
		"secure_delete(ON)",        // what was said of a person who is deleted goes from the file, too
		"wal_autocheckpoint(4000)", // pages: each is written back once for more of the commits that changed it
		"journal_size_limit(67108864)",
	}}
	u := url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}
	return u.String()
}

// prepare opens the connections and brings the tables up to date.
func (f *sqliteFile) prepare(ctx context.Context, now func() time.Time) error {
	texts := spell("")
	deadline := time.Now().Add(patience)
	for f.writer == nil {
		conn, err := f.pool.Conn(ctx)
		switch {
		case err == nil:
			f.writer = &sqliteConn{conn: conn, texts: texts, prepared: make([]*sql.Stmt, len(texts))}
		case !busy(err) || time.Now().After(deadline):
			return unavailable(err)
		default:
			// Switching a new file to WAL does not wait for the other process
			// that is doing the same.
			time.Sleep(10 * time.Millisecond)
		}
	}
	if _, err := f.writer.exec(ctx, begin); err != nil {
		return err
	}
	script := func(sql string) error {
		_, err := f.writer.conn.ExecContext(ctx, sql)
		return unavailable(err)
	}
	words := strings.NewReplacer("{}", "", "{bytes}", "BLOB", "{bytewise}", "COLLATE BINARY")
	if err := migrate(ctx, f.writer, script, words, now()); err != nil {
		return err // closing the connection rolls back
	}
	if _, err := f.writer.exec(ctx, commit); err != nil {
		return err
	}
	for range readers {
		conn, err := f.pool.Conn(ctx)
		if err != nil {
			return unavailable(err)
		}
		if _, err := conn.ExecContext(ctx, `PRAGMA query_only = ON`); err != nil {
			return unavailable(err)
		}
		f.free <- &sqliteConn{conn: conn, texts: texts, prepared: make([]*sql.Stmt, len(texts))}
	}
	return nil
}

func busy(err error) bool {
	failed, ok := errors.AsType[*sqlite.Error](err)
	return ok && failed.Code()&0xff == sqlitecode.SQLITE_BUSY
}

func (f *sqliteFile) read(ctx context.Context, s statement, row rowFunc, args ...any) error {
	if checkTexts(args) != nil {
		return store.ErrNotFound // no row holds such a text
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case c, ok := <-f.free:
		if !ok {
			return unavailable(errClosed)
		}
		defer func() { f.free <- c }()
		// A read is short. Watching a context would cost more than the read.
		return c.query(context.WithoutCancel(ctx), s, row, args...)
	case <-ctx.Done():
		return unavailable(ctx.Err())
	case <-late.C:
		return unavailable(errBusy)
	}
}

func (f *sqliteFile) write(ctx context.Context, s func(context.Context, transaction) error) error {
	return f.deeds.do(ctx, deed{step: s})
}

func (f *sqliteFile) saveToken(ctx context.Context, r tokenRow) error {
	return f.deeds.do(ctx, deed{token: &r})
}

// commit does the deeds in one transaction. A deed that fails is undone alone,
// unless the whole transaction must be.
func (f *sqliteFile) commit(deeds []deed) []error {
	ctx := context.Background()
	errs := make([]error, len(deeds))
	all := func(err error) []error {
		f.writer.exec(ctx, rollback) // fails where SQLite has rolled back by itself
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	if _, err := f.writer.exec(ctx, begin); err != nil {
		return all(err)
	}
	for i, d := range deeds {
		var err error
		switch {
		case d.token != nil:
			errs[i], err = f.insert(ctx, d.token)
		case d.redeem != nil:
			errs[i], err = f.redeemHere(ctx, d.redeem)
		default:
			errs[i], err = f.try(ctx, d.step)
		}
		if err != nil {
			return all(err)
		}
	}
	if _, err := f.writer.exec(ctx, commit); err != nil {
		return all(err)
	}
	return errs
}

// insert stores a token. It is one statement, which does all or nothing, so it
// needs no savepoint; two more statements would double what a token costs.
func (f *sqliteFile) insert(ctx context.Context, r *tokenRow) (refused, broken error) {
	n, err := f.writer.run(ctx, insertToken, r.args())
	return fresh(n, err), err
}

// try runs a step. It returns the step's error, and another one when the
// transaction cannot go on.
func (f *sqliteFile) try(ctx context.Context, s step) (refused, broken error) {
	if _, err := f.writer.exec(ctx, savepoint); err != nil {
		return nil, err
	}
	if refused = s(ctx, f.writer); refused != nil {
		if _, err := f.writer.exec(ctx, rollbackStep); err != nil {
			return nil, err // a full disk, for example, ends the whole transaction
		}
	}
	_, broken = f.writer.exec(ctx, releaseStep)
	return refused, broken
}

func (f *sqliteFile) close() error {
	f.deeds.close()
	f.shown.close()
	conns := []*sqliteConn{f.writer}
	for range readers {
		conns = append(conns, <-f.free)
	}
	close(f.free)
	var errs []error
	for _, c := range conns {
		errs = append(errs, c.close())
	}
	return errors.Join(append(errs, f.pool.Close())...)
}

// A sqliteConn is one connection with its prepared statements. It implements
// transaction and is used by one goroutine at a time.
type sqliteConn struct {
	conn     *sql.Conn
	texts    []string
	prepared []*sql.Stmt
}

// close finalizes what was prepared first: SQLite keeps a connection open, and its
// write-ahead log beside the file, for as long as one statement is.
func (c *sqliteConn) close() error {
	var errs []error
	for _, p := range c.prepared {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(append(errs, c.conn.Close())...)
}

func (c *sqliteConn) statement(ctx context.Context, s statement) (*sql.Stmt, error) {
	if c.prepared[s] == nil {
		p, err := c.conn.PrepareContext(ctx, c.texts[s])
		if err != nil {
			return nil, unavailable(err)
		}
		c.prepared[s] = p
	}
	return c.prepared[s], nil
}

func (c *sqliteConn) exec(ctx context.Context, s statement, args ...any) (int64, error) {
	if err := checkTexts(args); err != nil {
		return 0, err
	}
	return c.run(ctx, s, args)
}

// run is exec for texts that were looked at before.
func (c *sqliteConn) run(ctx context.Context, s statement, args []any) (int64, error) {
	p, err := c.statement(ctx, s)
	if err != nil {
		return 0, err
	}
	result, err := p.ExecContext(ctx, args...)
	if err != nil {
		return 0, unavailable(err)
	}
	n, err := result.RowsAffected()
	return n, unavailable(err)
}

func (c *sqliteConn) execEach(ctx context.Context, s statement, args [][]any) ([]int64, error) {
	counts := make([]int64, 0, len(args))
	for _, a := range args {
		n, err := c.exec(ctx, s, a...)
		if err != nil {
			return nil, err
		}
		counts = append(counts, n)
	}
	return counts, nil
}

func (c *sqliteConn) query(ctx context.Context, s statement, row rowFunc, args ...any) (err error) {
	if err := checkTexts(args); err != nil {
		return err
	}
	p, err := c.statement(ctx, s)
	if err != nil {
		return err
	}
	rows, err := p.QueryContext(ctx, args...)
	if err != nil {
		return unavailable(err)
	}
	defer func() {
		err = errors.Join(err, unavailable(rows.Close()))
	}()
	scan := func(dest ...any) error { return unavailable(rows.Scan(dest...)) }
	for rows.Next() {
		if err := row(scan); err != nil {
			return err
		}
	}
	return unavailable(rows.Err())
}
