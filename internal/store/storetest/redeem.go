package storetest

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// code redeems a grant's code: the refresh token that it gives is good until
// at(1000), and no access token after at(5000).
func code(id string) store.Redemption {
	return store.Redemption{GrantID: id, Refresh: at(1000), Grace: 10 * time.Second, Forget: at(5000)}
}

// refresh redeems the refresh token of a generation.
func refresh(id string, generation int64) store.Redemption {
	r := code(id)
	r.Generation, r.Refresh = generation, at(2000)
	return r
}

// opaque returns the token that a redemption stores.
func opaque(n int) *store.Token {
	one := token(n)
	return &one
}

// redeem expects a redemption to succeed with a generation.
func (w *world) redeem(t *testing.T, r store.Redemption, seconds int, generation int64) {
	t.Helper()
	got, err := w.Grants.Commit(t.Context(), r, by(seconds))
	must(t, err)
	if got != generation {
		t.Fatalf("generation %d, want %d", got, generation)
	}
}

// endsIt expects a redemption to be refused, and the grant with all of its tokens
// to end with it.
func (w *world) endsIt(t *testing.T, r store.Redemption, by store.By) {
	t.Helper()
	last, err := w.Changes.Last(t.Context())
	must(t, err)
	_, err = w.Grants.Commit(t.Context(), r, by)
	want(t, err, store.ErrSpent)
	w.last(t, store.Change{At: by.At.Truncate(time.Microsecond), Kind: "grant.ended", ID: r.GrantID, Client: "c", Actor: by.Actor, Trace: by.Trace})
	all, err := w.Revocations.Since(t.Context(), last, at(0))
	must(t, err)
	same(t, all, []store.Revocation{endedGrant(last+1, r.GrantID)})
	if w.grant(t, r.GrantID).EndedAt.IsZero() {
		t.Error("it has not ended")
	}
}

func (w *world) stored(t *testing.T, n int) bool {
	t.Helper()
	_, err := w.Tokens.Find(t.Context(), token(n).Hash, at(0))
	if err != nil {
		want(t, err, store.ErrNotFound)
	}
	return err == nil
}

// newest has a grant whose refresh token is of the second generation, since
// at(20), and good until at(2000).
func (w *world) newest(t *testing.T) {
	t.Helper()
	w.people(t)
	w.started(t, grant(1))
	w.redeem(t, code("g001"), 10, 1)
	w.redeem(t, refresh("g001", 1), 20, 2)
}

const instant = time.Microsecond

// before is a moment just before by(seconds).
func before(seconds int) store.By {
	b := by(seconds)
	b.At = b.At.Add(-instant)
	return b
}

var redemptionCases = map[string]func(*testing.T, *world){
	"a code, and C01 again": func(t *testing.T, w *world) {
		w.people(t)
		w.started(t, grant(1))
		changes := w.kinds(t)
		r := code("g001")
		r.Token = opaque(1)
		w.redeem(t, r, 10, 1)
		g := grant(1)
		g.Code.SpentAt = at(10)
		g.Refresh = store.GrantRefresh{Generation: 1, RotatedAt: at(10), EndsAt: at(1000)}
		same(t, w.grant(t, "g001"), g)
		same(t, w.kinds(t), changes)
		got, err := w.Tokens.Find(t.Context(), token(1).Hash, at(0))
		must(t, err)
		same(t, got, token(1))

		r.Token = opaque(2)
		w.endsIt(t, r, by(9)) // it began before the first and came after it
		same(t, w.stored(t, 2), false)
		changes = w.kinds(t)
		_, err = w.Grants.Commit(t.Context(), r, by(11))
		want(t, err, store.ErrSpent)
		_, err = w.Grants.Commit(t.Context(), refresh("g001", 1), by(11))
		want(t, err, store.ErrSpent)
		same(t, w.kinds(t), changes)
	},
	"a code without a refresh token": func(t *testing.T, w *world) {
		w.people(t)
		w.started(t, grant(1))
		r := code("g001")
		r.Refresh = time.Time{}
		w.redeem(t, r, 10, 0)
		g := grant(1)
		g.Code.SpentAt = at(10)
		same(t, w.grant(t, "g001"), g)
		w.endsIt(t, refresh("g001", 1), by(11))
	},
	"C03 a failed proof": func(t *testing.T, w *world) {
		w.people(t)
		for i := range 3 {
			w.started(t, grant(i))
		}
		r := code("g000")
		r.Failed, r.Token = true, opaque(1)
		w.redeem(t, r, 10, 0)
		w.last(t, store.Change{At: at(10), Kind: "grant.ended", ID: "g000", Client: "c", Actor: "operator", Trace: "trace10"})
		same(t, w.stored(t, 1), false)
		g := grant(0)
		g.Code.SpentAt, g.EndedAt = at(10), at(10)
		same(t, w.grant(t, "g000"), g)
		for _, again := range []store.Redemption{r, code("g000")} {
			_, err := w.Grants.Commit(t.Context(), again, by(11))
			want(t, err, store.ErrSpent)
		}
		// After the code was used, and for a refresh token.
		r = code("g001")
		w.redeem(t, r, 10, 1)
		r.Failed = true
		w.endsIt(t, r, by(11))
		w.redeem(t, code("g002"), 10, 1)
		r = refresh("g002", 1)
		r.Failed = true
		w.redeem(t, r, 11, 0)
		if w.grant(t, "g002").EndedAt != at(11) {
			t.Error("it has not ended")
		}
		r.GrantID = "x"
		_, err := w.Grants.Commit(t.Context(), r, by(11))
		want(t, err, store.ErrNotFound)
	},
	"C04 a code just before its end and at it": func(t *testing.T, w *world) {
		w.people(t)
		w.started(t, grant(1))
		w.started(t, grant(2))
		_, err := w.Grants.Commit(t.Context(), code("g001"), before(60))
		must(t, err)
		w.endsIt(t, code("g002"), by(60))
	},
	"F01 an older refresh token": func(t *testing.T, w *world) {
		w.newest(t)
		w.redeem(t, refresh("g001", 2), 21, 3)
		w.endsIt(t, refresh("g001", 1), by(22)) // within the grace of nothing
		_, err := w.Grants.Commit(t.Context(), refresh("g001", 3), by(23))
		want(t, err, store.ErrSpent)
	},
	"a later refresh token": func(t *testing.T, w *world) {
		w.newest(t)
		w.endsIt(t, refresh("g001", 3), by(21))
	},
	"F14 the token before the newest, just within the grace": func(t *testing.T, w *world) {
		w.newest(t)
		kept := w.grant(t, "g001")
		r := refresh("g001", 1)
		r.Token, r.Refresh = opaque(1), at(3000)
		got, err := w.Grants.Commit(t.Context(), r, before(30))
		must(t, err)
		same(t, got, int64(2))
		same(t, w.grant(t, "g001"), kept)
		same(t, w.stored(t, 1), true)
		w.redeem(t, refresh("g001", 2), 31, 3)
	},
	"the token before the newest, at the end of the grace": func(t *testing.T, w *world) {
		w.newest(t)
		w.endsIt(t, refresh("g001", 1), by(30))
	},
	"the token before the newest, without grace": func(t *testing.T, w *world) {
		w.newest(t)
		r := refresh("g001", 1)
		r.Grace = 0
		w.endsIt(t, r, by(20))
	},
	"a refresh that issues no refresh token": func(t *testing.T, w *world) {
		w.newest(t)
		kept := w.grant(t, "g001")
		r := refresh("g001", 2)
		r.Refresh, r.Token = time.Time{}, opaque(1)
		w.redeem(t, r, 21, 0)
		r.Token = nil
		w.redeem(t, r, 500, 0)
		same(t, w.grant(t, "g001"), kept)
		same(t, w.stored(t, 1), true)
	},
	"F11 idle": func(t *testing.T, w *world) {
		w.newest(t)
		_, err := w.Grants.Commit(t.Context(), refresh("g001", 2), before(2000))
		must(t, err)
		w.started(t, grant(2))
		w.redeem(t, code("g002"), 10, 1)
		w.endsIt(t, refresh("g002", 1), by(1000))
	},
	"F11 absolute": func(t *testing.T, w *world) {
		w.people(t)
		for i := range 3 {
			g := grant(i)
			g.EndsAt = at(50)
			w.started(t, g)
			if i < 2 {
				w.redeem(t, code(g.ID), 10, 1)
			}
		}
		_, err := w.Grants.Commit(t.Context(), refresh("g000", 1), before(50))
		must(t, err)
		w.endsIt(t, refresh("g001", 1), by(50))
		w.endsIt(t, code("g002"), by(50))
		g := grant(3)
		g.EndsAt = time.Time{}
		w.started(t, g)
		w.redeem(t, code("g003"), 10, 1)
		w.redeem(t, refresh("g003", 1), 999, 2)
	},
	"what cannot be": func(t *testing.T, w *world) {
		w.people(t)
		w.started(t, grant(1))
		for name, spoil := range map[string]func(*store.Redemption, *store.By){
			"no actor":            func(_ *store.Redemption, b *store.By) { b.Actor = "" },
			"no time":             func(_ *store.Redemption, b *store.By) { b.At = time.Time{} },
			"negative generation": func(r *store.Redemption, _ *store.By) { r.Generation = -1 },
			"a time beyond all":   func(r *store.Redemption, _ *store.By) { r.Refresh = time.Unix(1<<60, 0) },
			"a text with NUL":     func(r *store.Redemption, _ *store.By) { r.Token = opaque(1); r.Token.Subject = "a\x00" },
		} {
			r, b := code("g001"), by(10)
			spoil(&r, &b)
			_, err := w.Grants.Commit(t.Context(), r, b)
			refused(t, name, err)
		}
		for _, unknown := range []string{"x", "", "a\x00"} {
			r := code(unknown)
			r.Token = opaque(1)
			_, err := w.Grants.Commit(t.Context(), r, by(10))
			want(t, err, store.ErrNotFound)
		}
		same(t, w.stored(t, 1), false)
		same(t, w.grant(t, "g001"), grant(1))
	},
	"a store that fails spends nothing": func(t *testing.T, w *world) {
		w.people(t)
		w.started(t, grant(1))
		must(t, w.Close())
		r := code("g001")
		_, err := w.Grants.Commit(t.Context(), r, by(10))
		want(t, err, store.ErrUnavailable)
		r.Failed = true
		_, err = w.Grants.Commit(t.Context(), r, by(10))
		want(t, err, store.ErrUnavailable)
		w.Roles = w.open(t)
		same(t, w.grant(t, "g001"), grant(1))
		w.redeem(t, code("g001"), 10, 1)
		must(t, w.Close())
		w.Roles = w.open(t)
		w.endsIt(t, code("g001"), by(11)) // F03: nor is it forgotten
	},
}
