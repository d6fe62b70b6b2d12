package web

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// What is to come is said as it was promised: thirty days are thirty for the minute
// after.
func TestMomentsAsPeopleSayThem(t *testing.T) {
	p := newPages(t, Theme{}, "")
	s := &sheet{view: view{Lang: English}, Showing: Showing{Now: now, Zone: time.UTC}, pages: p}
	const day = 24 * time.Hour
	for from, want := range map[time.Duration]string{
		-59 * time.Second:          ">just now<",
		59 * time.Second:           ">just now<",
		-time.Minute:               ">1 minute ago<",
		-2*time.Hour + time.Second: ">1 hour ago<",
		time.Minute:                ">in 1 minute<",
		30*day - 20*time.Second:    ">in 30 days<",
		30*day - time.Hour:         ">in 29 days<",
		-400 * day:                 ">13 months ago<",
	} {
		if got := isolation.Replace(string(s.Ago(now.Add(from)))); !strings.Contains(got, want) {
			t.Errorf("%v: %s, want %s", from, got, want)
		}
	}
}

func TestPieces(t *testing.T) {
	for s, want := range map[string][]string{
		"": {""}, "GET /notes": {"GET /notes"}, strings.Repeat("/a", longWord/2): {strings.Repeat("/a", longWord/2)},
		"https://auth.example.com/oauth2/token": {"https://auth.example.com/", "oauth2/", "token"},
		"https://api.example.com/v1//notes/":    {"https://api.example.com/", "v1//notes/"},
	} {
		got := Pieces(s)
		if !slices.Equal(got, want) || strings.Join(got, "") != s {
			t.Errorf("%q is %q", s, got)
		}
	}
}
