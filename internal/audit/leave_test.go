package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/audit"
	"github.com/grantway/grantway/internal/secret"
)

func (h *house) follow(l *audit.Ledger) error {
	_, err := l.Follow(h.t.Context(), "staging", h.store.Seals())
	return err
}

func readLedger(t *testing.T, path string) []string {
	t.Helper()
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	all, err := audit.ReadLedger(file)
	must(t, err)
	return all
}

// TestLedger: each checkpoint stands in the file once, also when the process ends
// in the middle of a line, and nothing that was written changes.
func TestLedger(t *testing.T) {
	h := newHouse(t, databases["SQLite"](t))
	path := filepath.Join(t.TempDir(), "checkpoints")
	l, err := audit.OpenLedger(path)
	must(t, err)
	must(t, h.follow(l))
	h.seal(2, 3)
	must(t, h.follow(l))
	h.seal(4)
	must(t, h.follow(l))
	must(t, h.follow(l))
	whole := h.checkpoints()
	if diff := cmp.Diff(whole, readLedger(t, path)); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Error("others may read or write it:", info.Mode())
	}
	must(t, os.Truncate(path, info.Size()-40)) // a crash
	l, err = audit.OpenLedger(path)
	must(t, err)
	must(t, h.follow(l))
	if diff := cmp.Diff([]string{whole[0], whole[1], whole[2][:len(whole[2])-39], whole[2]}, readLedger(t, path)); diff != "" {
		t.Error(diff)
	}
	if got := h.verify(readLedger(t, path), nil); got != nil {
		t.Error(got)
	}
	must(t, os.Rename(path, path+".1"))
	must(t, h.follow(l))
	if diff := cmp.Diff(whole, readLedger(t, path)); diff != "" {
		t.Error("after the file was put aside:", diff)
	}
}

// TestLedgerAhead: a store that was set back, or replaced, is noticed at once.
func TestLedgerAhead(t *testing.T) {
	for name, alter := range map[string][]string{
		"cut off":     {`DELETE FROM seal WHERE from_seq > 2`, `DELETE FROM change WHERE seq > 2`, `UPDATE head SET seq = 2`},
		"all gone":    {`DELETE FROM seal`},
		"sealed anew": {`DELETE FROM seal`, `UPDATE change SET actor = 'x' WHERE seq = 4`},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, databases["SQLite"](t))
			path := filepath.Join(t.TempDir(), "checkpoints")
			l, err := audit.OpenLedger(path)
			must(t, err)
			h.seal(2, 3)
			must(t, h.follow(l))
			before := readLedger(t, path)
			h.alter(alter...)
			if name == "sealed anew" {
				must(t, h.sealer(h.signer).All(t.Context()))
			}
			if err := h.follow(l); !errors.Is(err, audit.ErrAhead) {
				t.Errorf("it says %v", err)
			}
			h.seal(1)
			_ = h.follow(l) // says so again where there was no seal left
			must(t, h.follow(l))
			after := readLedger(t, path)
			if len(after) < 3 || !slices.Equal(after[:2], before) {
				t.Error("the file does not go on:", len(after))
			}
			if len(h.verify(after, nil)) == 0 {
				t.Error("the file does not tell")
			}
		})
	}
}

// A receiver is a webhook.
type receiver struct {
	t      *testing.T
	key    secret.Secret
	now    func() time.Time
	status int
	got    []audit.Batch
}

func (r *receiver) post(_ context.Context, signature string, body []byte) (int, error) {
	if signature != r.key.Signature(r.now(), body) {
		r.t.Errorf("it is signed %s", signature)
	}
	var b audit.Batch
	must(r.t, json.Unmarshal(body, &b))
	if r.status == 0 {
		return 0, errors.New("nobody answers")
	}
	r.got = append(r.got, b)
	return r.status, nil
}

func (h *house) sender(r *receiver, mark, holder string) *audit.Sender {
	return &audit.Sender{
		Issuer: "https://id.example", Environment: "staging", Mark: mark, Changes: h.store.Changes(), Seals: h.store.Seals(),
		Marks: h.store.Marks(), Holder: holder, Secret: r.key, Now: r.now, Post: r.post,
	}
}

// TestSend: what was acknowledged is not sent again, what was not is, by this
// process or by the next one, and all of it in order.
func TestSend(t *testing.T) {
	for database, dsn := range databases {
		t.Run(database, func(t *testing.T) {
			h := newHouse(t, dsn(t))
			h.seal(1, 2)
			r := &receiver{t: t, key: secret.Of("0123456789abcdef0123456789abcdef"), now: func() time.Time { return h.now }}
			first, second := h.sender(r, audit.MarkChanges, "a"), h.sender(r, audit.MarkChanges, "b")
			send := func(s *audit.Sender, status int, good bool, want ...string) {
				t.Helper()
				r.status, r.got = status, nil
				if _, err := s.Send(t.Context()); (err == nil) != good {
					t.Errorf("with status %d: %v", status, err)
				}
				var got []string
				for _, b := range r.got {
					got = append(got, fmt.Sprintf("%d-%d %d+%d", b.After, b.Through, len(b.Changes), len(b.Checkpoints)))
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			}
			send(first, 0, false)
			send(first, 500, false, "0-3 3+0")
			send(second, 204, true) // the other one is at it
			send(first, 199, false, "0-3 3+0")
			send(first, 300, false, "0-3 3+0")
			send(first, 299, true, "0-3 3+0")
			send(first, 204, true)
			h.happen(1)
			send(second, 204, true)
			h.now = h.now.Add(time.Minute) // the other one has died
			send(second, 204, true, "3-4 1+0")
			send(first, 204, true)
			send(h.sender(r, audit.MarkCheckpoints, "a"), 204, true, "0-3 0+2")
			h.now = h.now.Add(2 * time.Minute)
			h.happen(600)
			send(second, 204, true, "4-504 500+0", "504-604 100+0")
		})
	}
}

func TestPause(t *testing.T) {
	for failures, want := range map[int]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 6: 160 * time.Second, 7: 5 * time.Minute, 1000: 5 * time.Minute} {
		if got := audit.Pause(failures); got != want {
			t.Errorf("after %d: %v", failures, got)
		}
	}
}

// TestKilled kills a process that seals and writes checkpoints: nothing is lost, and
// nothing is sealed twice.
func TestKilled(t *testing.T) {
	for database, dsn := range databases {
		t.Run(database, func(t *testing.T) {
			h := newHouse(t, dsn(t))
			path := filepath.Join(t.TempDir(), "checkpoints")
			for round := range 3 {
				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledSealer$")
				cmd.Env = append(os.Environ(), "GRANTWAY_TEST_STORE="+h.dsn, "GRANTWAY_TEST_LEDGER="+path)
				var out bytes.Buffer
				cmd.Stderr = &out
				must(t, cmd.Start())
				for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
					n := 0
					if text, err := os.ReadFile(path); err == nil {
						n = bytes.Count(text, []byte("\n"))
					}
					if n > 10*(round+1) {
						break
					}
					if time.Now().After(deadline) {
						t.Fatalf("only %d checkpoints: %s", n, out.String())
					}
				}
				must(t, cmd.Process.Signal(syscall.SIGKILL))
				if err := cmd.Wait(); err == nil {
					t.Fatal("it ended before it was killed")
				}
			}
			l, err := audit.OpenLedger(path)
			must(t, err)
			must(t, h.follow(l))
			// Each process had a key of its own, which is not what is tested here.
			var faults []string
			for _, f := range h.verify(nil, nil) {
				if !strings.HasPrefix(f, "unsigned") {
					faults = append(faults, f)
				}
			}
			if faults != nil {
				t.Error(faults)
			}
			in := readLedger(t, path)
			for _, c := range h.checkpoints() {
				if !slices.Contains(in, c) {
					t.Error("a checkpoint is not in the file")
				}
			}
		})
	}
}

// TestKilledSealer is the process that TestKilled kills.
func TestKilledSealer(t *testing.T) {
	dsn := os.Getenv("GRANTWAY_TEST_STORE")
	if dsn == "" {
		return
	}
	h := newHouse(t, dsn)
	l, err := audit.OpenLedger(os.Getenv("GRANTWAY_TEST_LEDGER"))
	must(t, err)
	for {
		h.seal(1)
		must(t, h.follow(l))
	}
}
