package storetest

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// ended checks which revocations there are.
func (w *world) ended(t *testing.T, wanted ...store.Revocation) {
	t.Helper()
	all, err := w.Revocations.Since(t.Context(), 0, at(0))
	must(t, err)
	same(t, all, wanted)
}

var revocationCases = map[string]func(*testing.T, *world){
	"since": func(t *testing.T, w *world) {
		w.ended(t)
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Secrets.Revoke(t.Context(), "c", "c0a", at(100), by(1)))
		must(t, w.Clients.Disable(t.Context(), "c", at(50), by(2)))
		must(t, w.Clients.Delete(t.Context(), "c", at(150), by(3)))
		secret := store.Revocation{Seq: 2, Kind: store.RevokedSecret, ID: "c0a", IssuedBefore: at(100), ForgetAt: at(100)}
		disabled := store.Revocation{Seq: 3, Kind: store.RevokedClient, ID: "c", IssuedBefore: at(2), ForgetAt: at(50)}
		deleted := store.Revocation{Seq: 4, Kind: store.RevokedClient, ID: "c", IssuedBefore: at(3), ForgetAt: at(150)}
		for _, row := range []struct {
			seq  int64
			now  time.Time
			want []store.Revocation
		}{
			{0, at(4), []store.Revocation{secret, disabled, deleted}},
			{1, at(4), []store.Revocation{secret, disabled, deleted}},
			{2, at(4), []store.Revocation{disabled, deleted}},
			{4, at(4), nil},
			{0, at(50).Add(-time.Microsecond), []store.Revocation{secret, disabled, deleted}},
			{0, at(50), []store.Revocation{secret, deleted}},
			{2, at(100), []store.Revocation{deleted}},
			{0, at(150), nil},
		} {
			got, err := w.Revocations.Since(t.Context(), row.seq, row.now)
			must(t, err)
			same(t, got, row.want)
		}
	},
	"revoke": func(t *testing.T, w *world) {
		token := store.Revocation{Kind: store.RevokedToken, ID: "j.1", IssuedBefore: at(1), ForgetAt: at(100)}
		must(t, w.Revocations.Revoke(t.Context(), token, by(1)))
		must(t, w.Revocations.Revoke(t.Context(), token, by(2)))
		first, again := token, token
		first.Seq, again.Seq = 1, 2
		w.ended(t, first, again)
		all, err := w.Changes.Since(t.Context(), 0, 10)
		must(t, err)
		if len(all) != 2 || all[0].Kind != "token.revoked" || all[0].ID != "j.1" {
			t.Errorf("changes: %+v", all)
		}
		if err := w.Revocations.Revoke(t.Context(), store.Revocation{Kind: store.RevokedToken, ID: "a\x00b", IssuedBefore: at(1)}, by(3)); err == nil {
			t.Error("an id with NUL was taken")
		}
	},
	"ensure": func(t *testing.T, w *world) {
		said := store.Revocation{Kind: store.RevokedAccount, ID: "a", IssuedBefore: at(10), ForgetAt: at(100)}
		change := func(f func(*store.Revocation)) store.Revocation {
			r := said
			f(&r)
			return r
		}
		for i, row := range []struct {
			name   string
			say    store.Revocation
			writes bool
		}{
			{"the first time", said, true},
			{"again", said, false},
			{"less", change(func(r *store.Revocation) { r.IssuedBefore, r.ForgetAt = at(9), at(99) }), false},
			{"of another kind", change(func(r *store.Revocation) { r.Kind = store.RevokedClient }), true},
			{"about another one", change(func(r *store.Revocation) { r.ID = "b" }), true},
			{"later", change(func(r *store.Revocation) { r.IssuedBefore = at(10).Add(time.Microsecond) }), true},
			{"longer", change(func(r *store.Revocation) { r.ForgetAt = at(100).Add(time.Microsecond) }), true},
			{"for ever", change(func(r *store.Revocation) { r.ForgetAt = time.Time{} }), true},
			{"for ever, again", change(func(r *store.Revocation) { r.ForgetAt = time.Time{} }), false},
			{"less than for ever", change(func(r *store.Revocation) { r.ForgetAt = at(500) }), false},
		} {
			before, err := w.Revocations.Since(t.Context(), 0, at(0))
			must(t, err)
			must(t, w.Revocations.Ensure(t.Context(), row.say, by(i)))
			after, err := w.Revocations.Since(t.Context(), 0, at(0))
			must(t, err)
			if wrote := len(after) > len(before); wrote != row.writes {
				t.Errorf("%s: written: %v", row.name, wrote)
			}
			all, err := w.Changes.Since(t.Context(), 0, 100)
			must(t, err)
			if len(all) != len(after) {
				t.Errorf("%s: %d changes, %d revocations", row.name, len(all), len(after))
			}
		}
		if err := w.Revocations.Ensure(t.Context(), change(func(r *store.Revocation) { r.ID = "a\x00b" }), by(3)); err == nil {
			t.Error("an id with NUL was taken")
		}
	},
	"a step that fails ends nothing": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		want(t, w.Secrets.Revoke(t.Context(), "c", "x", at(100), by(1)), store.ErrNotFound)
		want(t, w.Clients.Delete(t.Context(), "x", at(100), by(1)), store.ErrNotFound)
		w.ended(t)
	},
}
