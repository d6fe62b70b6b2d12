package storetest

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// redemptionRaces are what many do at the same time, on two nodes.
var redemptionRaces = map[string]func(*testing.T, *world){
	"C02 one code at once": func(t *testing.T, w *world) {
		w.people(t)
		other := w.open(t)
		for round := range 5 {
			g := grant(round)
			w.started(t, g)
			onlyOne(t, store.ErrSpent, func(i int) error {
				grants := w.Grants
				if i%2 == 0 {
					grants = other.Grants
				}
				r := code(g.ID)
				if i%4 < 2 {
					r.Token = opaque(round*1000 + i)
				}
				_, err := grants.Commit(t.Context(), r, by(i%3))
				return err
			})
			if w.grant(t, g.ID).EndedAt.IsZero() {
				t.Error("it has not ended")
			}
			tokens := 0
			for i := range many {
				if w.stored(t, round*1000+i) {
					tokens++
				}
			}
			if tokens > 1 {
				t.Errorf("%d tokens were stored", tokens)
			}
			all, err := w.Revocations.Since(t.Context(), 0, at(0))
			must(t, err)
			same(t, len(all), round+1)
		}
	},
	"F02 one refresh token at once": func(t *testing.T, w *world) {
		w.newest(t)
		other := w.open(t)
		before := len(w.kinds(t))
		generation := int64(2)
		for round := range 3 {
			n, failed := race(t, func(i int) error {
				grants := w.Grants
				if i%2 == 0 {
					grants = other.Grants
				}
				r := refresh("g001", generation)
				if i%4 < 2 {
					r.Token = opaque(round*1000 + i)
				}
				got, err := grants.Commit(t.Context(), r, by(30+20*round+i%5))
				if err == nil && got != generation+1 {
					t.Errorf("generation %d, want %d", got, generation+1)
				}
				return err
			})
			if n != many {
				t.Fatalf("failed: %v", failed)
			}
			generation++
			same(t, w.grant(t, "g001").Refresh.Generation, generation)
			for i := range many {
				same(t, w.stored(t, round*1000+i), i%4 < 2)
			}
		}
		same(t, len(w.kinds(t)), before)
	},
	"F02 one refresh token at once, without grace": func(t *testing.T, w *world) {
		w.newest(t)
		onlyOne(t, store.ErrSpent, func(i int) error {
			r := refresh("g001", 2)
			r.Grace = 0
			_, err := w.Grants.Commit(t.Context(), r, by(30))
			return err
		})
		all, err := w.Revocations.Since(t.Context(), 0, at(0))
		must(t, err)
		same(t, len(all), 1)
	},
	"F02 a family never forks": func(t *testing.T, w *world) {
		w.newest(t)
		other := w.open(t)
		// Each refreshes with whatever anybody got last.
		var newest atomic.Int64
		newest.Store(2)
		race(t, func(i int) error {
			grants := w.Grants
			if i%2 == 0 {
				grants = other.Grants
			}
			for range 5 {
				with := newest.Load()
				r := refresh("g001", with)
				r.Grace = time.Hour
				got, err := grants.Commit(t.Context(), r, by(30))
				if is(err, store.ErrSpent) {
					return err // older than the one before the newest
				}
				if err != nil || got != with+1 {
					t.Errorf("after %d came %d, %v", with, got, err)
					return err
				}
				for old := newest.Load(); old < got && !newest.CompareAndSwap(old, got); old = newest.Load() {
				}
			}
			return nil
		})
		if got := w.grant(t, "g001").Refresh.Generation; got != newest.Load() {
			t.Errorf("generation %d, told %d", got, newest.Load())
		}
	},
	"many grants at once, on two nodes": func(t *testing.T, w *world) {
		w.people(t)
		for i := range 20 {
			w.started(t, grant(i))
			w.redeem(t, code(id("g", i)), 1, 1)
		}
		other := w.open(t)
		n, failed := race(t, func(i int) error {
			grants := w.Grants
			if i%2 == 0 {
				grants = other.Grants
			}
			for k := range 5 { // in another order each
				r := refresh(id("g", (i*7+k*3)%20), 1)
				r.Token = opaque(i*10 + k)
				if _, err := grants.Commit(t.Context(), r, by(5)); err != nil {
					return err
				}
			}
			return nil
		})
		if n != many {
			t.Fatalf("failed: %v", failed)
		}
		for i := range 20 {
			same(t, w.grant(t, id("g", i)).Refresh.Generation, int64(2))
		}
		for i := range many * 5 {
			if !w.stored(t, i/5*10+i%5) {
				t.Fatalf("token %d is missing", i)
			}
		}
	},
	"a token with a hash in use": func(t *testing.T, w *world) {
		w.people(t)
		must(t, w.Tokens.Save(t.Context(), token(1)))
		for i := range 20 {
			w.started(t, grant(i))
		}
		n, failed := race(t, func(i int) error {
			if i >= 20 {
				return nil
			}
			r := code(id("g", i))
			r.Token = opaque(i) // the second one's is in use
			_, err := w.Grants.Commit(t.Context(), r, by(5))
			return err
		})
		if n != many-1 || failed[store.ErrConflict] != 1 {
			t.Fatalf("%d succeeded, %v", n, failed)
		}
		same(t, w.grant(t, "g001"), grant(1))
		w.redeem(t, code("g001"), 6, 1)
		got, err := w.Tokens.Find(t.Context(), token(1).Hash, at(0))
		must(t, err)
		same(t, got, token(1))
	},
}
