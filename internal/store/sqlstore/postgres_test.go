package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

func openSchema(t *testing.T, dsn string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSchemasShareOnePool(t *testing.T) {
	first, second := openSchema(t, pgtest.Schema(t)), openSchema(t, pgtest.Schema(t))
	pool := first.db.(*postgresSchema).pool
	if second.db.(*postgresSchema).pool != pool {
		t.Fatal("two pools for one database")
	}
	var wg sync.WaitGroup
	for i := range 100 {
		s := first
		if i%2 == 0 {
			s = second
		}
		wg.Go(func() {
			if err := s.Clients().Create(t.Context(), store.Client{ID: fmt.Sprint(i)}, someone()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := pool.Stat().TotalConns(); n > poolSize {
		t.Errorf("%d connections, want at most %d", n, poolSize)
	}
	first.Close()
	if err := second.Ping(t.Context()); err != nil {
		t.Errorf("after the other schema was closed: %v", err)
	}
	second.Close()
	pools.Lock()
	defer pools.Unlock()
	if pools.open[pool.dsn] == pool {
		t.Error("the pool outlived its stores")
	}
}

func TestOpenOneSchemaAtOnce(t *testing.T) {
	dsn := pgtest.Schema(t)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			s, err := Open(t.Context(), dsn, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			s.Close()
		})
	}
	wg.Wait()
}

func TestPostgresIsDurable(t *testing.T) {
	s := openSchema(t, pgtest.Schema(t))
	show := sentenceFor(s, `SELECT current_setting('synchronous_commit') || ' ' || current_setting('statement_timeout') || ' ' || current_setting('lock_timeout')`)
	var got string
	if err := s.db.read(t.Context(), show, func(scan scanFunc) error { return scan(&got) }); err != nil {
		t.Fatal(err)
	}
	if want := "on 2s 1s"; got != want {
		t.Errorf("settings %q, want %q", got, want)
	}
}

// sentenceFor gives one store a statement of the test's.
func sentenceFor(s *Store, sql string) statement {
	p := s.db.(*postgresSchema)
	p.texts = append(p.texts, sql)
	return statement(len(p.texts) - 1)
}

func TestPostgresTriesAgain(t *testing.T) {
	s := openSchema(t, pgtest.Schema(t))
	raise := map[string]statement{}
	for _, code := range []string{"40001", "40P01", "23505"} {
		raise[code] = sentenceFor(s, `DO $$ BEGIN RAISE EXCEPTION 'the secret is hunter2' USING ERRCODE = '`+code+`'; END $$`)
	}
	for _, row := range []struct {
		code         string
		fails, tries int
		ok           bool
	}{
		{"40001", 2, 3, true}, {"40P01", tries - 1, tries, true}, {"40001", tries, tries, false}, {"23505", 1, 1, false},
	} {
		var n atomic.Int64
		err := s.db.write(t.Context(), func(ctx context.Context, tx transaction) error {
			if n.Add(1) > int64(row.fails) {
				return nil
			}
			_, err := tx.exec(ctx, raise[row.code])
			return err
		})
		if n.Load() != int64(row.tries) || (err == nil) != row.ok {
			t.Errorf("%s, failing %d times: %d tries, %v", row.code, row.fails, n.Load(), err)
		}
		if err != nil && (!errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v, want unavailable and no value", row.code, err)
		}
	}
}

func TestUnavailableHidesValues(t *testing.T) {
	err := unavailable(fmt.Errorf("while: %w", &pgconn.PgError{Code: "22P02", Message: `bad: "hunter2"`, Detail: "hunter2"}))
	if !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "22P02") {
		t.Errorf("%v", err)
	}
}

// TestPostgresBreaks is R2 and R5 in short.
func TestPostgresBreaks(t *testing.T) {
	server := pgtest.Start(t)
	s := openSchema(t, server.Address()+"#e")
	create := func(id string) error {
		return s.Clients().Create(t.Context(), store.Client{ID: id}, someone())
	}
	if err := create("before"); err != nil {
		t.Fatal(err)
	}
	everyCallFails := func(what string) {
		t.Helper()
		var wg sync.WaitGroup
		for i, call := range []func() error{
			func() error { return create(what) },
			func() error { _, err := s.Clients().Find(t.Context(), "before"); return err },
			func() error { return s.Tokens().Save(t.Context(), store.Token{}) },
			func() error { return s.Changes().Wait(t.Context(), 99) },
			func() error { return s.Ping(t.Context()) },
		} {
			wg.Go(func() {
				began := time.Now()
				err := call()
				if took := time.Since(began); !errors.Is(err, store.ErrUnavailable) || took > 15*time.Second {
					t.Errorf("%s: call %d: %v after %v, want unavailable soon", what, i, err, took)
				}
			})
		}
		wg.Wait()
	}
	comesBack := func(what string) {
		t.Helper()
		began := time.Now()
		for s.Ping(t.Context()) != nil {
			if time.Since(began) > 30*time.Second {
				t.Fatalf("%s: not back after %v", what, time.Since(began))
			}
			time.Sleep(20 * time.Millisecond)
		}
		if _, err := s.Clients().Find(t.Context(), "before"); err != nil {
			t.Errorf("%s: what was acknowledged: %v", what, err)
		}
		if err := create("after " + what); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}

	server.Kill()
	everyCallFails("killed")
	if err := server.Run(); err != nil {
		t.Fatal(err)
	}
	comesBack("killed")

	// The first process accepts connections; those there are go on without it.
	if err := server.SignalAll(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	everyCallFails("hanging")
	if err := server.SignalAll(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	comesBack("hanging")
}
