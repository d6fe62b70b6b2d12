package storetest

import (
	"testing"

	"github.com/grantway/grantway/internal/store"
)

// replay is the fixture: a request that has no answer yet.
func replay(n byte) store.Replay {
	return store.Replay{Key: [32]byte{n}, Request: [32]byte{n, n}, At: at(int(n))}
}

var replayCases = map[string]func(*testing.T, *world){
	"begin and finish": func(t *testing.T, w *world) {
		begun, err := w.Replays.Begin(t.Context(), replay(1))
		must(t, err)
		same(t, begun, replay(1))
		again := replay(1)
		again.Request, again.At = [32]byte{9}, at(9)
		there, err := w.Replays.Begin(t.Context(), again)
		want(t, err, store.ErrConflict)
		same(t, there, replay(1))
		must(t, w.Replays.Finish(t.Context(), replay(1).Key, 201, []byte("{}\x00")))
		there, err = w.Replays.Begin(t.Context(), again)
		want(t, err, store.ErrConflict)
		answered := replay(1)
		answered.Status, answered.Answer = 201, []byte("{}\x00")
		same(t, there, answered)
		want(t, w.Replays.Finish(t.Context(), replay(2).Key, 201, nil), store.ErrNotFound)
		same(t, w.kinds(t), []string(nil))
	},
	"what did nothing is forgotten": func(t *testing.T, w *world) {
		_, err := w.Replays.Begin(t.Context(), replay(1))
		must(t, err)
		must(t, w.Replays.Finish(t.Context(), replay(1).Key, 0, nil))
		_, err = w.Replays.Begin(t.Context(), replay(1))
		must(t, err)
		must(t, w.Replays.Finish(t.Context(), replay(1).Key, 204, nil))
	},
	"begin at once": func(t *testing.T, w *world) {
		onlyOne(t, store.ErrConflict, func(i int) error {
			_, err := w.Replays.Begin(t.Context(), replay(1))
			return err
		})
	},
	"purge": func(t *testing.T, w *world) {
		for n := range byte(4) {
			_, err := w.Replays.Begin(t.Context(), replay(n))
			must(t, err)
		}
		for _, row := range []struct{ before, limit, want int }{{0, 9, 0}, {2, 1, 1}, {2, 9, 1}, {3, 9, 1}} {
			n, err := w.Replays.Purge(t.Context(), at(row.before), row.limit)
			must(t, err)
			same(t, n, row.want)
		}
		_, err := w.Replays.Begin(t.Context(), replay(3))
		want(t, err, store.ErrConflict)
	},
}
