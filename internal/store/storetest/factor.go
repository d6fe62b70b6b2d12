package storetest

import (
	"strconv"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

func password(account string) store.Factor {
	return store.Factor{
		ID: account + "-password", AccountID: account, Kind: store.FactorPassword, Data: "verifier of " + account, CreatedAt: at(-100),
	}
}

// totp is the fixture: a factor with every field set but a passkey's handle. The
// numbers give the order.
func totp(account string, n int) store.Factor {
	return store.Factor{
		ID: account + "-totp" + strconv.Itoa(n), AccountID: account, Kind: store.FactorTOTP, Name: "Téléphone <1>", Data: "sealed",
		Counter: 1000, CreatedAt: at(-90 + n), LastUsedAt: at(-50),
	}
}

func passkey(account string, n int) store.Factor {
	f := totp(account, n)
	f.ID, f.Kind, f.Handle = account+"-passkey"+strconv.Itoa(n), store.FactorPasskey, account+"-handle"+strconv.Itoa(n)
	return f
}

func recovery(account string, n int) store.Factor {
	return store.Factor{
		ID: account + "-recovery" + strconv.Itoa(n), AccountID: account, Kind: store.FactorRecovery, Data: "hash " + strconv.Itoa(n),
		CreatedAt: at(-80 + n),
	}
}

func (w *world) factors(t *testing.T, account string, wanted ...store.Factor) {
	t.Helper()
	got, err := w.Factors.Of(t.Context(), account)
	must(t, err)
	same(t, got, wanted)
}

// remembered remembers a device and returns how to ask whether it is still.
func (w *world) remembered(t *testing.T, n int) (still func() bool) {
	t.Helper()
	must(t, w.Devices.Remember(t.Context(), device(n), by(0)))
	return func() bool {
		_, err := w.Devices.Find(t.Context(), device(n).AccountID, device(n).Hash, at(0))
		if err != nil {
			want(t, err, store.ErrNotFound)
		}
		return err == nil
	}
}

var factorCases = map[string]func(*testing.T, *world){
	"add and find": func(t *testing.T, w *world) {
		w.person(t, "p")
		w.person(t, "q")
		still, others := w.remembered(t, 1), w.remembered(t, 2)
		for i, f := range []store.Factor{passkey("p", 9), totp("p", 1)} {
			must(t, w.Factors.Add(t.Context(), f, by(i)))
			w.last(t, store.Change{At: at(i), Kind: "factor.added", ID: f.ID, Actor: "operator", Trace: by(i).Trace})
		}
		w.factors(t, "p", password("p"), totp("p", 1), passkey("p", 9))
		w.factors(t, "x")
		w.factors(t, "a\x00")
		got, err := w.Factors.FindPasskey(t.Context(), "p-handle9")
		must(t, err)
		same(t, got, passkey("p", 9))
		for _, handle := range []string{"", "p-handle8", "P-HANDLE9", "a\x00"} {
			_, err := w.Factors.FindPasskey(t.Context(), handle)
			want(t, err, store.ErrNotFound)
		}
		same(t, []bool{still(), others()}, []bool{false, false}) // both are browsers of p
	},
	"add, each thing that is wrong": func(t *testing.T, w *world) {
		w.person(t, "p")
		w.person(t, "q")
		must(t, w.Factors.Add(t.Context(), passkey("p", 1), by(0)))
		still := w.remembered(t, 1)
		before := len(w.kinds(t))
		for name, row := range map[string]struct {
			spoil func(*store.Factor)
			want  error
		}{
			"unknown account": {func(f *store.Factor) { f.AccountID = "x" }, store.ErrNotFound},
			"no account":      {func(f *store.Factor) { f.AccountID = "a\x00" }, store.ErrNotFound},
			"id in use":       {func(f *store.Factor) { f.ID, f.AccountID = passkey("p", 1).ID, "q" }, store.ErrConflict},
			"handle in use":   {func(f *store.Factor) { f.Handle, f.AccountID = "p-handle1", "q" }, store.ErrConflict},
			"second password": {func(f *store.Factor) { f.Kind, f.Handle = store.FactorPassword, "" }, store.ErrConflict},
			"text":            {func(f *store.Factor) { f.Name = "a\x00" }, nil},
			"time":            {func(f *store.Factor) { f.LastUsedAt = time.Unix(1<<60, 0) }, nil},
		} {
			f := passkey("p", 2)
			row.spoil(&f)
			err := w.Factors.Add(t.Context(), f, by(1))
			if row.want == nil {
				refused(t, name, err)
			} else if !is(err, row.want) {
				t.Errorf("%s: %v, want %v", name, err, row.want)
			}
		}
		same(t, len(w.kinds(t)), before)
		same(t, still(), true)
	},
	"rehash": func(t *testing.T, w *world) {
		w.person(t, "p")
		must(t, w.Factors.Add(t.Context(), totp("p", 1), by(0)))
		still := w.remembered(t, 1)
		before := len(w.kinds(t))
		was, now := password("p"), password("p")
		now.Data = "another verifier"
		for _, nothing := range [][2]string{{was.ID, "not it"}, {"x", was.Data}, {totp("p", 1).ID, totp("p", 1).Data}, {"a\x00", was.Data}} {
			must(t, w.Factors.Rehash(t.Context(), nothing[0], nothing[1], now.Data))
		}
		w.factors(t, "p", was, totp("p", 1))
		must(t, w.Factors.Rehash(t.Context(), was.ID, was.Data, now.Data))
		w.factors(t, "p", now, totp("p", 1))
		same(t, len(w.kinds(t)), before)
		same(t, still(), true)
	},
	"replace": func(t *testing.T, w *world) {
		w.person(t, "p")
		w.person(t, "q")
		for i := range 3 {
			must(t, w.Factors.Add(t.Context(), recovery("p", i), by(0)))
		}
		must(t, w.Factors.Add(t.Context(), recovery("q", 1), by(0)))
		must(t, w.Sessions.Start(t.Context(), session(1), [32]byte{}, by(0)))
		still := w.remembered(t, 1)
		before := w.newSeq(t)
		with := []store.Factor{recovery("p", 2), recovery("p", 7)}
		with[0].AccountID = "q" // is not looked at
		must(t, w.Factors.Replace(t.Context(), "p", store.FactorRecovery, with, "", at(5000), by(2)))
		w.factors(t, "p", password("p"), recovery("p", 2), recovery("p", 7))
		w.factors(t, "q", password("q"), recovery("q", 1))
		w.last(t, store.Change{At: at(2), Kind: "factor.replaced", ID: "p", Actor: "operator", Trace: "trace2"})
		w.endedSince(t, before)
		w.session(t, 1)
		same(t, still(), false)
		must(t, w.Factors.Replace(t.Context(), "p", store.FactorRecovery, nil, "", at(5000), by(3)))
		w.factors(t, "p", password("p"))

		before = w.newSeq(t)
		want(t, w.Factors.Replace(t.Context(), "x", store.FactorTOTP, nil, "", at(5000), by(4)), store.ErrNotFound)
		want(t, w.Factors.Replace(t.Context(), "p", store.FactorPassword, []store.Factor{password("p"), password("x")}, "", at(5000), by(4)), store.ErrConflict)
		want(t, w.Factors.Replace(t.Context(), "p", store.FactorRecovery, []store.Factor{recovery("q", 1)}, "", at(5000), by(4)), store.ErrConflict)
		refused(t, "another kind", w.Factors.Replace(t.Context(), "p", store.FactorTOTP, []store.Factor{password("p")}, "", at(5000), by(4)))
		refused(t, "text", w.Factors.Replace(t.Context(), "p", "a\x00", nil, "", at(5000), by(4)))
		w.factors(t, "p", password("p"))
		same(t, w.newSeq(t), before)
		w.session(t, 1)
	},
	"P15 replace the password": func(t *testing.T, w *world) {
		for _, keep := range []string{"", session(2).ID} {
			w := &world{Roles: w.database(t)(t)}
			w.open = nil
			w.signedIn(t)
			still := w.remembered(t, 1)
			must(t, w.Links.Issue(t.Context(), link(1), at(-1000), 9))
			before := w.newSeq(t)
			next := password("p")
			next.ID, next.Data = "next", "other verifier"
			must(t, w.Factors.Replace(t.Context(), "p", store.FactorPassword, []store.Factor{next}, keep, at(5000), by(2)))
			w.factors(t, "p", next)
			w.last(t, store.Change{At: at(2), Kind: "factor.replaced", ID: "p", Actor: "operator", Trace: "trace2"})
			w.endedSince(t, before,
				endedAccount(before+1, "p", 2),
				endedGrant(before+1, "g001"), endedGrant(before+1, "g002"), endedGrant(before+1, "g003"))
			w.session(t, 3) // of somebody else
			same(t, w.grant(t, "g004").EndedAt, time.Time{})
			same(t, still(), false)
			_, err := w.Links.Spend(t.Context(), link(1).Hash, link(1).Purpose, at(3))
			want(t, err, store.ErrSpent)
			w.noSession(t, 1)
			if keep == "" {
				w.noSession(t, 2)
				w.notices(t, "s001.c", "s002.c", "s002.d")
				continue
			}
			w.session(t, 2)
			w.notices(t, "s001.c")
		}
	},
	"remove": func(t *testing.T, w *world) {
		w.person(t, "p")
		w.person(t, "q")
		must(t, w.Factors.Add(t.Context(), totp("p", 1), by(0)))
		still := w.remembered(t, 1)
		for _, wrong := range [][2]string{{"q", "p-totp1"}, {"p", "x"}, {"x", "p-totp1"}, {"p", ""}, {"p", "a\x00"}, {"a\x00", "p-totp1"}} {
			want(t, w.Factors.Remove(t.Context(), wrong[0], wrong[1], store.Remainder{}, by(1)), store.ErrNotFound)
		}
		same(t, still(), true)
		must(t, w.Factors.Remove(t.Context(), "p", "p-totp1", store.Remainder{}, by(2)))
		w.last(t, store.Change{At: at(2), Kind: "factor.removed", ID: "p-totp1", Actor: "operator", Trace: "trace2"})
		w.factors(t, "p", password("p"))
		same(t, still(), false)
		want(t, w.Factors.Remove(t.Context(), "p", "p-totp1", store.Remainder{}, by(3)), store.ErrNotFound)
	},
	"P15 remove while the rest stays": func(t *testing.T, w *world) {
		w.person(t, "p")
		w.person(t, "q")
		for _, f := range []store.Factor{totp("p", 1), totp("q", 1)} {
			must(t, w.Factors.Add(t.Context(), f, by(0)))
		}
		for _, i := range []store.Identity{identity("p"), identity("q")} {
			must(t, w.Identities.Link(t.Context(), i, by(0)))
		}
		still := w.remembered(t, 1)
		before := w.newSeq(t)
		second := store.Identity{Issuer: "https://another.example", Subject: "p"}
		for name, stays := range map[string]store.Remainder{
			"itself":                 {Factors: []string{"p-totp1"}, Identities: []store.Identity{identity("p")}},
			"one that is not":        {Factors: []string{"p-password", "p-totp2"}},
			"another one's":          {Factors: []string{"q-totp1"}},
			"an identity that isn't": {Factors: []string{"p-password"}, Identities: []store.Identity{identity("p"), second}},
			"another one's identity": {Identities: []store.Identity{identity("q")}},
		} {
			if err := w.Factors.Remove(t.Context(), "p", "p-totp1", stays, by(1)); !is(err, store.ErrConflict) {
				t.Errorf("remove, %s: %v", name, err)
			}
			if name == "itself" {
				continue
			}
			if err := w.Identities.Unlink(t.Context(), identity("p"), stays, by(1)); !is(err, store.ErrConflict) {
				t.Errorf("unlink, %s: %v", name, err)
			}
		}
		itself := store.Remainder{Identities: []store.Identity{identity("p")}}
		want(t, w.Identities.Unlink(t.Context(), identity("p"), itself, by(1)), store.ErrConflict)
		w.factors(t, "p", password("p"), totp("p", 1))
		w.identities(t, "p", identity("p"))
		same(t, w.newSeq(t), before)
		same(t, still(), true)
		all := store.Remainder{Factors: []string{"p-password"}, Identities: []store.Identity{identity("p")}}
		must(t, w.Factors.Remove(t.Context(), "p", "p-totp1", all, by(2)))
		must(t, w.Identities.Unlink(t.Context(), identity("p"), store.Remainder{Factors: []string{"p-password"}}, by(3)))
		w.factors(t, "p", password("p"))
		w.identities(t, "p")
	},
	// Each of many counts on the next: whoever comes after a neighbour finds it gone.
	"P15 remove at once": func(t *testing.T, w *world) {
		w.person(t, "p")
		other := w.open(t)
		pair := []store.Factor{totp("p", 1), passkey("p", 1)}
		for _, f := range pair {
			must(t, w.Factors.Add(t.Context(), f, by(0)))
		}
		n, failed := race(t, func(i int) error {
			factors := w.Factors
			if i/2%2 == 0 {
				factors = other.Factors
			}
			return factors.Remove(t.Context(), "p", pair[i%2].ID, store.Remainder{Factors: []string{pair[1-i%2].ID}}, by(1))
		})
		if n != 1 || failed[store.ErrConflict]+failed[store.ErrNotFound] != many-1 {
			t.Errorf("%d removed, others: %v; want one", n, failed)
		}
		got, err := w.Factors.Of(t.Context(), "p")
		must(t, err)
		same(t, len(got), 2) // the password and one of the pair
	},
	"P06 use": func(t *testing.T, w *world) {
		w.person(t, "p")
		zero := passkey("p", 2)
		zero.Counter = 0
		for _, f := range []store.Factor{totp("p", 1), passkey("p", 1), zero, recovery("p", 1)} {
			must(t, w.Factors.Add(t.Context(), f, by(0)))
		}
		still := w.remembered(t, 1)
		before := w.newSeq(t)
		for _, row := range []struct {
			id      string
			counter int64
			want    error
		}{
			{"p-totp1", 1000, store.ErrSpent},
			{"p-totp1", 999, store.ErrSpent},
			{"p-totp1", 1001, nil},
			{"p-totp1", 1001, store.ErrSpent},
			{"p-passkey1", 1000, store.ErrSpent},
			{"p-passkey1", 0, store.ErrSpent},
			{"p-passkey1", 1005, nil},
			{"p-passkey1", 1004, store.ErrSpent},
			{"p-passkey2", 0, nil},
			{"p-passkey2", 0, nil},
			{"p-passkey2", 1, nil},
			{"p-passkey2", 0, store.ErrSpent},
			{"p-recovery1", 0, nil},
			{"p-recovery1", 0, store.ErrSpent},
			{"p-password", 0, nil},
			{"p-password", 0, nil},
			{"x", 5000, store.ErrSpent},
			{"", 5000, store.ErrSpent},
			{"a\x00", 5000, store.ErrSpent},
		} {
			if err := w.Factors.Use(t.Context(), row.id, row.counter, at(1)); !is(err, row.want) {
				t.Errorf("%s with %d: %v, want %v", row.id, row.counter, err, row.want)
			}
		}
		must(t, w.Factors.Use(t.Context(), "p-password", 0, at(0))) // LastUsedAt does not move back
		used := []store.Factor{password("p"), totp("p", 1), passkey("p", 1), zero}
		used[1].Counter, used[2].Counter, used[3].Counter = 1001, 1005, 1
		for i := range used {
			used[i].LastUsedAt = at(1)
		}
		w.factors(t, "p", used[0], used[2], used[1], used[3])
		same(t, w.newSeq(t), before)
		same(t, still(), true)
		refused(t, "time", w.Factors.Use(t.Context(), "p-totp1", 5000, time.Unix(1<<60, 0)))
	},
	"P06 use at once": func(t *testing.T, w *world) {
		w.person(t, "p")
		other := w.open(t)
		for _, f := range []store.Factor{totp("p", 1), passkey("p", 1), recovery("p", 1)} {
			must(t, w.Factors.Add(t.Context(), f, by(0)))
			onlyOne(t, store.ErrSpent, func(i int) error {
				factors := w.Factors
				if i%2 == 0 {
					factors = other.Factors
				}
				return factors.Use(t.Context(), f.ID, 1001, at(1))
			})
		}
	},
}
