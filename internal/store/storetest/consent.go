package storetest

import (
	"testing"

	"github.com/grantway/grantway/internal/store"
)

// allow starts a grant with a consent, or under the one that there is.
func (w *world) allow(t *testing.T, n int, client string, c *store.Consent, seconds int) {
	t.Helper()
	g := grant(n)
	g.ClientID, g.CreatedAt = client, at(seconds)
	r := request(n)
	r.ClientID = client
	must(t, w.Requests.Save(t.Context(), r))
	must(t, w.Grants.Start(t.Context(), r.Hash, g, c, by(seconds)))
}

func (w *world) consent(t *testing.T, client string, wanted store.Consent) {
	t.Helper()
	wanted.AccountID, wanted.ClientID = "p", client
	got, err := w.Consents.Find(t.Context(), "p", client)
	must(t, err)
	same(t, got, wanted)
}

var consentCases = map[string]func(*testing.T, *world){
	"give, use and give again": func(t *testing.T, w *world) {
		w.people(t)
		w.allow(t, 0, "c", nil, 0) // nothing is remembered of this one
		_, err := w.Consents.Find(t.Context(), "p", "c")
		want(t, err, store.ErrNotFound)
		first := store.Consent{
			AccountID: "somebody else", ClientID: "another", Allowed: map[string][]string{"a": {"read", "write"}, "b": {"read"}, "c": {}}, Redirects: []string{"https://a.example/<&>"},
			GivenAt: at(1), UsedAt: at(999),
		}
		w.allow(t, 1, "c", &first, 2)
		first.UsedAt = at(2)
		w.consent(t, "c", first)
		w.allow(t, 2, "c", nil, 5)
		first.UsedAt = at(5)
		w.consent(t, "c", first)
		w.allow(t, 3, "c", nil, 4) // it never moves back
		w.consent(t, "c", first)
		more := store.Consent{Allowed: map[string][]string{"a": {"read", "write"}}, GivenAt: at(6)}
		w.allow(t, 4, "c", &more, 6)
		more.UsedAt = at(6)
		w.consent(t, "c", more)
		for _, key := range [][2]string{{"p", "d"}, {"q", "c"}, {"a\x00", "c"}} {
			_, err := w.Consents.Find(t.Context(), key[0], key[1])
			want(t, err, store.ErrNotFound)
		}
	},
	"list": func(t *testing.T, w *world) {
		w.people(t)
		w.allow(t, 1, "c", &store.Consent{Allowed: map[string][]string{"a": {"read"}}}, 1)
		w.allow(t, 2, "d", &store.Consent{}, 2)
		order := func(account string) (ids []string) {
			all, err := w.Consents.List(t.Context(), account)
			must(t, err)
			for _, c := range all {
				ids = append(ids, c.ClientID)
			}
			return ids
		}
		same(t, order("p"), []string{"d", "c"})
		w.allow(t, 3, "c", nil, 3)
		same(t, order("p"), []string{"c", "d"})
		same(t, order("q"), []string(nil))
		same(t, order("a\x00"), []string(nil))
	},
	"F09 withdraw": func(t *testing.T, w *world) {
		w.people(t)
		w.allow(t, 1, "c", &store.Consent{Allowed: map[string][]string{"a": {"read"}}}, 1)
		w.allow(t, 2, "c", nil, 1)
		w.allow(t, 3, "c", nil, 1)
		w.allow(t, 4, "d", &store.Consent{}, 1)
		w.redeem(t, code("g001"), 2, 1)
		must(t, w.Grants.End(t.Context(), "g003", at(5000), by(3)))
		before, err := w.Changes.Last(t.Context())
		must(t, err)
		must(t, w.Consents.Withdraw(t.Context(), "p", "c", at(5000), by(10)))
		w.last(t, store.Change{At: at(10), Kind: "consent.withdrawn", ID: "p", Client: "c", Actor: "operator", Trace: "trace10"})
		all, err := w.Revocations.Since(t.Context(), before, at(0))
		must(t, err)
		same(t, all, []store.Revocation{endedGrant(before+1, "g001"), endedGrant(before+1, "g002")})
		_, err = w.Grants.Commit(t.Context(), refresh("g001", 1), by(11))
		want(t, err, store.ErrSpent)
		_, err = w.Grants.Commit(t.Context(), code("g002"), by(11))
		want(t, err, store.ErrSpent)
		w.redeem(t, code("g004"), 11, 1)
		_, err = w.Consents.Find(t.Context(), "p", "c")
		want(t, err, store.ErrNotFound)
		want(t, w.Consents.Withdraw(t.Context(), "p", "c", at(5000), by(12)), store.ErrNotFound)
	},
	"withdraw what was not remembered": func(t *testing.T, w *world) {
		w.people(t)
		w.allow(t, 1, "c", nil, 1)
		for _, key := range [][2]string{{"p", "d"}, {"q", "c"}, {"a\x00", "c"}, {"p", "a\x00"}, {"p", ""}} {
			want(t, w.Consents.Withdraw(t.Context(), key[0], key[1], at(5000), by(2)), store.ErrNotFound)
		}
		must(t, w.Consents.Withdraw(t.Context(), "p", "c", at(5000), by(2)))
		same(t, w.grant(t, "g001").EndedAt, at(2))
		want(t, w.Consents.Withdraw(t.Context(), "p", "c", at(5000), by(3)), store.ErrNotFound)
	},
	"C10 withdraw, start and redeem at once": func(t *testing.T, w *world) {
		w.people(t)
		other := w.open(t)
		for i := range many {
			r := request(i)
			must(t, w.Requests.Save(t.Context(), r))
		}
		race(t, func(i int) error {
			if i%10 == 0 {
				return other.Consents.Withdraw(t.Context(), "p", "c", at(5000), by(i))
			}
			if err := w.Grants.Start(t.Context(), request(i).Hash, grant(i), &store.Consent{}, by(0)); err != nil {
				return err
			}
			_, err := other.Grants.Commit(t.Context(), code(id("g", i)), by(1))
			return err
		})
		if err := w.Consents.Withdraw(t.Context(), "p", "c", at(5000), by(2)); err != nil {
			want(t, err, store.ErrNotFound)
		}
		all, err := w.Grants.List(t.Context(), "p", at(3))
		must(t, err)
		same(t, len(all), 0)
	},
}
