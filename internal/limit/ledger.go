package limit

import (
	"container/heap"
	"hash/maphash"
	"math"
	"sync"
	"time"
)

// ledger is what GCRA remembers: per key the time at which it is paid back, and
// a note. It is split into shards by key, and each shard holds a bounded number
// of keys: one that is paid back is dropped, and a full shard drops the key that
// is nearest to it. So a flood of new keys pushes out new keys, and a key over
// its limit goes last.
type ledger[Note any] struct {
	shards          []shard[Note]
	room            int   // keys per shard
	interval, burst int64 // nanoseconds: of one event, of all that may be ahead
	seed            maphash.Seed
	now             func() time.Time
	start           time.Time
}

type shard[Note any] struct {
	sync.Mutex
	keys  map[string]*entry[Note]
	queue queue[Note]
	spare *entry[Note] // the last one dropped, for the next key
}

type entry[Note any] struct {
	key   string
	paid  int64 // when all that was spent is paid back, nanoseconds since start
	place int   // in the queue
	note  Note
	keep  int64 // the note is wanted until then
}

func newLedger[Note any](config RateConfig) *ledger[Note] {
	burst, capacity, now := config.Burst, config.Capacity, config.Now
	if burst == 0 {
		burst = config.Events
	}
	if capacity == 0 {
		capacity = 100_000
	}
	if now == nil {
		now = time.Now
	}
	if config.Events <= 0 || config.Per <= 0 || burst < 0 || capacity < 0 {
		panic("limit: a rate needs events, a time and room")
	}
	// Rounded up: rather one event too few than one too many.
	interval := (int64(config.Per) + int64(config.Events) - 1) / int64(config.Events)
	const century = int64(100 * 365 * 24 * time.Hour)
	if int64(burst) > century/interval {
		panic("limit: a burst of more than a hundred years")
	}
	shards := min(64, max(1, capacity/64))
	l := &ledger[Note]{
		shards:   make([]shard[Note], shards),
		room:     capacity / shards,
		interval: interval,
		burst:    interval * int64(burst),
		seed:     maphash.MakeSeed(),
		now:      now,
		start:    now(),
	}
	for i := range l.shards {
		l.shards[i].keys = make(map[string]*entry[Note])
	}
	return l
}

// clock is the time since the ledger was made; with time.Now it is monotonic,
// so that setting the machine's clock frees or locks nobody.
func (l *ledger[Note]) clock() int64 { return int64(l.now().Sub(l.start)) }

// lock returns the shard of a key, locked.
func (l *ledger[Note]) lock(key string) *shard[Note] {
	s := &l.shards[maphash.String(l.seed, key)%uint64(len(l.shards))]
	s.Lock()
	return s
}

// judge says whether an entry, nil for a key not remembered, has an event left.
func (l *ledger[Note]) judge(e *entry[Note], now int64) (bool, time.Duration) {
	if e == nil {
		return true, 0
	}
	wait := max(e.paid, now) + l.interval - l.burst - now
	return wait <= 0, time.Duration(max(wait, 0))
}

// charge takes one event from a key and returns its entry. What it owes never
// grows beyond most, in nanoseconds.
func (l *ledger[Note]) charge(s *shard[Note], key string, now, most int64) *entry[Note] {
	e := s.find(key)
	if e == nil {
		s.sweep(now)
		if len(s.queue) >= l.room {
			s.drop(s.queue[0])
		}
		e = s.add(key)
	}
	s.move(e, min(max(e.paid, now)+l.interval, now+most))
	s.sweep(now)
	return e
}

func (l *ledger[Note]) len() int {
	total := 0
	for i := range l.shards {
		s := &l.shards[i]
		s.Lock()
		total += len(s.queue)
		s.Unlock()
	}
	return total
}

func (s *shard[Note]) find(key string) *entry[Note] { return s.keys[key] }

// add remembers a key that has spent nothing yet.
func (s *shard[Note]) add(key string) *entry[Note] {
	e := s.spare
	if e == nil {
		e = new(entry[Note])
	}
	s.spare = nil
	*e = entry[Note]{key: key, paid: math.MinInt64}
	s.keys[key] = e
	heap.Push(&s.queue, e)
	return e
}

func (s *shard[Note]) move(e *entry[Note], paid int64) {
	e.paid = paid
	heap.Fix(&s.queue, e.place)
}

// sweep drops at most two keys that are paid back. Each event adds at most one,
// so two are enough to catch up, and no event pays for a long pause.
func (s *shard[Note]) sweep(now int64) {
	for range 2 {
		if len(s.queue) == 0 || s.queue[0].paid > now || s.queue[0].keep > now {
			return
		}
		s.drop(s.queue[0])
	}
}

func (s *shard[Note]) drop(e *entry[Note]) {
	heap.Remove(&s.queue, e.place)
	delete(s.keys, e.key)
	*e = entry[Note]{} // a note does not outlive its time
	s.spare = e
}

// queue is a heap with the entry on top that is paid back first.
type queue[Note any] []*entry[Note]

func (q queue[Note]) Len() int           { return len(q) }
func (q queue[Note]) Less(i, j int) bool { return q[i].paid < q[j].paid }

func (q queue[Note]) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *queue[Note]) Push(x any) {
	e := x.(*entry[Note])
	e.place = len(*q)
	*q = append(*q, e)
}

func (q *queue[Note]) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}
