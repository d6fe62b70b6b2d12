package sqlstore

import (
	"context"
	"strings"

	"github.com/grantway/grantway/internal/store"
)

// A database is SQLite or PostgreSQL: all that the nouns need of either. Its
// errors are those of package store, wrapped, or what a caller's function
// returned.
type database interface {
	// read runs one statement and calls row for each of its rows. One statement
	// sees one state of the database, so a read that must be consistent is
	// written as one.
	read(ctx context.Context, s statement, row rowFunc, args ...any) error

	// write runs step in a transaction and commits it, durably; an error of step
	// undoes all of it. step may be run several times, when the database asks for
	// it, so it must set all that it returns. It must use the context it is given.
	write(ctx context.Context, step func(ctx context.Context, t transaction) error) error

	// saveToken is tokens.Save, grouped with others that wait.
	saveToken(ctx context.Context, t tokenRow) error

	// present reads what is presented, into what it is given, at once for all who
	// wait.
	present(ctx context.Context, p *presented) error

	// redeem is the part of grants.Commit that succeeds, grouped with others that
	// wait. Where the grant is not as it must be it returns errRefused.
	redeem(ctx context.Context, r *redemption) error

	close() error
}

// A transaction runs statements that become true together or not at all.
type transaction interface {
	// exec runs a statement and says how many rows it changed.
	exec(ctx context.Context, s statement, args ...any) (int64, error)

	// execEach runs a statement once for each list of arguments and says how many
	// rows each changed.
	execEach(ctx context.Context, s statement, args [][]any) ([]int64, error)

	// query calls row for each row that the statement returns. row must not run
	// another statement.
	query(ctx context.Context, s statement, row rowFunc, args ...any) error
}

// A rowFunc reads one row with scan.
type rowFunc func(scan scanFunc) error

// A scanFunc copies the columns of the current row to where dest points.
type scanFunc func(dest ...any) error

// A statement is the number of an SQL text in statements. A number and not a
// text, so that a store finds its own spelling of it, and SQLite its prepared
// form, by index.
type statement int

// statements holds every SQL text of this package, filled while its variables
// are initialized and never changed afterwards. {} stands before the names of
// tables.
var statements []string

func sentence(sql string) statement {
	statements = append(statements, sql)
	return statement(len(statements) - 1)
}

// spell returns all statements with the tables' names qualified. PostgreSQL
// caches a prepared statement under its text for each connection, and stores of
// different schemas share connections: qualified names keep their texts apart.
func spell(prefix string) []string {
	texts := make([]string, len(statements))
	for i, sql := range statements {
		texts[i] = strings.ReplaceAll(sql, "{}", prefix)
	}
	return texts
}

// one reads at most one row into dest and says whether there was one.
func one(ctx context.Context, t transaction, s statement, args []any, dest ...any) (bool, error) {
	found := false
	err := t.query(ctx, s, func(scan scanFunc) error {
		found = true
		return scan(dest...)
	}, args...)
	return found, err
}

// found turns "no row was changed" into store.ErrNotFound.
func found(rows int64, err error) error {
	if err == nil && rows == 0 {
		return store.ErrNotFound
	}
	return err
}

// fresh turns "no row was inserted" into store.ErrConflict.
func fresh(rows int64, err error) error {
	if err == nil && rows == 0 {
		return store.ErrConflict
	}
	return err
}
