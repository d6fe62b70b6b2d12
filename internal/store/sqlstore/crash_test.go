package sqlstore_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// TestCrash kills a process in the middle of its writes: everything that it said
// was saved must be there. It tests a killed process, not a lost power supply.
func TestCrash(t *testing.T) {
	for name, dsn := range databases {
		t.Run(name, func(t *testing.T) {
			dsn := dsn(t)
			saved := map[string]bool{}
			for round := range 4 {
				n := len(saved)
				crash(t, dsn, time.Duration(60+50*round)*time.Millisecond, saved)
				if len(saved) == n {
					t.Fatal("nothing was saved before the process was killed")
				}
			}
			s := open(t, dsn)
			for one := range saved {
				var hash [32]byte
				if _, err := hex.Decode(hash[:], []byte(one)); err != nil {
					t.Fatal(err)
				}
				if _, err := s.Tokens().Find(t.Context(), hash, time.Now()); err != nil {
					t.Fatalf("of %d that were acknowledged: %v", len(saved), err)
				}
			}
			last, err := s.Changes().Last(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all, err := s.Changes().Since(t.Context(), 0, int(last)+10)
			if err != nil || int64(len(all)) != last {
				t.Errorf("%d changes up to %d: %v", len(all), last, err)
			}
		})
	}
}

// crash starts a process that writes, kills it after a while, and notes what it
// acknowledged.
func crash(t *testing.T, dsn string, after time.Duration, saved map[string]bool) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashingWriter$")
	cmd.Env = append(os.Environ(), "GRANTWAY_TEST_WRITER="+dsn)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var kill sync.Once
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line cut short was not acknowledged
		}
		if hash, ok := strings.CutPrefix(strings.TrimSpace(line), "saved "); ok {
			saved[hash] = true
			kill.Do(func() {
				time.AfterFunc(after, func() { cmd.Process.Signal(syscall.SIGKILL) })
			})
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the writer ended before it was killed")
	}
}

// TestCrashingWriter is the process that TestCrash kills.
func TestCrashingWriter(t *testing.T) {
	dsn := os.Getenv("GRANTWAY_TEST_WRITER")
	if dsn == "" {
		return
	}
	s := open(t, dsn)
	var out sync.Mutex
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				one := fresh()
				if s.Tokens().Save(t.Context(), one) != nil {
					continue
				}
				by := store.By{Actor: "writer", At: one.IssuedAt}
				if s.Clients().Create(t.Context(), store.Client{ID: one.ID}, by) != nil {
					continue
				}
				out.Lock()
				fmt.Printf("saved %x\n", one.Hash)
				out.Unlock()
			}
		})
	}
	wg.Wait()
}
