package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// slice is how many rows one statement of fill inserts.
const slice = 50_000

// fill makes a store large in one statement for many rows: clients with a secret
// each, and changes. They are copies of a row that is there, whatever columns it
// has, under other ids.
func fill(database string, clients, changes int) error {
	name := url.URL{Scheme: "file", Path: database, RawQuery: "_pragma=synchronous(OFF)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(OFF)"}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	var first int
	if err := db.QueryRow(`SELECT seq FROM head`).Scan(&first); err != nil {
		return err
	}
	for _, part := range []struct {
		table string
		rows  int
		own   map[string]string // by column: the value of row n
	}{
		{"client", clients, map[string]string{"id": `printf('bulk%09d', n)`}},
		{"secret", clients, map[string]string{"id": `printf('s%09d', n)`, "client_id": `printf('bulk%09d', n)`}},
		{"change", changes, map[string]string{"seq": fmt.Sprintf("%d + n", first), "id": `printf('bulk%09d', n)`}},
	} {
		if err := copies(db, part.table, part.own, part.rows); err != nil {
			return fmt.Errorf("fill %s: %w", part.table, err)
		}
	}
	if _, err := db.Exec(`UPDATE head SET seq = seq + ?`, changes); err != nil {
		return err
	}
	if _, err := db.Exec(`ANALYZE`); err != nil {
		return err
	}
	_, err = db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}

func copies(db *sql.DB, table string, own map[string]string, rows int) error {
	columns, err := columnsOf(db, table)
	if err != nil {
		return err
	}
	values := make([]string, len(columns))
	for i, c := range columns {
		values[i] = cmp.Or(own[c], "one."+c)
	}
	text := fmt.Sprintf(`WITH RECURSIVE number(n) AS (SELECT ?1 + 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?2)
		INSERT INTO %s (%s) SELECT %s FROM number CROSS JOIN (SELECT * FROM %[1]s ORDER BY rowid LIMIT 1) AS one`,
		table, strings.Join(columns, ", "), strings.Join(values, ", "))
	for done := 0; done < rows; done += slice {
		bar("filling "+table, done, rows)
		if _, err := db.Exec(text, done, min(done+slice, rows)); err != nil {
			return err
		}
	}
	return nil
}

func columnsOf(db *sql.DB, table string) (all []string, err error) {
	found, err := db.QueryContext(context.Background(), `SELECT name FROM pragma_table_info(?)`, table)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var name string
		if err := found.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, found.Err()
}

// grow measures a large store beside an empty one: every figure should be the
// same.
func (b *bench) grow() error {
	if err := b.build(); err != nil {
		return err
	}
	control, upstream, err := b.controls()
	if err != nil {
		return err
	}
	var both []*grantway
	for _, name := range []string{"empty", "large"} {
		g, err := b.machine(name, "", upstream)
		if err != nil {
			return err
		}
		both = append(both, g)
	}
	empty, large := both[0], both[1]
	if err := fill(large.database(), *clients, *changes); err != nil {
		return err
	}
	if err := b.growStart(empty, large); err != nil {
		return err
	}
	for _, g := range both {
		if err := g.serve(); err != nil {
			return err
		}
	}
	of, err := b.rows(large, control)
	if err != nil {
		return err
	}
	beside, err := b.rows(empty, control)
	if err != nil {
		return err
	}
	of = append(of, row{name: "client credentials, opaque", ours: large.target(large.ask("op"))})
	beside = append(beside, row{ours: empty.target(empty.ask("op"))})
	for i, r := range of {
		name, _, _ := strings.Cut(r.name, " / ")
		if !wanted(name) {
			continue
		}
		if err := b.measure(row{"large / empty: " + name, r.ours, beside[i].ours.cost, 1.1}); err != nil {
			return err
		}
	}
	return b.growMemory(empty, large)
}

// growStart compares how the two start.
func (b *bench) growStart(empty, large *grantway) error {
	if !wanted("start", "memory") {
		return nil
	}
	took, memory := map[*grantway][]float64{}, map[*grantway][]float64{}
	starts := 4 * *rounds // a start is short, and its time scatters
	for round := range starts {
		bar("starting", round, starts)
		for _, g := range []*grantway{empty, large} {
			t, _, err := g.start(0)
			if err != nil {
				return err
			}
			took[g] = append(took[g], t)
		}
	}
	for range *rounds {
		for _, g := range []*grantway{empty, large} {
			_, m, err := g.start(rest)
			if err != nil {
				return err
			}
			memory[g] = append(memory[g], m)
		}
	}
	b.report.add(compared("large / empty: start to first token", "ms", 1.1, took[large], took[empty]))
	b.report.add(compared("large / empty: "+idle, "MiB", 1.1, memory[large], memory[empty]))
	return nil
}

// growMemory compares the memory after the same load.
func (b *bench) growMemory(both ...*grantway) error {
	if !wanted(million) {
		return nil
	}
	var at []float64
	for _, g := range both {
		before := len(b.report.figures)
		if err := b.million(g); err != nil {
			return err
		}
		at = append(at, b.report.figures[before].Ours)
		b.report.figures = slices.Delete(b.report.figures, before, before+1)
	}
	b.report.add(compared("large / empty: "+million, "MiB", 1.1, at[1:], at[:1]))
	return nil
}
