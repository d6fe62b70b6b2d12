package storetest

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// request is an authorization request of the client "c" with every field set.
func request(n int) store.Request {
	return store.Request{
		Hash: [32]byte{1, byte(n >> 8), byte(n)}, Browser: [32]byte{2, byte(n)}, ClientID: "c",
		Asked: []byte("{\"a\":1}\x00\xff"), CreatedAt: at(-10), EndsAt: at(600),
	}
}

var requestCases = map[string]func(*testing.T, *world){
	"save and find": func(t *testing.T, w *world) {
		must(t, w.Requests.Save(t.Context(), request(1)))
		got, err := w.Requests.Find(t.Context(), request(1).Hash, at(0))
		must(t, err)
		same(t, got, request(1))
		_, err = w.Requests.Find(t.Context(), request(2).Hash, at(0))
		want(t, err, store.ErrNotFound)
		same(t, w.kinds(t), []string(nil))
	},
	"the least request": func(t *testing.T, w *world) {
		bare := store.Request{Hash: [32]byte{1}, EndsAt: at(1)}
		must(t, w.Requests.Save(t.Context(), bare))
		got, err := w.Requests.Find(t.Context(), bare.Hash, at(0))
		must(t, err)
		same(t, got, bare)
	},
	"a hash in use": func(t *testing.T, w *world) {
		must(t, w.Requests.Save(t.Context(), request(1)))
		other := request(1)
		other.ClientID = "d"
		want(t, w.Requests.Save(t.Context(), other), store.ErrConflict)
		got, err := w.Requests.Find(t.Context(), request(1).Hash, at(0))
		must(t, err)
		same(t, got, request(1))
	},
	"past its end": func(t *testing.T, w *world) {
		must(t, w.Requests.Save(t.Context(), request(1)))
		_, err := w.Requests.Find(t.Context(), request(1).Hash, at(600).Add(-time.Microsecond))
		must(t, err)
		_, err = w.Requests.Find(t.Context(), request(1).Hash, at(600))
		want(t, err, store.ErrNotFound)
	},
	"drop at once": func(t *testing.T, w *world) {
		must(t, w.Requests.Save(t.Context(), request(1)))
		onlyOne(t, store.ErrSpent, func(int) error { return w.Requests.Drop(t.Context(), request(1).Hash) })
		_, err := w.Requests.Find(t.Context(), request(1).Hash, at(0))
		want(t, err, store.ErrNotFound)
	},
	"drop and start at once": func(t *testing.T, w *world) {
		w.people(t)
		must(t, w.Requests.Save(t.Context(), request(1)))
		other := w.open(t)
		onlyOne(t, store.ErrSpent, func(i int) error {
			switch i % 4 {
			case 0:
				return w.Requests.Drop(t.Context(), request(1).Hash)
			case 1:
				return other.Requests.Drop(t.Context(), request(1).Hash)
			case 2:
				return w.Grants.Start(t.Context(), request(1).Hash, grant(i), nil, by(0))
			}
			return other.Grants.Start(t.Context(), request(1).Hash, grant(i), nil, by(0))
		})
	},
	"purge": func(t *testing.T, w *world) {
		for i := range 10 {
			one := request(i)
			one.EndsAt = at(i)
			must(t, w.Requests.Save(t.Context(), one))
		}
		for _, step := range []struct{ limit, want int }{{0, 0}, {3, 3}, {100, 3}, {100, 0}} {
			n, err := w.Requests.Purge(t.Context(), at(5), step.limit)
			must(t, err)
			same(t, n, step.want)
		}
		_, err := w.Requests.Find(t.Context(), request(6).Hash, at(-1))
		must(t, err)
	},
	"text that a database cannot hold": func(t *testing.T, w *world) {
		one := request(1)
		one.ClientID = "a\x00"
		refused(t, "client", w.Requests.Save(t.Context(), one))
	},
}
