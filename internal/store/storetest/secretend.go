package storetest

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

var secretEndCases = map[string]func(*testing.T, *world){
	"replace": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Secrets.Replace(t.Context(), "c0a", secret("c", "c"), at(100), by(1)))
		c := client("c")
		c.Secrets = []store.Secret{c.Secrets[1], secret("c", "c")}
		same(t, w.find(t, "c"), c)
		w.last(t, store.Change{At: at(1), Kind: "secret.replaced", ID: "c0a", Client: "c", Actor: "operator", Trace: "trace1"})
		w.ended(t, store.Revocation{Seq: 2, Kind: store.RevokedSecret, ID: "c0a", IssuedBefore: at(100), ForgetAt: at(100)})
	},
	"replace what cannot be": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		must(t, w.Clients.Create(t.Context(), client("d"), by(0)))
		want(t, w.Secrets.Replace(t.Context(), "c0a", secret("c", "b"), at(100), by(1)), store.ErrConflict)
		for _, none := range []string{"x", "d0a", "a\x00"} {
			want(t, w.Secrets.Replace(t.Context(), none, secret("c", "c"), at(100), by(1)), store.ErrNotFound)
		}
		elsewhere := secret("x", "a")
		want(t, w.Secrets.Replace(t.Context(), "c0a", elsewhere, at(100), by(1)), store.ErrNotFound)
		same(t, w.find(t, "c"), client("c")) // nothing by halves
		same(t, len(w.kinds(t)), 2)
	},
	"replace at once": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))
		onlyOne(t, store.ErrNotFound, func(i int) error {
			return w.Secrets.Replace(t.Context(), "c0a", secret("c", id("n", i)), at(100), by(1))
		})
	},
	"ending": func(t *testing.T, w *world) {
		c := store.Client{ID: "c"}
		for i, end := range []time.Time{at(30), at(10), {}, at(20), at(10)} {
			s := secret("c", id("", i))
			s.ExpiresAt = end
			c.Secrets = append(c.Secrets, s)
		}
		must(t, w.Clients.Create(t.Context(), c, by(0)))
		must(t, w.Secrets.Revoke(t.Context(), "c", "c0003", at(100), by(1)))
		for _, row := range []struct {
			now, before int
			after       time.Time
			id          string
			limit       int
			want        []string
		}{
			{0, 100, time.Time{}, "", 9, []string{"c0001", "c0004", "c0000"}},
			{0, 30, time.Time{}, "", 9, []string{"c0001", "c0004"}},
			{10, 31, time.Time{}, "", 9, []string{"c0000"}}, // the others have expired
			{9, 31, time.Time{}, "", 1, []string{"c0001"}},
			{0, 100, at(10), "c0001", 1, []string{"c0004"}},
			{0, 100, at(30), "c0000", 9, nil},
			{0, 100, time.Time{}, "", 0, nil},
		} {
			all, err := w.Secrets.Ending(t.Context(), at(row.now), at(row.before), row.after, row.id, row.limit)
			must(t, err)
			var ids []string
			for _, s := range all {
				ids = append(ids, s.ID)
			}
			same(t, ids, row.want)
		}
		all, err := w.Secrets.Ending(t.Context(), at(0), at(100), time.Time{}, "", 1)
		must(t, err)
		first := secret("c", "001")
		first.ExpiresAt, first.Verifier = at(10), ""
		same(t, all, []store.Secret{first})
	},
}

var partnerClientCases = map[string]func(*testing.T, *world){
	"list": func(t *testing.T, w *world) {
		for i, partner := range []string{"p", "q", "p", "", "p"} {
			c := client(id("c", i))
			c.Partner = partner
			must(t, w.Clients.Create(t.Context(), c, by(0)))
		}
		must(t, w.Clients.Delete(t.Context(), "c002", at(100), by(1)))
		for _, row := range []struct {
			partner, after string
			limit          int
			want           []string
		}{{"p", "", 9, []string{"c000", "c004"}}, {"p", "c000", 9, []string{"c004"}}, {"p", "", 1, []string{"c000"}}, {"", "", 9, nil}, {"x", "", 9, nil}, {"a\x00", "", 9, nil}} {
			all, err := w.PartnerClients.ListOf(t.Context(), row.partner, row.after, row.limit)
			must(t, err)
			var ids []string
			for _, c := range all {
				ids = append(ids, c.ID)
				same(t, len(c.Secrets), 2)
			}
			same(t, ids, row.want)
		}
	},
	"change": func(t *testing.T, w *world) {
		from := client("c")
		must(t, w.Clients.Create(t.Context(), from, by(0)))
		to := from
		to.Partner = "other"
		must(t, w.Clients.Change(t.Context(), "c", store.ClientChange{From: from, To: to}, by(1)))
		same(t, w.find(t, "c"), to)
		want(t, w.Clients.Change(t.Context(), "c", store.ClientChange{From: from, To: to}, by(2)), store.ErrConflict)
	},
}

var historyCases = map[string]func(*testing.T, *world){
	"search": func(t *testing.T, w *world) {
		must(t, w.Clients.Create(t.Context(), client("c"), by(0)))         // 1
		must(t, w.Clients.Create(t.Context(), client("d"), second(1)))     // 2
		must(t, w.Secrets.Revoke(t.Context(), "c", "c0a", at(100), by(2))) // 3
		must(t, w.Clients.Disable(t.Context(), "c", at(100), second(3)))   // 4
		must(t, w.Secrets.Revoke(t.Context(), "d", "d0a", at(100), by(4))) // 5
		for _, row := range []struct {
			q    store.ChangeQuery
			want []int64
		}{
			{store.ChangeQuery{Limit: 9}, []int64{5, 4, 3, 2, 1}},
			{store.ChangeQuery{Limit: 2}, []int64{5, 4}},
			{store.ChangeQuery{Limit: 9, Before: 4}, []int64{3, 2, 1}},
			{store.ChangeQuery{Limit: 9, About: "c"}, []int64{4, 3, 1}},
			{store.ChangeQuery{Limit: 9, About: "c0a"}, []int64{3}},
			{store.ChangeQuery{Limit: 9, Kind: "secret."}, []int64{5, 3}},
			{store.ChangeQuery{Limit: 9, Kind: "client.created", About: "d"}, []int64{2}},
			{store.ChangeQuery{Limit: 9, Kind: "%"}, nil},
			{store.ChangeQuery{Limit: 9, Actor: "another"}, []int64{4, 2}},
			{store.ChangeQuery{Limit: 9, Actor: "another", About: "c", Before: 5, Kind: "client."}, []int64{4}},
			{store.ChangeQuery{Limit: 9, About: "a\x00"}, nil},
			{store.ChangeQuery{}, nil},
		} {
			all, err := w.History.Search(t.Context(), row.q)
			must(t, err)
			var numbers []int64
			for _, c := range all {
				numbers = append(numbers, c.Seq)
			}
			same(t, numbers, row.want)
		}
		all, err := w.History.Search(t.Context(), store.ChangeQuery{Limit: 1})
		must(t, err)
		last, err := w.Changes.Since(t.Context(), 4, 9)
		must(t, err)
		same(t, all, last)
	},
}
