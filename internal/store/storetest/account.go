package storetest

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// account is the fixture: a person with every field set and a verified address
// that nobody else has.
func account(id string) store.Account {
	return store.Account{
		ID: id, Name: "Zoë <" + id + ">", Key: "zoë " + id, Roles: []string{"viewer", "editor"},
		Profile: store.Profile{
			FullName: "Zoë O'Neill", GivenName: "Zoë", FamilyName: "O'Neill & \"Sons\"",
			Email: "Zoe." + id + "@Example.org", EmailVerified: true, Phone: "+41 44 000 00 00", PhoneVerified: true,
			Address: "A street 1\n8000 Zürich", Locale: "de-CH", Zone: "Europe/Zurich",
		},
		CreatedAt: at(-100), DisabledAt: at(-50),
	}
}

// person makes an account that may sign in, with a password, and returns it.
func (w *world) person(t *testing.T, id string) store.Account {
	t.Helper()
	a := account(id)
	a.DisabledAt = time.Time{}
	must(t, w.Accounts.Create(t.Context(), a, []store.Factor{password(id)}, by(-1)))
	return a
}

func (w *world) account(t *testing.T, id string) store.Account {
	t.Helper()
	a, err := w.Accounts.Find(t.Context(), id)
	must(t, err)
	return a
}

// newSeq is the newest change, to tell afterwards what came later.
func (w *world) newSeq(t *testing.T) int64 {
	t.Helper()
	seq, err := w.Changes.Last(t.Context())
	must(t, err)
	return seq
}

// endedSince checks which revocations came after a change.
func (w *world) endedSince(t *testing.T, seq int64, wanted ...store.Revocation) {
	t.Helper()
	all, err := w.Revocations.Since(t.Context(), seq, at(0))
	must(t, err)
	same(t, all, wanted)
}

// endedAccount is the revocation of all tokens of an account.
func endedAccount(seq int64, id string, seconds int) store.Revocation {
	return store.Revocation{Seq: seq, Kind: store.RevokedAccount, ID: id, IssuedBefore: at(seconds), ForgetAt: at(5000)}
}

var accountCases = map[string]func(*testing.T, *world){
	"create and find": func(t *testing.T, w *world) {
		must(t, w.Accounts.Create(t.Context(), account("a"), []store.Factor{password("a"), totp("a", 1)}, by(0)))
		same(t, w.account(t, "a"), account("a"))
		w.last(t, store.Change{At: at(0), Kind: "account.created", ID: "a", Actor: "operator", Trace: "trace0"})
		w.factors(t, "a", password("a"), totp("a", 1))
		bare := store.Account{ID: "bare", Key: "bare"}
		must(t, w.Accounts.Create(t.Context(), bare, nil, by(1)))
		same(t, w.account(t, "bare"), bare)
		for _, unknown := range []string{"b", "A", "", "a\x00"} {
			_, err := w.Accounts.Find(t.Context(), unknown)
			want(t, err, store.ErrNotFound)
		}
		w.ended(t)
	},
	"V06 create what is in use": func(t *testing.T, w *world) {
		must(t, w.Accounts.Create(t.Context(), account("a"), []store.Factor{passkey("a", 1)}, by(0)))
		for name, spoil := range map[string]func(*store.Account, *store.Factor){
			"id":      func(a *store.Account, _ *store.Factor) { a.ID = "a" },
			"key":     func(a *store.Account, _ *store.Factor) { a.Key = account("a").Key },
			"address": func(a *store.Account, _ *store.Factor) { a.Profile.Email = "ZOE.A@example.ORG" },
			"factor":  func(_ *store.Account, f *store.Factor) { f.ID = passkey("a", 1).ID },
			"handle":  func(_ *store.Account, f *store.Factor) { f.Handle = passkey("a", 1).Handle },
		} {
			a, f := account("b"), passkey("b", 2)
			spoil(&a, &f)
			if err := w.Accounts.Create(t.Context(), a, []store.Factor{f, password("b")}, by(1)); !is(err, store.ErrConflict) {
				t.Errorf("%s: %v", name, err)
			}
			_, err := w.Accounts.Find(t.Context(), "b")
			want(t, err, store.ErrNotFound)
		}
		want(t, w.Accounts.Create(t.Context(), account("b"), []store.Factor{password("b"), password("c")}, by(1)), store.ErrConflict)
		same(t, w.kinds(t), []string{"account.created a"})
		b := account("b")
		b.Profile.Email, b.Profile.EmailVerified = account("a").Profile.Email, false // it says nothing
		must(t, w.Accounts.Create(t.Context(), b, nil, by(1)))
	},
	"create at once": func(t *testing.T, w *world) {
		other := w.open(t)
		onlyOne(t, store.ErrConflict, func(i int) error {
			a := account(id("a", i))
			accounts := w.Accounts
			switch i % 2 {
			case 0:
				accounts, a.Key = other.Accounts, "the same"
				a.Profile.Email = "same@example.org"
			case 1:
				a.Profile.Email = "Same@Example.org"
			}
			return accounts.Create(t.Context(), a, nil, by(i))
		})
	},
	"find by key or address": func(t *testing.T, w *world) {
		must(t, w.Accounts.Create(t.Context(), account("a"), nil, by(0)))
		b := account("b")
		b.Profile.EmailVerified = false
		must(t, w.Accounts.Create(t.Context(), b, nil, by(0)))
		c := account("c")
		c.Key = "zoe.a@example.org" // a name that looks like an address of another
		must(t, w.Accounts.Create(t.Context(), c, nil, by(0)))
		for word, wanted := range map[string]string{
			"zoë a": "a", "zoë b": "b", "zoe.c@example.org": "c", "ZOE.C@EXAMPLE.ORG": "c", "Zoe.a@example.org": "a",
			"zoe.a@example.org": "c", // the name comes first
			"ZOË A":             "", "zoe.b@example.org": "", "Zoë <a>": "", "": "", "a\x00": "", "zoe.c@example.org ": "", "%": "",
		} {
			got, err := w.Accounts.FindBy(t.Context(), word)
			if wanted == "" {
				want(t, err, store.ErrNotFound)
				continue
			}
			if err != nil || got.ID != wanted {
				t.Errorf("%q: %q, %v; want %q", word, got.ID, err, wanted)
			}
		}
		got, err := w.Accounts.FindBy(t.Context(), "zoë a")
		must(t, err)
		same(t, got, account("a"))
	},
	"list": func(t *testing.T, w *world) {
		for i := range 5 {
			must(t, w.Accounts.Create(t.Context(), account(id("a", i)), nil, by(0)))
		}
		must(t, w.Accounts.Delete(t.Context(), "a003", at(5000), by(1)))
		for _, row := range []struct {
			after string
			limit int
			want  []string
		}{
			{"", 10, []string{"a000", "a001", "a002", "a004"}},
			{"", 2, []string{"a000", "a001"}},
			{"a001", 1, []string{"a002"}},
			{"a002", 9, []string{"a004"}},
			{"a004", 9, nil},
			{"", 0, nil},
			{"", -1, nil},
		} {
			all, err := w.Accounts.List(t.Context(), row.after, row.limit)
			must(t, err)
			var ids []string
			for _, a := range all {
				ids = append(ids, a.ID)
				same(t, a, account(a.ID))
			}
			same(t, ids, row.want)
		}
	},
	"describe": func(t *testing.T, w *world) {
		must(t, w.Accounts.Create(t.Context(), account("a"), nil, by(0)))
		must(t, w.Accounts.Create(t.Context(), account("b"), nil, by(0)))
		a := account("a")
		a.Profile = store.Profile{Email: "new@example.org", EmailVerified: true}
		a.Roles = []string{"editor", "viewer", "more"}
		must(t, w.Accounts.Describe(t.Context(), "a", a.Profile, a.Roles, at(5000), by(1)))
		same(t, w.account(t, "a"), a)
		w.last(t, store.Change{At: at(1), Kind: "account.described", ID: "a", Actor: "operator", Trace: "trace1"})
		w.ended(t)
		same(t, w.account(t, "b"), account("b"))
		_, err := w.Accounts.FindBy(t.Context(), account("a").Profile.Email)
		want(t, err, store.ErrNotFound)

		must(t, w.Accounts.Describe(t.Context(), "a", a.Profile, []string{"viewer", "more"}, at(5000), by(2)))
		w.ended(t, endedAccount(4, "a", 2))
		must(t, w.Accounts.Describe(t.Context(), "a", store.Profile{}, nil, at(5000), by(3)))
		same(t, w.account(t, "a"), store.Account{ID: "a", Name: a.Name, Key: a.Key, CreatedAt: a.CreatedAt, DisabledAt: a.DisabledAt})
		w.ended(t, endedAccount(4, "a", 2), endedAccount(5, "a", 3))

		before := len(w.kinds(t))
		want(t, w.Accounts.Describe(t.Context(), "x", a.Profile, nil, at(5000), by(4)), store.ErrNotFound)
		want(t, w.Accounts.Describe(t.Context(), "a\x00", a.Profile, nil, at(5000), by(4)), store.ErrNotFound)
		taken := store.Profile{Email: "ZOE.b@example.org", EmailVerified: true}
		want(t, w.Accounts.Describe(t.Context(), "a", taken, []string{"x"}, at(5000), by(4)), store.ErrConflict)
		same(t, w.account(t, "a").Roles, []string(nil))
		same(t, len(w.kinds(t)), before)
		taken.EmailVerified = false
		must(t, w.Accounts.Describe(t.Context(), "a", taken, nil, at(5000), by(5)))
		must(t, w.Accounts.Describe(t.Context(), "b", account("b").Profile, account("b").Roles, at(5000), by(6)))
		w.findBy(t, "zoe.b@example.org", "b")
	},
	"P14 verify one address at once": func(t *testing.T, w *world) {
		for i := range many {
			a := account(id("a", i))
			a.Profile = store.Profile{}
			must(t, w.Accounts.Create(t.Context(), a, nil, by(0)))
		}
		other := w.open(t)
		onlyOne(t, store.ErrConflict, func(i int) error {
			accounts, profile := w.Accounts, store.Profile{Email: "Same@Example.org", EmailVerified: true}
			if i%2 == 0 {
				accounts, profile.Email = other.Accounts, "sAME@example.org"
			}
			return accounts.Describe(t.Context(), id("a", i), profile, nil, at(5000), by(1))
		})
		same(t, len(w.kinds(t)), many+1)
	},
	"describe ends reset links to another address": func(t *testing.T, w *world) {
		w.person(t, "p")
		old, verify := link(1), link(2)
		verify.Purpose, verify.Email = store.LinkVerify, "next@example.org"
		for _, l := range []store.Link{old, verify} {
			must(t, w.Links.Issue(t.Context(), l, at(-1000), 9))
		}
		must(t, w.Accounts.Describe(t.Context(), "p", store.Profile{Email: old.Email}, nil, at(5000), by(1)))
		_, err := w.Links.Find(t.Context(), old.Hash, old.Purpose, at(1))
		must(t, err)
		must(t, w.Accounts.Describe(t.Context(), "p", store.Profile{Email: "next@example.org"}, nil, at(5000), by(1)))
		_, err = w.Links.Find(t.Context(), old.Hash, old.Purpose, at(1))
		want(t, err, store.ErrNotFound)
		_, err = w.Links.Spend(t.Context(), verify.Hash, verify.Purpose, at(1))
		must(t, err)
	},
	"text and times that a database cannot hold": func(t *testing.T, w *world) {
		must(t, w.Accounts.Create(t.Context(), store.Account{ID: "p", Key: "p"}, nil, by(0)))
		for name, spoil := range map[string]func(*store.Account){
			"id":      func(a *store.Account) { a.ID = "a\x00" },
			"name":    func(a *store.Account) { a.Name = "a\x00" },
			"key":     func(a *store.Account) { a.Key = "\xff" },
			"role":    func(a *store.Account) { a.Roles = []string{"a\x00"} },
			"address": func(a *store.Account) { a.Profile.Email = "a\x00" },
			"profile": func(a *store.Account) { a.Profile.Zone = "\xff" },
			"time":    func(a *store.Account) { a.CreatedAt = time.Unix(1<<60, 0) },
		} {
			a := account("a")
			spoil(&a)
			refused(t, name, w.Accounts.Create(t.Context(), a, nil, by(0)))
		}
		refused(t, "factor", w.Accounts.Create(t.Context(), account("a"), []store.Factor{{ID: "f", Kind: "\xff"}}, by(0)))
		refused(t, "profile", w.Accounts.Describe(t.Context(), "p", store.Profile{FullName: "\xff"}, nil, at(5000), by(0)))
		refused(t, "role", w.Accounts.Describe(t.Context(), "p", store.Profile{}, []string{"a\x00"}, at(5000), by(0)))
		refused(t, "nobody", w.Accounts.Create(t.Context(), account("a"), nil, store.By{At: at(0)}))
		same(t, w.kinds(t), []string{"account.created p"})
	},
}

func (w *world) findBy(t *testing.T, word, wanted string) {
	t.Helper()
	a, err := w.Accounts.FindBy(t.Context(), word)
	must(t, err)
	same(t, a.ID, wanted)
}
