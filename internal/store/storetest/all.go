package storetest

import (
	"testing"

	"github.com/grantway/grantway/internal/store"
)

// allCases test what is true of a store as a whole.
var allCases = map[string]func(*testing.T, *world){
	"what was acknowledged is there after reopening": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Clients.Create(t.Context(), client("d"), by(1)))
		must(t, w.Clients.Delete(t.Context(), "d", at(100), by(2)))
		must(t, w.Secrets.Used(t.Context(), map[string]store.SecretUse{"c0a": {At: at(3), From: "203.0.113.0/24"}}))
		must(t, w.Keys.Create(t.Context(), key("k", "access-token", "ES256", at(0)), by(3)))
		must(t, w.Tokens.Save(t.Context(), token(1)))
		_, err := w.Abouts.Claim(t.Context(), store.About{Environment: "e"})
		must(t, err)
		must(t, w.Close())

		w.Roles = w.open(t)
		c := client("c")
		c.Secrets[0].LastUsedAt, c.Secrets[0].LastUsedFrom = at(3), "203.0.113.0/24"
		same(t, w.find(t, "c"), c)
		want(t, w.Clients.Create(t.Context(), client("d"), by(4)), store.ErrConflict)
		keys, err := w.Keys.List(t.Context())
		must(t, err)
		same(t, keys, []store.Key{key("k", "access-token", "ES256", at(0))})
		got, err := w.Tokens.Find(t.Context(), token(1).Hash, at(0))
		must(t, err)
		same(t, got, token(1))
		_, err = w.Abouts.Claim(t.Context(), store.About{Environment: "f"})
		want(t, err, store.ErrConflict)
		w.ended(t, store.Revocation{Seq: 3, Kind: store.RevokedClient, ID: "d", IssuedBefore: at(2), ForgetAt: at(100)})
		same(t, w.kinds(t), []string{"client.created c", "client.created d", "client.deleted d", "key.created k"})
		must(t, w.Clients.Create(t.Context(), store.Client{ID: "e"}, by(5)))
		w.last(t, store.Change{At: at(5), Kind: "client.created", ID: "e", Actor: "operator", Trace: "trace5"})
	},
	"nothing leaks into another environment": func(t *testing.T, w *world) {
		other := &world{Roles: w.database(t)(t)}
		// The same statements on the same connections, turn by turn.
		for i := range 30 {
			must(t, w.Clients.Create(t.Context(), client(id("c", i)), by(i)))
			_, err := other.Clients.Find(t.Context(), id("c", i))
			want(t, err, store.ErrNotFound)
			must(t, other.Clients.Create(t.Context(), store.Client{ID: id("c", i)}, by(i)))
			same(t, w.find(t, id("c", i)), client(id("c", i)))
			same(t, other.find(t, id("c", i)), store.Client{ID: id("c", i)})
		}
		must(t, w.Tokens.Save(t.Context(), token(1)))
		_, err := other.Tokens.Find(t.Context(), token(1).Hash, at(0))
		want(t, err, store.ErrNotFound)
		must(t, other.Tokens.Save(t.Context(), token(1)))
		must(t, other.Clients.Delete(t.Context(), "c000", at(100), by(1)))
		w.find(t, "c000")
		w.ended(t)
		must(t, w.Close())
		other.find(t, "c001")
	},
	"a closed store is unavailable": func(t *testing.T, w *world) {
		must(t, w.Close())
		must(t, w.Close())
		_, err := w.Clients.Find(t.Context(), "c")
		want(t, err, store.ErrUnavailable)
		want(t, w.Clients.Create(t.Context(), client("c"), by(0)), store.ErrUnavailable)
		want(t, w.Tokens.Save(t.Context(), token(1)), store.ErrUnavailable)
		_, err = w.Changes.Last(t.Context())
		want(t, err, store.ErrUnavailable)
	},
}
