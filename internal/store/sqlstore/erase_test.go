package sqlstore_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
	"github.com/grantway/grantway/internal/store/storetest/pgtest"
)

// mark is in everything that is said of a person who is deleted, and nowhere else.
const mark = "zqmark"

// lived makes an account of which something stands in every table, describes it
// twice, so that there are old versions too, and returns its id.
func lived(t *testing.T, s *sqlstore.Store, n int, mark string) string {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	id := fmt.Sprintf("account%04d", n)
	at := time.Unix(1_700_000_000, 0)
	by := store.By{Actor: "operator", At: at}
	said := func(what string) string { return fmt.Sprintf("%s-%s-%d", mark, what, n) }
	ends := at.Add(time.Hour)
	hash := func(kind byte) [32]byte { return [32]byte{kind, byte(n), byte(n >> 8), 1} }

	factor := store.Factor{ID: id + "totp", AccountID: id, Kind: store.FactorTOTP, Name: said("phone"), Data: said("sealed")}
	passkey := store.Factor{ID: id + "key", AccountID: id, Kind: store.FactorPasskey, Handle: said("handle"), Data: said("credential")}
	profile := store.Profile{FullName: said("full"), Email: said("mail") + "@example.org", EmailVerified: true, Address: said("street")}
	must(s.Accounts().Create(t.Context(), store.Account{
		ID: id, Name: said("name"), Key: said("key"), Roles: []string{said("role")}, Profile: profile,
	}, []store.Factor{factor}, by))
	must(s.Factors().Add(t.Context(), passkey, by))
	profile.Email = said("next") + "@example.org"
	must(s.Accounts().Describe(t.Context(), id, profile, nil, ends, by))
	must(s.Sessions().Start(t.Context(), store.Session{
		Hash: hash(1), ID: id + "s", AccountID: id, Methods: []string{"pwd"}, Agent: said("agent"), SeenAt: at, EndsAt: ends,
	}, [32]byte{}, by))
	must(s.Devices().Remember(t.Context(), store.Device{Hash: hash(2), ID: id + "d", AccountID: id, Name: said("browser"), EndsAt: ends}, by))
	must(s.Links().Issue(t.Context(), store.Link{
		Hash: hash(3), Purpose: store.LinkReset, AccountID: id, Email: said("sent") + "@example.org", EndsAt: ends,
	}, at, 1))
	_, err := s.Notices().Queue(t.Context(), []store.Notice{{
		ID: "member.invited/p/" + id, Kind: "member.invited", To: said("told") + "@example.org", Detail: "{}", QueuedAt: at, DueAt: at,
	}})
	must(err)
	must(s.Identities().Link(t.Context(), store.Identity{Issuer: "https://id.example", Subject: said("subject"), AccountID: id}, by))
	must(s.Requests().Save(t.Context(), store.Request{Hash: hash(4), ClientID: "c", EndsAt: ends}))
	must(s.Grants().Start(t.Context(), hash(4), store.Grant{
		ID: id + "g", ClientID: "c", AccountID: id, SessionID: id + "s", Asked: []byte(`{"LoginHint":"` + said("hint") + `"}`),
		Code: store.GrantCode{Hash: hash(5), EndsAt: ends},
	}, &store.Consent{Redirects: []string{"https://" + said("redirect")}}, by))
	return id
}

// TestDeletedPeopleAreErased looks for what was said of them where the database
// keeps its bytes, not through the store. Others who stay lie between them.
func TestDeletedPeopleAreErased(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	for name, row := range map[string]struct {
		dsn  string
		dump func() []byte // what lies in the database once it is closed
	}{
		"SQLite": {"sqlite:" + path, func() []byte {
			var all []byte
			files, _ := filepath.Glob(path + "*") // the log beside it too, if there is one
			for _, file := range files {
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, b...)
			}
			return all
		}},
		"PostgreSQL": postgresDump(t),
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, row.dsn)
			by := store.By{Actor: "operator", At: time.Unix(1_700_000_100, 0)}
			if err := s.Clients().Create(t.Context(), store.Client{ID: "c"}, by); err != nil {
				t.Fatal(err)
			}
			var ids []string
			for i := range 100 {
				ids = append(ids, lived(t, s, 2*i, mark))
				lived(t, s, 2*i+1, "stays")
			}
			for _, id := range ids {
				if err := s.Accounts().Delete(t.Context(), id, by.At.Add(time.Hour), by); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			dump := row.dump()
			if !bytes.Contains(dump, []byte("stays-subject-1")) || !bytes.Contains(dump, []byte(ids[0])) {
				t.Fatal("the dump does not have what must be there")
			}
			if n := bytes.Count(dump, []byte(mark)); n > 0 {
				i := bytes.Index(dump, []byte(mark))
				t.Errorf("%d traces of people who were deleted, the first: %q", n, dump[max(i-60, 0):min(i+60, len(dump))])
			}
		})
	}
}

// postgresDump reads every row of every table as text, and bytes as text where they
// are.
func postgresDump(t *testing.T) struct {
	dsn  string
	dump func() []byte
} {
	dsn := pgtest.Schema(t)
	server, schema, _ := strings.Cut(dsn, "#")
	dump := func() []byte {
		conn, err := pgx.Connect(t.Context(), server)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		text := func(sql string, args ...any) []string {
			rows, err := conn.Query(t.Context(), sql, args...)
			if err != nil {
				t.Fatal(err)
			}
			all, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		text(`SELECT set_config('bytea_output', 'escape', false)`)
		var all []string
		for _, table := range text(`SELECT tablename::text FROM pg_tables WHERE schemaname = $1`, schema) {
			all = append(all, text(`SELECT row_.*::text FROM `+pgx.Identifier{schema, table}.Sanitize()+` AS row_`)...)
		}
		return []byte(strings.Join(all, "\n"))
	}
	return struct {
		dsn  string
		dump func() []byte
	}{dsn, dump}
}
