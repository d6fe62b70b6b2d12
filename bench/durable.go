package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

// A writer is the control for what is durable: a process, on one core, that has
// a store and does nothing but store tokens, as many callers at once as there are
// connections. What it reaches is what this store and this disk allow.
type writer struct {
	in  io.Writer
	out *json.Decoder
}

// A writing is one measurement of a writer.
type writing struct {
	Stored  int64
	CPU     time.Duration
	Elapsed time.Duration
}

func (b *bench) writer(dsn string) (*writer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.Command(self, "-durable", dsn)
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	b.undo = append(b.undo, func() {
		in.Close()
		c.Wait()
	})
	return &writer{in, json.NewDecoder(out)}, nil
}

func (w *writer) measure() (done writing, err error) {
	if _, err := fmt.Fprintln(w.in, *window); err != nil {
		return done, err
	}
	if err := w.out.Decode(&done); err != nil || done.Stored == 0 {
		return done, fmt.Errorf("the durable control does not answer: %w", err)
	}
	return done, nil
}

// storeTokens is the writer's process: it reads how long to write and says how
// much that was, until its input ends.
func storeTokens(dsn string) error {
	s, err := sqlstore.Open(context.Background(), dsn, sqlstore.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	asked := bufio.NewScanner(os.Stdin)
	for asked.Scan() {
		window, err := time.ParseDuration(asked.Text())
		if err != nil {
			return err
		}
		done, err := storeFor(s.Tokens(), window)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(done); err != nil {
			return err
		}
	}
	return asked.Err()
}

func storeFor(tokens store.Tokens, window time.Duration) (done writing, err error) {
	var (
		stop   atomic.Bool
		stored atomic.Int64
		failed atomic.Pointer[error]
		all    sync.WaitGroup
	)
	for range connections {
		all.Go(func() {
			for !stop.Load() {
				if err := tokens.Save(context.Background(), someToken()); err != nil {
					failed.Store(&err)
					return
				}
				stored.Add(1)
			}
		})
	}
	time.Sleep(warm)
	began, before, cpu := time.Now(), stored.Load(), ownCPU()
	time.Sleep(window)
	done = writing{stored.Load() - before, ownCPU() - cpu, time.Since(began)}
	stop.Store(true)
	all.Wait()
	if p := failed.Load(); p != nil {
		return done, *p
	}
	return done, nil
}

// someToken is as long as those of the run.
func someToken() store.Token {
	now := time.Now()
	t := store.Token{
		ID: rand.Text()[:22] + ".aBcDeFgHiJ", ClientID: "aBcDeFgHiJkLmNoPqRsT", Subject: "aBcDeFgHiJkLmNoPqRsT",
		Audience: []string{"opaque"}, Scope: []string{"op"}, IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	}
	rand.Read(t.Hash[:])
	return t
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// opaque compares an opaque token with what it must cost: 1.3 times the control
// without a store, and the durable write.
func (b *bench) opaque(name, write, dsn string, g *grantway, control plain) error {
	w, err := b.writer(dsn)
	if err != nil {
		return err
	}
	ours, without := g.target(g.ask("op")), control.target(askPlain(control, "/opaque"))
	var mine, allowed, plainly, writes, rates []float64
	for round := range *rounds {
		bar(name, round, *rounds)
		done, err := w.measure()
		if err != nil {
			return err
		}
		c, err := without.micros()
		if err != nil {
			return err
		}
		m, err := ours.micros()
		if err != nil {
			return err
		}
		each := float64(done.CPU.Microseconds()) / float64(done.Stored)
		mine, plainly, writes = append(mine, m), append(plainly, c), append(writes, each)
		allowed = append(allowed, 1.3*c+each)
		rates = append(rates, float64(done.Stored)/done.Elapsed.Seconds())
	}
	b.report.add(compared(name, "µs", 1, mine, allowed))
	b.report.add(alone("  its control, opaque", "µs", 0, plainly...))
	b.report.add(alone(write, "µs", 0, writes...))
	b.report.add(alone("  "+strings.Replace(write, "write", "writes a second", 1), "", 0, rates...))
	return nil
}

// opaquePostgres does the same with a PostgreSQL server.
func (b *bench) opaquePostgres(upstream string, control plain) error {
	address, err := b.postgresAddress()
	if err != nil {
		return err
	}
	g, err := b.machine("postgres", address+"#bench_live", upstream)
	if err != nil {
		return err
	}
	if err := g.serve(); err != nil {
		return err
	}
	return b.opaque(opaquePostgres, writePostgres, address+"#bench_durable", g, control)
}

// postgresAddress is that of a PostgreSQL server, which it starts the first time.
func (b *bench) postgresAddress() (string, error) {
	if *postgres == "" {
		t := &tester{}
		b.undo = append(b.undo, t.end)
		if *postgres = started(t); t.failed != nil {
			return "", t.failed
		}
	}
	return *postgres, nil
}

// A tester lets pgtest, which belongs to tests, start its server for this run.
type tester struct {
	testing.TB
	failed  error
	cleanup []func()
}

// Helper implements testing.TB.
func (t *tester) Helper() {}

// Cleanup implements testing.TB.
func (t *tester) Cleanup(f func()) { t.cleanup = append(t.cleanup, f) }

// Fatal implements testing.TB; started ends with it.
func (t *tester) Fatal(all ...any) { panic(fmt.Errorf("%s", fmt.Sprint(all...))) }

func (t *tester) end() {
	for _, f := range t.cleanup {
		f()
	}
}

func started(t *tester) (address string) {
	defer func() {
		if p := recover(); p != nil {
			t.failed = fmt.Errorf("start PostgreSQL: %v", p)
		}
	}()
	return pgtest.Start(t).Address()
}
