package resource

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of what is remembered.
const (
	maxRemembered      = 100_000  // tokens, where Config.Remember does not say otherwise
	maxRememberedBytes = 64 << 20 // of the tokens' text and an estimate of what belongs to it
	overhead           = 750      // bytes of an entry besides its text, about
	maxShards          = 64
	looks              = 8 // how many entries are looked at to find one to drop
)

// A memory holds what is known about tokens, found by a hash of the whole token
// and confirmed by comparing the whole token: one that merely has the same hash
// is not found (row S15). It is bounded in entries and in bytes; when it is full
// it drops what has expired or was not asked for lately. Safe for concurrent use;
// a nil *memory remembers nothing.
//
// Only tokens that were verified get in, so nobody can fill it who has no tokens.
type memory struct {
	seed   maphash.Seed
	shards []shard
}

type shard struct {
	mu         sync.RWMutex
	entries    map[uint64]*verified
	bytes      int
	limit      int // entries
	limitBytes int
	_          [64]byte // a core that locks one shard leaves the next one alone
}

// An entry is what memory notes about what it holds.
type entry struct {
	hash  uint64
	until time.Time   // it is worth nothing from then on
	used  atomic.Bool // since it was last passed over
}

// newMemory returns a memory for at most limit tokens; 0 means maxRemembered.
func newMemory(limit int) *memory {
	if limit == 0 {
		limit = maxRemembered
	}
	m := &memory{seed: maphash.MakeSeed(), shards: make([]shard, min(limit, maxShards))}
	for i := range m.shards {
		s := &m.shards[i]
		s.entries = map[uint64]*verified{}
		s.limit, s.limitBytes = limit/len(m.shards), maxRememberedBytes/len(m.shards)
	}
	return m
}

// find returns what is known about a token, or nil.
func (m *memory) find(presented string) *verified {
	if m == nil {
		return nil
	}
	hash := maphash.String(m.seed, presented)
	s := m.shard(hash)
	s.mu.RLock()
	v := s.entries[hash]
	s.mu.RUnlock()
	if v == nil || v.presented != presented {
		return nil
	}
	if !v.used.Load() { // mostly it is; writing would take the line from other cores
		v.used.Store(true)
	}
	return v
}

// put remembers v until then. What is too large to be worth it is not kept.
func (m *memory) put(v *verified, until, now time.Time) {
	if m == nil {
		return
	}
	v.hash, v.until = maphash.String(m.seed, v.presented), until
	s := m.shard(v.hash)
	if v.size() > s.limitBytes {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(s.entries[v.hash])
	for len(s.entries) >= s.limit || s.bytes+v.size() > s.limitBytes {
		s.evict(now)
	}
	s.entries[v.hash] = v
	s.bytes += v.size()
}

// drop forgets v, and not what may have taken its place.
func (m *memory) drop(v *verified) {
	s := m.shard(v.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[v.hash] == v {
		s.remove(v)
	}
}

func (m *memory) shard(hash uint64) *shard { return &m.shards[hash%uint64(len(m.shards))] }

func (m *memory) len() (entries int) {
	for i := range m.shards {
		m.shards[i].mu.RLock()
		entries += len(m.shards[i].entries)
		m.shards[i].mu.RUnlock()
	}
	return entries
}

// evict drops one entry: of a few that chance selects, one that has expired, else
// one that was not used since it was last looked at, else the last.
func (s *shard) evict(now time.Time) {
	var chosen *verified
	seen := 0
	for _, v := range s.entries { // in an order that differs every time
		chosen = v
		if seen++; seen == looks || !now.Before(v.until) || !v.used.Swap(false) {
			break
		}
	}
	s.remove(chosen)
}

func (s *shard) remove(v *verified) {
	if v != nil {
		delete(s.entries, v.hash)
		s.bytes -= v.size()
	}
}

func (v *verified) size() int {
	size := len(v.presented) + overhead
	if v.token.source != v.presented {
		size += len(v.token.source)
	}
	return size
}
