package sqlstore

import (
	"testing"
	"time"
)

// Row R5: no herd waits at a database that hung.
func TestGate(t *testing.T) {
	var g gate
	now := time.Now()
	begun := func(n int) (passed int) {
		for range n {
			if g.enter(now) == nil {
				passed++
			}
		}
		return passed
	}
	if n := begun(poolSize); n != poolSize {
		t.Errorf("%d of the pool's connections may begin", n)
	}
	if n := begun(100); n != 1 {
		t.Errorf("%d may begin beside them, want 1", n)
	}
	now = now.Add(dialEvery - time.Nanosecond)
	if n := begun(100); n != 0 {
		t.Errorf("%d may begin too early", n)
	}
	now = now.Add(time.Nanosecond)
	if n := begun(100); n != 1 {
		t.Errorf("%d may begin after a while, want 1", n)
	}
	g.open()
	if n := begun(poolSize + 1); n != poolSize {
		t.Errorf("%d may begin once it has answered, want %d", n, poolSize)
	}
}
