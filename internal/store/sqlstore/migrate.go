package sqlstore

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// A migration is one step of the tables from one version to the next. A file
// that was released is never changed: the store keeps its checksum.
type migration struct {
	number int64 // 1, 2, 3, …
	name   string
	sum    string
	sql    string
}

var (
	createMigrations = `CREATE TABLE IF NOT EXISTS {}migration (
		number BIGINT PRIMARY KEY, name TEXT NOT NULL, sum TEXT NOT NULL, at BIGINT NOT NULL)`
	allMigrations   = sentence(`SELECT number, name, sum FROM {}migration ORDER BY number`)
	insertMigration = sentence(`INSERT INTO {}migration (number, name, sum, at) VALUES ($1, $2, $3, $4)`)
)

// readMigrations returns the steps in a folder, named "0001_what.sql" and so on.
func readMigrations(folder fs.FS) ([]migration, error) {
	names, err := fs.Glob(folder, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []migration
	for i, name := range names {
		b, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		number, base := int64(i+1), path.Base(name)
		if !strings.HasPrefix(base, fmt.Sprintf("%04d_", number)) {
			return nil, fmt.Errorf("migration %q is out of order", base)
		}
		sum := sha256.Sum256(b)
		all = append(all, migration{number: number, name: base, sum: hex.EncodeToString(sum[:]), sql: string(b)})
	}
	return all, nil
}

// pending returns what remains to be done after what was. It refuses a store
// that a newer version wrote, and one whose history is another.
func pending(all, done []migration) ([]migration, error) {
	for i, d := range done {
		if i >= len(all) {
			return nil, fmt.Errorf("the store was written by a newer version of grantway: its tables are at version %d, "+
				"this one knows %d; run the newer version or restore an older backup", done[len(done)-1].number, len(all))
		}
		if d.number != all[i].number || d.sum != all[i].sum {
			return nil, fmt.Errorf("the store's tables were made by another %q than this version has: "+
				"it was written by a version that was never released", d.name)
		}
	}
	return all[len(done):], nil
}

// migrate brings the tables up to date in a transaction that nobody else is in
// at the same time. script runs a text of several statements in it.
func migrate(ctx context.Context, t transaction, script func(sql string) error, words *strings.Replacer, now time.Time) error {
	all, err := readMigrations(migrationFiles)
	if err != nil {
		return err
	}
	if err := script(words.Replace(createMigrations)); err != nil {
		return err
	}
	var done []migration
	err = t.query(ctx, allMigrations, func(scan scanFunc) error {
		var d migration
		err := scan(&d.number, &d.name, &d.sum)
		done = append(done, d)
		return err
	})
	if err != nil {
		return err
	}
	steps, err := pending(all, done)
	if err != nil {
		return err
	}
	for _, m := range steps {
		if err := script(words.Replace(m.sql)); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
		if _, err := t.exec(ctx, insertMigration, m.number, m.name, m.sum, micros(now)); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return nil
}
