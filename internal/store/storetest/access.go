package storetest

import (
	"testing"

	"github.com/grantway/grantway/internal/store"
)

// accessRequest is the fixture: a member's request with every field set that it
// has when it is asked.
func accessRequest(n int) store.AccessRequest {
	return store.AccessRequest{
		ID: id("r", n), PartnerID: "p", AccountID: "a", Organised: "Ünïted", Person: "Zoë", Email: "zoe@example.org",
		Environment: "staging", ClientID: id("c", n), Application: "Sync <1>", Type: "machine", Redirects: []string{"https://a.example/"},
		Wanted: map[string][]string{"api": {"read", "write"}, "bare": {}}, Purpose: "To sync.\nDaily.", AskedAt: at(n),
	}
}

// stranger is a request of somebody who has no account.
func stranger(n int) store.AccessRequest {
	r := accessRequest(n)
	r.PartnerID, r.AccountID = "", ""
	return r
}

func (w *world) accessRequest(t *testing.T, n int) store.AccessRequest {
	t.Helper()
	r, err := w.AccessRequests.Find(t.Context(), id("r", n))
	must(t, err)
	return r
}

var narrowed = store.Decision{
	Decision: store.DecisionApproved, Allowed: map[string][]string{"api": {"read"}}, Reason: "Reading is enough.",
}

var accessCases = map[string]func(*testing.T, *world){
	"forget who asked": func(t *testing.T, w *world) {
		for n := range 5 {
			must(t, w.AccessRequests.Ask(t.Context(), accessRequest(n), store.AccessLimits{}, by(n)))
		}
		for n, decision := range map[int]string{0: store.DecisionRefused, 1: store.DecisionWithdrawn, 2: store.DecisionApproved, 3: store.DecisionApproved} {
			must(t, w.AccessRequests.Decide(t.Context(), id("r", n), store.Decision{Decision: decision}, by(10+n)))
		}
		must(t, w.AccessRequests.Done(t.Context(), "r002", by(20)))
		for _, row := range []struct{ before, limit, want int }{{10, 9, 0}, {11, 9, 1}, {11, 9, 0}, {90, 1, 1}, {90, 9, 1}, {90, 9, 0}} {
			n, err := w.AccessRequests.Forget(t.Context(), at(row.before), row.limit)
			must(t, err)
			same(t, n, row.want)
		}
		for n, asked := range map[int]bool{0: false, 1: false, 2: false, 3: true, 4: true} {
			r := w.accessRequest(t, n)
			if (r.Person != "") != asked || (r.Email != "") != asked || (r.Purpose != "") != asked || (r.Organised != "") != asked || r.Application == "" {
				t.Errorf("what is left of request %d: %+v", n, r)
			}
		}
	},
	"ask and find": func(t *testing.T, w *world) {
		must(t, w.AccessRequests.Ask(t.Context(), accessRequest(1), store.AccessLimits{}, by(1)))
		same(t, w.accessRequest(t, 1), accessRequest(1))
		w.last(t, store.Change{At: at(1), Kind: "access.asked", ID: "r001", Client: "c001", Actor: "operator", Trace: "trace1"})
		want(t, w.AccessRequests.Ask(t.Context(), accessRequest(1), store.AccessLimits{}, by(2)), store.ErrConflict)
		_, err := w.AccessRequests.Find(t.Context(), "x")
		want(t, err, store.ErrNotFound)
		bad := accessRequest(2)
		bad.Wanted = map[string][]string{"a\x00": nil}
		refused(t, "a text with NUL", w.AccessRequests.Ask(t.Context(), bad, store.AccessLimits{}, by(2)))
	},
	"so many strangers and no more": func(t *testing.T, w *world) {
		must(t, w.AccessRequests.Ask(t.Context(), stranger(1), store.AccessLimits{Open: 2}, by(1)))
		must(t, w.AccessRequests.Ask(t.Context(), stranger(2), store.AccessLimits{Open: 2}, by(1)))
		want(t, w.AccessRequests.Ask(t.Context(), stranger(3), store.AccessLimits{Open: 2}, by(1)), store.ErrSpent)
		must(t, w.AccessRequests.Ask(t.Context(), accessRequest(4), store.AccessLimits{Open: 2}, by(1))) // no stranger
		must(t, w.AccessRequests.Decide(t.Context(), "r001", store.Decision{Decision: store.DecisionRefused}, by(2)))
		must(t, w.AccessRequests.Ask(t.Context(), stranger(3), store.AccessLimits{Open: 2}, by(3)))
		want(t, w.AccessRequests.Ask(t.Context(), stranger(5), store.AccessLimits{Open: 2}, by(3)), store.ErrSpent)
	},
	"so many strangers from one network and no more": func(t *testing.T, w *world) {
		ask := func(n int, network string) error {
			limits := store.AccessLimits{Open: 5, OfNetwork: 2, Network: network}
			return w.AccessRequests.Ask(t.Context(), stranger(n), limits, by(1))
		}
		must(t, ask(1, "192.0.2.0/24"))
		must(t, ask(2, "192.0.2.0/24"))
		want(t, ask(3, "192.0.2.0/24"), store.ErrSpent)
		must(t, ask(4, "198.51.100.0/24"))
		must(t, ask(5, ""))
		must(t, w.AccessRequests.Decide(t.Context(), "r001", store.Decision{Decision: store.DecisionRefused}, by(2)))
		must(t, ask(3, "192.0.2.0/24"))
		refused(t, "a network with NUL", ask(6, "a\x00"))
	},
	"so many strangers, at once": func(t *testing.T, w *world) {
		n, failed := race(t, func(i int) error {
			return w.AccessRequests.Ask(t.Context(), stranger(i), store.AccessLimits{Open: 10}, by(1))
		})
		if n != 10 || failed[store.ErrSpent] != many-10 {
			t.Fatalf("%d were let in, others: %v", n, failed)
		}
	},
	"list": func(t *testing.T, w *world) {
		for i := range 5 {
			r := accessRequest(i)
			if i == 3 {
				r.PartnerID, r.AccountID = "q", "b"
			}
			r.AskedAt = at(i / 2) // two at a time
			must(t, w.AccessRequests.Ask(t.Context(), r, store.AccessLimits{}, by(i)))
		}
		must(t, w.AccessRequests.Decide(t.Context(), "r000", store.Decision{Decision: store.DecisionRefused}, by(9)))
		must(t, w.AccessRequests.Decide(t.Context(), "r001", narrowed, by(9)))
		must(t, w.AccessRequests.Decide(t.Context(), "r002", narrowed, by(9)))
		must(t, w.AccessRequests.Done(t.Context(), "r002", by(9)))
		for _, row := range []struct {
			q    store.AccessQuery
			want []string
		}{
			{store.AccessQuery{Limit: 9}, []string{"r004", "r003", "r002", "r001", "r000"}},
			{store.AccessQuery{Before: "r003", Limit: 2}, []string{"r002", "r001"}},
			{store.AccessQuery{PartnerID: "q", Limit: 9}, []string{"r003"}},
			{store.AccessQuery{AccountID: "a", Limit: 1}, []string{"r004"}},
			{store.AccessQuery{Open: true, Limit: 9}, []string{"r004", "r003", "r001"}},
			{store.AccessQuery{Before: "x", Limit: 9}, nil},
			{store.AccessQuery{}, nil},
		} {
			all, err := w.AccessRequests.List(t.Context(), row.q)
			must(t, err)
			var ids []string
			for _, r := range all {
				ids = append(ids, r.ID)
			}
			same(t, ids, row.want)
		}
	},
	"decide": func(t *testing.T, w *world) {
		must(t, w.AccessRequests.Ask(t.Context(), stranger(1), store.AccessLimits{Open: 1}, by(1)))
		d := narrowed
		d.PartnerID, d.AccountID = "p", "a"
		must(t, w.AccessRequests.Decide(t.Context(), "r001", d, by(2)))
		w.last(t, store.Change{At: at(2), Kind: "access.approved", ID: "r001", Client: "c001", Actor: "operator", Trace: "trace2"})
		r := accessRequest(1)
		r.Decision, r.Allowed, r.Reason, r.DecidedBy, r.DecidedAt = d.Decision, d.Allowed, d.Reason, "operator", at(2)
		same(t, w.accessRequest(t, 1), r)
		wrote := len(w.kinds(t))
		must(t, w.AccessRequests.Decide(t.Context(), "r001", d, second(3))) // the same again
		same(t, w.accessRequest(t, 1), r)
		wider := d
		wider.Allowed = map[string][]string{"api": {"read", "write"}}
		for _, other := range []store.Decision{{Decision: store.DecisionRefused}, {Decision: store.DecisionApproved}, wider} {
			want(t, w.AccessRequests.Decide(t.Context(), "r001", other, by(4)), store.ErrConflict)
		}
		want(t, w.AccessRequests.Decide(t.Context(), "x", d, by(4)), store.ErrNotFound)
		same(t, len(w.kinds(t)), wrote)
	},
	"decide at once": func(t *testing.T, w *world) {
		must(t, w.AccessRequests.Ask(t.Context(), accessRequest(1), store.AccessLimits{}, by(1)))
		n, failed := race(t, func(i int) error {
			return w.AccessRequests.Decide(t.Context(), "r001", store.Decision{Decision: store.DecisionApproved, Reason: id("", i)}, by(2))
		})
		if n != 1 || failed[store.ErrConflict] != many-1 {
			t.Fatalf("%d decided, others: %v", n, failed)
		}
	},
	"done": func(t *testing.T, w *world) {
		must(t, w.AccessRequests.Ask(t.Context(), accessRequest(1), store.AccessLimits{}, by(1)))
		want(t, w.AccessRequests.Done(t.Context(), "r001", by(2)), store.ErrConflict)
		must(t, w.AccessRequests.Decide(t.Context(), "r001", narrowed, by(2)))
		must(t, w.AccessRequests.Done(t.Context(), "r001", by(3)))
		w.last(t, store.Change{At: at(3), Kind: "access.done", ID: "r001", Client: "c001", Actor: "operator", Trace: "trace3"})
		wrote := len(w.kinds(t))
		must(t, w.AccessRequests.Done(t.Context(), "r001", by(4)))
		same(t, w.accessRequest(t, 1).DoneAt, at(3))
		same(t, len(w.kinds(t)), wrote)
		want(t, w.AccessRequests.Done(t.Context(), "x", by(4)), store.ErrNotFound)
	},
	"an erased person is named no more": func(t *testing.T, w *world) {
		w.person(t, "a")
		must(t, w.AccessRequests.Ask(t.Context(), accessRequest(1), store.AccessLimits{}, by(1)))
		must(t, w.Accounts.Delete(t.Context(), "a", at(100), by(2)))
		r := accessRequest(1)
		r.Person, r.Email = "", ""
		same(t, w.accessRequest(t, 1), r)
	},
	"what an erased person was told is gone": func(t *testing.T, w *world) {
		w.person(t, "a")
		told := func(id string) store.Notice {
			n := notice(1)
			n.ID = id
			return n
		}
		waits, sent, others := told("access.approved/r/a"), told("member.invited/p/a"), told("member.invited/p/aa")
		_, err := w.Notices.Queue(t.Context(), []store.Notice{waits, sent, others})
		must(t, err)
		must(t, w.Notices.Sent(t.Context(), []string{sent.ID}, at(1)))
		must(t, w.Accounts.Delete(t.Context(), "a", at(100), by(2)))
		w.claim(t, 1, 10, 9, func() store.Notice { n := others; n.Tries, n.DueAt = 1, at(10); return n }())
		n, err := w.Notices.Queue(t.Context(), []store.Notice{waits, sent, others})
		must(t, err)
		same(t, n, 2) // of what is there nothing is queued again
	},
}
