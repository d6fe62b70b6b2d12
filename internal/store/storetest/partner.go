package storetest

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// partner is the fixture: a partner with every field set, an admin and a
// developer.
func partner(id string) store.Partner {
	return store.Partner{
		ID: id, Name: "Ünïted <" + id + ">", Email: id + "@example.org", Homepage: "https://" + id + ".example", Verified: true,
		Members: []store.Member{
			{AccountID: "a", Role: store.MemberAdmin, Since: at(-20)},
			{AccountID: "b", Role: store.MemberDeveloper, Since: at(-10)},
		},
		CreatedAt: at(-20), DisabledAt: at(-5),
	}
}

func (w *world) partner(t *testing.T, id string) store.Partner {
	t.Helper()
	p, err := w.Partners.Find(t.Context(), id)
	must(t, err)
	return p
}

// partnered is a world with the accounts a, b and c and the partner p.
func (w *world) partnered(t *testing.T) {
	t.Helper()
	for _, id := range []string{"a", "b", "c"} {
		w.person(t, id)
	}
	must(t, w.Partners.Create(t.Context(), partner("p"), by(0)))
}

var partnerCases = map[string]func(*testing.T, *world){
	"create and find": func(t *testing.T, w *world) {
		w.partnered(t)
		same(t, w.partner(t, "p"), partner("p"))
		w.last(t, store.Change{At: at(0), Kind: "partner.created", ID: "p", Actor: "operator", Trace: "trace0"})
		for _, none := range []string{"x", ""} {
			_, err := w.Partners.Find(t.Context(), none)
			want(t, err, store.ErrNotFound)
		}
		must(t, w.Partners.Create(t.Context(), store.Partner{ID: "bare"}, by(1)))
		same(t, w.partner(t, "bare"), store.Partner{ID: "bare"})
	},
	"create what cannot be": func(t *testing.T, w *world) {
		w.partnered(t)
		before := len(w.kinds(t))
		want(t, w.Partners.Create(t.Context(), partner("p"), by(1)), store.ErrConflict)
		stranger := partner("q")
		stranger.Members = append(stranger.Members, store.Member{AccountID: "x", Role: store.MemberDeveloper, Since: at(0)})
		want(t, w.Partners.Create(t.Context(), stranger, by(1)), store.ErrNotFound)
		_, err := w.Partners.Find(t.Context(), "q")
		want(t, err, store.ErrNotFound)
		same(t, len(w.kinds(t)), before)
	},
	"create one at once": func(t *testing.T, w *world) {
		onlyOne(t, store.ErrConflict, func(i int) error {
			return w.Partners.Create(t.Context(), store.Partner{ID: "p"}, by(i))
		})
	},
	"list": func(t *testing.T, w *world) {
		w.partnered(t)
		for _, id := range []string{"q", "r", "s"} {
			p := partner(id)
			p.Members = p.Members[:1]
			must(t, w.Partners.Create(t.Context(), p, by(0)))
		}
		must(t, w.Partners.Delete(t.Context(), "r", by(1)))
		for _, row := range []struct {
			q    store.PartnerQuery
			want []string
		}{
			{store.PartnerQuery{Limit: 9}, []string{"p", "q", "s"}},
			{store.PartnerQuery{After: "p", Limit: 1}, []string{"q"}},
			{store.PartnerQuery{Member: "b", Limit: 9}, []string{"p"}},
			{store.PartnerQuery{Member: "a", After: "q", Limit: 9}, []string{"s"}},
			{store.PartnerQuery{Member: "c", Limit: 9}, nil},
			{store.PartnerQuery{}, nil},
		} {
			all, err := w.Partners.List(t.Context(), row.q)
			must(t, err)
			var ids []string
			for _, p := range all {
				ids = append(ids, p.ID)
			}
			same(t, ids, row.want)
			if len(all) > 0 && all[0].ID == "p" {
				same(t, all[0], partner("p")) // all its members, whoever was asked for
			}
		}
	},
	"describe": func(t *testing.T, w *world) {
		w.partnered(t)
		is := partner("p")
		is.Name, is.Email, is.Homepage, is.Verified = "Other", "", "", false
		change := is
		change.Members, change.CreatedAt = nil, at(9) // not looked at
		must(t, w.Partners.Describe(t.Context(), change, by(1)))
		same(t, w.partner(t, "p"), is)
		w.last(t, store.Change{At: at(1), Kind: "partner.described", ID: "p", Actor: "operator", Trace: "trace1"})
		want(t, w.Partners.Describe(t.Context(), store.Partner{ID: "x"}, by(2)), store.ErrNotFound)
	},
	"disable and enable": func(t *testing.T, w *world) {
		w.partnered(t)
		must(t, w.Partners.SetDisabled(t.Context(), "p", true, by(1))) // it is already
		same(t, w.partner(t, "p").DisabledAt, at(-5))
		must(t, w.Partners.SetDisabled(t.Context(), "p", false, by(2)))
		w.last(t, store.Change{At: at(2), Kind: "partner.enabled", ID: "p", Actor: "operator", Trace: "trace2"})
		same(t, w.partner(t, "p").DisabledAt, time.Time{})
		must(t, w.Partners.SetDisabled(t.Context(), "p", true, by(3)))
		w.last(t, store.Change{At: at(3), Kind: "partner.disabled", ID: "p", Actor: "operator", Trace: "trace3"})
		same(t, w.partner(t, "p").DisabledAt, at(3))
		want(t, w.Partners.SetDisabled(t.Context(), "x", true, by(4)), store.ErrNotFound)
	},
	"delete": func(t *testing.T, w *world) {
		w.partnered(t)
		must(t, w.AccessRequests.Ask(t.Context(), accessRequest(1), store.AccessLimits{}, by(1)))
		must(t, w.Partners.Delete(t.Context(), "p", by(2)))
		w.last(t, store.Change{At: at(2), Kind: "partner.deleted", ID: "p", Actor: "operator", Trace: "trace2"})
		_, err := w.Partners.Find(t.Context(), "p")
		want(t, err, store.ErrNotFound)
		_, err = w.AccessRequests.Find(t.Context(), "r001")
		want(t, err, store.ErrNotFound)
		want(t, w.Partners.Delete(t.Context(), "p", by(3)), store.ErrNotFound)
		want(t, w.Partners.Create(t.Context(), store.Partner{ID: "p"}, by(3)), store.ErrConflict)
		all, err := w.Partners.List(t.Context(), store.PartnerQuery{Member: "a", Limit: 9})
		must(t, err)
		same(t, len(all), 0)
	},
	"members": func(t *testing.T, w *world) {
		w.partnered(t)
		set := func(account, role string, n int, members ...store.Member) {
			t.Helper()
			must(t, w.Partners.SetMember(t.Context(), "p", account, role, by(n)))
			same(t, w.partner(t, "p").Members, members)
		}
		admin, developer := partner("p").Members[0], partner("p").Members[1]
		third := store.Member{AccountID: "c", Role: store.MemberAdmin, Since: at(1)}
		set("c", store.MemberAdmin, 1, admin, developer, third)
		w.last(t, store.Change{At: at(1), Kind: "partner.member", ID: "p", Actor: "operator", Trace: "trace1"})
		wrote := len(w.kinds(t))
		set("c", store.MemberAdmin, 2, admin, developer, third)
		same(t, len(w.kinds(t)), wrote)
		admin.Role = store.MemberDeveloper
		set("a", store.MemberDeveloper, 3, admin, developer, third) // since when stays
		set("b", "", 4, admin, third)
		set("b", "", 5, admin, third)
		want(t, w.Partners.SetMember(t.Context(), "p", "c", "", by(6)), store.ErrConflict) // the last admin
		want(t, w.Partners.SetMember(t.Context(), "p", "c", store.MemberDeveloper, by(6)), store.ErrConflict)
		want(t, w.Partners.SetMember(t.Context(), "p", "x", store.MemberAdmin, by(6)), store.ErrNotFound)
		want(t, w.Partners.SetMember(t.Context(), "x", "a", store.MemberAdmin, by(6)), store.ErrNotFound)
	},
	"the last admin, many at once": func(t *testing.T, w *world) {
		p := store.Partner{ID: "p"}
		for i := range many {
			w.person(t, id("a", i))
			p.Members = append(p.Members, store.Member{AccountID: id("a", i), Role: store.MemberAdmin, Since: at(0)})
		}
		must(t, w.Partners.Create(t.Context(), p, by(0)))
		n, failed := race(t, func(i int) error { return w.Partners.SetMember(t.Context(), "p", id("a", i), "", by(1)) })
		if n != many-1 || failed[store.ErrConflict] != 1 {
			t.Fatalf("%d left, others: %v", n, failed)
		}
		same(t, len(w.partner(t, "p").Members), 1)
	},
	"an erased person is no member": func(t *testing.T, w *world) {
		w.partnered(t)
		must(t, w.Accounts.Delete(t.Context(), "b", at(100), by(1)))
		same(t, w.partner(t, "p").Members, partner("p").Members[:1])
	},
}
