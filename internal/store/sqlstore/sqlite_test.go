package sqlstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

func openFile(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), "sqlite:"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func someone() store.By { return store.By{Actor: "a", At: time.Unix(1_700_000_000, 0)} }

func TestSQLiteIsDurable(t *testing.T) {
	f := openFile(t, filepath.Join(t.TempDir(), "a.db")).db.(*sqliteFile)
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1"} {
		var got string
		if err := f.writer.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
}

func TestSQLiteFilesArePrivate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "what? 100% #1", "b")
	s := openFile(t, filepath.Join(folder, "a.db"))
	if err := s.Clients().Create(t.Context(), store.Client{ID: "c"}, someone()); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{"": 0o700, "a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600} {
		info, err := os.Stat(filepath.Join(folder, path))
		if err != nil {
			t.Error(err)
		} else if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %q: %o, want %o", path, got, want)
		}
	}
}

func TestSQLiteUndoesOneStepAlone(t *testing.T) {
	s := openFile(t, filepath.Join(t.TempDir(), "a.db"))
	f := s.db.(*sqliteFile)
	f.deeds.close() // so that this test is the one that writes
	own := errors.New("its own")
	create := func(id string, err error) deed {
		return deed{step: func(ctx context.Context, t transaction) error {
			if _, err := t.exec(ctx, insertClient, id, "", "", "[]", "[]", "{}", "", "", "", int64(0), int64(0), int64(0), ""); err != nil {
				return err
			}
			return err
		}}
	}
	errs := f.commit([]deed{create("a", nil), create("b", own), create("c", nil), {step: func(ctx context.Context, t transaction) error {
		_, err := t.exec(ctx, insertRevocation, int64(99), "", "", int64(0), int64(0)) // there is no such change
		return err
	}}})
	if errs[0] != nil || errs[1] != own || errs[2] != nil || !errors.Is(errs[3], store.ErrUnavailable) {
		t.Errorf("errors: %v", errs)
	}
	token := &tokenRow{hash: make([]byte, 32)}
	errs = f.commit([]deed{{token: token}, create("d", own), {token: token}, {token: &tokenRow{hash: []byte{1}}}})
	if errs[0] != nil || errs[1] != own || !errors.Is(errs[2], store.ErrConflict) || errs[3] != nil {
		t.Errorf("errors with tokens: %v", errs)
	}
	all, err := s.Clients().List(t.Context(), "", 9)
	if err != nil || len(all) != 2 || all[0].ID != "a" || all[1].ID != "c" {
		t.Errorf("clients: %v, %v", all, err)
	}
	f.deeds = newGroup(f.commit)
}

func TestSQLiteReadersCannotWrite(t *testing.T) {
	s := openFile(t, filepath.Join(t.TempDir(), "a.db"))
	if err := s.db.read(t.Context(), nextSeq, func(scanFunc) error { return nil }); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a reader wrote: %v", err)
	}
}

func TestSQLiteLockedByAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s, other := openFile(t, path), openFile(t, path)
	locked := other.db.(*sqliteFile).writer
	if _, err := locked.exec(t.Context(), begin); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err := s.Clients().Create(t.Context(), store.Client{ID: "c"}, someone())
	if took := time.Since(began); !errors.Is(err, store.ErrUnavailable) || took < time.Second || took > 20*time.Second {
		t.Errorf("%v after %v, want unavailable after one or two seconds", err, took)
	}
	if _, err := s.Clients().List(t.Context(), "", 1); err != nil {
		t.Errorf("a read beside it: %v", err)
	}
	if _, err := locked.exec(t.Context(), rollback); err != nil {
		t.Fatal(err)
	}
	if err := s.Clients().Create(t.Context(), store.Client{ID: "c"}, someone()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
