package storetest

import (
	"testing"

	"github.com/grantway/grantway/internal/store"
)

// seal is the fixture: a seal over the changes from one to another.
func seal(from, through int64) store.Seal {
	return store.Seal{From: from, Through: through, Hash: [32]byte{byte(from), byte(through)}, Checkpoint: "a.b.c", At: at(int(through))}
}

var sealCases = map[string]func(*testing.T, *world){
	"append": func(t *testing.T, w *world) {
		_, err := w.Seals.Last(t.Context())
		want(t, err, store.ErrNotFound)
		want(t, w.Seals.Append(t.Context(), seal(2, 3)), store.ErrConflict) // not from the first on
		must(t, w.Seals.Append(t.Context(), seal(1, 3)))
		for _, not := range []store.Seal{seal(1, 3), seal(3, 5), seal(5, 6), seal(4, 3)} {
			want(t, w.Seals.Append(t.Context(), not), store.ErrConflict)
		}
		must(t, w.Seals.Append(t.Context(), seal(4, 4)))
		must(t, w.Seals.Append(t.Context(), seal(5, 9)))
		last, err := w.Seals.Last(t.Context())
		must(t, err)
		same(t, last, seal(5, 9))
		same(t, w.kinds(t), []string(nil))
	},
	"append at once": func(t *testing.T, w *world) {
		onlyOne(t, store.ErrConflict, func(i int) error { return w.Seals.Append(t.Context(), seal(1, int64(1+i))) })
	},
	"since": func(t *testing.T, w *world) {
		for _, s := range []store.Seal{seal(1, 1), seal(2, 5), seal(6, 7)} {
			must(t, w.Seals.Append(t.Context(), s))
		}
		for _, row := range []struct {
			seq   int64
			limit int
			want  []store.Seal
		}{{0, 9, []store.Seal{seal(1, 1), seal(2, 5), seal(6, 7)}}, {1, 1, []store.Seal{seal(2, 5)}}, {2, 9, []store.Seal{seal(6, 7)}}, {6, 9, nil}, {0, 0, nil}} {
			all, err := w.Seals.Since(t.Context(), row.seq, row.limit)
			must(t, err)
			same(t, all, row.want)
		}
	},
}
