package sqlstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// TestClosedFileIsWhole: after a stop everything is in the one file, so that
// whoever copies it has all of it.
func TestClosedFileIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "whole.db")
	s, err := Open(t.Context(), "sqlite:"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	by := store.By{Actor: "test", At: time.Now()}
	if err := s.Clients().Create(t.Context(), store.Client{ID: "c"}, by); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Clients().Find(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, beside := range []string{path + "-wal", path + "-shm"} {
		if _, err := os.Stat(beside); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", filepath.Base(beside), err)
		}
	}
}
