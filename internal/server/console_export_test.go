package server

import (
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/store"
)

// TestConsoleExportsEveryDay: what few requests a day make is little over many days,
// and is there to the last of them.
func TestConsoleExportsEveryDay(t *testing.T) {
	t.Parallel()
	s, _ := consoled(t)
	b, _ := s.operator(t, "anna", home.Owner)
	const days = 300
	var tallies []store.Tally
	for i := range days {
		tallies = append(tallies, store.Tally{Hour: begin.Add(-time.Duration(i) * 24 * time.Hour).Truncate(time.Hour), Client: "harbour", API: "notes", Event: "token.issued", Count: 7})
	}
	if err := s.environment("staging").resources.store.Activity().Add(t.Context(), tallies, nil); err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[string]int{"400": days, "300": days, "299": days - 1, "1": 1} {
		got := b.visit("/console/activity/export?environment=staging&client=harbour&format=csv&days=" + asked).body
		if strings.Count(got, ",harbour,notes,token.issued,,7\n") != want || strings.Contains(got, "There is more") {
			t.Errorf("%s days: %d lines, not %d:\n%.300s", asked, strings.Count(got, "\n"), want+1, got)
		}
	}
}
