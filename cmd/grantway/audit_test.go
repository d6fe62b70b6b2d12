package main

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/audit"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/server"
)

const auditedFile = `
name: Notes
data: DATA
environments:
  staging:
    issuer: https://auth.staging.example
apis:
  notes:
    upstream: https://notes.internal
    scopes:
      notes:read:
        description: Read notes
    routes:
      - GET /notes: notes:read
home:
  audit:
    checkpoints:
      file: DATA/checkpoints
`

// TestAuditOfSealedChanges verifies and exports what a server has sealed, before
// and after somebody altered it in the database.
func TestAuditOfSealedChanges(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	data := t.TempDir()
	c, err := catalogue.Parse("grantway.yaml", []byte(strings.ReplaceAll(auditedFile, "DATA", data)), nil)
	must(err)
	seal, err := keys.NewSeal(strings.Repeat("5e", 32))
	must(err)
	run := func(now func() time.Time) *server.Server {
		s, err := server.New(t.Context(), server.Options{
			Catalogue: c, Seal: seal, Now: now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		})
		must(err)
		return s
	}
	must(run(time.Now).Close()) // which makes the keys, and a change for each
	s := run(func() time.Time { return time.Now().Add(2 * audit.Every) })
	defer s.Close()
	var out bytes.Buffer
	command := &cobra.Command{}
	command.SetContext(t.Context())
	command.SetOut(&out)
	command.SetErr(&out)
	audited(t, &session{
		Command: command, adminFlags: &adminFlags{}, to: &administrator{base: "http://localhost", http: client(within{s.Admin()})},
		env: "staging", path: "/environments/staging",
	}, &out, filepath.Join(data, "checkpoints"), filepath.Join(data, "staging.db"))
}

func audited(t *testing.T, s *session, out *bytes.Buffer, checkpoints, database string) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(30 * time.Second); len(left) == 0; time.Sleep(50 * time.Millisecond) {
		left, _ = readCheckpoints(checkpoints)
		if time.Now().After(deadline) {
			t.Fatal("nothing was sealed within half a minute")
		}
	}
	keySet, err := s.auditKeys("")
	if err != nil || len(keySet) != 2 {
		t.Fatalf("%d keys: %v", len(keySet), err)
	}
	verify := func() error {
		out.Reset()
		v := audit.Verifier{Environment: s.env, Source: chain{s}, Keys: keySet, Left: left}
		report, err := v.Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if report.Seals != 1 || report.Sealed != report.Changes || report.Checkpoints != 1 {
			t.Errorf("%+v", report)
		}
		return s.verified(report, true)
	}
	if err := verify(); err != nil || !strings.Contains(out.String(), "nothing was altered") {
		t.Error(out, err)
	}
	var exported bytes.Buffer
	e := exporting{session: s, out: &exported}
	if err := e.run(); err != nil || e.seals != 1 || !strings.HasPrefix(exported.String()[strings.LastIndex(strings.TrimSpace(exported.String()), "\n")+1:], `{"seal":{"from":1,`) {
		t.Errorf("%v: %s", err, exported.String())
	}
	db, err := sql.Open("sqlite", database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `UPDATE change SET actor = 'nobody' WHERE seq = 2`); err != nil {
		t.Fatal(err)
	}
	err = verify()
	coded, ok := errors.AsType[*statusError](err)
	if !ok || coded.status != exitAltered || !strings.Contains(out.String(), "altered: changes 1 to ") {
		t.Error(out, err)
	}
}
