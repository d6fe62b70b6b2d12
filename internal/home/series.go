package home

import (
	"fmt"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// A Series is what happened in each step of a time: a minute, hours, a day. It is not
// safe for concurrent use while anything is added.
type Series struct {
	since                           time.Time
	step                            time.Duration
	issued, reused, passed, refused []int64
	causes                          map[string][]int64 // of refused, by reason
	token, call                     []activity.Took
	unknown                         int // how many of the first steps nobody looked at
}

// NewSeries returns an empty series of the steps from since to the one that until lies
// in.
func NewSeries(since, until time.Time, step time.Duration) *Series {
	n := max(int(until.Sub(since)/step)+1, 1)
	count := func() []int64 { return make([]int64, n) }
	return &Series{
		since: since, step: step, issued: count(), reused: count(), passed: count(), refused: count(), causes: map[string][]int64{},
		token: make([]activity.Took, n), call: make([]activity.Took, n),
	}
}

// Add counts a tally, if it lies in the time.
func (s *Series) Add(t *store.Tally) {
	i := int(t.Hour.Sub(s.since) / s.step)
	switch {
	case t.Hour.Before(s.since) || i >= len(s.issued):
	case t.Refusal != "":
		s.refuse(i, t.Refusal, t.Count)
	case t.Event == activity.TokenIssued:
		s.issued[i] += t.Count
	case t.Event == activity.TokenReused:
		s.reused[i] += t.Count
	case t.Event == activity.CallPassed:
		s.passed[i] += t.Count
	case !s.token[i].AddTally(activity.TookToken, t):
		s.call[i].AddTally(activity.TookCall, t)
	}
}

func (s *Series) refuse(i int, reason string, n int64) {
	if s.causes[reason] == nil {
		s.causes[reason] = make([]int64, len(s.refused))
	}
	s.causes[reason][i] += n
	s.refused[i] += n
}

// LastHour is the series of an hour by the minute.
func LastHour(h activity.Hour) *Series {
	first, last := h.Minutes[0].At, h.Minutes[len(h.Minutes)-1].At
	s := NewSeries(first, last, time.Minute)
	for i, m := range h.Minutes {
		if !h.Since.IsZero() && m.At.Add(time.Minute).Before(h.Since) {
			s.unknown = i + 1
		}
		s.issued[i], s.reused[i], s.passed[i], s.token[i], s.call[i] = m.Issued, m.Reused, m.Passed, m.Token, m.Call
		for reason, n := range m.Refused {
			s.refuse(i, reason, n)
		}
	}
	return s
}

// each is what a step is called.
func (s *Series) each() string {
	switch s.step {
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	case 24 * time.Hour:
		return "day"
	}
	return fmt.Sprintf("%.0f hours", s.step.Hours())
}

func (s *Series) chart(name, title, unit string, counts []int64) web.ConsoleChart {
	c := web.ConsoleChart{Name: name, Title: title, Unit: unit, Days: s.step == 24*time.Hour, Step: s.each(), Unknown: s.unknown}
	for i, n := range counts {
		c.Values = append(c.Values, web.ConsoleValue{At: s.since.Add(time.Duration(i) * s.step), Count: n})
	}
	return c
}

// Charts draws how much there was. Prefix keeps their ids apart from others'.
func (s *Series) Charts(prefix string) []web.ConsoleChart {
	draw := func(name, title, unit string, counts []int64) web.ConsoleChart {
		return s.chart(prefix+"-"+name, title+" per "+s.each(), unit, counts)
	}
	tokens := draw("issued", "Tokens", "tokens", s.issued)
	if slices.Max(s.reused) > 0 {
		tokens.Line, tokens.Others = "new", []web.ConsoleLine{{Name: "again", Counts: s.reused}}
	}
	return []web.ConsoleChart{tokens, draw("passed", "Calls passed on", "calls", s.passed), draw("refused", "Refusals", "refusals", s.refused)}
}

// Took draws how long answers took, of each kind that there were any of.
func (s *Series) Took(prefix string) []web.ConsoleChart {
	var all []web.ConsoleChart
	for _, kind := range []struct {
		name, title string
		took        []activity.Took
	}{{"token", "Time for a token", s.token}, {"call", "Time for a call, with the API's own", s.call}} {
		var total activity.Took
		within := [3][]int64{}
		for i := range kind.took {
			total.Add(&kind.took[i])
			for j, share := range []float64{.5, .95, .99} {
				within[j] = append(within[j], int64(kind.took[i].Within(share)))
			}
		}
		if total.Count() == 0 {
			continue
		}
		c := s.chart(prefix+"-"+kind.name, kind.title, "", within[0])
		c.Times, c.Line, c.Others = true, "half", []web.ConsoleLine{{Name: "95\u00a0%", Counts: within[1]}, {Name: "99\u00a0%", Counts: within[2]}}
		c.Says = fmt.Sprintf("Of %s answers, half came within %s, 95\u00a0%% within %s, 99\u00a0%% within %s.",
			web.Thousands(total.Count()), web.Brief(total.Within(.5)), web.Brief(total.Within(.95)), web.Brief(total.Within(.99)))
		if total.Count() == 1 {
			c.Says = "1 answer, which came within " + web.Brief(total.Within(1)) + "."
		}
		all = append(all, c)
	}
	return all
}

// Causes is how often each reason for a refusal was in all of the time.
func (s *Series) Causes() map[string]int64 {
	all := map[string]int64{}
	for cause, counts := range s.causes {
		for _, n := range counts {
			all[cause] += n
		}
	}
	return all
}

// Over is how often one cause was when, less than 0 where that is not known.
func (s *Series) Over(cause string) []int64 {
	counts := slices.Clone(s.causes[cause])
	for i := range min(s.unknown, len(counts)) {
		counts[i] = -1
	}
	return counts
}

// mostCauses is how many causes have a column in the table of figures.
const mostCauses = 5

// Table says how often the first five of the causes were when, and all together; nil
// where nothing was refused.
func (s *Series) Table(causes []string) *web.ConsoleOver {
	if len(causes) == 0 {
		return nil
	}
	named := s.chart("", "", "", s.refused)
	causes = causes[:min(len(causes), mostCauses)]
	table := &web.ConsoleOver{Title: "Refusals by cause", Columns: append([]string{named.Each() + " (UTC)"}, causes...)}
	table.Columns = append(table.Columns, "all")
	for i, v := range named.Values {
		if v.Count == 0 {
			continue
		}
		row := web.ConsoleFigures{At: named.Label(v.At)}
		for _, c := range causes {
			n := int64(0)
			if of := s.causes[c]; of != nil {
				n = of[i]
			}
			row.Is = append(row.Is, web.Thousands(n))
		}
		table.Rows = append(table.Rows, web.ConsoleFigures{At: row.At, Is: append(row.Is, web.Thousands(v.Count))})
	}
	if len(table.Rows) == 0 {
		return nil
	}
	return table
}
