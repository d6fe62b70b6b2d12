package sqlstore

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestPending(t *testing.T) {
	all := []migration{{number: 1, sum: "a"}, {number: 2, sum: "b"}}
	for name, row := range map[string]struct {
		done  []migration
		steps int
		fault string
	}{
		"new":         {nil, 2, ""},
		"one behind":  {all[:1], 1, ""},
		"up to date":  {all, 0, ""},
		"newer":       {append(all[:2:2], migration{number: 3, sum: "c"}), 0, "newer version"},
		"another sum": {[]migration{{number: 1, sum: "x"}}, 0, "never released"},
		"a gap":       {[]migration{{number: 2, sum: "b"}}, 0, "never released"},
	} {
		steps, err := pending(all, row.done)
		if len(steps) != row.steps {
			t.Errorf("%s: %d steps, want %d", name, len(steps), row.steps)
		}
		if (err != nil) != (row.fault != "") || err != nil && !strings.Contains(err.Error(), row.fault) {
			t.Errorf("%s: error %v, want %q", name, err, row.fault)
		}
	}
}

func TestOpenRefusesNewerTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := openFile(t, path)
	w := s.db.(*sqliteFile).writer
	if _, err := w.exec(t.Context(), insertMigration, int64(9999), "9999_later.sql", "sum", int64(0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), "sqlite:"+path, Options{})
	if err == nil || !strings.Contains(err.Error(), "newer version of grantway") {
		t.Errorf("error %v", err)
	}
}

func TestOpenRefusesOtherNames(t *testing.T) {
	for _, dsn := range []string{
		"", "sqlite:", "mysql://user:hunter2@host/db", "postgres://user:hunter2@host:port/db", "postgres://u:hunter2@h/d#Public",
		"postgres://h/d#pg_x", "postgres://h/d#information_schema", `postgres://h/d#a"b`, "postgres://h/d#1a",
	} {
		_, err := Open(t.Context(), dsn, Options{})
		if err == nil {
			t.Errorf("%q was opened", dsn)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error for %q repeats the password", dsn)
		}
	}
}
