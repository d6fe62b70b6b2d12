package sqlstore

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// TestWaitAfterGoingBack: a database that was restored has fewer changes than this
// process has seen. Whoever follows it waits for the next one as before, and does not
// ask again and again until there are as many as there were.
func TestWaitAfterGoingBack(t *testing.T) {
	s, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	create := func(id string) {
		t.Helper()
		c := store.Client{ID: id, Name: id, Type: store.TypeMachine, CreatedAt: time.Unix(1e9, 0)}
		if err := s.Clients().Create(t.Context(), c, store.By{Actor: "test", At: c.CreatedAt}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"a", "b", "c"} {
		create(id)
	}
	pool := s.db.(*sqliteFile).pool
	for _, statement := range []string{`DELETE FROM change WHERE seq > 1`, `UPDATE head SET seq = 1`} {
		if _, err := pool.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	last, err := s.Changes().Last(t.Context())
	if err != nil || last != 1 {
		t.Fatal(last, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Changes().Wait(ctx, last); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("there is no next change, and waiting for it returned %v", err)
	}
	create("d")
	if err := s.Changes().Wait(t.Context(), last); err != nil {
		t.Error(err)
	}
}
