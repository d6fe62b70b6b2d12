package sqlstore

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

// queued returns a store in which the session "s" of the account "p" has ended
// that three clients have grants in, one of them two.
func queued(t *testing.T, dsn string, at time.Time) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	by := store.By{Actor: "p", At: at}
	err = s.db.write(t.Context(), func(ctx context.Context, w transaction) error {
		for _, row := range []struct{ id, client, account, session string }{
			{"1", "a", "p", "s"},
			{"2", "b", "p", "s"},
			{"3", "b", "p", "s"},
			{"4", "c", "p", "s"},
			{"5", "d", "p", "other"},
			{"6", "e", "q", "s"},
		} {
			g := store.Grant{ID: row.id, ClientID: row.client, AccountID: row.account, SessionID: row.session}
			g.Code.Hash[0] = row.id[0]
			if _, err := w.exec(ctx, insertGrant, append(grantArgs(&g), int64(0))...); err != nil {
				return err
			}
		}
		return queueNotices(ctx, w, "p", "s", by)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func claim(t *testing.T, s *Store, now, until time.Time, limit int, wanted ...store.LogoutNotice) {
	t.Helper()
	all, err := s.LogoutNotices().Claim(t.Context(), now, until, limit)
	if diff := cmp.Diff(wanted, all); diff != "" || err != nil {
		t.Fatalf("%v, differs (-want +got):\n%s", err, diff)
	}
}

func TestLogoutNotices(t *testing.T) {
	for name, dsn := range map[string]string{
		"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "a.db"), "PostgreSQL": pgtest.Schema(t),
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(1_700_000_000, 0).UTC()
			s := queued(t, dsn, now)
			later := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
			notice := func(client string, tries, due int) store.LogoutNotice {
				return store.LogoutNotice{
					ID: "s." + client, ClientID: client, AccountID: "p", SessionID: "s", QueuedAt: now, Tries: tries, DueAt: later(due),
				}
			}
			claim(t, s, now.Add(-time.Microsecond), later(1), 9)
			claim(t, s, now, later(1), 0)
			claim(t, s, now, later(1), 1, notice("a", 1, 1))
			claim(t, s, now, later(2), 9, notice("b", 1, 2), notice("c", 1, 2))
			claim(t, s, now, later(3), 9)
			claim(t, s, later(1), later(4), 9, notice("a", 2, 4))

			if err := s.LogoutNotices().Done(t.Context(), []string{"s.b", "x", "a\x00"}); err != nil {
				t.Fatal(err)
			}
			if err := s.LogoutNotices().Done(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			by := store.By{Actor: "server", At: later(5)}
			if err := s.LogoutNotices().GiveUp(t.Context(), "s.a", by); err != nil {
				t.Fatal(err)
			}
			for _, gone := range []string{"s.a", "s.b", "a\x00"} {
				if err := s.LogoutNotices().GiveUp(t.Context(), gone, by); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%q: %v", gone, err)
				}
			}
			all, err := s.Changes().Since(t.Context(), 0, 9)
			wanted := []store.Change{{
				Seq: 1, At: later(5), Kind: "logout.undelivered", ID: "s", Client: "a", Actor: "server", Detail: `{"tries":2}`,
			}}
			if diff := cmp.Diff(wanted, all); diff != "" || err != nil {
				t.Errorf("%v, differs (-want +got):\n%s", err, diff)
			}
			claim(t, s, later(9), later(10), 9, notice("c", 2, 10))
		})
	}
}

func TestLogoutNoticesAreClaimedOnce(t *testing.T) {
	dsn := pgtest.Schema(t)
	now := time.Unix(1_700_000_000, 0).UTC()
	s := queued(t, dsn, now)
	claimed := make(chan int)
	for range 20 {
		go func() {
			all, err := s.LogoutNotices().Claim(t.Context(), now, now.Add(time.Minute), 2)
			for late := time.Now().Add(time.Minute); errors.Is(err, store.ErrUnavailable) && time.Now().Before(late); { // it could not say in time
				all, err = s.LogoutNotices().Claim(t.Context(), now, now.Add(time.Minute), 2)
			}
			if err != nil {
				t.Error(err)
			}
			claimed <- len(all)
		}()
	}
	n := 0
	for range 20 {
		n += <-claimed
	}
	if n > 3 {
		t.Errorf("%d notices were claimed, there are 3", n)
	}
}
