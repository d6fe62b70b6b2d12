package activity_test

import (
	"testing"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/store"
)

// TestTook: half, 95 and 99 in a hundred, from the bounds that they fall between.
func TestTook(t *testing.T) {
	const beyond = len(activity.TookBounds)
	for name, row := range map[string]struct {
		took                 map[int]int64
		half, most, almostIs time.Duration
	}{
		"no answers":      {nil, 0, 0, 0},
		"one":             {map[int]int64{2: 1}, 750 * time.Microsecond, 975 * time.Microsecond, 995 * time.Microsecond},
		"in the first":    {map[int]int64{0: 100}, 100 * time.Microsecond, 190 * time.Microsecond, 198 * time.Microsecond},
		"in two, apart":   {map[int]int64{0: 50, 4: 50}, 200 * time.Microsecond, 4750 * time.Microsecond, 4950 * time.Microsecond},
		"beyond the last": {map[int]int64{beyond: 7}, 10 * time.Second, 10 * time.Second, 10 * time.Second},
		"a slow one":      {map[int]int64{0: 99, beyond: 1}, 101010 * time.Nanosecond, 191919 * time.Nanosecond, 200 * time.Microsecond},
	} {
		var took activity.Took
		for i, n := range row.took {
			took[i] = n
		}
		for share, want := range map[float64]time.Duration{.5: row.half, .95: row.most, .99: row.almostIs} {
			if got := took.Within(share); (got - want).Abs() > time.Microsecond {
				t.Errorf("%s: %v within %v, not %v", name, share, got, want)
			}
		}
	}
}

// TestTookIsRemembered: by the hour in the store, and comes back as it was.
func TestTookIsRemembered(t *testing.T) {
	f := open(t)
	var token, call, want activity.Took
	for i := range token {
		token[i], call[i] = int64(i+1), int64(100*i)
		want[i] = 2 * token[i]
	}
	for range 2 {
		f.Took(activity.TookToken, &token)
		f.flush(t)
	}
	f.Took(activity.TookCall, &call)
	f.flush(t)
	if all := f.tallies(t); len(all) > 0 {
		t.Errorf("among what happened there is %v", all)
	}
	all, err := f.store.Activity().Tallies(t.Context(), store.TallyQuery{Took: true, Limit: 99})
	if err != nil {
		t.Fatal(err)
	}
	var gotToken, gotCall activity.Took
	for i := range all {
		if !all[i].Hour.Equal(hour) || gotToken.AddTally(activity.TookToken, &all[i]) == gotCall.AddTally(activity.TookCall, &all[i]) {
			t.Errorf("%+v is of neither, both or another hour", all[i])
		}
	}
	if gotToken != want || gotCall != call {
		t.Errorf("token %v, not %v; call %v, not %v", gotToken, want, gotCall, call)
	}
	if last := f.LastHour().Minutes[60]; last.Token != want || last.Call != call {
		t.Errorf("in the last minute: %+v", last)
	}
}

func TestTalliesOfOtherVersions(t *testing.T) {
	for event, at := range map[string]int{
		"took.token.0.2ms": 0, "took.token.0.3ms": 1, "took.token.5ms": 4, "took.token.10000ms": 13, "took.token.1h": 14, "took.token.more": 14,
		"took.token.": -1, "took.token.soon": -1, "took.call.5ms": -1, "token.issued": -1,
	} {
		var took activity.Took
		said := took.AddTally(activity.TookToken, &store.Tally{Event: event, Count: 1})
		if said != (at >= 0) || said && took[at] != 1 {
			t.Errorf("%s: %v %v", event, said, took)
		}
	}
}
