package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

var clientCases = map[string]func(*testing.T, *world){
	"create and find": func(t *testing.T, w *world) {
		c := client("c")
		c.DisabledAt = at(-1)
		must(t, w.Clients.Create(t.Context(), c, by(0)))
		same(t, w.find(t, "c"), c)
		w.last(t, store.Change{At: at(0), Kind: "client.created", ID: "c", Actor: "operator", Trace: "trace0"})
	},
	"the least client": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), store.Client{ID: "c"}, store.By{Actor: "a", At: at(0)}))
		same(t, w.find(t, "c"), store.Client{ID: "c"})
		w.last(t, store.Change{At: at(0), Kind: "client.created", ID: "c", Actor: "a"})
	},
	"times are kept in UTC with microseconds": func(t *testing.T, w *world) {
		c := client("c")
		c.CreatedAt = time.Date(2026, 1, 2, 3, 4, 5, 678_901_999, time.FixedZone("", 3600))
		must(t, w.Clients.Create(t.Context(), c, by(0)))
		got := w.find(t, "c").CreatedAt
		if wanted := time.Date(2026, 1, 2, 2, 4, 5, 678_901_000, time.UTC); got != wanted {
			t.Errorf("created at %v, want %v", got, wanted)
		}
	},
	"create an id in use": func(t *testing.T, w *world) {
		c := client("c")
		must(t, w.Clients.Create(t.Context(), c, by(0)))
		want(t, w.Clients.Create(t.Context(), store.Client{ID: "c"}, by(1)), store.ErrConflict)
		same(t, w.find(t, "c"), c)
		same(t, w.kinds(t), []string{"client.created c"})
	},
	"create with a secret id in use": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		c := client("d")
		c.Secrets[1].ID = "c0a"
		want(t, w.Clients.Create(t.Context(), c, by(1)), store.ErrConflict)
		_, err := w.Clients.Find(t.Context(), "d")
		want(t, err, store.ErrNotFound)
		same(t, w.kinds(t), []string{"client.created c"})
	},
	"create with one secret id twice": func(t *testing.T, w *world) {
		c := client("c")
		c.Secrets[1].ID = c.Secrets[0].ID
		want(t, w.Clients.Create(t.Context(), c, by(1)), store.ErrConflict)
		_, err := w.Clients.Find(t.Context(), "c")
		want(t, err, store.ErrNotFound)
	},
	"create one id at once": func(t *testing.T, w *world) {
		onlyOne(t, store.ErrConflict, func(i int) error {
			c := client("c")
			c.Secrets = []store.Secret{secret("c", id("", i))}
			return w.Clients.Create(t.Context(), c, by(i))
		})
		same(t, w.kinds(t), []string{"client.created c"})
		if n := len(w.find(t, "c").Secrets); n != 1 {
			t.Errorf("%d secrets, want one", n)
		}
	},
	"find an unknown one": func(t *testing.T, w *world) {
		_, err := w.Clients.Find(t.Context(), "c")
		want(t, err, store.ErrNotFound)
	},
	"find in its own case only": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		for _, other := range []string{"C", "c ", "", "c%"} {
			_, err := w.Clients.Find(t.Context(), other)
			want(t, err, store.ErrNotFound)
		}
	},
	"list": func(t *testing.T, w *world) {
		inOrder := []string{"-", "A", "B", "_", "a", "a-b", "aB", "ab", "é"}
		for _, i := range []int{4, 1, 8, 0, 7, 2, 6, 3, 5} {
			must(t, w.Clients.Create(t.Context(), client(inOrder[i]), by(i)))
		}
		must(t, w.Clients.Create(t.Context(), client("aa"), by(0)))
		must(t, w.Clients.Delete(t.Context(), "aa", at(9), by(9)))
		var got []store.Client
		after := ""
		for {
			page, err := w.Clients.List(t.Context(), after, 2)
			must(t, err)
			if len(page) > 2 {
				t.Fatalf("%d clients, want at most 2", len(page))
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			after = page[len(page)-1].ID
		}
		var wanted []store.Client
		for _, id := range inOrder {
			wanted = append(wanted, client(id))
		}
		same(t, got, wanted)
		none, err := w.Clients.List(t.Context(), "", 0)
		must(t, err)
		same(t, len(none), 0)
	},
	"disable": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Clients.Disable(t.Context(), "c", at(100), by(1)))
		wanted := client("c")
		wanted.DisabledAt = at(1)
		same(t, w.find(t, "c"), wanted)
		w.last(t, store.Change{At: at(1), Kind: "client.disabled", ID: "c", Actor: "operator", Trace: "trace1"})
		w.ended(t, store.Revocation{Seq: 2, Kind: store.RevokedClient, ID: "c", IssuedBefore: at(1), ForgetAt: at(100)})

		must(t, w.Clients.Disable(t.Context(), "c", at(200), by(2)))
		same(t, w.find(t, "c"), wanted)
		same(t, w.kinds(t), []string{"client.created c", "client.disabled c"})
		want(t, w.Clients.Disable(t.Context(), "d", at(100), by(3)), store.ErrNotFound)
	},
	"disable at once": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		if n, failed := race(t, func(i int) error { return w.Clients.Disable(t.Context(), "c", at(100), by(i)) }); n != many {
			t.Errorf("failed: %v", failed)
		}
		same(t, w.kinds(t), []string{"client.created c", "client.disabled c"})
	},
	"enable": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Clients.Disable(t.Context(), "c", at(100), by(1)))
		must(t, w.Clients.Enable(t.Context(), "c", by(2)))
		same(t, w.find(t, "c"), client("c"))
		w.last(t, store.Change{At: at(2), Kind: "client.enabled", ID: "c", Actor: "operator", Trace: "trace2"})
		w.ended(t, store.Revocation{Seq: 2, Kind: store.RevokedClient, ID: "c", IssuedBefore: at(1), ForgetAt: at(100)})

		must(t, w.Clients.Enable(t.Context(), "c", by(3)))
		same(t, w.kinds(t), []string{"client.created c", "client.disabled c", "client.enabled c"})
		want(t, w.Clients.Enable(t.Context(), "d", by(4)), store.ErrNotFound)
	},
	"delete": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Clients.Delete(t.Context(), "c", at(100), by(1)))
		_, err := w.Clients.Find(t.Context(), "c")
		want(t, err, store.ErrNotFound)
		w.last(t, store.Change{At: at(1), Kind: "client.deleted", ID: "c", Actor: "operator", Trace: "trace1"})
		w.ended(t, store.Revocation{Seq: 2, Kind: store.RevokedClient, ID: "c", IssuedBefore: at(1), ForgetAt: at(100)})

		want(t, w.Clients.Create(t.Context(), client("c"), by(2)), store.ErrConflict)
		other := client("d")
		other.Secrets = []store.Secret{secret("c", "a")}
		want(t, w.Clients.Create(t.Context(), other, by(2)), store.ErrConflict)
		want(t, w.Clients.Delete(t.Context(), "c", at(100), by(2)), store.ErrNotFound)
		want(t, w.Clients.Disable(t.Context(), "c", at(100), by(2)), store.ErrNotFound)
		want(t, w.Clients.Enable(t.Context(), "c", by(2)), store.ErrNotFound)
		want(t, w.Secrets.Add(t.Context(), secret("c", "z"), by(2)), store.ErrNotFound)
		want(t, w.Secrets.Revoke(t.Context(), "c", "c0a", at(100), by(2)), store.ErrNotFound)
		same(t, w.kinds(t), []string{"client.created c", "client.deleted c"})
	},
	"delete at once": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		onlyOne(t, store.ErrNotFound, func(i int) error { return w.Clients.Delete(t.Context(), "c", at(100), by(i)) })
		same(t, w.kinds(t), []string{"client.created c", "client.deleted c"})
	},
	"T10 text that a database cannot hold": func(t *testing.T, w *world) {
		for _, bad := range []string{"a\x00b", "a\xffb"} {
			_, err := w.Clients.Find(t.Context(), bad)
			want(t, err, store.ErrNotFound)
			want(t, w.Clients.Disable(t.Context(), bad, at(1), by(1)), store.ErrNotFound)
			for name, spoil := range map[string]func(*store.Client){
				"id":       func(c *store.Client) { c.ID = bad },
				"name":     func(c *store.Client) { c.Name = bad },
				"grant":    func(c *store.Client) { c.Grants = []string{bad} },
				"API":      func(c *store.Client) { c.Allotted = map[string][]string{bad: nil} },
				"scope":    func(c *store.Client) { c.Allotted = map[string][]string{"api": {bad}} },
				"hint":     func(c *store.Client) { c.Secrets[0].Hint = bad },
				"far off":  func(c *store.Client) { c.CreatedAt = time.Unix(1<<62, 0) },
				"redirect": func(c *store.Client) { c.SignIn.Redirects = []string{bad} },
				"logout":   func(c *store.Client) { c.SignIn.LogoutRedirects = []string{bad} },
				"owner":    func(c *store.Client) { c.SignIn.Owner = bad },
				"end of":   func(c *store.Client) { c.GrantsEnd = map[string]time.Time{bad: at(1)} },
				"end at":   func(c *store.Client) { c.GrantsEnd["urn:x:y"] = time.Unix(1<<62, 0) },
			} {
				c := client("c")
				spoil(&c)
				refused(t, name, w.Clients.Create(t.Context(), c, by(0)))
			}
			refused(t, "trace", w.Clients.Create(t.Context(), client("c"), store.By{Actor: "a", Trace: bad, At: at(0)}))
		}
		refused(t, "no actor", w.Clients.Create(t.Context(), client("c"), store.By{At: at(0)}))
		refused(t, "no time", w.Clients.Create(t.Context(), client("c"), store.By{Actor: "a"}))
		same(t, w.kinds(t), []string(nil))
	},
	"a caller that has gone": func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		// It may have been too late to stop; but what failed did not happen.
		if w.Clients.Create(ctx, client("c"), by(0)) != nil {
			_, err := w.Clients.Find(t.Context(), "c")
			want(t, err, store.ErrNotFound)
			same(t, w.kinds(t), []string(nil))
		}
	},
}

// refused wants an error that is none of the contract's.
func refused(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: stored", what)
	}
	for _, sentinel := range []error{store.ErrNotFound, store.ErrConflict, store.ErrUnavailable} {
		if is(err, sentinel) {
			t.Errorf("%s: %v, want an error of its own", what, err)
		}
	}
}
