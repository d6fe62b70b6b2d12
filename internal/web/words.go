package web

import (
	"html/template"
	"strings"
	"time"
)

// Used says when something was last used, if it was.
func (s *sheet) Used(at time.Time) template.HTML {
	if at.IsZero() {
		return s.T("account.unused")
	}
	return s.T("account.used", "when", s.Ago(at))
}

// Ago is a moment as people say it, with the exact one on hover and for programs.
func (s *sheet) Ago(at time.Time) template.HTML {
	passed := s.Now.Sub(at)
	if passed < time.Minute && passed > -time.Minute {
		return s.moment(at, s.T("time.now"))
	}
	if passed < 0 {
		return s.moment(at, s.T("time.in", "span", s.Span((-passed).Round(time.Minute))))
	}
	return s.moment(at, s.T("time.ago", "span", s.Span(passed)))
}

// Exact is a moment in the reader's zone, for people.
func (s *sheet) Exact(at time.Time) template.HTML {
	return s.moment(at, template.HTML(template.HTMLEscapeString(at.In(s.Zone).Format("2006-01-02 15:04 MST"))))
}

func (s *sheet) moment(at time.Time, words template.HTML) template.HTML {
	return template.HTML(`<time datetime="`+at.UTC().Format(time.RFC3339)+`" title="`+template.HTMLEscapeString(s.local(at))+`">`) + words + "</time>"
}

func (s *sheet) local(at time.Time) string { return at.In(s.Zone).Format("2006-01-02 15:04:05 MST") }

// Span is a duration in its largest unit, rounded down.
func (s *sheet) Span(d time.Duration) template.HTML {
	const day = 24 * time.Hour
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{365 * day, "year"}, {30 * day, "month"}, {day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		// One of a unit is said only of those that are always as long: "30 days".
		if n := int(d / u.unit); n >= 2 || n == 1 && u.unit <= day {
			return s.Count("time."+u.name, n)
		}
	}
	return s.Count("time.second", max(int(d/time.Second), 1))
}

// Count is a text for a number of things: its key ends in .one or .many.
func (s *sheet) Count(key string, n int) template.HTML {
	if n == 1 {
		return s.T(key+".one", "n", n)
	}
	return s.T(key+".many", "n", n)
}

// longWord is how long a name or an address can be before it may be broken, in
// bytes.
const longWord = 24

// Pieces are the parts of a name or an address between which a line may end: a long
// one is broken behind a slash sooner than anywhere.
func Pieces(s string) []string {
	if len(s) <= longWord {
		return []string{s}
	}
	var pieces []string
	for piece := range strings.SplitAfterSeq(s, "/") {
		if n := len(pieces); n > 0 && (len(piece) < 2 || strings.HasSuffix(pieces[n-1], "//")) { // "https://" stays with its host
			pieces[n-1] += piece
			continue
		}
		pieces = append(pieces, piece)
	}
	return pieces
}
