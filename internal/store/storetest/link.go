package storetest

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// link is a reset link of the account "p" to the address of account("p"), good
// until at(600).
func link(n int) store.Link {
	return store.Link{
		Hash: [32]byte{6, byte(n >> 8), byte(n)}, Purpose: store.LinkReset, AccountID: "p", Email: account("p").Profile.Email,
		CreatedAt: at(n), EndsAt: at(600),
	}
}

func verification(n int) store.Link {
	l := link(n)
	l.Purpose = store.LinkVerify
	return l
}

// good counts which of the links are still good.
func (w *world) good(t *testing.T, links ...store.Link) (n int) {
	t.Helper()
	for _, l := range links {
		got, err := w.Links.Find(t.Context(), l.Hash, l.Purpose, at(0))
		if err != nil {
			want(t, err, store.ErrNotFound)
			continue
		}
		same(t, got, l)
		n++
	}
	return n
}

var linkCases = map[string]func(*testing.T, *world){
	"issue and find": func(t *testing.T, w *world) {
		w.person(t, "p")
		before := w.newSeq(t)
		must(t, w.Links.Issue(t.Context(), link(1), at(-1000), 1))
		same(t, w.good(t, link(1)), 1)
		same(t, w.good(t, verification(1)), 0)
		for _, row := range []struct {
			purpose string
			now     time.Time
			want    error
		}{
			{store.LinkReset, at(600).Add(-time.Microsecond), nil},
			{store.LinkReset, at(600), store.ErrNotFound},
			{"", at(0), store.ErrNotFound},
			{"a\x00", at(0), store.ErrNotFound},
		} {
			_, err := w.Links.Find(t.Context(), link(1).Hash, row.purpose, row.now)
			if !is(err, row.want) {
				t.Errorf("%v: %v", row, err)
			}
		}
		same(t, w.newSeq(t), before)
	},
	"issue, each thing that is wrong": func(t *testing.T, w *world) {
		w.person(t, "p")
		must(t, w.Accounts.Create(t.Context(), account("off"), nil, by(0)))
		must(t, w.Links.Issue(t.Context(), link(1), at(-1000), 9))
		for name, row := range map[string]struct {
			spoil func(*store.Link)
			want  error
		}{
			"unknown account":  {func(l *store.Link) { l.AccountID = "x" }, store.ErrNotFound},
			"no account":       {func(l *store.Link) { l.AccountID = "a\x00" }, store.ErrNotFound},
			"disabled account": {func(l *store.Link) { l.AccountID = "off" }, store.ErrNotFound},
			"hash in use":      {func(l *store.Link) { l.Hash = link(1).Hash }, store.ErrConflict},
			"text":             {func(l *store.Link) { l.Email = "\xff" }, nil},
			"time":             {func(l *store.Link) { l.EndsAt = time.Unix(1<<60, 0) }, nil},
		} {
			l := link(2)
			row.spoil(&l)
			err := w.Links.Issue(t.Context(), l, at(-1000), 9)
			if row.want == nil {
				refused(t, name, err)
			} else if !is(err, row.want) {
				t.Errorf("%s: %v, want %v", name, err, row.want)
			}
			same(t, w.good(t, link(2)), 0)
		}
	},
	"so many since": func(t *testing.T, w *world) {
		w.person(t, "p")
		w.person(t, "q")
		for i := range 3 {
			must(t, w.Links.Issue(t.Context(), link(i), at(0), 3))
		}
		want(t, w.Links.Issue(t.Context(), link(3), at(0), 3), store.ErrConflict)
		same(t, w.good(t, link(0), link(1), link(2), link(3)), 3)
		must(t, w.Links.Issue(t.Context(), verification(3), at(0), 3))
		others := link(4)
		others.AccountID = "q"
		must(t, w.Links.Issue(t.Context(), others, at(0), 1))
		// Spent ones count as well.
		_, err := w.Links.Spend(t.Context(), link(0).Hash, store.LinkReset, at(0))
		must(t, err)
		want(t, w.Links.Issue(t.Context(), link(5), at(0), 3), store.ErrConflict)
		want(t, w.Links.Issue(t.Context(), link(5), time.Time{}, 3), store.ErrConflict)
		must(t, w.Links.Issue(t.Context(), link(5), at(0).Add(time.Microsecond), 3))
		want(t, w.Links.Issue(t.Context(), link(6), at(9), 0), store.ErrConflict)
	},
	"so many at once": func(t *testing.T, w *world) {
		w.person(t, "p")
		other := w.open(t)
		n, failed := race(t, func(i int) error {
			links := w.Links
			if i%2 == 0 {
				links = other.Links
			}
			return links.Issue(t.Context(), link(i), at(-1), 3)
		})
		if n != 3 || failed[store.ErrConflict] != many-3 {
			t.Errorf("%d issued, others: %v; want 3 and conflicts", n, failed)
		}
	},
	"P12 spend": func(t *testing.T, w *world) {
		w.person(t, "p")
		w.person(t, "q")
		others := link(4)
		others.AccountID = "q"
		for _, l := range []store.Link{link(1), link(2), verification(3), others} {
			must(t, w.Links.Issue(t.Context(), l, at(-1000), 9))
		}
		for _, row := range []struct {
			hash    [32]byte
			purpose string
			now     int
		}{{link(1).Hash, store.LinkVerify, 0}, {link(1).Hash, store.LinkReset, 600}, {link(9).Hash, store.LinkReset, 0}, {link(1).Hash, "", 0}} {
			_, err := w.Links.Spend(t.Context(), row.hash, row.purpose, at(row.now))
			want(t, err, store.ErrSpent)
		}
		before := w.newSeq(t)
		got, err := w.Links.Spend(t.Context(), link(1).Hash, store.LinkReset, at(1))
		must(t, err)
		same(t, got, link(1))
		for _, l := range []store.Link{link(1), link(2)} {
			_, err = w.Links.Spend(t.Context(), l.Hash, store.LinkReset, at(2))
			want(t, err, store.ErrSpent)
		}
		same(t, w.good(t, link(1), link(2)), 0)
		same(t, w.good(t, verification(3), others), 2)
		same(t, w.newSeq(t), before)
	},
	"P12 spend at once": func(t *testing.T, w *world) {
		w.person(t, "p")
		other := w.open(t)
		must(t, w.Links.Issue(t.Context(), link(1), at(-1000), 9))
		must(t, w.Links.Issue(t.Context(), link(2), at(-1000), 9))
		onlyOne(t, store.ErrSpent, func(i int) error {
			links := w.Links
			if i%2 == 0 {
				links = other.Links
			}
			_, err := links.Spend(t.Context(), link(1+i/2%2).Hash, store.LinkReset, at(1))
			return err
		})
	},
	"P14 confirm": func(t *testing.T, w *world) {
		a := account("new")
		a.DisabledAt, a.Profile.EmailVerified = time.Time{}, false
		must(t, w.Accounts.Create(t.Context(), a, nil, by(0)))
		sent := func(n int) store.Link {
			l := verification(n)
			l.AccountID, l.Email = a.ID, a.Profile.Email
			must(t, w.Links.Issue(t.Context(), l, at(-1000), 99))
			return l
		}
		one, two := sent(1), sent(2)
		reset := link(3)
		reset.AccountID, reset.Email = a.ID, a.Profile.Email
		must(t, w.Links.Issue(t.Context(), reset, at(-1000), 99))
		before := w.newSeq(t)
		for _, wrong := range [][32]byte{reset.Hash, link(9).Hash} {
			err := w.Links.Confirm(t.Context(), wrong, by(1))
			want(t, err, store.ErrSpent)
		}
		err := w.Links.Confirm(t.Context(), one.Hash, by(600))
		want(t, err, store.ErrSpent)
		same(t, w.newSeq(t), before)
		must(t, w.Links.Confirm(t.Context(), one.Hash, by(1)))
		a.Profile.EmailVerified = true
		w.last(t, store.Change{At: at(1), Kind: "account.described", ID: a.ID, Actor: "operator", Trace: by(1).Trace})
		w.endedSince(t, before)
		found, err := w.Accounts.FindBy(t.Context(), a.Profile.Email)
		must(t, err)
		same(t, found, a)
		for _, l := range []store.Link{one, two} {
			err = w.Links.Confirm(t.Context(), l.Hash, by(2))
			want(t, err, store.ErrSpent)
		}
		same(t, w.good(t, reset), 1)

		// An address that is no longer the account's.
		other := sent(4)
		a.Profile.Email, a.Profile.EmailVerified = "moved@school.example", false
		must(t, w.Accounts.Describe(t.Context(), a.ID, a.Profile, a.Roles, at(5000), by(3)))
		err = w.Links.Confirm(t.Context(), other.Hash, by(4))
		want(t, err, store.ErrSpent)

		// One that another account has verified meanwhile.
		moved := sent(5)
		first := account("first")
		first.DisabledAt, first.Profile.Email, first.Profile.EmailVerified = time.Time{}, "moved@school.example", true
		must(t, w.Accounts.Create(t.Context(), first, nil, by(5)))
		before = w.newSeq(t)
		err = w.Links.Confirm(t.Context(), moved.Hash, by(6))
		want(t, err, store.ErrConflict)
		same(t, w.good(t, moved), 1)
		same(t, w.newSeq(t), before)
		found, err = w.Accounts.Find(t.Context(), a.ID)
		must(t, err)
		same(t, found, a)

		must(t, w.Accounts.SetDisabled(t.Context(), a.ID, true, at(5000), by(7)))
		err = w.Links.Confirm(t.Context(), moved.Hash, by(8))
		want(t, err, store.ErrSpent)
	},
	"P14 confirm at once": func(t *testing.T, w *world) {
		w.person(t, "p")
		p, err := w.Accounts.Find(t.Context(), "p")
		must(t, err)
		other := w.open(t)
		for n := range 2 {
			l := verification(n)
			l.Email = p.Profile.Email
			must(t, w.Links.Issue(t.Context(), l, at(-1000), 9))
		}
		onlyOne(t, store.ErrSpent, func(i int) error {
			links := w.Links
			if i%2 == 0 {
				links = other.Links
			}
			return links.Confirm(t.Context(), verification(i/2%2).Hash, by(1))
		})
	},
	"purge": func(t *testing.T, w *world) {
		w.person(t, "p")
		for i := range 10 {
			l := link(i)
			l.CreatedAt, l.EndsAt = at(-1), at(i)
			must(t, w.Links.Issue(t.Context(), l, at(-1000), 99))
		}
		_, err := w.Links.Spend(t.Context(), link(9).Hash, store.LinkReset, at(0)) // spent ones wait for their end, too
		must(t, err)
		for _, step := range []struct{ now, limit, want int }{{5, 0, 0}, {5, -1, 0}, {5, 3, 3}, {5, 100, 3}, {5, 100, 0}, {9, 100, 4}} {
			n, err := w.Links.Purge(t.Context(), at(step.now), step.limit)
			must(t, err)
			same(t, n, step.want)
		}
	},
}
