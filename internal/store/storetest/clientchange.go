package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// rename is a change of the fixture's name alone.
func rename(from store.Client, name string) store.ClientChange {
	to := from
	to.Name = name
	return store.ClientChange{From: from, To: to}
}

var clientChangeCases = map[string]func(*testing.T, *world){
	"all that can be, and the rest stays": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		from := w.find(t, "c")
		to := from
		to.Name, to.Grants, to.AuthMethods = "Another", []string{"authorization_code"}, nil
		to.Allotted = map[string][]string{"api": {"read"}, "other": {"x"}}
		to.GrantsEnd = map[string]time.Time{"authorization_code": at(6000)}
		to.SignIn = store.SignIn{Redirects: []string{"https://b.example/"}, Verified: true}
		asked := to
		asked.Type, asked.CreatedAt, asked.DisabledAt, asked.Declared, asked.Secrets, asked.ID = "web", at(9), at(9), false, nil, "d"
		must(t, w.Clients.Change(t.Context(), "c", store.ClientChange{From: from, To: asked}, by(1)))
		same(t, w.find(t, "c"), to)
		w.last(t, store.Change{At: at(1), Kind: "client.changed", ID: "c", Actor: "operator", Trace: "trace1"})
		w.ended(t)
		_, err := w.Clients.Find(t.Context(), "d")
		want(t, err, store.ErrNotFound)

		all, err := w.Changes.Since(t.Context(), 1, 1)
		must(t, err)
		for _, told := range []string{"Another", "authorization_code", "grants_end", "other", "https://b.example/"} {
			if !strings.Contains(all[0].Detail, told) {
				t.Errorf("the change does not tell %q: %s", told, all[0].Detail)
			}
		}
	},
	"what does not differ is not told": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Clients.Change(t.Context(), "c", rename(w.find(t, "c"), "n"), by(1)))
		all, err := w.Changes.Since(t.Context(), 1, 1)
		must(t, err)
		same(t, all[0].Detail, `{"name":{"from":"Ünïted \"Clients\"","to":"n"}}`)
	},
	"nothing": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		is := w.find(t, "c")
		must(t, w.Clients.Change(t.Context(), "c", store.ClientChange{From: is, To: is, EndGrants: true, Forget: at(100)}, by(1)))
		same(t, w.kinds(t), []string{"client.created c"})
		w.ended(t)
	},
	"the least client, empty lists and none": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), store.Client{ID: "n"}, by(0)))
		must(t, w.Clients.Create(t.Context(), store.Client{ID: "e", Grants: []string{}, Allotted: map[string][]string{"api": nil, "b": {}}}, by(0)))
		for _, id := range []string{"n", "e"} {
			must(t, w.Clients.Change(t.Context(), id, rename(w.find(t, id), "x"), by(1)))
		}
	},
	"one that is not as it was": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		from := w.find(t, "c")
		for name, spoil := range map[string]func(*store.Client){
			"name":     func(c *store.Client) { c.Name = "x" },
			"grants":   func(c *store.Client) { c.Grants = nil },
			"methods":  func(c *store.Client) { c.AuthMethods = nil },
			"allotted": func(c *store.Client) { c.Allotted = map[string][]string{"api": {"read"}} },
			"ends":     func(c *store.Client) { c.GrantsEnd = nil },
			"sign-in":  func(c *store.Client) { c.SignIn.Redirects = nil },
		} {
			wrong := from
			spoil(&wrong)
			if err := w.Clients.Change(t.Context(), "c", rename(wrong, "y"), by(1)); !is(err, store.ErrConflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		same(t, w.find(t, "c"), from)
		same(t, w.kinds(t), []string{"client.created c"})
		want(t, w.Clients.Change(t.Context(), "d", rename(from, "y"), by(1)), store.ErrNotFound)
		must(t, w.Clients.Delete(t.Context(), "c", at(9), by(2)))
		want(t, w.Clients.Change(t.Context(), "c", rename(from, "y"), by(3)), store.ErrNotFound)
	},
	"a disabled one stays disabled": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Clients.Disable(t.Context(), "c", at(100), by(1)))
		must(t, w.Clients.Change(t.Context(), "c", rename(w.find(t, "c"), "n"), by(2)))
		same(t, w.find(t, "c").DisabledAt, at(1))
	},
	"access tokens end, and grants stay": func(t *testing.T, w *world) {
		w.people(t)
		w.started(t, grant(1))
		c := rename(w.find(t, "c"), "n")
		c.EndTokens, c.Forget = true, at(100)
		must(t, w.Clients.Change(t.Context(), "c", c, by(1)))
		w.ended(t, store.Revocation{Seq: w.seq(t), Kind: store.RevokedClient, ID: "c", IssuedBefore: at(1), ForgetAt: at(100)})
		same(t, w.grant(t, "g001"), grant(1))
	},
	"grants end, and their tokens": func(t *testing.T, w *world) {
		w.people(t)
		w.started(t, grant(1))
		c := rename(w.find(t, "c"), "n")
		c.EndGrants, c.Forget = true, at(100)
		must(t, w.Clients.Change(t.Context(), "c", c, by(1)))
		w.ended(t, store.Revocation{Seq: w.seq(t), Kind: store.RevokedClient, ID: "c", IssuedBefore: at(1), ForgetAt: at(100)})
		same(t, w.grant(t, "g001").EndedAt, at(1))
		g := grant(2)
		g.CreatedAt = at(2)
		w.started(t, g)
		same(t, w.grant(t, "g002").EndedAt, time.Time{})
	},
	"at once": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		from := w.find(t, "c")
		onlyOne(t, store.ErrConflict, func(i int) error { return w.Clients.Change(t.Context(), "c", rename(from, id("n", i)), by(i)) })
		same(t, w.kinds(t), []string{"client.created c", "client.changed c"})
	},
	"T10 text that a database cannot hold": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		from := w.find(t, "c")
		for _, bad := range []string{"a\x00b", "a\xffb"} {
			refused(t, "name", w.Clients.Change(t.Context(), "c", rename(from, bad), by(1)))
			want(t, w.Clients.Change(t.Context(), bad, rename(from, "n"), by(1)), store.ErrNotFound)
		}
		far := rename(from, "n")
		far.Forget = time.Unix(1<<62, 0)
		refused(t, "forget", w.Clients.Change(t.Context(), "c", far, by(1)))
		refused(t, "no actor", w.Clients.Change(t.Context(), "c", rename(from, "n"), store.By{At: at(0)}))
		same(t, w.find(t, "c"), from)
	},
}

// seq is the number of the newest change.
func (w *world) seq(t *testing.T) int64 {
	t.Helper()
	return int64(len(w.kinds(t)))
}
