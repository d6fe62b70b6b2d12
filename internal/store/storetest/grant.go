package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// grant is the fixture: a grant of the account "p" for the client "c" with every
// field set that Start stores. Its code is good until at(60).
func grant(n int) store.Grant {
	return store.Grant{
		ID: id("g", n), ClientID: "c", AccountID: "p",
		Scope: []string{"openid", "read"}, APIs: []string{"api"}, Asked: []byte("{}\x00\xff"), Methods: []string{"pwd", "otp"},
		AuthenticatedAt: at(-30), Offline: true,
		Code:      store.GrantCode{Hash: [32]byte{3, byte(n >> 8), byte(n)}, EndsAt: at(60)},
		CreatedAt: at(0), EndsAt: at(10_000),
	}
}

// people makes the account "p" and the clients "c" and "d".
func (w *world) people(t *testing.T) {
	t.Helper()
	must(t, w.Accounts.Create(t.Context(), store.Account{ID: "p", Name: "P", Key: "p", CreatedAt: at(-100)}, nil, by(-3)))
	must(t, w.Clients.Create(t.Context(), store.Client{ID: "c"}, by(-2)))
	must(t, w.Clients.Create(t.Context(), store.Client{ID: "d"}, by(-1)))
}

// started starts a grant with a request of its own.
func (w *world) started(t *testing.T, g store.Grant) {
	t.Helper()
	r := store.Request{Hash: g.Code.Hash, ClientID: g.ClientID, EndsAt: at(100_000)}
	must(t, w.Requests.Save(t.Context(), r))
	must(t, w.Grants.Start(t.Context(), r.Hash, g, nil, store.By{Actor: g.AccountID, At: g.CreatedAt}))
}

func (w *world) grant(t *testing.T, id string) store.Grant {
	t.Helper()
	g, err := w.Grants.Find(t.Context(), id)
	must(t, err)
	return g
}

// endedGrant is the revocation of a grant.
func endedGrant(seq int64, id string) store.Revocation {
	return store.Revocation{Seq: seq, Kind: store.RevokedGrant, ID: id, IssuedBefore: at(5000), ForgetAt: at(5000)}
}

// presentGrants presents a code and a refresh token of a grant while its account
// changes.
func presentGrants(t *testing.T, w *world) {
	w.people(t)
	w.started(t, grant(1))
	g := grant(1)
	both := func() *store.Account {
		t.Helper()
		byID, a, err := w.Grants.Present(t.Context(), store.Presented{GrantID: g.ID})
		must(t, err)
		same(t, byID, g)
		byCode, b, err := w.Grants.Present(t.Context(), store.Presented{Code: g.Code.Hash})
		must(t, err)
		same(t, byCode, g)
		same(t, a, b)
		return a
	}
	find := func() *store.Account {
		a, err := w.Accounts.Find(t.Context(), "p")
		must(t, err)
		return &a
	}
	same(t, both(), find())
	must(t, w.Accounts.Describe(t.Context(), "p", store.Profile{FullName: "P. P.", Email: "p@example.org"}, []string{"coach"}, at(5000), by(1)))
	same(t, both().Roles, []string{"coach"})
	same(t, both(), find())
	must(t, w.Accounts.SetDisabled(t.Context(), "p", true, at(5000), by(2)))
	g.EndedAt = at(2)
	same(t, both().DisabledAt, at(2))
	must(t, w.Accounts.Delete(t.Context(), "p", at(5000), by(3)))
	g.Asked = []byte("{ }")
	same(t, both() == nil, true)
	for _, unknown := range []store.Presented{{}, {GrantID: "g002"}, {GrantID: "a\x00", Code: g.Code.Hash}, {Code: grant(2).Code.Hash}} {
		_, _, err := w.Grants.Present(t.Context(), unknown)
		want(t, err, store.ErrNotFound)
	}
}

var grantCases = map[string]func(*testing.T, *world){
	"start and find": func(t *testing.T, w *world) {
		w.people(t)
		w.started(t, grant(1))
		same(t, w.grant(t, "g001"), grant(1))
		w.last(t, store.Change{At: at(0), Kind: "grant.started", ID: "g001", Client: "c", Actor: "p"})
		_, err := w.Requests.Find(t.Context(), grant(1).Code.Hash, at(0))
		want(t, err, store.ErrNotFound)
		for _, unknown := range []string{"g002", "", "a\x00"} {
			_, err = w.Grants.Find(t.Context(), unknown)
			want(t, err, store.ErrNotFound)
		}
	},
	"present": presentGrants,
	"present many at once": func(t *testing.T, w *world) {
		w.people(t)
		for i := range 8 {
			w.started(t, grant(i))
		}
		n, failed := race(t, func(i int) error {
			p := store.Presented{GrantID: grant(i % 9).ID}
			if i%2 == 0 {
				p = store.Presented{Code: grant(i % 9).Code.Hash}
			}
			g, a, err := w.Grants.Present(t.Context(), p)
			if err == nil && (g.ID != grant(i%9).ID || a.ID != "p") {
				return fmt.Errorf("%s of %s was found instead of %s", g.ID, a.ID, grant(i%9).ID)
			}
			return err
		})
		same(t, n, many-many/9)
		same(t, failed, map[error]int{store.ErrNotFound: many / 9})
	},
	"start, each thing that is wrong": func(t *testing.T, w *world) {
		w.people(t)
		must(t, w.Accounts.Create(t.Context(), store.Account{ID: "off", Key: "off", DisabledAt: at(-1)}, nil, by(0)))
		must(t, w.Clients.Disable(t.Context(), "d", at(100), by(0)))
		must(t, w.Clients.Create(t.Context(), store.Client{ID: "gone"}, by(0)))
		must(t, w.Clients.Delete(t.Context(), "gone", at(100), by(0)))
		before := len(w.kinds(t))
		for name, row := range map[string]struct {
			spoil func(*store.Grant, *store.Request)
			at    int
			want  error
		}{
			"unknown account":              {func(g *store.Grant, _ *store.Request) { g.AccountID = "x" }, 0, store.ErrNotFound},
			"disabled account":             {func(g *store.Grant, _ *store.Request) { g.AccountID = "off" }, 0, store.ErrNotFound},
			"unknown client":               {func(g *store.Grant, r *store.Request) { g.ClientID, r.ClientID = "x", "x" }, 0, store.ErrNotFound},
			"disabled client":              {func(g *store.Grant, r *store.Request) { g.ClientID, r.ClientID = "d", "d" }, 0, store.ErrNotFound},
			"deleted client":               {func(g *store.Grant, r *store.Request) { g.ClientID, r.ClientID = "gone", "gone" }, 0, store.ErrNotFound},
			"session that is not":          {func(g *store.Grant, _ *store.Request) { g.SessionID = "s" }, 0, store.ErrNotFound},
			"B23 another client's request": {func(_ *store.Grant, r *store.Request) { r.ClientID = "other" }, 0, store.ErrSpent},
			"request at its end":           {func(*store.Grant, *store.Request) {}, 600, store.ErrSpent},
			"text with NUL":                {func(g *store.Grant, _ *store.Request) { g.Scope = []string{"a\x00"} }, 0, nil},
			"a code without an end":        {func(g *store.Grant, _ *store.Request) { g.Code.EndsAt = time.Time{} }, 0, nil},
			"a time beyond all":            {func(g *store.Grant, _ *store.Request) { g.EndsAt = time.Unix(1<<60, 0) }, 0, nil},
		} {
			g, r := grant(1), request(1)
			row.spoil(&g, &r)
			must(t, w.Requests.Save(t.Context(), r))
			err := w.Grants.Start(t.Context(), r.Hash, g, &store.Consent{Allowed: map[string][]string{"a": {"read"}}}, by(row.at))
			if row.want == nil {
				refused(t, name, err)
			} else if !is(err, row.want) {
				t.Errorf("%s: %v, want %v", name, err, row.want)
			}
			if _, err := w.Requests.Find(t.Context(), r.Hash, at(0)); err != nil {
				t.Errorf("%s: the request is gone: %v", name, err)
			}
			_, err = w.Grants.Find(t.Context(), g.ID)
			want(t, err, store.ErrNotFound)
			_, err = w.Consents.Find(t.Context(), "p", "c")
			want(t, err, store.ErrNotFound)
			must(t, w.Requests.Drop(t.Context(), r.Hash))
		}
		same(t, len(w.kinds(t)), before)
	},
	"start with an id or a code in use": func(t *testing.T, w *world) {
		w.people(t)
		w.started(t, grant(1))
		for _, spoil := range []func(*store.Grant){
			func(g *store.Grant) { g.ID = "g001" },
			func(g *store.Grant) { g.Code.Hash = grant(1).Code.Hash },
		} {
			g := grant(2)
			spoil(&g)
			must(t, w.Requests.Save(t.Context(), request(2)))
			want(t, w.Grants.Start(t.Context(), request(2).Hash, g, nil, by(1)), store.ErrConflict)
			must(t, w.Requests.Drop(t.Context(), request(2).Hash)) // it was not spent
		}
		same(t, w.grant(t, "g001"), grant(1))
	},
	"start one request at once": func(t *testing.T, w *world) {
		w.people(t)
		must(t, w.Requests.Save(t.Context(), request(1)))
		other := w.open(t)
		onlyOne(t, store.ErrSpent, func(i int) error {
			grants := w.Grants
			if i%2 == 0 {
				grants = other.Grants
			}
			return grants.Start(t.Context(), request(1).Hash, grant(i), nil, by(0))
		})
		all, err := w.Grants.List(t.Context(), "p", at(0))
		must(t, err)
		same(t, len(all), 1)
	},
	"end": func(t *testing.T, w *world) {
		w.people(t)
		w.started(t, grant(1))
		want(t, w.Grants.End(t.Context(), "x", at(5000), by(1)), store.ErrNotFound)
		want(t, w.Grants.End(t.Context(), "a\x00", at(5000), by(1)), store.ErrNotFound)
		must(t, w.Grants.End(t.Context(), "g001", at(5000), by(1)))
		must(t, w.Grants.End(t.Context(), "g001", at(6000), by(2)))
		w.last(t, store.Change{At: at(1), Kind: "grant.ended", ID: "g001", Client: "c", Actor: "operator", Trace: "trace1"})
		w.ended(t, endedGrant(5, "g001"))
		g := grant(1)
		g.EndedAt = at(1)
		same(t, w.grant(t, "g001"), g)
	},
	"end at once": func(t *testing.T, w *world) {
		w.people(t)
		w.started(t, grant(1))
		before := len(w.kinds(t))
		n, failed := race(t, func(i int) error { return w.Grants.End(t.Context(), "g001", at(5000), by(i)) })
		same(t, n, many)
		same(t, len(failed), 0)
		same(t, len(w.kinds(t)), before+1)
	},
	"C10 the end of a client ends its grants": func(t *testing.T, w *world) {
		for name, end := range map[string]func(client string) error{
			"disabled": func(client string) error { return w.Clients.Disable(t.Context(), client, at(5000), by(0)) },
			"deleted":  func(client string) error { return w.Clients.Delete(t.Context(), client, at(5000), by(0)) },
		} {
			account, client := "p of "+name, "c of "+name
			must(t, w.Accounts.Create(t.Context(), store.Account{ID: account, Key: account}, nil, by(-1)))
			must(t, w.Clients.Create(t.Context(), store.Client{ID: client}, by(-1)))
			g := grant(len(name))
			g.AccountID, g.ClientID = account, client
			// A clock that is ahead does not save it.
			g.CreatedAt = at(50)
			w.started(t, g)
			must(t, end(client))
			same(t, w.grant(t, g.ID).EndedAt, at(0))
			all, err := w.Grants.List(t.Context(), account, at(1))
			must(t, err)
			same(t, len(all), 0)
			_, err = w.Grants.Commit(t.Context(), code(g.ID), by(1))
			want(t, err, store.ErrSpent)
			if name == "deleted" {
				continue
			}
			must(t, w.Clients.Enable(t.Context(), client, by(2)))
			_, err = w.Grants.Commit(t.Context(), code(g.ID), by(3))
			want(t, err, store.ErrSpent)
			next := grant(99)
			next.AccountID, next.ClientID = account, client
			next.CreatedAt = at(-50) // nor does one that is behind harm the next
			w.started(t, next)
			_, err = w.Grants.Commit(t.Context(), code(next.ID), by(3))
			must(t, err)
		}
	},
	"list": func(t *testing.T, w *world) {
		w.people(t)
		for i := range 6 {
			g := grant(i)
			g.CreatedAt = at(i)
			w.started(t, g)
		}
		for _, i := range []int{0, 1, 3} {
			_, err := w.Grants.Commit(t.Context(), code(id("g", i)), by(10))
			must(t, err)
		}
		must(t, w.Grants.End(t.Context(), "g003", at(5000), by(20)))
		for _, row := range []struct {
			account string
			now     time.Time
			want    []string
		}{
			{"p", at(59), []string{"g005", "g004", "g002", "g001", "g000"}},
			{"p", at(60), []string{"g001", "g000"}}, // the codes of the others have expired
			{"p", at(5000).Add(-time.Microsecond), []string{"g001", "g000"}},
			{"p", at(5000), nil},
			{"q", at(0), nil},
			{"a\x00", at(0), nil},
		} {
			all, err := w.Grants.List(t.Context(), row.account, row.now)
			must(t, err)
			var ids []string
			for _, g := range all {
				ids = append(ids, g.ID)
			}
			same(t, ids, row.want)
		}
	},
	"purge": func(t *testing.T, w *world) {
		w.people(t)
		for i := range 10 {
			w.started(t, grant(i)) // a code until at(60)
		}
		for i := range 4 {
			r := code(id("g", i))
			r.Refresh, r.Forget = at(1000+i), at(500)
			_, err := w.Grants.Commit(t.Context(), r, by(1))
			must(t, err)
		}
		for _, step := range []struct {
			ended       time.Time
			limit, want int
		}{
			{at(60), 100, 0},
			{at(60).Add(time.Microsecond), 0, 0},
			{at(61), 4, 4},
			{at(61), 4, 2},
			{at(61), 100, 0},
			{at(1000), 100, 0},
			{at(1000).Add(time.Microsecond), 100, 1},
			{at(2000), 1, 1},
			{at(2000), 1, 1},
			{at(2000), 100, 1},
		} {
			n, err := w.Grants.Purge(t.Context(), step.ended, step.limit)
			must(t, err)
			if n != step.want {
				t.Fatalf("purge %v: %d, want %d", step, n, step.want)
			}
		}
	},
}
