package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// key is a standby.
func key(id, purpose, algorithm string, created time.Time) store.Key {
	return store.Key{
		ID: id, Purpose: purpose, Algorithm: algorithm, CreatedAt: created,
		Public: []byte(`{"kty":"EC"}`), Sealed: []byte("sealed\x00\xff"),
	}
}

// es256 is a standby as most of these tests use it.
func es256(id string, seconds int) store.Key { return key(id, "access-token", "ES256", at(seconds)) }

func active(k store.Key, seconds int) store.Key {
	k.ActivatedAt = at(seconds)
	return k
}

func retired(k store.Key, seconds int) store.Key {
	k.RetiredAt = at(seconds)
	return k
}

func gone(k store.Key, seconds int) store.Key {
	k.RemovedAt, k.Sealed = at(seconds), nil
	return k
}

// rotation replaces one key of es256 by another.
func rotation(from, to string, standby store.Key) store.Rotation {
	return store.Rotation{Purpose: "access-token", Algorithm: "ES256", From: from, To: to, Standby: standby}
}

// pair stores the active key a and the standby b.
func (w *world) pair(t *testing.T) (a, b store.Key) {
	t.Helper()
	a, b = active(es256("a", 1), 1), es256("b", 2)
	must(t, w.Keys.Create(t.Context(), a, by(1)))
	must(t, w.Keys.Create(t.Context(), b, by(2)))
	return a, b
}

// has checks which keys there are.
func (w *world) has(t *testing.T, wanted ...store.Key) {
	t.Helper()
	all, err := w.Keys.List(t.Context())
	must(t, err)
	same(t, all, wanted)
}

// keyChange checks everything about the newest change but its detail.
func (w *world) keyChange(t *testing.T, kind, id string, seconds int) {
	t.Helper()
	c := by(seconds)
	w.last(t, store.Change{At: c.At, Kind: kind, ID: id, Actor: c.Actor, Trace: c.Trace})
}

var keyCases = map[string]func(*testing.T, *world){
	"create and list": func(t *testing.T, w *world) {
		w.has(t)
		newer, older := active(key("a", "access-token", "ES256", at(2)), 2), key("b", "access-token", "RS256", at(1))
		other, standby := key("c", "id-token", "ES256", at(3)), key("d", "access-token", "ES256", at(4))
		must(t, w.Keys.Create(t.Context(), newer, by(2)))
		w.keyChange(t, "key.created", "a", 2)
		for _, k := range []store.Key{older, other, standby} {
			must(t, w.Keys.Create(t.Context(), k, by(3)))
		}
		w.has(t, older, newer, other, standby)
	},
	"create where there is one": func(t *testing.T, w *world) {
		a, b := w.pair(t)
		for _, k := range []store.Key{es256("c", 3), active(es256("c", 3), 3), key("a", "id-token", "RS256", at(3))} {
			want(t, w.Keys.Create(t.Context(), k, by(3)), store.ErrConflict)
		}
		w.has(t, a, b)
		same(t, w.kinds(t), []string{"key.created a", "key.created b"})
	},
	"create at once": func(t *testing.T, w *world) {
		other := w.open(t)
		onlyOne(t, store.ErrConflict, func(i int) error {
			keys := []store.Keys{w.Keys, other.Keys}[i%2]
			err := keys.Create(t.Context(), active(es256(id("k", i), i), i), by(i))
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
	"rotate": func(t *testing.T, w *world) {
		a, b := w.pair(t)
		must(t, w.Keys.Rotate(t.Context(), rotation("a", "b", es256("c", 3)), by(4)))
		w.keyChange(t, "key.rotated", "b", 4)
		w.has(t, retired(a, 4), active(b, 4), es256("c", 3))
		// What the new key says of its purpose is not looked at.
		must(t, w.Keys.Rotate(t.Context(), rotation("b", "c", active(key("d", "x", "y", at(5)), 5)), by(5)))
		w.has(t, retired(a, 4), retired(active(b, 4), 5), active(es256("c", 3), 5), es256("d", 5))
	},
	"rotate what is not in its place": func(t *testing.T, w *world) {
		a, b := w.pair(t)
		other := active(key("x", "access-token", "RS256", at(3)), 3)
		must(t, w.Keys.Create(t.Context(), other, by(3)))
		for name, r := range map[string]store.Rotation{
			"from the standby":     rotation("b", "b", es256("c", 3)),
			"to the active key":    rotation("a", "a", es256("c", 3)),
			"from an unknown key":  rotation("z", "b", es256("c", 3)),
			"to an unknown key":    rotation("a", "z", es256("c", 3)),
			"from another one":     rotation("x", "b", es256("c", 3)),
			"an id in use":         rotation("a", "b", es256("x", 3)),
			"another algorithm":    {Purpose: "access-token", Algorithm: "RS256", From: "a", To: "b", Standby: es256("c", 3)},
			"another purpose":      {Purpose: "id-token", Algorithm: "ES256", From: "a", To: "b", Standby: es256("c", 3)},
			"what is not UTF-8":    rotation("\xff", "b", es256("c", 3)),
			"without the standby":  rotation("a", "", es256("c", 3)),
			"what was never there": {},
		} {
			if err := w.Keys.Rotate(t.Context(), r, by(4)); !is(err, store.ErrConflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.has(t, a, b, other)
		if kinds := w.kinds(t); len(kinds) != 3 {
			t.Errorf("changes: %v", kinds)
		}
	},
	"rotate at once": func(t *testing.T, w *world) {
		w.pair(t)
		other := w.open(t)
		onlyOne(t, store.ErrConflict, func(i int) error {
			return []store.Keys{w.Keys, other.Keys}[i%2].Rotate(t.Context(), rotation("a", "b", es256(id("k", i), 3)), by(4))
		})
		all, err := w.Keys.List(t.Context())
		must(t, err)
		if len(all) != 3 || all[0].State() != store.KeyRetired || all[1].State() != store.KeyActive || all[2].State() != store.KeyStandby {
			t.Errorf("after the race: %+v", all)
		}
		if kinds := w.kinds(t); len(kinds) != 3 || kinds[2] != "key.rotated b" {
			t.Errorf("changes: %v", kinds)
		}
	},
	"rotate in a row at once": func(t *testing.T, w *world) {
		// Each rotates what it finds; there is always one that signs and one that waits.
		w.pair(t)
		other := w.open(t)
		rotated, _ := race(t, func(i int) error {
			keys := []store.Keys{w.Keys, other.Keys}[i%2]
			all, err := keys.List(t.Context())
			if err != nil {
				return err
			}
			at := func(state string) string {
				found := slices.IndexFunc(all, func(k store.Key) bool { return k.State() == state })
				if found < 0 {
					t.Errorf("there is no %s key", state)
					return ""
				}
				return all[found].ID
			}
			return keys.Rotate(t.Context(), rotation(at(store.KeyActive), at(store.KeyStandby), es256(id("k", i), 3)), by(4))
		})
		all, err := w.Keys.List(t.Context())
		must(t, err)
		if rotated == 0 || len(all) != rotated+2 || len(w.kinds(t)) != rotated+2 {
			t.Errorf("%d rotations, %d keys", rotated, len(all))
		}
	},
	"remove": func(t *testing.T, w *world) {
		a, b := w.pair(t)
		removal := store.Removal{ID: "a", Standby: active(key("c", "x", "y", at(3)), 3), Forget: at(100)}
		must(t, w.Keys.Remove(t.Context(), removal, by(4)))
		w.keyChange(t, "key.removed", "a", 4)
		w.has(t, gone(a, 4), active(b, 4), es256("c", 3))
		forget := store.Revocation{Seq: 3, Kind: store.RevokedKey, ID: "a", IssuedBefore: at(100), ForgetAt: at(100)}
		w.ended(t, forget)

		// Once more, as after an answer that was lost.
		removal.Standby.ID = "d"
		must(t, w.Keys.Remove(t.Context(), removal, by(5)))
		w.has(t, gone(a, 4), active(b, 4), es256("c", 3))
		w.ended(t, forget)
		want(t, w.Keys.Remove(t.Context(), store.Removal{ID: "z", Standby: es256("d", 5)}, by(5)), store.ErrNotFound)
		want(t, w.Keys.Remove(t.Context(), store.Removal{ID: "\xff"}, by(5)), store.ErrNotFound)
		if kinds := w.kinds(t); len(kinds) != 3 {
			t.Errorf("changes: %v", kinds)
		}
	},
	"remove a standby": func(t *testing.T, w *world) {
		a, b := w.pair(t)
		must(t, w.Keys.Remove(t.Context(), store.Removal{ID: "b", Standby: es256("c", 3), Forget: at(100)}, by(4)))
		w.has(t, a, gone(b, 4), es256("c", 3))
		// A removed key is no standby, and its id is not free.
		want(t, w.Keys.Rotate(t.Context(), rotation("a", "b", es256("d", 5)), by(5)), store.ErrConflict)
		want(t, w.Keys.Create(t.Context(), active(key("b", "x", "y", at(5)), 5), by(5)), store.ErrConflict)
		must(t, w.Keys.Rotate(t.Context(), rotation("a", "c", es256("d", 5)), by(5)))
	},
	"remove a retired key": func(t *testing.T, w *world) {
		a, b := w.pair(t)
		must(t, w.Keys.Rotate(t.Context(), rotation("a", "b", es256("c", 3)), by(4)))
		must(t, w.Keys.Remove(t.Context(), store.Removal{ID: "a", Standby: es256("d", 5), Forget: at(100)}, by(6)))
		w.has(t, gone(retired(a, 4), 6), active(b, 4), es256("c", 3))
		w.ended(t, store.Revocation{Seq: 4, Kind: store.RevokedKey, ID: "a", IssuedBefore: at(100), ForgetAt: at(100)})
	},
	"remove and put nothing in its place": func(t *testing.T, w *world) {
		a, b := w.pair(t)
		must(t, w.Keys.Remove(t.Context(), store.Removal{ID: "a", Forget: at(100)}, by(3)))
		w.has(t, gone(a, 3), active(b, 3))
		must(t, w.Keys.Remove(t.Context(), store.Removal{ID: "b", Forget: at(100)}, by(4)))
		w.has(t, gone(a, 3), gone(active(b, 3), 4))
		must(t, w.Keys.Create(t.Context(), active(es256("c", 5), 5), by(5)))
	},
	"remove with an id in use": func(t *testing.T, w *world) {
		a, b := w.pair(t)
		want(t, w.Keys.Remove(t.Context(), store.Removal{ID: "a", Standby: es256("a", 3), Forget: at(100)}, by(3)), store.ErrConflict)
		w.has(t, a, b)
		w.ended(t)
	},
	"remove and rotate at once": func(t *testing.T, w *world) {
		w.pair(t)
		other := w.open(t)
		race(t, func(i int) error {
			if i%2 == 0 {
				return w.Keys.Rotate(t.Context(), rotation("a", "b", es256(id("k", i), 3)), by(4))
			}
			return other.Keys.Remove(t.Context(), store.Removal{ID: []string{"a", "b"}[i/2%2], Standby: es256(id("k", i), 3), Forget: at(100)}, by(4))
		})
		all, err := w.Keys.List(t.Context())
		must(t, err)
		states := map[string]int{}
		for _, k := range all {
			states[k.State()]++
		}
		if states[store.KeyActive] != 1 || states[store.KeyStandby] != 1 || states[store.KeyGone] != 2 || states[store.KeyRetired] != 0 {
			t.Errorf("after the race: %v", states)
		}
	},
	"erase": func(t *testing.T, w *world) {
		a, b := w.pair(t)
		want(t, w.Keys.Erase(t.Context(), "a", by(3)), store.ErrConflict)
		want(t, w.Keys.Erase(t.Context(), "b", by(3)), store.ErrConflict)
		want(t, w.Keys.Erase(t.Context(), "z", by(3)), store.ErrNotFound)
		must(t, w.Keys.Rotate(t.Context(), rotation("a", "b", es256("c", 3)), by(4)))
		must(t, w.Keys.Erase(t.Context(), "a", by(5)))
		w.keyChange(t, "key.erased", "a", 5)
		w.has(t, gone(retired(a, 4), 5), active(b, 4), es256("c", 3))
		w.ended(t)
		must(t, w.Keys.Erase(t.Context(), "a", by(6)))
		w.keyChange(t, "key.erased", "a", 5)
	},
	"reseal": func(t *testing.T, w *world) {
		a, b := w.pair(t)
		c := es256("c", 3)
		must(t, w.Keys.Remove(t.Context(), store.Removal{ID: "a", Standby: c}, by(4)))
		for name, sealed := range map[string]map[string][]byte{
			"too few":          {"b": []byte("1")},
			"too many":         {"b": []byte("1"), "c": []byte("2"), "z": []byte("3")},
			"another":          {"b": []byte("1"), "z": []byte("3")},
			"one that is gone": {"a": []byte("0"), "b": []byte("1"), "c": []byte("2")},
			"none":             {},
		} {
			if err := w.Keys.Reseal(t.Context(), sealed, by(5)); !is(err, store.ErrConflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.has(t, gone(a, 4), active(b, 4), c)
		must(t, w.Keys.Reseal(t.Context(), map[string][]byte{"b": []byte("new\x00 b"), "c": []byte("new c")}, by(6)))
		w.keyChange(t, "key.resealed", "", 6)
		b.Sealed, c.Sealed = []byte("new\x00 b"), []byte("new c")
		w.has(t, gone(a, 4), active(b, 4), c)
	},
	"what is sealed stays out of the changes": func(t *testing.T, w *world) {
		w.pair(t)
		must(t, w.Keys.Rotate(t.Context(), rotation("a", "b", es256("c", 3)), by(4)))
		must(t, w.Keys.Remove(t.Context(), store.Removal{ID: "b", Standby: es256("d", 4)}, by(4)))
		must(t, w.Keys.Erase(t.Context(), "a", by(5)))
		must(t, w.Keys.Reseal(t.Context(), map[string][]byte{"c": []byte("sealed c"), "d": []byte("sealed d")}, by(5)))
		c := client("c")
		must(t, w.Clients.Create(t.Context(), c, by(6)))
		all, err := w.Changes.Since(t.Context(), 0, 9)
		must(t, err)
		if len(all) != 7 {
			t.Errorf("%d changes", len(all))
		}
		for _, c := range all {
			if strings.Contains(c.Detail, "sealed") || strings.Contains(c.Detail, "verifier") {
				t.Errorf("detail of %s: %s", c.Kind, c.Detail)
			}
		}
	},
	"keys are there after reopening": func(t *testing.T, w *world) {
		a, b := w.pair(t)
		must(t, w.Keys.Rotate(t.Context(), rotation("a", "b", es256("c", 3)), by(4)))
		must(t, w.Keys.Remove(t.Context(), store.Removal{ID: "a"}, by(5)))
		must(t, w.Close())
		w.Roles = w.open(t)
		w.has(t, gone(retired(a, 4), 5), active(b, 4), es256("c", 3))
	},
}
