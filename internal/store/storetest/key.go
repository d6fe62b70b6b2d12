package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

func key(id, purpose, algorithm string, created time.Time) store.Key {
	return store.Key{
		ID: id, Purpose: purpose, Algorithm: algorithm, CreatedAt: created,
		Public: []byte(`{"kty":"EC"}`), Sealed: []byte("sealed\x00\xff"),
	}
}

var keyCases = map[string]func(*testing.T, *world){
	"create and list": func(t *testing.T, w *world) {
		all, err := w.Keys.List(t.Context())
		must(t, err)
		same(t, all, []store.Key(nil))
		newer, older := key("a", "access-token", "ES256", at(2)), key("b", "access-token", "RS256", at(1))
		other := key("c", "id-token", "ES256", at(3))
		must(t, w.Keys.Create(t.Context(), newer, by(2)))
		w.last(t, store.Change{At: at(2), Kind: "key.created", ID: "a", Actor: "operator", Trace: "trace2"})
		must(t, w.Keys.Create(t.Context(), older, by(3)))
		must(t, w.Keys.Create(t.Context(), other, by(3)))
		all, err = w.Keys.List(t.Context())
		must(t, err)
		same(t, all, []store.Key{older, newer, other})
	},
	"create where there is one": func(t *testing.T, w *world) {
		first := key("a", "access-token", "ES256", at(1))
		must(t, w.Keys.Create(t.Context(), first, by(1)))
		want(t, w.Keys.Create(t.Context(), key("b", "access-token", "ES256", at(2)), by(2)), store.ErrConflict)
		want(t, w.Keys.Create(t.Context(), key("a", "id-token", "RS256", at(2)), by(2)), store.ErrConflict)
		all, err := w.Keys.List(t.Context())
		must(t, err)
		same(t, all, []store.Key{first})
		same(t, w.kinds(t), []string{"key.created a"})
	},
	"create at once": func(t *testing.T, w *world) {
		other := w.open(t)
		onlyOne(t, store.ErrConflict, func(i int) error {
			keys := w.Keys
			if i%2 == 0 {
				keys = other.Keys
			}
			err := keys.Create(t.Context(), key(id("k", i), "access-token", "ES256", at(i)), by(i))
			if is(err, store.ErrConflict) {
				// The other node's key is there already.
				if all, err := keys.List(t.Context()); err != nil || len(all) != 1 {
					t.Errorf("after a conflict: %d keys, %v", len(all), err)
				}
			}
			return err
		})
		if kinds := w.kinds(t); len(kinds) != 1 {
			t.Errorf("changes: %v", kinds)
		}
	},
	"what is sealed stays out of the changes": func(t *testing.T, w *world) {
		must(t, w.Keys.Create(t.Context(), key("a", "access-token", "ES256", at(1)), by(1)))
		c := client("c")
		must(t, w.Clients.Create(t.Context(), c, by(2)))
		all, err := w.Changes.Since(t.Context(), 0, 9)
		must(t, err)
		for _, c := range all {
			if strings.Contains(c.Detail, "sealed") || strings.Contains(c.Detail, "verifier") {
				t.Errorf("detail of %s: %s", c.Kind, c.Detail)
			}
		}
	},
}
