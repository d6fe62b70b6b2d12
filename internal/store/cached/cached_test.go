package cached_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/cached"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

func open(t testing.TB, path string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), "sqlite:"+path, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// counted counts the reads of real clients, and can hold one up once it has read.
type counted struct {
	store.Clients
	reads atomic.Int64
	hold  func(id string)
}

func (c *counted) Find(ctx context.Context, id string) (store.Client, error) {
	c.reads.Add(1)
	client, err := c.Clients.Find(ctx, id)
	if c.hold != nil {
		c.hold(id)
	}
	return client, err
}

type fixture struct {
	*cached.Clients
	path  string
	store *sqlstore.Store
	reads *atomic.Int64
	hold  func(func(id string)) // call before the first Find
}

// start returns a running cache in front of a real store with the client "c".
func start(t testing.TB, o cached.Options) *fixture {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	s := open(t, path)
	create(t, s, "c")
	inner := &counted{Clients: s.Clients()}
	f := &fixture{
		Clients: cached.New(inner, s.Changes(), o), path: path, store: s, reads: &inner.reads,
		hold: func(h func(string)) { inner.hold = h },
	}
	follow(t, f.Clients)
	return f
}

// follow runs the cache until the test ends and returns once it is trusted.
func follow(t testing.TB, c *cached.Clients) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	eventually(t, patience, "the follower has begun", c.Following)
}

// patience is for machines that do much else.
const patience = 20 * time.Second

func eventually(t testing.TB, limit time.Duration, what string, true func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !true() {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

func by() store.By { return store.By{Actor: "operator", At: time.Now()} }

func create(t testing.TB, s *sqlstore.Store, id string) {
	t.Helper()
	c := store.Client{ID: id, Name: id, Secrets: []store.Secret{{ID: id + "0a", Verifier: "v"}}}
	if err := s.Clients().Create(context.Background(), c, by()); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) find(t testing.TB, id string) *store.Client {
	t.Helper()
	c, err := f.Find(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *fixture) readsOf(do func()) int64 {
	before := f.reads.Load()
	do()
	return f.reads.Load() - before
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFindReadsOnce(t *testing.T) {
	f := start(t, cached.Options{})
	if n := f.readsOf(func() {
		first := f.find(t, "c")
		if second := f.find(t, "c"); first != second || first.Name != "c" {
			t.Error("not the same client")
		}
	}); n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
}

func TestFindOfManyReadsOnce(t *testing.T) {
	f := start(t, cached.Options{})
	arrived := make(chan struct{})
	f.hold(func(string) { <-arrived })
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() { f.find(t, "c") })
	}
	time.Sleep(20 * time.Millisecond)
	close(arrived)
	wg.Wait()
	if n := f.reads.Load(); n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
}

func TestOneCallerLeavesTheOthersStay(t *testing.T) {
	f := start(t, cached.Options{})
	arrived := make(chan struct{})
	f.hold(func(string) { <-arrived })
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { _, err := f.Find(ctx, "c"); left <- err }()
	eventually(t, patience, "the read has begun", func() bool { return f.reads.Load() == 1 })
	stayed := make(chan error)
	go func() { _, err := f.Find(t.Context(), "c"); stayed <- err }()
	cancel()
	if err := <-left; !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left: %v", err)
	}
	close(arrived)
	must(t, <-stayed)
}

// TestEveryChangeIsSeen makes each kind of change here and on another node.
func TestEveryChangeIsSeen(t *testing.T) {
	f := start(t, cached.Options{})
	other := open(t, f.path)
	var slowest time.Duration
	for name, node := range map[string]*sqlstore.Store{"here": f.store, "another node": other} {
		id := strings.ReplaceAll(name, " ", "")
		if _, err := f.Find(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		for _, step := range []struct {
			name   string
			change func() error
			seen   func(c *store.Client, err error) bool
		}{
			{"created", func() error { create(t, node, id); return nil }, func(_ *store.Client, err error) bool { return err == nil }},
			{"secret added", func() error {
				return node.Secrets().Add(t.Context(), store.Secret{ID: id + "0b", ClientID: id}, by())
			}, func(c *store.Client, _ error) bool { return len(c.Secrets) == 2 }},
			{"secret revoked", func() error {
				return node.Secrets().Revoke(t.Context(), id, id+"0a", time.Now(), by())
			}, func(c *store.Client, _ error) bool { return len(c.Secrets) == 1 }},
			{
				"disabled", func() error { return node.Clients().Disable(t.Context(), id, time.Now(), by()) },
				func(c *store.Client, _ error) bool { return c.Disabled() },
			},
			{
				"enabled", func() error { return node.Clients().Enable(t.Context(), id, by()) },
				func(c *store.Client, _ error) bool { return !c.Disabled() },
			},
			{
				"deleted", func() error { return node.Clients().Delete(t.Context(), id, time.Now(), by()) },
				func(_ *store.Client, err error) bool { return errors.Is(err, store.ErrNotFound) },
			},
		} {
			must(t, step.change())
			took := eventually(t, patience, step.name+" "+name, func() bool { return step.seen(f.Find(t.Context(), id)) })
			slowest = max(slowest, took)
		}
	}
	t.Logf("the slowest was seen after %v", slowest)
}

func TestSync(t *testing.T) {
	f := start(t, cached.Options{})
	other := open(t, f.path)
	for i := range 20 {
		node := f.store
		if i%4 == 0 {
			node = other
		}
		f.find(t, "c")
		change := node.Clients().Disable
		if i%2 == 1 {
			change = func(ctx context.Context, id string, _ time.Time, by store.By) error {
				return node.Clients().Enable(ctx, id, by)
			}
		}
		must(t, change(t.Context(), "c", time.Now(), by()))
		must(t, f.Sync(t.Context()))
		if got, want := f.find(t, "c").Disabled(), i%2 == 0; got != want {
			t.Fatalf("round %d: disabled %v, want %v", i, got, want)
		}
	}
	f.store.Close()
	if err := f.Sync(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("without a store: %v", err)
	}
}

// TestReadBeforeAChangeIsNotRemembered holds up a read that saw the state before
// a change until the change was applied.
func TestReadBeforeAChangeIsNotRemembered(t *testing.T) {
	f := start(t, cached.Options{})
	read, goOn := make(chan struct{}), make(chan struct{})
	var held atomic.Bool
	f.hold(func(string) {
		if held.CompareAndSwap(false, true) {
			close(read)
			<-goOn
		}
	})
	early := make(chan *store.Client)
	go func() {
		c, _ := f.Find(t.Context(), "c")
		early <- c
	}()
	<-read
	must(t, f.store.Clients().Disable(t.Context(), "c", time.Now(), by()))
	must(t, f.Sync(t.Context()))
	if !f.find(t, "c").Disabled() {
		t.Error("joined a read that had begun before the change")
	}
	close(goOn)
	if c := <-early; c.Disabled() {
		t.Error("the fixture is wrong: the early read saw the change")
	}
	if !f.find(t, "c").Disabled() {
		t.Error("what was read before the change replaced what was read after it")
	}
}

func TestUnknownIDs(t *testing.T) {
	var offset atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	f := start(t, cached.Options{Size: 100, Unknown: 100, Now: now})
	f.find(t, "c")
	unknown := func(id string) {
		if _, err := f.Find(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if n := f.readsOf(func() { unknown("x"); unknown("x") }); n != 1 {
		t.Errorf("%d reads of an unknown id, want 1", n)
	}
	long := strings.Repeat("x", 257)
	if n := f.readsOf(func() { unknown(long); unknown(long); unknown(long[1:]); unknown(long[1:]) }); n != 3 {
		t.Errorf("%d reads of ids of 257 and 256 bytes, want 2 and 1", n)
	}
	offset.Store(int64(2*time.Second + time.Millisecond))
	if n := f.readsOf(func() { unknown("x") }); n != 1 {
		t.Error("an unknown id was remembered for longer than two seconds")
	}
	for i := range 5000 {
		unknown(fmt.Sprint("flood", i))
	}
	if n := f.readsOf(func() { f.find(t, "c") }); n != 0 {
		t.Error("a flood of unknown ids drove out a good client")
	}
}

func TestSizeIsBounded(t *testing.T) {
	f := start(t, cached.Options{Size: 10})
	for i := range 200 {
		create(t, f.store, fmt.Sprint("c", i))
	}
	must(t, f.Sync(t.Context()))
	all := func() {
		for i := range 200 {
			f.find(t, fmt.Sprint("c", i))
		}
	}
	all()
	// Evicting takes place behind.
	eventually(t, patience, "150 of 200 are read again with room for ten", func() bool { return f.readsOf(all) >= 150 })
}

func TestNothingIsTrustedAfterSilence(t *testing.T) {
	var offset atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	f := start(t, cached.Options{MaxStale: time.Minute, Now: now})
	f.find(t, "c")
	f.store.Close()
	time.Sleep(20 * time.Millisecond)
	offset.Store(int64(50 * time.Second))
	f.find(t, "c") // the store is down and that does not matter yet
	offset.Store(int64(61 * time.Second))
	if _, err := f.Find(t.Context(), "c"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("after the time: %v", err)
	}
	if f.Following() {
		t.Error("it says that it follows")
	}
}

func TestNothingIsRememberedBeforeRun(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a.db"))
	create(t, s, "c")
	inner := &counted{Clients: s.Clients()}
	c := cached.New(inner, s.Changes(), cached.Options{})
	for range 3 {
		if _, err := c.Find(t.Context(), "c"); err != nil {
			t.Fatal(err)
		}
	}
	if n := inner.reads.Load(); n != 3 {
		t.Errorf("%d reads, want 3", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.Sync(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Sync: %v", err)
	}
}
