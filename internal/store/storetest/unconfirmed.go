package storetest

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/store"
)

// unconfirmed is a stranger's request of an address of its own, which ends 100
// seconds after it is asked.
func unconfirmed(n int) store.Unconfirmed {
	r := stranger(n)
	r.Email = fmt.Sprintf("Zoë%d@example.org", n)
	return store.Unconfirmed{Hash: sha256.Sum256([]byte(r.ID)), Request: r, Network: "192.0.2.0/24", EndsAt: at(n + 100)}
}

func (w *world) waiting(t *testing.T, seconds, n int) {
	t.Helper()
	got, err := w.Unconfirmed.Count(t.Context(), at(seconds))
	must(t, err)
	same(t, got, n)
}

var unconfirmedCases = map[string]func(*testing.T, *world){
	"add, find and confirm": func(t *testing.T, w *world) {
		u := unconfirmed(1)
		must(t, w.Unconfirmed.Add(t.Context(), u, 3, 10))
		want(t, w.Unconfirmed.Add(t.Context(), u, 3, 10), store.ErrConflict)
		w.waiting(t, 2, 1)
		same(t, w.kinds(t), []string(nil))
		all, err := w.AccessRequests.List(t.Context(), store.AccessQuery{Limit: 9})
		must(t, err)
		same(t, len(all), 0) // nobody's to see
		_, err = w.AccessRequests.Find(t.Context(), u.Request.ID)
		want(t, err, store.ErrNotFound)

		found, err := w.Unconfirmed.Find(t.Context(), u.Hash, at(2))
		must(t, err)
		same(t, found, u.Request)
		_, err = w.Unconfirmed.Find(t.Context(), unconfirmed(2).Hash, at(2))
		want(t, err, store.ErrNotFound)

		confirmed, err := w.Unconfirmed.Confirm(t.Context(), u.Hash, store.AccessLimits{}, by(3))
		must(t, err)
		same(t, confirmed, u.Request)
		same(t, w.accessRequest(t, 1), u.Request)
		w.last(t, store.Change{At: at(3), Kind: "access.asked", ID: "r001", Client: "c001", Actor: "operator", Trace: "trace3"})
		w.waiting(t, 3, 0)
		_, err = w.Unconfirmed.Confirm(t.Context(), u.Hash, store.AccessLimits{}, by(4))
		want(t, err, store.ErrNotFound)
		_, err = w.Unconfirmed.Find(t.Context(), u.Hash, at(4))
		want(t, err, store.ErrNotFound)
	},
	"confirm at once": func(t *testing.T, w *world) {
		must(t, w.Unconfirmed.Add(t.Context(), unconfirmed(1), 3, 10))
		onlyOne(t, store.ErrNotFound, func(i int) error {
			_, err := w.Unconfirmed.Confirm(t.Context(), unconfirmed(1).Hash, store.AccessLimits{}, by(i%90))
			return err
		})
		same(t, w.kinds(t), []string{"access.asked r001"})
	},
	"confirm when too many are open": func(t *testing.T, w *world) {
		must(t, w.Unconfirmed.Add(t.Context(), unconfirmed(1), 3, 10))
		must(t, w.AccessRequests.Ask(t.Context(), stranger(2), store.AccessLimits{Network: "192.0.2.0/24"}, by(1)))
		for _, limits := range []store.AccessLimits{{Open: 1}, {Open: 9, OfNetwork: 1}} {
			_, err := w.Unconfirmed.Confirm(t.Context(), unconfirmed(1).Hash, limits, by(2))
			want(t, err, store.ErrSpent)
		}
		_, err := w.Unconfirmed.Confirm(t.Context(), unconfirmed(1).Hash, store.AccessLimits{Open: 2, OfNetwork: 2}, by(3))
		must(t, err)
	},
	"what ended": func(t *testing.T, w *world) {
		u := unconfirmed(1)
		must(t, w.Unconfirmed.Add(t.Context(), u, 1, 10))
		w.waiting(t, 100, 1)
		w.waiting(t, 101, 0)
		_, err := w.Unconfirmed.Find(t.Context(), u.Hash, at(100))
		must(t, err)
		_, err = w.Unconfirmed.Find(t.Context(), u.Hash, at(101))
		want(t, err, store.ErrNotFound)
		_, err = w.Unconfirmed.Confirm(t.Context(), u.Hash, store.AccessLimits{}, by(101))
		want(t, err, store.ErrNotFound)
		again := unconfirmed(102)
		again.Request.Email = u.Request.Email
		must(t, w.Unconfirmed.Add(t.Context(), again, 1, 10)) // the ended one does not count
		must(t, w.Unconfirmed.Add(t.Context(), unconfirmed(3), 1, 10))
		for _, row := range []struct{ before, limit, want int }{{101, 9, 0}, {102, 9, 1}, {102, 9, 0}, {300, 1, 1}, {300, 9, 1}} {
			n, err := w.Unconfirmed.Purge(t.Context(), at(row.before), row.limit)
			must(t, err)
			same(t, n, row.want)
		}
	},
	"so many of one address and no more": func(t *testing.T, w *world) {
		same := func(n int) store.Unconfirmed {
			u := unconfirmed(n)
			u.Request.Email = "zoe@example.org"
			if n%2 == 0 {
				u.Request.Email = strings.ToUpper(u.Request.Email)
			}
			return u
		}
		open := stranger(9)
		open.Email = "ZOE@example.org"
		must(t, w.AccessRequests.Ask(t.Context(), open, store.AccessLimits{}, by(1)))
		must(t, w.Unconfirmed.Add(t.Context(), same(1), 3, 10))
		must(t, w.Unconfirmed.Add(t.Context(), same(2), 3, 10))
		for _, n := range []int{3, 4} {
			want(t, w.Unconfirmed.Add(t.Context(), same(n), 3, 10), store.ErrSpent)
		}
		must(t, w.Unconfirmed.Add(t.Context(), unconfirmed(5), 3, 10))
		_, err := w.Unconfirmed.Confirm(t.Context(), same(1).Hash, store.AccessLimits{}, by(6))
		must(t, err)
		want(t, w.Unconfirmed.Add(t.Context(), same(3), 3, 10), store.ErrSpent) // still open
		must(t, w.AccessRequests.Decide(t.Context(), "r009", store.Decision{Decision: store.DecisionRefused}, by(7)))
		must(t, w.Unconfirmed.Add(t.Context(), same(3), 3, 10))
	},
	"of one address, at once": func(t *testing.T, w *world) {
		n, failed := race(t, func(i int) error {
			u := unconfirmed(i)
			u.Request.Email = "zoe@example.org"
			return w.Unconfirmed.Add(t.Context(), u, 3, 1000)
		})
		if n != 3 || failed[store.ErrSpent] != many-3 {
			t.Fatalf("%d were let in, others: %v", n, failed)
		}
	},
	"of too many the oldest go": func(t *testing.T, w *world) {
		for n := range 5 {
			must(t, w.Unconfirmed.Add(t.Context(), unconfirmed(n), 3, 3))
		}
		w.waiting(t, 5, 3)
		for n, there := range []bool{false, false, true, true, true} {
			_, err := w.Unconfirmed.Find(t.Context(), unconfirmed(n).Hash, at(6))
			if (err == nil) != there {
				t.Errorf("request %d: %v", n, err)
			}
		}
	},
	"T10 text that a database cannot hold": func(t *testing.T, w *world) {
		for _, bad := range []string{"a\x00", "a\xff"} {
			u := unconfirmed(1)
			u.Request.Purpose = bad
			refused(t, "purpose", w.Unconfirmed.Add(t.Context(), u, 3, 10))
		}
		w.waiting(t, 1, 0)
	},
}
