package storetest

import (
	"testing"

	"github.com/grantway/grantway/internal/store"
)

// member is by, for a partner.
func member(partner string, seconds int) store.By {
	made := by(seconds)
	made.Actor, made.Partner = "member", partner
	return made
}

// ofPartner stores a client of the partner p.
func (w *world) ofPartner(t *testing.T) store.Client {
	t.Helper()
	c := client("c")
	c.Partner = "p"
	must(t, w.Clients.Create(t.Context(), c, by(0)))
	return c
}

var clientEndCases = map[string]func(*testing.T, *world){
	"who disabled it is kept with it": func(t *testing.T, w *world) {
		c := client("c")
		c.DisabledAt, c.DisabledBy = at(-1), c.Partner
		must(t, w.Clients.Create(t.Context(), c, by(0)))
		same(t, w.find(t, "c"), c)
	},
	"a partner disables and enables": func(t *testing.T, w *world) {
		is := w.ofPartner(t)
		must(t, w.Clients.Disable(t.Context(), "c", at(100), member("p", 1)))
		is.DisabledAt, is.DisabledBy = at(1), "p"
		same(t, w.find(t, "c"), is)
		w.last(t, store.Change{At: at(1), Kind: "client.disabled", ID: "c", Actor: "member", Trace: "trace1"})
		w.ended(t, store.Revocation{Seq: 2, Kind: store.RevokedClient, ID: "c", IssuedBefore: at(1), ForgetAt: at(100)})
		must(t, w.Clients.Disable(t.Context(), "c", at(200), member("p", 2))) // again
		same(t, w.find(t, "c"), is)
		must(t, w.Clients.Enable(t.Context(), "c", member("p", 3)))
		is.DisabledAt, is.DisabledBy = client("c").DisabledAt, ""
		same(t, w.find(t, "c"), is)
		w.last(t, store.Change{At: at(3), Kind: "client.enabled", ID: "c", Actor: "member", Trace: "trace3"})
		same(t, w.kinds(t), []string{"client.created c", "client.disabled c", "client.enabled c"})
	},
	"what the publisher disabled no partner enables": func(t *testing.T, w *world) {
		is := w.ofPartner(t)
		must(t, w.Clients.Disable(t.Context(), "c", at(100), by(1)))
		must(t, w.Clients.Disable(t.Context(), "c", at(100), member("p", 2))) // nor makes it its own
		want(t, w.Clients.Enable(t.Context(), "c", member("p", 3)), store.ErrConflict)
		is.DisabledAt = at(1)
		same(t, w.find(t, "c"), is)
		same(t, w.kinds(t), []string{"client.created c", "client.disabled c"})
	},
	"what a partner disabled the publisher enables": func(t *testing.T, w *world) {
		is := w.ofPartner(t)
		must(t, w.Clients.Disable(t.Context(), "c", at(100), member("p", 1)))
		must(t, w.Clients.Enable(t.Context(), "c", by(2)))
		same(t, w.find(t, "c"), is)
	},
	"the publisher takes over": func(t *testing.T, w *world) {
		is := w.ofPartner(t)
		must(t, w.Clients.Disable(t.Context(), "c", at(100), member("p", 1)))
		must(t, w.Clients.Disable(t.Context(), "c", at(200), by(2)))
		is.DisabledAt = at(1) // since then it has been
		same(t, w.find(t, "c"), is)
		w.last(t, store.Change{At: at(2), Kind: "client.disabled", ID: "c", Actor: "operator", Trace: "trace2"})
		want(t, w.Clients.Enable(t.Context(), "c", member("p", 3)), store.ErrConflict)
		must(t, w.Clients.Disable(t.Context(), "c", at(300), by(4))) // again
		same(t, w.kinds(t), []string{"client.created c", "client.disabled c", "client.disabled c"})
		w.ended(t, store.Revocation{Seq: 2, Kind: store.RevokedClient, ID: "c", IssuedBefore: at(1), ForgetAt: at(100)})
		must(t, w.Clients.Enable(t.Context(), "c", by(5)))
	},
	"the next partner does not enable what the one before disabled": func(t *testing.T, w *world) {
		w.ofPartner(t)
		must(t, w.Clients.Disable(t.Context(), "c", at(100), member("p", 1)))
		from := w.find(t, "c")
		to := from
		to.Partner = "q"
		must(t, w.Clients.Change(t.Context(), "c", store.ClientChange{From: from, To: to}, by(2)))
		want(t, w.Clients.Enable(t.Context(), "c", member("q", 3)), store.ErrConflict)
		want(t, w.Clients.Enable(t.Context(), "c", member("p", 3)), store.ErrNotFound)
	},
	"a partner deletes": func(t *testing.T, w *world) {
		w.ofPartner(t)
		must(t, w.Clients.Delete(t.Context(), "c", at(100), member("p", 1)))
		_, err := w.Clients.Find(t.Context(), "c")
		want(t, err, store.ErrNotFound)
		w.last(t, store.Change{At: at(1), Kind: "client.deleted", ID: "c", Actor: "member", Trace: "trace1"})
		want(t, w.Clients.Create(t.Context(), client("c"), by(2)), store.ErrConflict)
	},
	"U01 of another partner, or of nobody": func(t *testing.T, w *world) {
		is := w.ofPartner(t)
		own := client("own")
		own.Partner = ""
		must(t, w.Clients.Create(t.Context(), own, by(0)))
		for _, id := range []string{"c", "own", "x"} {
			want(t, w.Clients.Disable(t.Context(), id, at(100), member("q", 1)), store.ErrNotFound)
			want(t, w.Clients.Enable(t.Context(), id, member("q", 1)), store.ErrNotFound)
			want(t, w.Clients.Delete(t.Context(), id, at(100), member("q", 1)), store.ErrNotFound)
		}
		same(t, w.find(t, "c"), is)
		same(t, w.find(t, "own"), own)
		same(t, w.kinds(t), []string{"client.created c", "client.created own"})
	},
	"publisher and partner at once": func(t *testing.T, w *world) {
		w.ofPartner(t)
		n, failed := race(t, func(i int) error {
			if i%2 == 0 {
				return w.Clients.Disable(t.Context(), "c", at(100), by(i))
			}
			return w.Clients.Disable(t.Context(), "c", at(100), member("p", i))
		})
		if n != many || w.find(t, "c").DisabledBy != "" {
			t.Fatalf("%d did, others: %v; it is disabled by %q", n, failed, w.find(t, "c").DisabledBy)
		}
	},
}
