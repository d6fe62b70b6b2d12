package activity_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

var (
	hour = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	now  = hour.Add(30 * time.Minute)
)

// A fixture is a recorder with a real store, which can be told to fail.
type fixture struct {
	*activity.Recorder
	store *sqlstore.Store
	at    atomic.Int64 // seconds after now
	down  error
	asked map[string]int // of Known
}

func (f *fixture) Now() time.Time { return now.Add(time.Duration(f.at.Load()) * time.Second) }

type failing struct {
	store.Activity
	f *fixture
}

func (s failing) Add(ctx context.Context, tallies []store.Tally, refused []store.RefusedRequest) error {
	if s.f.down != nil {
		return s.f.down
	}
	return s.Activity.Add(ctx, tallies, refused)
}

func open(t testing.TB) *fixture {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a.db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	f := &fixture{store: db, asked: map[string]int{}}
	f.Recorder = activity.NewRecorder(activity.Settings{
		Activity: failing{db.Activity(), f}, Secrets: db.Secrets(), Now: f.Now,
		Known: func(_ context.Context, client string) (bool, error) {
			f.asked[client]++
			return !strings.HasPrefix(client, "stranger"), f.down
		},
	})
	return f
}

func (f *fixture) flush(t testing.TB) {
	t.Helper()
	if err := f.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) tallies(t testing.TB) []store.Tally {
	t.Helper()
	all, err := f.store.Activity().Tallies(t.Context(), store.TallyQuery{ByClient: true, BySecret: true, ByAPI: true, Limit: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// total is how many facts the store knows of, and how many refused requests.
func (f *fixture) total(t testing.TB) (facts int64, refused int) {
	t.Helper()
	for _, tally := range f.tallies(t) {
		facts += tally.Count
	}
	all, err := f.store.Activity().RefusedOf(t.Context(), "", 100_000)
	if err != nil {
		t.Fatal(err)
	}
	return facts, len(all)
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}

// trace n ends alike for all n, so that all requests fall into one shard.
func trace(n int) string { return fmt.Sprintf("%031d0", n) }

func issued(change ...func(*activity.Fact)) *activity.Fact {
	f := &activity.Fact{Trace: trace(1), Event: "token.issued", Client: "acme", Secret: "s1", API: "moves", Route: "/token", Started: now}
	for _, c := range change {
		c(f)
	}
	return f
}

func refused(n int, client string, reason *refusal.Reason) *activity.Fact {
	return issued(func(f *activity.Fact) {
		f.Trace, f.Client, f.Secret, f.Event, f.Refusal = trace(n), client, "", "", &refusal.Refusal{Reason: reason}
	})
}

func TestWhatIsCounted(t *testing.T) {
	one := store.Tally{Hour: hour, Client: "acme", Secret: "s1", API: "moves", Event: "token.issued", Count: 1}
	with := func(change func(*store.Tally)) []store.Tally {
		changed := one
		change(&changed)
		return []store.Tally{changed}
	}
	for name, row := range map[string]struct {
		change func(*activity.Fact)
		want   []store.Tally
	}{
		"a token":                          {func(*activity.Fact) {}, []store.Tally{one}},
		"neither event nor refusal":        {func(f *activity.Fact) { f.Event = "" }, nil},
		"without a client":                 {func(f *activity.Fact) { f.Client, f.Secret = "", "" }, with(func(t *store.Tally) { t.Client, t.Secret = "", "" })},
		"without a trace":                  {func(f *activity.Fact) { f.Trace = "" }, []store.Tally{one}},
		"the last microsecond of the hour": {func(f *activity.Fact) { f.Started = hour.Add(time.Hour - 1) }, []store.Tally{one}},
		"the next hour":                    {func(f *activity.Fact) { f.Started = hour.Add(time.Hour) }, with(func(t *store.Tally) { t.Hour = hour.Add(time.Hour) })},
		"refused after it was proven": {
			func(f *activity.Fact) { f.Refusal = refusal.ScopeInsufficient.Naming() },
			with(func(t *store.Tally) { t.Event, t.Refusal = "", "scope-insufficient" }),
		},
		"a wrong secret": {
			func(f *activity.Fact) { f.Secret, f.Refusal = "", refusal.SecretWrong.From(nil) },
			with(func(t *store.Tally) { t.Event, t.Secret, t.Refusal = "", "", refusal.SecretWrong.ID }),
		},
		"a stranger before anything was looked up": {
			func(f *activity.Fact) {
				f.Client, f.Secret, f.Refusal = "stranger", "", refusal.TooManyFailures.From(nil)
			},
			with(func(t *store.Tally) { t.Event, t.Client, t.Secret, t.Refusal = "", "", "", refusal.TooManyFailures.ID }),
		},
		"a client that is unknown": {
			func(f *activity.Fact) { f.Client, f.Secret, f.Refusal = "acme", "", refusal.ClientUnknown.From(nil) },
			with(func(t *store.Tally) { t.Event, t.Client, t.Secret, t.Refusal = "", "", "", refusal.ClientUnknown.ID }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			f.Record(issued(row.change))
			f.flush(t)
			same(t, f.tallies(t), row.want)
		})
	}
}

func TestARefusedRequestIsFoundUnderItsTrace(t *testing.T) {
	f := open(t)
	f.Record(refused(1, "acme", refusal.SecretWrong))
	f.Record(refused(2, "stranger", refusal.TooManyFailures))
	f.Record(issued())
	f.flush(t)
	for n, client := range map[int]string{1: "acme", 2: ""} {
		got, err := f.store.Activity().Refused(t.Context(), trace(n))
		if err != nil {
			t.Fatal(err)
		}
		reason := map[int]string{1: refusal.SecretWrong.ID, 2: refusal.TooManyFailures.ID}[n]
		same(t, got, []store.RefusedRequest{{Trace: trace(n), At: now, Client: client, API: "moves", Route: "/token", Refusal: reason}})
	}
	if _, kept := f.total(t); kept != 2 {
		t.Errorf("%d requests are kept", kept)
	}
}

func TestLastUse(t *testing.T) {
	f := open(t)
	err := f.store.Clients().Create(t.Context(), store.Client{ID: "acme", Secrets: []store.Secret{{ID: "s1", ClientID: "acme"}, {ID: "s2", ClientID: "acme"}, {ID: "s3", ClientID: "acme"}}}, store.By{Actor: "t", At: now})
	if err != nil {
		t.Fatal(err)
	}
	from := func(network string) func(*activity.Fact) {
		return func(f *activity.Fact) { f.From = netip.MustParsePrefix(network) }
	}
	f.Record(issued(from("203.0.113.0/24"), func(f *activity.Fact) { f.Started = now.Add(time.Second) }))
	f.Record(issued(from("198.51.100.0/24")))                                                               // earlier
	f.Record(issued(from("198.51.100.0/24"), func(f *activity.Fact) { f.Trace = strings.Repeat("5", 32) })) // and in another shard
	f.Record(issued(func(f *activity.Fact) { f.Secret, f.Event = "s2", "call.passed" }))
	f.Record(issued(func(f *activity.Fact) { f.Secret, f.Event = "s3", activity.TokenReused }))
	f.flush(t)
	c, err := f.store.Clients().Find(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(c.Secrets, func(a, b store.Secret) int { return cmp.Compare(a.ID, b.ID) })
	if got := c.Secrets[0]; got.LastUsedAt != now.Add(time.Second) || got.LastUsedFrom != "203.0.113.0/24" {
		t.Errorf("last used %v from %q, want the latest token", got.LastUsedAt, got.LastUsedFrom)
	}
	if got := c.Secrets[2]; got.LastUsedAt != now || got.LastUsedFrom != "" {
		t.Errorf("last used %v from %q, though it obtained a token again, and nobody knows from where", got.LastUsedAt, got.LastUsedFrom)
	}
	if got := c.Secrets[1].LastUsedAt; !got.IsZero() {
		t.Errorf("last used %v, though it obtained no token", got)
	}
}

// Each bound is reached with n and broken with n+1; what is over it is counted
// as dropped, or under no client.
func TestBounds(t *testing.T) {
	for name, row := range map[string]struct {
		n              int
		record         func(i int) *activity.Fact
		facts, refused int64 // dropped by the one more
	}{
		"refused requests of one client": {16, func(i int) *activity.Fact { return refused(i, "acme", refusal.SecretWrong) }, 0, 1},
		"refused requests of no client":  {16, func(i int) *activity.Fact { return refused(i, "", refusal.ClientUnknown) }, 0, 1},
		"refused requests, unproven": {128, func(i int) *activity.Fact {
			return refused(i, fmt.Sprint("stranger", i), refusal.TooManyFailures)
		}, 0, 1},
		"refused requests, proven": {128, func(i int) *activity.Fact {
			f := refused(i, fmt.Sprint("client", i), refusal.ScopeInsufficient)
			f.Secret = "s"
			return f
		}, 0, 1},
		"tallies": {2048, func(i int) *activity.Fact {
			return issued(func(f *activity.Fact) { f.Client = fmt.Sprint("client", i) })
		}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			for i := range row.n {
				f.Record(row.record(i))
			}
			if facts, refused := f.Dropped(); facts != 0 || refused != 0 {
				t.Fatalf("%d and %d are dropped before the bound", facts, refused)
			}
			f.Record(row.record(row.n))
			if facts, refused := f.Dropped(); facts != row.facts || refused != row.refused {
				t.Errorf("%d and %d are dropped, want %d and %d", facts, refused, row.facts, row.refused)
			}
			f.flush(t)
			facts, _ := f.total(t)
			if want := int64(row.n) + 1 - row.facts; facts != want {
				t.Errorf("%d are counted, want %d", facts, want)
			}
			f.Record(row.record(0)) // there is room again
			if facts, refused := f.Dropped(); facts != row.facts || refused != row.refused {
				t.Error("a flush did not make room")
			}
		})
	}
}

// Strangers who invent ids take no room from clients, in memory or in the store.
func TestInventedIDsTakeNoRoom(t *testing.T) {
	f := open(t)
	for i := range 5000 {
		f.Record(refused(i, fmt.Sprint("stranger", i), refusal.TooManyFailures))
	}
	f.Record(issued())
	f.flush(t)
	if facts, _ := f.Dropped(); facts != 0 {
		t.Errorf("%d facts are dropped", facts)
	}
	same(t, f.tallies(t), []store.Tally{
		{Hour: hour, API: "moves", Refusal: refusal.TooManyFailures.ID, Count: 5000},
		{Hour: hour, Client: "acme", Secret: "s1", API: "moves", Event: "token.issued", Count: 1},
	})
	if len(f.asked) > 256 {
		t.Errorf("%d ids were looked up", len(f.asked))
	}
	for id, n := range f.asked {
		if n > 1 {
			t.Fatalf("%s was looked up %d times", id, n)
		}
	}
}

func TestStoreThatIsDown(t *testing.T) {
	f := open(t)
	f.down = store.ErrUnavailable
	for i := range 10 {
		f.at.Store(int64(i))
		f.Record(issued())
		f.Record(refused(i, "acme", refusal.SecretWrong))
		if err := f.Flush(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("error %v", err)
		}
	}
	if got := f.Behind(); got != 9*time.Second {
		t.Errorf("behind by %v, want 9s", got)
	}
	f.down = nil
	f.flush(t)
	if got := f.Behind(); got != 0 {
		t.Errorf("behind by %v", got)
	}
	f.flush(t) // nothing is written twice
	if facts, refused := f.total(t); facts != 20 || refused != 10 {
		t.Errorf("%d facts and %d refused requests, want 20 and 10", facts, refused)
	}
}

// A store that stays away costs bounded memory, and what is lost is counted.
func TestStoreThatStaysDown(t *testing.T) {
	f := open(t)
	f.down = store.ErrUnavailable
	const rounds, each = 20, 1000
	for round := range rounds {
		for i := range each {
			n := round*each + i
			f.Record(issued(func(f *activity.Fact) { f.Client = fmt.Sprint("client", n) }))
			if i < 500 {
				one := refused(n, fmt.Sprint("client", n), refusal.ScopeInsufficient)
				one.Secret, one.Trace = "s", fmt.Sprintf("%031d%d", n, n%8)
				f.Record(one)
			}
		}
		_ = f.Flush(t.Context())
	}
	lostFacts, lostRefused := f.Dropped()
	f.down = nil
	f.flush(t)
	facts, kept := f.total(t)
	if facts != 16384 || lostFacts != rounds*(each+500)-16384 {
		t.Errorf("%d facts were kept and %d dropped of %d", facts, lostFacts, rounds*(each+500))
	}
	if kept != 4096 || lostRefused != rounds*500-4096 {
		t.Errorf("%d refused requests were kept and %d dropped of %d", kept, lostRefused, rounds*500)
	}
}

// Nothing is lost or counted twice while many record and one flushes.
func TestRecordingWhileFlushing(t *testing.T) {
	f := open(t)
	stop := make(chan struct{})
	var flusher, recorders sync.WaitGroup
	flusher.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := f.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
	})
	const many, each = 8, 5000
	for i := range many {
		recorders.Go(func() {
			for n := range each {
				f.Record(issued(func(f *activity.Fact) { f.Client, f.Trace = fmt.Sprint("client", n%10), fmt.Sprintf("%032x", i*each+n) }))
			}
		})
	}
	recorders.Wait()
	close(stop)
	flusher.Wait()
	f.flush(t)
	if facts, _ := f.total(t); facts != many*each {
		t.Errorf("%d facts, want %d", facts, many*each)
	}
	if n := len(f.tallies(t)); n != 10 {
		t.Errorf("%d tallies, want 10", n)
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	f := open(t)
	facts := []*activity.Fact{issued(), refused(1, "acme", refusal.SecretWrong), refused(2, "stranger", refusal.TooManyFailures), call(f, "read", "write")}
	for range 100 { // as in a process that has run for a while
		for _, fact := range facts {
			f.Record(fact)
		}
	}
	f.flush(t)
	f.flush(t)
	for _, fact := range facts {
		if n := testing.AllocsPerRun(1000, func() { f.Record(fact) }); n > 0 {
			t.Errorf("%v allocations for %q and %v", n, fact.Event, fact.Refusal)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	facts := make([]*activity.Fact, 1024)
	for i := range facts {
		facts[i] = issued(func(f *activity.Fact) { f.Client, f.Trace = fmt.Sprint("client-", i%100), fmt.Sprintf("%032x", i*7919) })
	}
	b.Run("alone", func(b *testing.B) {
		f := open(b)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			f.Record(facts[i%len(facts)])
		}
	})
	b.Run("calls that need scopes", func(b *testing.B) {
		f := open(b)
		for _, fact := range facts {
			fact.Event, fact.Needed = activity.CallPassed, []string{"https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly"}
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			f.Record(facts[i%len(facts)])
		}
	})
	b.Run("many at once", func(b *testing.B) {
		f := open(b)
		b.ReportAllocs()
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				f.Record(facts[i%len(facts)])
			}
		})
	})
}
