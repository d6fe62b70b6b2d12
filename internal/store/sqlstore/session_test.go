package sqlstore

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// TestPurgeSparesWhoCameBack is the moment between the list of a purge and the end
// of one session on it.
func TestPurgeSparesWhoCameBack(t *testing.T) {
	s := openFile(t, filepath.Join(t.TempDir(), "a.db"))
	at := someone().At
	err := s.Accounts().Create(t.Context(), store.Account{ID: "p", Key: "p"}, nil, someone())
	if err != nil {
		t.Fatal(err)
	}
	err = s.Sessions().Start(t.Context(), store.Session{Hash: [32]byte{9}, ID: "s", AccountID: "p", SeenAt: at, EndsAt: at.Add(time.Hour)}, [32]byte{}, someone())
	if err != nil {
		t.Fatal(err)
	}
	purge := func(seen time.Time) error {
		return sessions{s}.end(t.Context(), "p", "s", at.Add(time.Hour), someone(), forgetStale, "p", "s", micros(seen), micros(at))
	}
	if err := purge(at.Add(-time.Microsecond)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a session that was seen since: %v", err)
	}
	if err := purge(at); err != nil {
		t.Errorf("one that was not: %v", err)
	}
}
