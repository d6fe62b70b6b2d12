package home

import (
	"slices"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/store"
)

// TestSeries: a tally of an hour stands there, and one outside of the time nowhere.
func TestSeries(t *testing.T) {
	since := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	s := NewSeries(since, since.Add(3*time.Hour+time.Minute), time.Hour)
	for _, one := range []store.Tally{
		{Hour: since, Event: activity.TokenIssued, Count: 1},
		{Hour: since.Add(3 * time.Hour), Event: activity.TokenIssued, Count: 5},
		{Hour: since.Add(3 * time.Hour), Event: activity.TokenReused, Count: 7},
		{Hour: since.Add(time.Hour), Event: activity.CallPassed, Count: 2},
		{Hour: since.Add(time.Hour), Refusal: "secret-wrong", Count: 3},
		{Hour: since.Add(-time.Hour), Event: activity.TokenIssued, Count: 99},
		{Hour: since.Add(4 * time.Hour), Event: activity.TokenIssued, Count: 99},
	} {
		s.Add(&one)
	}
	if !slices.Equal(s.issued, []int64{1, 0, 0, 5}) || !slices.Equal(s.passed, []int64{0, 2, 0, 0}) || !slices.Equal(s.refused, []int64{0, 3, 0, 0}) {
		t.Errorf("%v %v %v", s.issued, s.passed, s.refused)
	}
	tokens := s.Charts("x")[0]
	if len(tokens.Others) != 1 || !slices.Equal(tokens.Others[0].Counts, []int64{0, 0, 0, 7}) || tokens.Sum() != 6 {
		t.Errorf("tokens that were given again stand beside the new ones: %+v", tokens)
	}
	if quiet := NewSeries(since, since, time.Hour).Charts("x")[0]; quiet.Line != "" || quiet.Others != nil {
		t.Errorf("where none was given again there is one line: %+v", quiet)
	}
}
