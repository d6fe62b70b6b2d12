package storetest

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// apiToken is the fixture: an elevated API token with every field set that it has
// when it is made.
func apiToken(n int) store.APIToken {
	return store.APIToken{
		ID: id("t", n), Hash: [32]byte{4, byte(n)}, Hint: "hint", Name: "Ünïted", Elevated: true, NeedsUser: true,
		Scope: []string{"read"}, Addresses: []string{"192.0.2.0/24"}, APIs: []string{"api"},
		CreatedAt: at(-10), EndsAt: at(1000), CreatedBy: "operator",
	}
}

func (w *world) apiToken(t *testing.T, n int) store.APIToken {
	t.Helper()
	a, err := w.APITokens.Find(t.Context(), apiToken(n).Hash)
	must(t, err)
	return a
}

func second(seconds int) store.By {
	b := by(seconds)
	b.Actor = "another"
	return b
}

var apiTokenCases = map[string]func(*testing.T, *world){
	"create and find": func(t *testing.T, w *world) {
		must(t, w.APITokens.Create(t.Context(), apiToken(1), by(0)))
		same(t, w.apiToken(t, 1), apiToken(1))
		w.last(t, store.Change{At: at(0), Kind: "api-token.created", ID: "t001", Actor: "operator", Trace: "trace0"})
		_, err := w.APITokens.Find(t.Context(), apiToken(2).Hash)
		want(t, err, store.ErrNotFound)
		bare := store.APIToken{ID: "bare", Hash: apiToken(3).Hash}
		must(t, w.APITokens.Create(t.Context(), bare, by(1)))
		same(t, w.apiToken(t, 3), bare)
	},
	"create what cannot be": func(t *testing.T, w *world) {
		must(t, w.APITokens.Create(t.Context(), apiToken(1), by(0)))
		for name, spoil := range map[string]func(*store.APIToken){
			"an id in use":         func(a *store.APIToken) { a.ID = "t001" },
			"a hash in use":        func(a *store.APIToken) { a.Hash = apiToken(1).Hash },
			"elevated without end": func(a *store.APIToken) { a.EndsAt = time.Time{} },
			"a text with NUL":      func(a *store.APIToken) { a.Addresses = []string{"a\x00"} },
		} {
			a := apiToken(2)
			spoil(&a)
			err := w.APITokens.Create(t.Context(), a, by(1))
			if a.ID == "t001" || a.Hash == apiToken(1).Hash {
				want(t, err, store.ErrConflict)
			} else {
				refused(t, name, err)
			}
		}
		same(t, w.apiToken(t, 1), apiToken(1))
		same(t, len(w.kinds(t)), 1)
	},
	"approve": func(t *testing.T, w *world) {
		plain := apiToken(2)
		plain.Elevated = false
		for _, a := range []store.APIToken{apiToken(1), plain, apiToken(3)} {
			must(t, w.APITokens.Create(t.Context(), a, by(0)))
		}
		want(t, w.APITokens.Approve(t.Context(), "t001", by(1)), store.ErrConflict) // its maker
		for _, none := range []string{"t002", "x", "a\x00"} {
			want(t, w.APITokens.Approve(t.Context(), none, second(1)), store.ErrNotFound)
		}
		must(t, w.APITokens.Approve(t.Context(), "t001", second(2)))
		w.last(t, store.Change{At: at(2), Kind: "api-token.approved", ID: "t001", Actor: "another", Trace: "trace2"})
		a := apiToken(1)
		a.ApprovedBy, a.ApprovedAt = "another", at(2)
		same(t, w.apiToken(t, 1), a)
		want(t, w.APITokens.Approve(t.Context(), "t001", second(3)), store.ErrConflict)
		must(t, w.APITokens.Revoke(t.Context(), "t003", by(3)))
		want(t, w.APITokens.Approve(t.Context(), "t003", second(4)), store.ErrConflict)
		same(t, len(w.kinds(t)), 5)
	},
	"approve at once": func(t *testing.T, w *world) {
		must(t, w.APITokens.Create(t.Context(), apiToken(1), by(0)))
		onlyOne(t, store.ErrConflict, func(i int) error { return w.APITokens.Approve(t.Context(), "t001", second(i)) })
	},
	"list": func(t *testing.T, w *world) {
		for i := range 4 {
			must(t, w.APITokens.Create(t.Context(), apiToken(i), by(0)))
		}
		must(t, w.APITokens.Revoke(t.Context(), "t001", by(1)))
		for _, row := range []struct {
			after       string
			limit       int
			first, last int
		}{{"", 100, 0, 4}, {"t000", 2, 1, 3}, {"t003", 9, 0, 0}, {"", 0, 0, 0}} {
			all, err := w.APITokens.List(t.Context(), row.after, row.limit)
			must(t, err)
			var ids []string
			for _, a := range all {
				ids = append(ids, a.ID)
			}
			var wanted []string
			for i := row.first; i < row.last; i++ {
				wanted = append(wanted, id("t", i))
			}
			same(t, ids, wanted)
		}
	},
	"revoke": func(t *testing.T, w *world) {
		must(t, w.APITokens.Create(t.Context(), apiToken(1), by(0)))
		must(t, w.APITokens.Revoke(t.Context(), "t001", by(1)))
		must(t, w.APITokens.Revoke(t.Context(), "t001", by(2)))
		want(t, w.APITokens.Revoke(t.Context(), "x", by(2)), store.ErrNotFound)
		w.last(t, store.Change{At: at(1), Kind: "api-token.revoked", ID: "t001", Actor: "operator", Trace: "trace1"})
		same(t, w.apiToken(t, 1).RevokedAt, at(1))
	},
	"used": func(t *testing.T, w *world) {
		must(t, w.APITokens.Create(t.Context(), apiToken(1), by(0)))
		for _, step := range []struct{ at, want int }{{5, 5}, {4, 5}, {6, 6}} {
			must(t, w.APITokens.Used(t.Context(), map[string]time.Time{"t001": at(step.at), "x": at(9), "a\x00": at(9)}))
			same(t, w.apiToken(t, 1).LastUsedAt, at(step.want))
		}
		must(t, w.APITokens.Used(t.Context(), nil))
		same(t, len(w.kinds(t)), 1)
	},
	"acted for a person, once a day": func(t *testing.T, w *world) {
		must(t, w.APITokens.Create(t.Context(), apiToken(1), by(0)))
		must(t, w.APITokens.Create(t.Context(), apiToken(2), by(0)))
		const day = 24 * 60 * 60
		midnight := day - int(start.Unix()%day) // the seconds until then; start is a little later in its second
		for _, step := range []struct {
			token, account string
			at             int
			writes         bool
		}{
			{"t001", "p", 0, true},
			{"t001", "p", 1, false},
			{"t001", "p", midnight - 1, false},
			{"t001", "q", 1, true},
			{"t002", "p", 1, true},
			{"t001", "p", midnight, true},
			{"t001", "p", midnight - 1, false}, // a clock that is behind
		} {
			before := len(w.kinds(t))
			must(t, w.APITokens.ActedFor(t.Context(), step.token, step.account, by(step.at)))
			if wrote := len(w.kinds(t)) > before; wrote != step.writes {
				t.Errorf("%+v: wrote %v", step, wrote)
			}
		}
		all, err := w.Changes.Since(t.Context(), 2, 1)
		must(t, err)
		if len(all) != 1 || all[0].Kind != "api-token.acted" || all[0].ID != "t001" || all[0].Detail != `{"account":"p"}` {
			t.Errorf("changes: %+v", all)
		}
		for _, none := range []string{"x", "a\x00"} {
			want(t, w.APITokens.ActedFor(t.Context(), none, "p", by(0)), store.ErrNotFound)
		}
	},
	"acted for, by person": func(t *testing.T, w *world) {
		uses := func(account string) map[string]time.Time {
			all, err := w.APITokenUses.ActedForOf(t.Context(), account)
			must(t, err)
			return all
		}
		const day = 24 * 60 * 60
		for n := range 3 {
			must(t, w.APITokens.Create(t.Context(), apiToken(n), by(0)))
		}
		must(t, w.APITokens.ActedFor(t.Context(), "t000", "p", by(0)))
		must(t, w.APITokens.ActedFor(t.Context(), "t000", "p", by(2*day)))
		must(t, w.APITokens.ActedFor(t.Context(), "t001", "p", by(0)))
		must(t, w.APITokens.ActedFor(t.Context(), "t002", "q", by(0)))
		same(t, uses("p"), map[string]time.Time{
			"t000": at(2 * day).UTC().Truncate(day * time.Second), "t001": at(0).UTC().Truncate(day * time.Second),
		})
		for _, none := range []string{"x", "a\x00"} {
			same(t, uses(none), map[string]time.Time{})
		}
	},
	"acted for a person, at once": func(t *testing.T, w *world) {
		must(t, w.APITokens.Create(t.Context(), apiToken(1), by(0)))
		n, failed := race(t, func(int) error { return w.APITokens.ActedFor(t.Context(), "t001", "p", by(0)) })
		if n != many {
			t.Fatalf("failed: %v", failed)
		}
		same(t, len(w.kinds(t)), 2)
	},
}
