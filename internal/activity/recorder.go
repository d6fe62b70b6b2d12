package activity

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
)

// FlushEvery is how often a Recorder is to be flushed. With the five seconds that
// a flush may take at most, it bounds what a crash loses.
const FlushEvery = 2 * time.Second

// Bounds of what a Recorder holds, for each of its shards between two flushes and
// for what waits until the store answers.
const (
	shards         = 8
	shardTallies   = 2048
	shardClaimed   = 256 // of those, under ids that nobody has proven
	shardRefused   = 128 // single requests, of those who have proven who they are
	shardUnproven  = 128 // single requests, of those who have not
	refusedOfOne   = 16  // single requests under one client id
	waitingTallies = 16384
	waitingRefused = 4096
	waitingUses    = 16384 // of scopes
	notedUses      = 65536 // of scopes, that are written and of today
	tallyScopes    = 64    // that calls of one tally needed
	batchRows      = 2000  // of one transaction: token requests wait for it
)

// Settings are what a Recorder is made of.
type Settings struct {
	Activity store.Activity
	Secrets  interface { // the part of store.Secrets that is needed
		Used(ctx context.Context, uses map[string]store.SecretUse) error
	}

	// ScopeUses is told which scopes the calls of each client needed, once a day for
	// each scope. What there is no room for is told after a later call. Nil: nobody
	// is told.
	ScopeUses interface { // the part of store.ScopeUses that is needed
		Used(ctx context.Context, uses []store.ScopeUse) error
	}

	// Known reports whether a client of that id is registered. What refused
	// requests claim under other ids is counted without an id, so that strangers
	// cannot fill the store. An error: it cannot be said now.
	Known func(ctx context.Context, client string) (bool, error)

	Now func() time.Time
}

// A Recorder adds up the facts of one environment and writes them to its store in
// batches: counts by the hour, the refused requests one by one, and when and from
// where each secret was last used. It is safe for concurrent use. Flush it every FlushEvery
// and once at the end.
type Recorder struct {
	settings Settings
	shards   [shards]shard
	dropped  [2]atomic.Int64 // facts, refused requests
	flushed  atomic.Int64    // when all was written last, in microseconds
	minutes  minutes

	flush   sync.Mutex // one at a time; over what follows
	spare   interval
	tallies map[key]sum // not written yet
	refused []unwritten
	used    map[string]store.SecretUse
	uses    scopeUses
}

// A key is what is counted apart.
type key struct {
	hour                                int64 // since 1970
	client, secret, api, event, refusal string
	claimed                             bool // nobody has proven to be the client
}

// A sum is how often, when last in microseconds and from where, and which scopes
// it took.
type sum struct {
	count, last int64
	from        netip.Prefix
	needed      []string
}

// An unwritten refused request may be under an id that is only claimed.
type unwritten struct {
	store.RefusedRequest
	claimed bool
}

// A shard holds a part of what happened since the last flush. Requests come by
// their random trace ids, so that two at the same time seldom meet.
type shard struct {
	mu sync.Mutex
	interval
	_ [40]byte // the next one's lock is on another cache line
}

// An interval is what a shard collects between two flushes.
type interval struct {
	tallies  map[key]*sum // one lookup, where a value would need a second to be put back
	claimed  int          // of them
	refused  []unwritten
	unproven int              // of them
	of       map[string]uint8 // of them, by client id
}

func newInterval() interval { return interval{tallies: map[key]*sum{}, of: map[string]uint8{}} }

// empty makes room without giving the memory back: the next interval needs it.
func (i *interval) empty() {
	clear(i.tallies)
	clear(i.of)
	clear(i.refused)
	i.refused, i.claimed, i.unproven = i.refused[:0], 0, 0
}

// NewRecorder returns a Recorder that has nothing to write.
func NewRecorder(s Settings) *Recorder {
	r := &Recorder{settings: s, spare: newInterval(), tallies: map[key]sum{}, used: map[string]store.SecretUse{}, uses: newScopeUses()}
	for i := range r.shards {
		r.shards[i].interval = newInterval()
	}
	r.flushed.Store(s.Now().UnixMicro())
	r.minutes.since = s.Now().UTC()
	return r
}

// Record counts a fact that is complete. It never waits for the store: what there
// is no room for is dropped and counted. Facts without an event and a refusal are
// not activity. f is not kept.
func (r *Recorder) Record(f *Fact) {
	k := key{hour: f.Started.Unix() / 3600, client: f.Client, secret: f.Secret, api: f.API, event: f.Event}
	if f.Refusal != nil {
		k.event, k.refusal, k.claimed = "", f.Refusal.ID, f.Secret == "" && f.Client != ""
		if f.Refusal.Reason == refusal.ClientUnknown {
			k.client, k.claimed = "", false
		}
	} else if f.Event == "" {
		return
	}
	s := &r.shards[0]
	if n := len(f.Trace); n > 0 {
		s = &r.shards[f.Trace[n-1]%shards]
	}
	s.mu.Lock()
	counted := s.count(k, f)
	kept := k.refusal == "" || s.keep(k, f)
	s.mu.Unlock()
	if !counted {
		r.dropped[0].Add(1)
	}
	if !kept {
		r.dropped[1].Add(1)
	}
}

// count adds to a tally and reports whether there was room.
func (i *interval) count(k key, f *Fact) bool {
	known, ok := i.tallies[k]
	if !ok && k.claimed {
		if i.claimed < shardClaimed {
			i.claimed++
		} else {
			k.client, k.claimed = "", false
			known, ok = i.tallies[k]
		}
	}
	if !ok && len(i.tallies) >= shardTallies {
		return false
	}
	if !ok {
		known = new(sum)
		i.tallies[k] = known
	}
	known.count++
	if at := f.Started.UnixMicro(); at >= known.last {
		known.last, known.from = at, f.From
	}
	for _, scope := range f.Needed {
		if len(known.needed) < tallyScopes && !slices.Contains(known.needed, scope) {
			known.needed = append(known.needed, scope)
		}
	}
	return true
}

// keep keeps a refused request by itself, as long as there is room for its like.
func (i *interval) keep(k key, f *Fact) bool {
	if f.Trace == "" || i.of[k.client] >= refusedOfOne {
		return false
	}
	if k.secret == "" {
		if i.unproven >= shardUnproven {
			return false
		}
		i.unproven++
	} else if len(i.refused)-i.unproven >= shardRefused {
		return false
	}
	i.of[k.client]++
	i.refused = append(i.refused, unwritten{store.RefusedRequest{
		Trace: f.Trace, At: f.Started, Client: k.client, Secret: k.secret, API: k.api, Route: f.Route, Refusal: k.refusal,
	}, k.claimed})
	return true
}

// Took adds answers of a kind (TookToken, TookCall) that came since the last time.
// It is for once between two flushes, so that to time requests costs them nothing.
func (r *Recorder) Took(kind string, t *Took) {
	now := r.settings.Now()
	r.minutes.took(now, kind, t)
	r.flush.Lock()
	defer r.flush.Unlock()
	for i, event := range tookNames[kind] {
		if t[i] > 0 {
			r.count(key{hour: now.Unix() / 3600, event: event}, t[i])
		}
	}
}

// Dropped says how many facts were not counted, and how many refused requests
// were counted and not kept by themselves, for want of room.
func (r *Recorder) Dropped() (facts, refused int64) {
	return r.dropped[0].Load(), r.dropped[1].Load()
}

// Behind is how long ago everything was in the store.
func (r *Recorder) Behind() time.Duration {
	return max(0, r.settings.Now().Sub(time.UnixMicro(r.flushed.Load())))
}

// Flush writes what was recorded. What an error leaves unwritten is kept, as far
// as there is room, for the next time.
func (r *Recorder) Flush(ctx context.Context) error {
	r.flush.Lock()
	defer r.flush.Unlock()
	at := r.settings.Now()
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		s.interval, r.spare = r.spare, s.interval
		s.mu.Unlock()
		r.take(&r.spare)
		r.spare.empty()
	}
	if len(r.used) > 0 {
		if err := r.settings.Secrets.Used(ctx, r.used); err != nil {
			return err
		}
		clear(r.used)
	}
	if err := r.uses.write(ctx, r.settings.ScopeUses); err != nil {
		return err
	}
	for len(r.tallies)+len(r.refused) > 0 {
		if err := r.write(ctx); err != nil {
			return err
		}
	}
	r.flushed.Store(at.UnixMicro())
	return nil
}

// count adds to what is to be written, if there is room.
func (r *Recorder) count(k key, n int64) {
	known, ok := r.tallies[k]
	if !ok && len(r.tallies) >= waitingTallies {
		r.dropped[0].Add(n)
		return
	}
	r.tallies[k] = sum{count: known.count + n}
}

// take puts an interval to what is to be written.
func (r *Recorder) take(i *interval) {
	r.minutes.add(i.tallies, r.settings.Now())
	for k, s := range i.tallies {
		if (k.event == TokenIssued || k.event == TokenReused) && k.secret != "" {
			at, last := time.UnixMicro(s.last).UTC(), r.used[k.secret].At
			if last.Before(at) && (len(r.used) < waitingTallies || !last.IsZero()) {
				r.used[k.secret] = store.SecretUse{At: at, From: network(s.from)}
			}
		}
		if r.settings.ScopeUses != nil && k.client != "" {
			r.uses.add(k, s.needed)
		}
		r.count(k, s.count)
	}
	room := min(len(i.refused), waitingRefused-len(r.refused))
	r.refused = append(r.refused, i.refused[:room]...)
	r.dropped[1].Add(int64(len(i.refused) - room))
}

// network is how a network is stored.
func network(n netip.Prefix) string {
	if !n.IsValid() {
		return ""
	}
	return n.String()
}

// write hands a batch to the store and forgets it once it is there.
func (r *Recorder) write(ctx context.Context) error {
	names := registered{r.settings.Known, map[string]string{}}
	batch := map[store.Tally]int64{} // two keys may become one
	var keys []key
	for k, s := range r.tallies {
		if len(keys) == batchRows {
			break
		}
		client, err := names.of(ctx, k.client, k.claimed)
		if err != nil {
			return err
		}
		keys = append(keys, k)
		batch[store.Tally{
			Hour: time.Unix(k.hour*3600, 0).UTC(), Client: client, Secret: k.secret, API: k.api, Event: k.event, Refusal: k.refusal,
		}] += s.count
	}
	tallies := make([]store.Tally, 0, len(batch))
	for t, n := range batch {
		t.Count = n
		tallies = append(tallies, t)
	}
	some := min(len(r.refused), batchRows)
	refused := make([]store.RefusedRequest, some)
	for i, one := range r.refused[:some] {
		client, err := names.of(ctx, one.Client, one.claimed)
		if err != nil {
			return err
		}
		refused[i] = one.RefusedRequest
		refused[i].Client = client
	}
	if err := r.settings.Activity.Add(ctx, tallies, refused); err != nil {
		return err
	}
	for _, k := range keys {
		delete(r.tallies, k)
	}
	r.refused = slices.Delete(r.refused, 0, some)
	return nil
}

// registered gives claimed ids up that nobody has, asking once about each.
type registered struct {
	known func(context.Context, string) (bool, error)
	found map[string]string
}

func (n *registered) of(ctx context.Context, client string, claimed bool) (string, error) {
	if !claimed {
		return client, nil
	}
	found, asked := n.found[client]
	if !asked {
		known, err := n.known(ctx, client)
		if err != nil {
			return "", err
		}
		if known {
			found = client
		}
		n.found[client] = found
	}
	return found, nil
}
