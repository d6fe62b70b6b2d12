package storetest

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

var markCases = map[string]func(*testing.T, *world){
	"hold and move": func(t *testing.T, w *world) {
		hold := func(holder string, now, until int, seq int64, err error) {
			t.Helper()
			got, failed := w.Marks.Hold(t.Context(), "changes", holder, at(now), at(until))
			want(t, failed, err)
			same(t, got, seq)
		}
		seq, moved, err := w.Marks.At(t.Context(), "changes")
		must(t, err)
		same(t, seq, int64(0))
		same(t, moved, time.Time{})
		hold("a", 0, 10, 0, nil)
		hold("b", 9, 20, 0, store.ErrConflict)
		hold("a", 9, 20, 0, nil) // the holder may hold on
		want(t, w.Marks.Move(t.Context(), "changes", "b", 5, at(9), at(30)), store.ErrConflict)
		must(t, w.Marks.Move(t.Context(), "changes", "a", 7, at(9), at(30)))
		hold("b", 29, 40, 7, store.ErrConflict)
		hold("b", 30, 40, 7, nil)
		want(t, w.Marks.Move(t.Context(), "changes", "a", 8, at(31), at(50)), store.ErrConflict)
		must(t, w.Marks.Move(t.Context(), "changes", "b", 9, at(31), at(31)))
		hold("a", 31, 40, 9, nil)
		seq, moved, err = w.Marks.At(t.Context(), "changes")
		must(t, err)
		same(t, seq, int64(9))
		same(t, moved, at(31))
		want(t, w.Marks.Move(t.Context(), "other", "a", 1, at(31), at(31)), store.ErrConflict)
		same(t, w.kinds(t), []string(nil))
	},
	"hold at once": func(t *testing.T, w *world) {
		onlyOne(t, store.ErrConflict, func(i int) error {
			_, err := w.Marks.Hold(t.Context(), "changes", string(rune('a'+i)), at(0), at(1))
			return err
		})
	},
}
