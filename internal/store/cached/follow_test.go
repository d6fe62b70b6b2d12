package cached_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/cached"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

func TestOnChangeSeesAllInOrder(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a.db"))
	create(t, s, "before")
	c := cached.New(s.Clients(), s.Changes(), cached.Options{})
	var (
		mu   sync.Mutex
		seen []int64
	)
	c.OnChange(func(change store.Change) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, change.Seq)
	})
	follow(t, c)
	const writers, each = 50, 14 // more than one batch, and fewer at once than the store lets wait
	const n = writers * each
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				id := fmt.Sprintf("c%d-%d", w, i)
				err := store.ErrUnavailable
				for late := time.Now().Add(time.Minute); errors.Is(err, store.ErrUnavailable) && time.Now().Before(late); { // it could not say in time
					err = s.Clients().Create(context.Background(), store.Client{ID: id, Name: id}, by())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	must(t, c.Sync(t.Context()))
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != n {
		t.Fatalf("%d changes, want %d", len(seen), n)
	}
	for i, seq := range seen {
		if seq != int64(i)+2 {
			t.Fatalf("change %d is number %d", i, seq)
		}
	}
}

// replaced are the changes of a store that can be exchanged for another, as a
// restore or a failover does.
type replaced struct {
	now atomic.Pointer[sqlstore.Store]
}

func (r *replaced) Since(ctx context.Context, seq int64, limit int) ([]store.Change, error) {
	return r.now.Load().Changes().Since(ctx, seq, limit)
}

func (r *replaced) Last(ctx context.Context) (int64, error) { return r.now.Load().Changes().Last(ctx) }

func (r *replaced) Wait(ctx context.Context, seq int64) error {
	return r.now.Load().Changes().Wait(ctx, seq)
}

type replacedClients struct {
	store.Clients
	*replaced
}

func (r replacedClients) Find(ctx context.Context, id string) (store.Client, error) {
	return r.now.Load().Clients().Find(ctx, id)
}

func TestAnOlderStoreIsNoticed(t *testing.T) {
	newer, older := open(t, filepath.Join(t.TempDir(), "a.db")), open(t, filepath.Join(t.TempDir(), "b.db"))
	for _, id := range []string{"c", "d", "e"} {
		create(t, newer, id)
	}
	create(t, older, "c")
	must(t, older.Clients().Disable(t.Context(), "c", time.Now(), by()))
	r := &replaced{}
	r.now.Store(newer)
	c := cached.New(replacedClients{replaced: r}, r, cached.Options{})
	follow(t, c)
	if got, err := c.Find(t.Context(), "c"); err != nil || got.Disabled() {
		t.Fatal(got, err)
	}
	r.now.Store(older)
	newer.Close()
	eventually(t, patience, "the older store counts", func() bool {
		got, err := c.Find(t.Context(), "c")
		return err == nil && got.Disabled()
	})
	// It follows on from there.
	must(t, older.Clients().Enable(t.Context(), "c", by()))
	eventually(t, patience, "the next change", func() bool {
		got, err := c.Find(t.Context(), "c")
		return err == nil && !got.Disabled()
	})
}

// TestNeverOlderThanSync has readers, writers and the follower race.
func TestNeverOlderThanSync(t *testing.T) {
	f := start(t, cached.Options{})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					f.Find(t.Context(), "c")
				}
			}
		})
	}
	for i := range 60 {
		secret := store.Secret{ID: fmt.Sprint("s", i), ClientID: "c"}
		must(t, f.store.Secrets().Add(t.Context(), secret, by()))
		must(t, f.Sync(t.Context()))
		if got := len(f.find(t, "c").Secrets); got != i+2 {
			t.Fatalf("%d secrets after %d were added to one", got, i+1)
		}
	}
	close(stop)
	wg.Wait()
}

func BenchmarkFindWarm(b *testing.B) {
	f := start(b, cached.Options{})
	f.find(b, "c")
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Find(ctx, "c"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestFindWarmAllocatesNothing(t *testing.T) {
	f := start(t, cached.Options{})
	f.find(t, "c")
	ctx := context.Background()
	if n := testing.AllocsPerRun(1000, func() { f.Find(ctx, "c") }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
