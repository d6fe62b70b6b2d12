package storetest

import (
	"testing"

	"github.com/grantway/grantway/internal/store"
)

func identity(account string) store.Identity {
	return store.Identity{Issuer: "https://id.example/ü", Subject: "subject of " + account, AccountID: account}
}

var identityCases = map[string]func(*testing.T, *world){
	"V06 link, find and unlink": func(t *testing.T, w *world) {
		w.person(t, "p")
		w.person(t, "q")
		elsewhere := identity("p")
		elsewhere.Issuer = "https://another.example" // its subjects are others
		elsewhere.AccountID = "q"
		for i, one := range []store.Identity{identity("p"), identity("q"), elsewhere} {
			must(t, w.Identities.Link(t.Context(), one, by(i)))
			w.last(t, store.Change{At: at(i), Kind: "identity.linked", ID: one.AccountID, Actor: "operator", Trace: by(i).Trace})
			got, err := w.Identities.Find(t.Context(), one.Issuer, one.Subject)
			must(t, err)
			same(t, got, one)
		}
		w.identities(t, "p", identity("p"))
		w.identities(t, "q", elsewhere, identity("q"))
		w.identities(t, "x")
		w.identities(t, "a\x00")
		for _, unknown := range []store.Identity{
			{Issuer: identity("p").Issuer, Subject: "Subject of p"}, {Issuer: elsewhere.Issuer, Subject: "subject of q"}, {}, {Issuer: "a\x00"},
		} {
			_, err := w.Identities.Find(t.Context(), unknown.Issuer, unknown.Subject)
			want(t, err, store.ErrNotFound)
		}

		before := w.newSeq(t)
		taken := identity("p")
		for _, account := range []string{"p", "q"} {
			taken.AccountID = account
			want(t, w.Identities.Link(t.Context(), taken, by(4)), store.ErrConflict)
		}
		want(t, w.Identities.Unlink(t.Context(), taken, store.Remainder{}, by(4)), store.ErrNotFound) // it is p's
		want(t, w.Identities.Link(t.Context(), identity("x"), by(4)), store.ErrNotFound)
		want(t, w.Identities.Unlink(t.Context(), identity("x"), store.Remainder{}, by(4)), store.ErrNotFound)
		wrong := identity("p")
		wrong.Subject = "\xff"
		refused(t, "text", w.Identities.Link(t.Context(), wrong, by(4)))
		want(t, w.Identities.Unlink(t.Context(), wrong, store.Remainder{}, by(4)), store.ErrNotFound)
		same(t, w.newSeq(t), before)

		must(t, w.Identities.Unlink(t.Context(), identity("p"), store.Remainder{}, by(5)))
		w.last(t, store.Change{At: at(5), Kind: "identity.unlinked", ID: "p", Actor: "operator", Trace: "trace5"})
		w.identities(t, "p")
		want(t, w.Identities.Unlink(t.Context(), identity("p"), store.Remainder{}, by(6)), store.ErrNotFound)
		must(t, w.Identities.Link(t.Context(), taken, by(7)))
	},
	"link at once": func(t *testing.T, w *world) {
		for i := range many {
			must(t, w.Accounts.Create(t.Context(), store.Account{ID: id("a", i), Key: id("a", i)}, nil, by(0)))
		}
		other := w.open(t)
		onlyOne(t, store.ErrConflict, func(i int) error {
			identities := w.Identities
			if i%2 == 0 {
				identities = other.Identities
			}
			return identities.Link(t.Context(), store.Identity{Issuer: "i", Subject: "s", AccountID: id("a", i)}, by(1))
		})
	},
}

func (w *world) identities(t *testing.T, account string, wanted ...store.Identity) {
	t.Helper()
	got, err := w.Identities.Of(t.Context(), account)
	must(t, err)
	same(t, got, wanted)
}
