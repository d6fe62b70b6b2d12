package audit_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/grantway/grantway/internal/audit"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var databases = map[string]func(testing.TB) string{
	"SQLite":     func(t testing.TB) string { return "sqlite:" + t.TempDir() + "/store.db" },
	"PostgreSQL": pgtest.Schema,
}

// A house is an environment with changes.
type house struct {
	t      *testing.T
	dsn    string
	store  *sqlstore.Store
	signer *jose.Signer
	now    time.Time
}

func newHouse(t *testing.T, dsn string) *house {
	s, err := sqlstore.Open(t.Context(), dsn, sqlstore.Options{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return &house{t: t, dsn: dsn, store: s, signer: newSigner(t, "one"), now: time.Date(2027, 3, 4, 5, 6, 7, 0, time.UTC)}
}

func newSigner(t *testing.T, kid string) *jose.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	signer, err := jose.NewSigner(jose.ES256, kid, key, audit.Header("ES256", kid))
	must(t, err)
	return signer
}

// happen makes so many changes.
func (h *house) happen(n int) {
	h.t.Helper()
	for range n {
		h.now = h.now.Add(time.Second)
		must(h.t, h.store.Clients().Create(h.t.Context(), store.Client{ID: rand.Text(), Name: "Ünited"}, store.By{Actor: "operator", Trace: "abc", At: h.now}))
	}
}

func (h *house) sealer(signer *jose.Signer) *audit.Sealer {
	return &audit.Sealer{
		Environment: "staging", Issuer: "https://id.example", Changes: h.store.Changes(), Seals: h.store.Seals(),
		Signer: func() (*jose.Signer, error) { return signer, nil }, Now: func() time.Time { return h.now },
	}
}

// seal makes so many changes and seals them in one run, several times.
func (h *house) seal(runs ...int) {
	h.t.Helper()
	for _, n := range runs {
		h.happen(n)
		h.now = h.now.Add(audit.Every)
		must(h.t, h.sealer(h.signer).All(h.t.Context()))
	}
}

func (h *house) checkpoints() []string {
	h.t.Helper()
	seals, err := h.store.Seals().Since(h.t.Context(), 0, 100000)
	must(h.t, err)
	var all []string
	for _, s := range seals {
		all = append(all, s.Checkpoint)
	}
	return all
}

func (h *house) entries() []audit.Entry {
	h.t.Helper()
	changes, err := h.store.Changes().Since(h.t.Context(), 0, 100000)
	must(h.t, err)
	var all []audit.Entry
	for _, c := range changes {
		all = append(all, audit.EntryOf(c))
	}
	return all
}

// alter changes the database behind the store's back; {} is where its tables are.
func (h *house) alter(statements ...string) {
	h.t.Helper()
	driver, at, prefix := "sqlite", strings.TrimPrefix(h.dsn, "sqlite:"), ""
	if at == h.dsn {
		var schema string
		at, schema, _ = strings.Cut(h.dsn, "#")
		driver, prefix = "pgx", `"`+schema+`".`
	}
	db, err := sql.Open(driver, at)
	must(h.t, err)
	defer db.Close()
	for _, s := range statements {
		_, err = db.ExecContext(h.t.Context(), strings.ReplaceAll(s, "{}", prefix))
		must(h.t, err)
	}
}

// Changes, Seals and Newest are audit.Source's.
func (h *house) Changes(ctx context.Context, after int64, limit int) ([]store.Change, error) {
	return h.store.Changes().Since(ctx, after, limit)
}

func (h *house) Seals(ctx context.Context, after int64, limit int) ([]store.Seal, error) {
	return h.store.Seals().Since(ctx, after, limit)
}

func (h *house) Newest(ctx context.Context) (int64, error) { return h.store.Changes().Last(ctx) }

// verify returns what is wrong, "kind from-through" each.
func (h *house) verify(left []string, copied []audit.Entry) []string {
	h.t.Helper()
	v := audit.Verifier{Environment: "staging", Source: h, Keys: []jose.PublicKey{h.signer.Public()}, Left: left}
	if copied != nil {
		v.Copy = func() (*audit.Entry, error) {
			if len(copied) == 0 {
				return nil, nil
			}
			one := copied[0]
			copied = copied[1:]
			return &one, nil
		}
	}
	report, err := v.Verify(h.t.Context())
	must(h.t, err)
	var all []string
	for _, f := range report.Faults {
		all = append(all, fmt.Sprintf("%s %d-%d", f.Kind, f.From, f.Through))
		h.t.Log(f.Kind, f.From, f.Through, f.Text)
	}
	return inOrder(all)
}

func inOrder(all []string) []string { return slices.Sorted(slices.Values(all)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
