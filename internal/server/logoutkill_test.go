package server

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestLogoutNoticeSurvivesAKill is row Q05: the process dies while a client holds
// it up, and the next one tells the client.
func TestLogoutNoticeSurvivesAKill(t *testing.T) {
	asked, release := make(chan struct{}, 10), make(chan struct{})
	client := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer client.Close()
	var open sync.Once
	defer open.Do(func() { close(release) })
	folder := t.TempDir()
	dsn, certificate := "sqlite:"+filepath.Join(folder, "a.db"), filepath.Join(folder, "certificate")
	if err := os.WriteFile(certificate, client.Certificate().Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	before := openTellingOf(t, dsn, client.URL, client.Certificate())
	before.ended(t, "told")
	if err := before.db.Close(); err != nil {
		t.Fatal(err)
	}

	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTellingProcess$")
	cmd.Env = append(os.Environ(), "GRANTWAY_TEST_TELLING="+dsn, "GRANTWAY_TEST_TOLD="+client.URL, "GRANTWAY_TEST_CERTIFICATE="+certificate)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-asked:
	case <-time.After(time.Minute):
		t.Error("the process told nobody")
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	open.Do(func() { close(release) })

	after := openTellingOf(t, dsn, client.URL, client.Certificate())
	after.clock.move(noticeLease - time.Second)
	if after.once(t); len(asked) != 0 {
		t.Error("told while it was another process's")
	}
	after.clock.move(time.Second)
	if after.once(t); len(asked) != 1 {
		t.Errorf("told %d times", len(asked))
	}
	after.clock.move(24 * time.Hour)
	if after.once(t); len(asked) != 1 || slices.Contains(after.kinds(t), "logout.undelivered") {
		t.Errorf("told %d times, %v", len(asked), after.kinds(t))
	}
}

// TestTellingProcess is the process that is killed.
func TestTellingProcess(t *testing.T) {
	dsn := os.Getenv("GRANTWAY_TEST_TELLING")
	if dsn == "" {
		return // it runs as a process of its own only
	}
	raw, err := os.ReadFile(os.Getenv("GRANTWAY_TEST_CERTIFICATE"))
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	openTellingOf(t, dsn, os.Getenv("GRANTWAY_TEST_TOLD"), certificate).run(t.Context())
}
