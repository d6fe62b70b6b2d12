package storetest

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// nothingOpen checks that all that signedIn and opened began for "p" has ended at
// the given time, and nothing of "q".
func (w *world) nothingOpen(t *testing.T, seconds int, devices ...func() bool) {
	t.Helper()
	w.noSession(t, 1)
	w.noSession(t, 2)
	w.session(t, 3)
	for _, still := range devices {
		same(t, still(), false)
	}
	same(t, w.good(t, link(1), verification(2)), 0)
	for i := range 3 {
		same(t, w.grant(t, id("g", i+1)).EndedAt, at(seconds))
		_, err := w.Grants.Commit(t.Context(), code(id("g", i+1)), by(seconds+1))
		want(t, err, store.ErrSpent)
	}
	same(t, w.grant(t, "g004").EndedAt, time.Time{})
	w.notices(t, "s001.c", "s002.c", "s002.d")
}

// opened is signedIn with a device and links of p.
func (w *world) opened(t *testing.T) (still func() bool) {
	t.Helper()
	w.signedIn(t)
	must(t, w.Links.Issue(t.Context(), link(1), at(-1000), 9))
	must(t, w.Links.Issue(t.Context(), verification(2), at(-1000), 9))
	return w.remembered(t, 1)
}

// Kept is the role that the stores of the suite keep.
const Kept = "owner"

// owners makes accounts with the role that is kept.
func (w *world) owners(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		a := account(id)
		a.Roles, a.DisabledAt = []string{"viewer", Kept}, time.Time{}
		must(t, w.Accounts.Create(t.Context(), a, nil, by(0)))
	}
}

// left are the three ways in which an account has a role no more.
func left(t *testing.T, accounts store.Accounts, id string, way int, by store.By) error {
	switch way % 3 {
	case 0:
		return accounts.Describe(t.Context(), id, account(id).Profile, []string{"viewer"}, at(5000), by)
	case 1:
		return accounts.SetDisabled(t.Context(), id, true, at(5000), by)
	}
	return accounts.Delete(t.Context(), id, at(5000), by)
}

var accountEndCases = map[string]func(*testing.T, *world){
	"P22 disable and enable": func(t *testing.T, w *world) {
		still := w.opened(t)
		before := w.newSeq(t)
		must(t, w.Accounts.SetDisabled(t.Context(), "p", false, at(5000), by(1))) // it is so already
		same(t, w.newSeq(t), before)
		must(t, w.Accounts.SetDisabled(t.Context(), "p", true, at(5000), by(2)))
		must(t, w.Accounts.SetDisabled(t.Context(), "p", true, at(6000), by(3)))
		w.last(t, store.Change{At: at(2), Kind: "account.disabled", ID: "p", Actor: "operator", Trace: "trace2"})
		p := account("p")
		p.DisabledAt = at(2)
		same(t, w.account(t, "p"), p)
		w.findBy(t, p.Key, "p")
		w.endedSince(t, before, endedAccount(before+1, "p", 2),
			endedGrant(before+1, "g001"), endedGrant(before+1, "g002"), endedGrant(before+1, "g003"))
		w.nothingOpen(t, 2, still)
		w.factors(t, "p", password("p"))
		want(t, w.Sessions.Start(t.Context(), session(9), [32]byte{}, by(3)), store.ErrNotFound)
		want(t, w.Links.Issue(t.Context(), link(9), at(-1000), 9), store.ErrNotFound)

		before = w.newSeq(t)
		must(t, w.Accounts.SetDisabled(t.Context(), "p", false, at(5000), by(4)))
		must(t, w.Accounts.SetDisabled(t.Context(), "p", false, at(5000), by(5)))
		w.last(t, store.Change{At: at(4), Kind: "account.enabled", ID: "p", Actor: "operator", Trace: "trace4"})
		p.DisabledAt = time.Time{}
		same(t, w.account(t, "p"), p)
		w.endedSince(t, before)
		w.nothingOpen(t, 2, still)
		must(t, w.Sessions.Start(t.Context(), session(9), [32]byte{}, by(6)))
		for _, unknown := range []string{"x", "", "a\x00"} {
			want(t, w.Accounts.SetDisabled(t.Context(), unknown, true, at(5000), by(7)), store.ErrNotFound)
			want(t, w.Accounts.SetDisabled(t.Context(), unknown, false, at(5000), by(7)), store.ErrNotFound)
		}
	},
	"P22 disable at once": func(t *testing.T, w *world) {
		w.opened(t)
		before := w.newSeq(t)
		n, failed := race(t, func(i int) error { return w.Accounts.SetDisabled(t.Context(), "p", true, at(5000), by(i)) })
		if n != many {
			t.Fatalf("failed: %v", failed)
		}
		same(t, w.newSeq(t), before+1)
	},
	"P22 disable, and begin everything at once": func(t *testing.T, w *world) {
		w.signedIn(t)
		other := w.open(t)
		for i := range many {
			must(t, w.Requests.Save(t.Context(), request(10+i)))
		}
		race(t, func(i int) error {
			g := grant(10 + i)
			switch i % 5 {
			case 0:
				return other.Accounts.SetDisabled(t.Context(), "p", true, at(5000), by(1))
			case 1:
				return w.Sessions.Start(t.Context(), session(10+i), [32]byte{}, by(0))
			case 2:
				g.SessionID = "s002"
				return w.Grants.Start(t.Context(), request(10+i).Hash, g, nil, by(0))
			case 3:
				return other.Sessions.End(t.Context(), "p", "s001", at(5000), by(1))
			}
			return other.Links.Issue(t.Context(), link(i), at(-1), many)
		})
		w.sessions(t, "p", at(0))
		all, err := w.Grants.List(t.Context(), "p", at(3))
		must(t, err)
		same(t, len(all), 0)
		for i := range many {
			same(t, w.good(t, link(i)), 0)
		}
	},
	"delete": func(t *testing.T, w *world) {
		still := w.opened(t)
		must(t, w.Identities.Link(t.Context(), identity("p"), by(0)))
		must(t, w.Identities.Link(t.Context(), identity("q"), by(0)))
		for i, account := range []string{"p", "q"} {
			r, g := request(10+i), grant(10+i)
			g.AccountID, g.Code.EndsAt = account, at(1)
			must(t, w.Requests.Save(t.Context(), r))
			must(t, w.Grants.Start(t.Context(), r.Hash, g, &store.Consent{Allowed: map[string][]string{"a": {"read"}}}, by(0)))
		}
		must(t, w.Factors.Add(t.Context(), passkey("q", 1), by(0)))
		before := w.newSeq(t)
		for _, unknown := range []string{"x", "", "a\x00"} {
			want(t, w.Accounts.Delete(t.Context(), unknown, at(5000), by(1)), store.ErrNotFound)
		}
		must(t, w.Accounts.Delete(t.Context(), "p", at(5000), by(2)))
		w.last(t, store.Change{At: at(2), Kind: "account.deleted", ID: "p", Actor: "operator", Trace: "trace2"})
		w.endedSince(t, before, endedAccount(before+1, "p", 2),
			endedGrant(before+1, "g001"), endedGrant(before+1, "g002"), endedGrant(before+1, "g003"))
		w.nothingOpen(t, 2, still)
		_, err := w.Accounts.Find(t.Context(), "p")
		want(t, err, store.ErrNotFound)
		for _, word := range []string{account("p").Key, account("p").Profile.Email} {
			_, err := w.Accounts.FindBy(t.Context(), word)
			want(t, err, store.ErrNotFound)
		}
		w.factors(t, "p")
		w.identities(t, "p")
		consents, err := w.Consents.List(t.Context(), "p")
		must(t, err)
		same(t, len(consents), 0)
		same(t, string(w.grant(t, "g002").Asked), "{ }")

		same(t, w.account(t, "q").Profile, account("q").Profile)
		w.factors(t, "q", password("q"), passkey("q", 1))
		w.identities(t, "q", identity("q"))
		_, err = w.Consents.Find(t.Context(), "q", "c")
		must(t, err)
		same(t, w.grant(t, "g004").Asked, grant(4).Asked)

		seq := w.newSeq(t)
		want(t, w.Accounts.Delete(t.Context(), "p", at(5000), by(3)), store.ErrNotFound)
		want(t, w.Accounts.SetDisabled(t.Context(), "p", false, at(5000), by(3)), store.ErrNotFound)
		want(t, w.Accounts.Describe(t.Context(), "p", store.Profile{}, nil, at(5000), by(3)), store.ErrNotFound)
		want(t, w.Accounts.Create(t.Context(), account("p"), nil, by(3)), store.ErrConflict)
		want(t, w.Factors.Add(t.Context(), totp("p", 1), by(3)), store.ErrNotFound)
		want(t, w.Factors.Replace(t.Context(), "p", store.FactorTOTP, nil, "", at(5000), by(3)), store.ErrNotFound)
		want(t, w.Factors.Use(t.Context(), "p-password", 0, at(3)), store.ErrSpent)
		want(t, w.Sessions.Start(t.Context(), session(9), [32]byte{}, by(3)), store.ErrNotFound)
		want(t, w.Devices.Remember(t.Context(), device(9), by(3)), store.ErrNotFound)
		want(t, w.Links.Issue(t.Context(), link(9), at(-1000), 9), store.ErrNotFound)
		want(t, w.Identities.Link(t.Context(), identity("p"), by(3)), store.ErrNotFound)
		same(t, w.newSeq(t), seq)
		next := account("next")
		next.Key, next.Profile.Email = account("p").Key, account("p").Profile.Email // both are free
		must(t, w.Accounts.Create(t.Context(), next, nil, by(4)))
	},
	"the last one stays": func(t *testing.T, w *world) {
		w.person(t, "viewer")
		asleep := account("asleep")
		asleep.Roles = []string{Kept} // disabled, so that it does not count
		must(t, w.Accounts.Create(t.Context(), asleep, nil, by(0)))
		for way := range 3 {
			last, next := id("a", way), id("a", way+1)
			if way == 0 {
				w.owners(t, last)
			}
			seq := w.newSeq(t)
			for again := range 3 {
				want(t, left(t, w.Accounts, last, again, by(1)), store.ErrLast)
			}
			same(t, w.newSeq(t), seq)
			if a := w.account(t, last); a.Disabled() || len(a.Roles) != 2 {
				t.Errorf("it became %+v", a)
			}
			must(t, w.Accounts.Describe(t.Context(), last, account(last).Profile, []string{Kept, "viewer"}, at(5000), by(2))) // it keeps it
			w.owners(t, next)
			must(t, left(t, w.Accounts, last, way, by(3)))
		}
		must(t, left(t, w.Accounts, "asleep", 2, by(4)))
		must(t, left(t, w.Accounts, "viewer", 2, by(4)))
	},
	"the last one stays, at once": func(t *testing.T, w *world) {
		other := w.open(t)
		var ids []string
		for i := range many {
			ids = append(ids, id("o", i))
		}
		w.owners(t, ids...)
		n, failed := race(t, func(i int) error {
			if i%2 == 0 {
				return left(t, other.Accounts, ids[i], i, by(i))
			}
			return left(t, w.Accounts, ids[i], i, by(i))
		})
		if n != many-1 || failed[store.ErrLast] != 1 {
			t.Fatalf("%d of %d went, others: %v", n, many, failed)
		}
	},
	"delete at once": func(t *testing.T, w *world) {
		w.opened(t)
		other := w.open(t)
		onlyOne(t, store.ErrNotFound, func(i int) error {
			if i%2 == 0 {
				return other.Accounts.Delete(t.Context(), "p", at(5000), by(i))
			}
			return w.Accounts.Delete(t.Context(), "p", at(5000), by(i))
		})
	},
}
