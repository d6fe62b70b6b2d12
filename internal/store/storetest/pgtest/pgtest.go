// Package pgtest gives tests a real PostgreSQL: a server of their own from the
// system's binaries, in a temporary folder, reachable by a Unix socket only.
//
// Where GRANTWAY_TEST_POSTGRES names a server (a postgres:// address without a
// fragment), Schema uses that one. It is imported by tests only.
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// shared is the server that all tests of a binary use.
var shared struct {
	once   sync.Once
	main   bool // Main runs, so there is somebody to stop the server
	server *Server
	err    error
}

// Main runs a binary's tests and stops the server that they started:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
func Main(m *testing.M) {
	shared.main = true
	code := m.Run()
	if shared.server != nil {
		shared.server.stop()
	}
	os.Exit(code)
}

// Schema returns the address of an empty schema, as sqlstore.Open takes it, on
// the server that the tests of this binary share. It is dropped with the test.
func Schema(t testing.TB) string {
	t.Helper()
	address := os.Getenv("GRANTWAY_TEST_POSTGRES")
	if address == "" {
		address = sharedServer(t).Address()
	}
	id := make([]byte, 8)
	rand.Read(id)
	schema := "test-" + hex.EncodeToString(id)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, address)
		if err != nil {
			t.Errorf("drop the test's schema: %v", err)
			return
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, `SET client_min_messages = warning; DROP SCHEMA IF EXISTS "`+schema+`" CASCADE`); err != nil {
			t.Errorf("drop the test's schema: %v", err)
		}
	})
	return strings.TrimSuffix(address, "#") + "#" + schema
}

func sharedServer(t testing.TB) *Server {
	t.Helper()
	if !shared.main {
		t.Fatal("this package needs: func TestMain(m *testing.M) { pgtest.Main(m) }")
	}
	shared.once.Do(func() { shared.server, shared.err = start() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// Start starts a server for one test, which may break it. It stops with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return s
}
