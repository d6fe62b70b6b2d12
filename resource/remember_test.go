package resource

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// The memory from inside: what it keeps is not to be seen from outside.

func remembered(text string, until time.Time, m *memory, now time.Time) *verified {
	v := &verified{presented: text, token: Token{source: text}}
	m.put(v, until, now)
	return v
}

// TestMemoryFindsTheSameTokenOnly is row S15: a hash is never enough.
func TestMemoryFindsTheSameTokenOnly(t *testing.T) {
	m, now := newMemory(10), time.Now()
	v := remembered("a.b.c", now.Add(time.Hour), m, now)
	if m.find("a.b.c") != v || m.find("a.b.d") != nil || m.find("") != nil {
		t.Error("it finds what it should not, or not what it should")
	}
	s := m.shard(v.hash)
	s.entries[v.hash] = &verified{presented: "a.b.another", entry: entry{hash: v.hash}} // as if both had one hash
	if m.find("a.b.c") != nil {
		t.Error("a token with the same hash was taken for it")
	}
	m.drop(v)
	if s.entries[v.hash] == nil {
		t.Error("what took its place was dropped with it")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	now := time.Now()
	for limit, most := range map[int]int{1: 1, 2: 2, 63: 63, 64: 64, 1000: 1000} {
		m := newMemory(limit)
		for i := range 3 * limit {
			remembered(strings.Repeat("x", i+1), now.Add(time.Hour), m, now)
		}
		// Where a token goes is chance: some places may get none.
		if n := m.len(); n > most || n < most*3/4 {
			t.Errorf("with a limit of %d it holds %d", limit, n)
		}
	}
	if m := newMemory(0); len(m.shards)*m.shards[0].limit > maxRemembered {
		t.Error("by default it holds too many")
	}
}

func TestMemoryIsBoundedInBytes(t *testing.T) {
	now := time.Now()
	m := newMemory(maxShards)
	for i := range m.shards {
		m.shards[i].limit = 1 << 20
	}
	largest := m.shards[0].limitBytes - overhead
	fits, tooLong := strings.Repeat("x", largest), strings.Repeat("x", largest+1)
	if v := remembered(fits, now.Add(time.Hour), m, now); m.find(fits) != v {
		t.Error("the largest that fits is not kept")
	}
	if remembered(tooLong, now.Add(time.Hour), m, now); m.find(tooLong) != nil {
		t.Error("one byte more is kept")
	}
	for i := range 200 {
		remembered(strings.Repeat("y", 500_000+i), now.Add(time.Hour), m, now)
	}
	total := 0
	for i := range m.shards {
		s, sum := &m.shards[i], 0
		for _, v := range s.entries {
			sum += v.size()
		}
		if sum != s.bytes {
			t.Errorf("shard %d counts %d bytes and holds %d", i, s.bytes, sum)
		}
		total += sum
	}
	if total > maxRememberedBytes || total == 0 {
		t.Errorf("it holds %d bytes", total)
	}
}

// TestMemoryDropsTheRightOnes: first what has expired, then what nobody asks for.
func TestMemoryDropsTheRightOnes(t *testing.T) {
	now := time.Now()
	m := newMemory(maxShards * looks)
	m.shards = m.shards[:1] // so that every look sees every entry
	expired := remembered("expired", now, m, now)
	expired.used.Store(true)
	for i := range looks - 2 {
		remembered("used"+strings.Repeat("x", i), now.Add(time.Hour), m, now).used.Store(true)
	}
	unused := remembered("unused", now.Add(time.Hour), m, now)
	later := func(text string) { remembered(text, now.Add(time.Hour), m, now).used.Store(true) }
	later("new")
	// One of the two went; the other one goes next, or had its second chance.
	if m.find(expired.presented) != nil && m.find(unused.presented) != nil {
		t.Error("neither what expired nor what is unused was dropped")
	}
	if m.len() != looks {
		t.Errorf("it holds %d", m.len())
	}
}

func TestMemoryConcurrently(t *testing.T) {
	m, now := newMemory(50), time.Now()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 500 {
				text := strings.Repeat("x", (i*j)%97)
				if v := m.find(text); v != nil && v.presented != text {
					t.Error("another token")
				} else if v != nil && j%3 == 0 {
					m.drop(v)
				} else {
					remembered(text, now.Add(time.Hour), m, now)
				}
			}
		})
	}
	wg.Wait()
	if m.len() > 50 {
		t.Errorf("it holds %d", m.len())
	}
}

func TestNoMemory(t *testing.T) {
	var m *memory
	m.put(&verified{presented: "a"}, time.Now(), time.Now())
	if m.find("a") != nil {
		t.Error("it remembers")
	}
}
