package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

func is(err, target error) bool { return errors.Is(err, target) }

// wakes is how long Wait may take: a quarter of a second, and what a busy
// machine adds.
const wakes = 250*time.Millisecond + 250*time.Millisecond

var changeCases = map[string]func(*testing.T, *world){
	"since": func(t *testing.T, w *world) {
		last, err := w.Changes.Last(t.Context())
		must(t, err)
		same(t, last, int64(0))
		for i := range 10 {
			must(t, w.Clients.Create(t.Context(), store.Client{ID: id("c", i)}, by(i)))
		}
		last, err = w.Changes.Last(t.Context())
		must(t, err)
		same(t, last, int64(10))
		for _, row := range []struct{ after, limit, first, n int }{
			{0, 3, 1, 3}, {3, 3, 4, 3}, {8, 100, 9, 2}, {10, 5, 0, 0}, {99, 5, 0, 0}, {0, 0, 0, 0},
		} {
			got, err := w.Changes.Since(t.Context(), int64(row.after), row.limit)
			must(t, err)
			same(t, len(got), row.n)
			for i, c := range got {
				same(t, c.Seq, int64(row.first+i))
				same(t, c.At, at(row.first+i-1))
			}
		}
	},
	"gapless and in order": func(t *testing.T, w *world) {
		other := w.open(t)
		stop, followed := make(chan struct{}), make(chan int64)
		go func() { followed <- follow(t, other.Changes, stop) }()
		n, failed := race(t, func(i int) error {
			r := w.Roles
			if i%2 == 0 {
				r = other
			}
			// Two of four do not happen.
			create := func() error { return r.Clients.Create(t.Context(), store.Client{ID: id("c", i)}, by(i)) }
			must(t, patiently(create))
			want(t, patiently(create), store.ErrConflict)
			want(t, patiently(func() error { return r.Secrets.Revoke(t.Context(), id("c", i), "none", at(100), by(i)) }), store.ErrNotFound)
			return r.Clients.Disable(t.Context(), id("c", i), at(100), by(i))
		})
		close(stop)
		if n != many {
			t.Errorf("failed: %v", failed)
		}
		if last := <-followed; last > 2*many {
			t.Errorf("the follower saw the change %d", last)
		}
		if kinds := w.kinds(t); len(kinds) != 2*many {
			t.Errorf("%d changes, want %d", len(kinds), 2*many)
		}
	},
	"unless it has moved": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Accounts.Create(t.Context(), account("a"), nil, by(1)))
		seen := func(about string) *store.Moved {
			last, err := w.Changes.Last(t.Context())
			must(t, err)
			return &store.Moved{About: about, After: last, Of: w.History}
		}
		unless := func(m *store.Moved) store.By { return store.By{Actor: "operator", At: at(9), Unless: m} }
		change := func(m *store.Moved) error { return w.Clients.Disable(t.Context(), "c", at(100), unless(m)) }

		// Nothing of it has changed, but other things have.
		m := seen("c")
		must(t, w.Accounts.SetDisabled(t.Context(), "a", false, at(100), by(2)))
		must(t, change(m))
		same(t, m.Begun, true)
		must(t, w.Clients.Enable(t.Context(), "c", unless(m))) // the second step of the same

		// A secret of a client and a factor of an account are parts of them.
		m = seen("c")
		must(t, w.open(t).Secrets.Revoke(t.Context(), "c", "c0a", at(100), by(3)))
		want(t, change(m), store.ErrMoved)
		same(t, m.Begun, false)
		same(t, w.find(t, "c").DisabledAt, time.Time{})
		m = seen("a")
		must(t, w.open(t).Factors.Add(t.Context(), password("a"), by(4)))
		want(t, w.Accounts.SetDisabled(t.Context(), "a", true, at(100), unless(m)), store.ErrMoved)

		// Of several steps about its parts, the first does not stand in the way of the second.
		m = seen("a")
		second := totp("a", 1)
		must(t, w.Factors.Add(t.Context(), second, unless(m)))
		must(t, w.Factors.Remove(t.Context(), "a", second.ID, store.Remainder{}, unless(m)))

		// What lies elsewhere is not asked.
		m = seen("c")
		m.Of = nil
		must(t, w.Secrets.Add(t.Context(), store.Secret{ID: "new", ClientID: "c", CreatedAt: at(0)}, by(5)))
		must(t, change(m))

		// Of many who saw the same, on two nodes, one comes first.
		must(t, w.Clients.Enable(t.Context(), "c", by(6)))
		other := w.open(t)
		first, others := seen("c"), atomic.Int64{}
		race(t, func(i int) error {
			r := w.Roles
			if i%2 == 0 {
				r = other
			}
			m := &store.Moved{About: first.About, After: first.After, Of: r.History}
			err := r.Secrets.Add(t.Context(), store.Secret{ID: id("s", i), ClientID: "c", CreatedAt: at(0)}, unless(m))
			if is(err, store.ErrMoved) {
				others.Add(1)
				return nil
			}
			return err
		})
		if n := others.Load(); n != many-1 {
			t.Errorf("%d of %d came too late", n, many)
		}
	},
	"wait returns at once when there are changes": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), store.Client{ID: "c"}, by(0)))
		var took time.Duration
		for range 20 { // a machine that does much else is not always slow
			other := w.open(t) // it has not asked yet
			begin := time.Now()
			must(t, w.Changes.Wait(t.Context(), 0))
			must(t, other.Changes.Wait(t.Context(), 0))
			if took = time.Since(begin); took <= 150*time.Millisecond {
				return
			}
		}
		t.Errorf("took %v", took)
	},
	"wait wakes in the same process": func(t *testing.T, w *world) { wakesWithin(t, w.Changes, w.Roles, 100*time.Millisecond) },
	"wait wakes on another node":     func(t *testing.T, w *world) { wakesWithin(t, w.open(t).Changes, w.Roles, wakes) },
	"wait ends with its context": func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		begin := time.Now()
		want(t, w.Changes.Wait(ctx, 0), context.DeadlineExceeded)
		if took := time.Since(begin); took < 50*time.Millisecond || took > 20*time.Second {
			t.Errorf("took %v", took)
		}
	},
	"wait ends with the store": func(t *testing.T, w *world) {
		ended := make(chan error)
		go func() { ended <- w.Changes.Wait(t.Context(), 0) }()
		time.Sleep(50 * time.Millisecond)
		must(t, w.Close())
		select {
		case err := <-ended:
			want(t, err, store.ErrUnavailable)
		case <-time.After(30 * time.Second):
			t.Fatal("still waiting")
		}
		want(t, w.Changes.Wait(t.Context(), 0), store.ErrUnavailable)
	},
}

// follow reads the changes as they come and wants each to follow the one before.
func follow(t *testing.T, changes store.Changes, stop <-chan struct{}) (last int64) {
	for {
		select {
		case <-stop:
			return last
		default:
		}
		var all []store.Change
		err := patiently(func() (err error) {
			all, err = changes.Since(t.Context(), last, 7)
			return err
		})
		if err != nil {
			t.Error(err)
			return last
		}
		for _, c := range all {
			if c.Seq != last+1 {
				t.Errorf("the change %d came after %d", c.Seq, last)
				return c.Seq
			}
			last = c.Seq
		}
	}
}

// wakesWithin wants many waiters to see the changes of the writer in time: three of at
// most thirty, since a machine that does much else is slow at times.
func wakesWithin(t *testing.T, changes store.Changes, writer Roles, limit time.Duration) {
	var slowest time.Duration
	for i, good := 0, 0; good < 3; i++ {
		if i == 30 {
			t.Fatalf("woke %v after the last commit, want at most %v", slowest, limit)
		}
		var wg sync.WaitGroup
		began := make(chan time.Time, 1)
		woken := make(chan time.Time, 10)
		for range 10 {
			wg.Go(func() {
				if err := changes.Wait(t.Context(), int64(i)); err != nil {
					t.Error(err)
				}
				woken <- time.Now()
			})
		}
		time.Sleep(time.Duration(60+70*(i%3)) * time.Millisecond)
		select {
		case <-woken:
			t.Fatal("woke before there was a change")
		default:
		}
		must(t, writer.Clients.Create(t.Context(), store.Client{ID: id("c", i)}, by(i)))
		began <- time.Now()
		wg.Wait()
		close(woken)
		begin := <-began
		slowest = 0
		for end := range woken {
			slowest = max(slowest, end.Sub(begin))
		}
		if slowest <= limit {
			good++
		}
	}
}
