package storetest

import (
	"testing"

	"github.com/grantway/grantway/internal/store"
)

var aboutCases = map[string]func(*testing.T, *world){
	"claim": func(t *testing.T, w *world) {
		first := store.About{Environment: "staging", Mark: store.MarkDev}
		for range 2 {
			got, err := w.Abouts.Claim(t.Context(), first)
			must(t, err)
			same(t, got, first)
		}
		for _, other := range []store.About{{Environment: "staging"}, {Environment: "production", Mark: store.MarkDev}, {}} {
			got, err := w.Abouts.Claim(t.Context(), other)
			want(t, err, store.ErrConflict)
			same(t, got, first)
		}
		got, err := w.Abouts.Claim(t.Context(), first)
		must(t, err)
		same(t, got, first)
	},
	"claim at once": func(t *testing.T, w *world) {
		other := w.open(t)
		onlyOne(t, store.ErrConflict, func(i int) error {
			abouts := w.Abouts
			if i%2 == 0 {
				abouts = other.Abouts
			}
			_, err := abouts.Claim(t.Context(), store.About{Environment: id("e", i)})
			return err
		})
	},
}
