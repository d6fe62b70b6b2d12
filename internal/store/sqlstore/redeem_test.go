package sqlstore_test

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

// aGrant is the n-th grant of the tests here.
func aGrant(n int) store.Grant {
	now := time.Now()
	name := "g" + strconv.Itoa(n)
	return store.Grant{
		ID: name, ClientID: "client", AccountID: "person", Scope: []string{"openid", "read"}, APIs: []string{"api"},
		Asked: []byte(`{"redirect_uri":"https://client.example/back","challenge":"0123456789"}`), Methods: []string{"pwd"},
		AuthenticatedAt: now, Code: store.GrantCode{Hash: sha256.Sum256([]byte(name)), EndsAt: now.Add(time.Hour)},
		CreatedAt: now, EndsAt: now.Add(24 * time.Hour),
	}
}

// begin starts the grants from first to last, but not last.
func begin(t testing.TB, s *sqlstore.Store, first, last int) {
	t.Helper()
	by := store.By{Actor: "person", At: time.Now()}
	if first == 0 {
		if err := s.Accounts().Create(t.Context(), store.Account{ID: "person", Key: "person"}, nil, by); err != nil {
			t.Fatal(err)
		}
		if err := s.Clients().Create(t.Context(), store.Client{ID: "client"}, by); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for part := range 16 {
		wg.Go(func() {
			for n := first + part; n < last; n += 16 {
				g := aGrant(n)
				r := store.Request{Hash: g.Code.Hash, ClientID: "client", EndsAt: by.At.Add(time.Hour)}
				err := patiently(func() error { return s.Requests().Save(t.Context(), r) })
				if err == nil {
					err = patiently(func() error { return s.Grants().Start(t.Context(), r.Hash, g, nil, by) })
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// patiently tries again where the store could not say in time, as it may on a machine
// that does much else.
func patiently(f func() error) error {
	err := f()
	for late := time.Now().Add(time.Minute); errors.Is(err, store.ErrUnavailable) && time.Now().Before(late); {
		err = f()
	}
	return err
}

// redeem presents a grant's code, or its refresh token of a generation.
func redeem(t testing.TB, s *sqlstore.Store, n int, generation int64, token *store.Token) error {
	now := time.Now()
	r := store.Redemption{
		GrantID: "g" + strconv.Itoa(n), Generation: generation, Token: token,
		Refresh: now.Add(time.Hour), Grace: 10 * time.Second, Forget: now.Add(time.Hour),
	}
	got, err := s.Grants().Commit(t.Context(), r, store.By{Actor: "client", At: now})
	if err == nil && got != generation+1 {
		err = fmt.Errorf("generation %d after %d", got, generation)
	}
	return err
}

// TestCrashWhileRedeeming kills a process that redeems codes and refreshes: what
// it said was redeemed never is again, and no refresh is forgotten (rows C12, F03).
func TestCrashWhileRedeeming(t *testing.T) {
	const each = 1000
	for name, dsn := range databases {
		t.Run(name, func(t *testing.T) {
			dsn := dsn(t)
			begin(t, open(t, dsn), 0, each)
			done := redeemUntilKilled(t, dsn)
			if len(done) == 0 || len(done) == each {
				t.Fatalf("%d of %d were redeemed before the process was killed", len(done), each)
			}
			s := open(t, dsn)
			for n := range each {
				g, err := s.Grants().Find(t.Context(), "g"+strconv.Itoa(n))
				if err != nil {
					t.Fatal(err)
				}
				err = redeem(t, s, n, 0, nil)
				told, did := done[n]
				switch {
				case did && !errors.Is(err, store.ErrSpent):
					t.Errorf("%d was redeemed before and after: %v", n, err)
				case g.Refresh.Generation < told:
					t.Errorf("%d told generation %d, kept %d", n, told, g.Refresh.Generation)
				case err != nil && !errors.Is(err, store.ErrSpent):
					t.Error(err)
				}
			}
		})
	}
}

// redeemUntilKilled returns which grants a process told that it redeemed, and
// their generation.
func redeemUntilKilled(t *testing.T, dsn string) map[int]int64 {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashingRedeemer$")
	cmd.Env = append(os.Environ(), "GRANTWAY_TEST_REDEEMER="+dsn)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := map[int]int64{}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line cut short was not told
		}
		var (
			n          int
			generation int64
		)
		if _, err := fmt.Sscanf(strings.TrimSpace(line), "redeemed %d %d", &n, &generation); err != nil {
			continue
		}
		done[n] = max(done[n], generation)
		if len(done) == 100 {
			cmd.Process.Signal(syscall.SIGKILL)
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the process ended before it was killed")
	}
	return done
}

// TestCrashingRedeemer is the process that TestCrashWhileRedeeming kills.
func TestCrashingRedeemer(t *testing.T) {
	dsn := os.Getenv("GRANTWAY_TEST_REDEEMER")
	if dsn == "" {
		return
	}
	s := open(t, dsn)
	var next atomic.Int64
	var out sync.Mutex
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				for generation := range int64(3) {
					one := fresh()
					err := redeem(t, s, n, generation, &one)
					if errors.Is(err, store.ErrUnavailable) {
						break // who knows whether it was done
					}
					if err != nil {
						return
					}
					out.Lock()
					fmt.Printf("redeemed %d %d\n", n, generation+1)
					out.Unlock()
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkCommit counts redemptions of 16 callers. It takes turns with the
// store's durable one-row commits, so that both see the same machine, and says what
// part of their rate it reaches.
func BenchmarkCommit(b *testing.B) {
	const turn = 480
	for _, kind := range []struct {
		name   string
		code   bool // else refresh tokens, one grant for each caller
		opaque bool
	}{
		{name: "code", code: true},
		{name: "code and opaque token", code: true, opaque: true},
		{name: "refresh"},
		{name: "refresh and opaque token", opaque: true},
	} {
		b.Run(kind.name, func(b *testing.B) {
			onBoth(b, func(b *testing.B, dsn string) {
				s := open(b, dsn)
				begin(b, s, 0, 16)
				for n := range 16 {
					if err := redeem(b, s, n, 0, nil); err != nil {
						b.Fatal(err)
					}
				}
				if kind.code {
					begin(b, s, 16, 16+b.N)
				}
				commit := func(n int) error {
					var token *store.Token
					if kind.opaque {
						one := fresh()
						token = &one
					}
					if kind.code {
						return redeem(b, s, 16+n, 0, token)
					}
					return redeem(b, s, n%16, int64(n/16+1), token)
				}
				save := func(int) error { return s.Tokens().Save(b.Context(), fresh()) }
				var took, control time.Duration
				b.ResetTimer()
				for first := 0; first < b.N; first += turn {
					last := min(first+turn, b.N)
					control += callers(b, first, last, save)
					took += callers(b, first, last, commit)
				}
				b.ReportMetric(float64(b.N)/took.Seconds(), "commits/s")
				b.ReportMetric(float64(b.N)/control.Seconds(), "one-row/s")
				b.ReportMetric(float64(control)/float64(took), "ratio")
			})
		})
	}
}

// callers has 16 goroutines do what is numbered from first to last, but not last,
// and returns how long it took. first is a multiple of 16.
func callers(b *testing.B, first, last int, do func(n int) error) time.Duration {
	began := time.Now()
	var wg sync.WaitGroup
	for caller := range 16 {
		wg.Go(func() {
			for n := first + caller; n < last; n += 16 {
				if err := do(n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}
