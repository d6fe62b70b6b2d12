package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/grantway/grantway/internal/store"
)

// noon is the beginning of an hour of the tests' day.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func tally(hours int, client string, count int64) store.Tally {
	return store.Tally{
		Hour: noon.Add(time.Duration(hours) * time.Hour), Client: client, Secret: client + "0a", API: "api",
		Event: "token.issued", Count: count,
	}
}

func refusedRequest(n int, client string) store.RefusedRequest {
	return store.RefusedRequest{
		Trace: id("trace", n), At: at(n), Client: client, Secret: client + "0a", API: "api", Route: "/token", Refusal: "secret-wrong",
	}
}

// apart asks for every tally as it was added.
var apart = store.TallyQuery{ByClient: true, BySecret: true, ByAPI: true, Limit: 1000}

func (w *world) tallies(t *testing.T, q store.TallyQuery, want ...store.Tally) {
	t.Helper()
	got, err := w.Activity.Tallies(t.Context(), q)
	must(t, err)
	same(t, got, want)
}

var activityCases = map[string]func(*testing.T, *world){
	"counts are added": func(t *testing.T, w *world) {
		failed := tally(0, "c", 2)
		failed.Event, failed.Refusal = "", "secret-wrong"
		must(t, w.Activity.Add(t.Context(), []store.Tally{tally(1, "c", 5), tally(0, "d", 7), tally(0, "c", 3), failed}, nil))
		must(t, w.Activity.Add(t.Context(), []store.Tally{tally(0, "c", 4)}, nil))
		must(t, w.Activity.Add(t.Context(), nil, nil))
		w.tallies(t, apart, failed, tally(0, "c", 7), tally(0, "d", 7), tally(1, "c", 5))
		same(t, w.kinds(t), []string(nil))
	},
	"counts are added, many at once": func(t *testing.T, w *world) {
		n, failed := race(t, func(int) error {
			return w.Activity.Add(t.Context(), []store.Tally{tally(0, "d", 1), tally(0, "c", 2)}, nil)
		})
		if n != many {
			t.Fatalf("failed: %v", failed)
		}
		w.tallies(t, apart, tally(0, "c", 2*many), tally(0, "d", many))
	},
	"which tallies": func(t *testing.T, w *world) {
		other := tally(0, "c", 1)
		other.API = "other"
		must(t, w.Activity.Add(t.Context(), []store.Tally{tally(0, "c", 2), other, tally(1, "c", 4), tally(1, "d", 8), tally(12, "d", 16)}, nil))
		for name, row := range map[string]struct {
			change func(*store.TallyQuery)
			want   []store.Tally
		}{
			"a client": {func(q *store.TallyQuery) { q.Client = "d" }, []store.Tally{tally(1, "d", 8), tally(12, "d", 16)}},
			"an API":   {func(q *store.TallyQuery) { q.API = "other" }, []store.Tally{other}},
			"both":     {func(q *store.TallyQuery) { q.API, q.Client = "other", "d" }, nil},
			"since its beginning": {
				func(q *store.TallyQuery) { q.Since = noon.Add(time.Hour) },
				[]store.Tally{tally(1, "c", 4), tally(1, "d", 8), tally(12, "d", 16)},
			},
			"since its end": {
				func(q *store.TallyQuery) { q.Since = noon.Add(2*time.Hour - time.Second) },
				[]store.Tally{tally(1, "c", 4), tally(1, "d", 8), tally(12, "d", 16)},
			},
			"since the next":      {func(q *store.TallyQuery) { q.Since = noon.Add(2 * time.Hour) }, []store.Tally{tally(12, "d", 16)}},
			"until its beginning": {func(q *store.TallyQuery) { q.Until = noon.Add(time.Hour) }, []store.Tally{tally(0, "c", 2), other}},
			"until later in it": {
				func(q *store.TallyQuery) { q.Until = noon.Add(time.Hour + time.Second) },
				[]store.Tally{tally(0, "c", 2), other, tally(1, "c", 4), tally(1, "d", 8)},
			},
			"a limit":               {func(q *store.TallyQuery) { q.Limit = 1 }, []store.Tally{tally(0, "c", 2)}},
			"after":                 {func(q *store.TallyQuery) { q.After = tally(1, "c", 0) }, []store.Tally{tally(1, "d", 8), tally(12, "d", 16)}},
			"of an impossible name": {func(q *store.TallyQuery) { q.Client = "a\x00" }, nil},
			"of a hostile name":     {func(q *store.TallyQuery) { q.Client = "' OR 1=1 --" }, nil},
		} {
			q := apart
			row.change(&q)
			got, err := w.Activity.Tallies(t.Context(), q)
			must(t, err)
			if diff := cmp.Diff(row.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s differs (-want +got):\n%s", name, diff)
			}
		}
	},
	"tallies added up": func(t *testing.T, w *world) {
		must(t, w.Activity.Add(t.Context(), []store.Tally{tally(0, "c", 2), tally(1, "c", 4), tally(1, "d", 8), tally(12, "d", 16)}, nil))
		sum := func(at time.Time, n int64) store.Tally {
			return store.Tally{Hour: at, Event: "token.issued", Count: n}
		}
		today, tomorrow := noon.Add(-12*time.Hour), noon.Add(12*time.Hour)
		w.tallies(t, store.TallyQuery{Limit: 9}, sum(noon, 2), sum(noon.Add(time.Hour), 12), sum(tomorrow, 16))
		w.tallies(t, store.TallyQuery{Limit: 9, Days: true}, sum(today, 14), sum(tomorrow, 16))
		w.tallies(t, store.TallyQuery{Limit: 9, Days: true, After: sum(today, 0)}, sum(tomorrow, 16))
		c, d, e := sum(today, 6), sum(today, 8), sum(tomorrow, 16)
		c.Client, d.Client, e.Client = "c", "d", "d"
		w.tallies(t, store.TallyQuery{Limit: 9, Days: true, ByClient: true}, c, d, e)
		c.API, d.API, e.API = "api", "api", "api"
		w.tallies(t, store.TallyQuery{Limit: 9, Days: true, ByClient: true, ByAPI: true}, c, d, e)
	},
	"how long answers took is asked for by itself": func(t *testing.T, w *world) {
		took, before, after := tally(0, "", 3), tally(0, "c", 1), tally(0, "c", 2)
		took.Secret, took.API, took.Event = "", "", store.EventTook+"token.5ms"
		before.Event, after.Event = "took", "took/"
		must(t, w.Activity.Add(t.Context(), []store.Tally{took, before, after}, nil))
		w.tallies(t, apart, before, after)
		w.tallies(t, store.TallyQuery{Took: true, Limit: 9}, took)
		took.Hour = noon.Add(-12 * time.Hour)
		w.tallies(t, store.TallyQuery{Took: true, Days: true, Limit: 9}, took)
	},
	"a refused request is found by its trace": func(t *testing.T, w *world) {
		again := refusedRequest(1, "c")
		again.At = at(5)
		must(t, w.Activity.Add(t.Context(), nil, []store.RefusedRequest{again, refusedRequest(1, "c"), refusedRequest(2, "d")}))
		must(t, w.Activity.Add(t.Context(), nil, []store.RefusedRequest{refusedRequest(1, "c")})) // the same once more
		got, err := w.Activity.Refused(t.Context(), id("trace", 1))
		must(t, err)
		same(t, got, []store.RefusedRequest{refusedRequest(1, "c"), again})
		for _, unknown := range []string{"trace", "", "a\x00"} {
			_, err = w.Activity.Refused(t.Context(), unknown)
			want(t, err, store.ErrNotFound)
		}
	},
	"the refused requests of a client": func(t *testing.T, w *world) {
		must(t, w.Activity.Add(t.Context(), nil, []store.RefusedRequest{refusedRequest(1, "c"), refusedRequest(3, "c"), refusedRequest(2, "")}))
		for _, row := range []struct {
			client string
			limit  int
			want   []store.RefusedRequest
		}{
			{"c", 9, []store.RefusedRequest{refusedRequest(3, "c"), refusedRequest(1, "c")}},
			{"c", 1, []store.RefusedRequest{refusedRequest(3, "c")}},
			{"", 2, []store.RefusedRequest{refusedRequest(3, "c"), refusedRequest(2, "")}},
			{"d", 9, nil},
			{"a\x00", 9, nil},
		} {
			got, err := w.Activity.RefusedOf(t.Context(), row.client, row.limit)
			must(t, err)
			same(t, got, row.want)
		}
	},
	"the newest refused requests are kept": func(t *testing.T, w *world) {
		var all []store.RefusedRequest
		for i := range store.RefusedKept {
			all = append(all, refusedRequest(i, "c"))
		}
		must(t, w.Activity.Add(t.Context(), nil, append(all, refusedRequest(9999, "d"))))
		same(t, w.refusals(t, "c"), store.RefusedKept)
		must(t, w.Activity.Add(t.Context(), nil, []store.RefusedRequest{refusedRequest(store.RefusedKept, "c")}))
		same(t, w.refusals(t, "c"), store.RefusedKept)
		_, err := w.Activity.Refused(t.Context(), id("trace", 0))
		want(t, err, store.ErrNotFound)
		_, err = w.Activity.Refused(t.Context(), id("trace", 1))
		must(t, err)
		same(t, w.refusals(t, "d"), 1)
	},
	"both or nothing": func(t *testing.T, w *world) {
		bad := refusedRequest(1, "a\x00")
		refused(t, "refused request", w.Activity.Add(t.Context(), []store.Tally{tally(0, "c", 1)}, []store.RefusedRequest{bad}))
		refused(t, "tally", w.Activity.Add(t.Context(), []store.Tally{tally(0, "a\xff", 1)}, []store.RefusedRequest{refusedRequest(1, "c")}))
		w.tallies(t, apart)
		same(t, w.refusals(t, ""), 0)
	},
	"purge": func(t *testing.T, w *world) {
		var tallies []store.Tally
		var requests []store.RefusedRequest
		for i := range 10 {
			tallies, requests = append(tallies, tally(i, "c", 1)), append(requests, refusedRequest(i, "c"))
		}
		must(t, w.Activity.Add(t.Context(), tallies, requests))
		for _, step := range []struct{ limit, want int }{{0, 0}, {3, 6}, {100, 4}, {100, 0}} {
			n, err := w.Activity.Purge(t.Context(), noon.Add(6*time.Hour), at(4), step.limit)
			must(t, err)
			same(t, n, step.want)
		}
		w.tallies(t, apart, tallies[6:]...)
		got, err := w.Activity.RefusedOf(t.Context(), "c", 100)
		must(t, err)
		slices.Reverse(got)
		same(t, got, requests[4:])
	},
	"it is there after reopening": func(t *testing.T, w *world) {
		must(t, w.Activity.Add(t.Context(), []store.Tally{tally(0, "c", 1)}, []store.RefusedRequest{refusedRequest(1, "c")}))
		must(t, w.Close())
		want(t, w.Activity.Add(t.Context(), []store.Tally{tally(0, "c", 1)}, nil), store.ErrUnavailable)
		w.Roles = w.open(t)
		w.tallies(t, apart, tally(0, "c", 1))
		same(t, w.refusals(t, "c"), 1)
	},
}

// refusals counts a client's refused requests.
func (w *world) refusals(t *testing.T, client string) int {
	t.Helper()
	all, err := w.Activity.RefusedOf(t.Context(), client, 2*store.RefusedKept)
	must(t, err)
	return len(all)
}
