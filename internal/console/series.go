package console

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// A series is what happened in each minute, hour or day from a moment on.
type series struct {
	since                           time.Time
	step                            time.Duration
	issued, reused, passed, refused []int64
	causes                          map[string][]int64 // of refused, by reason
	token, call                     []activity.Took
	unknown                         int // how many of the first steps nobody looked at
}

func newSeries(since, until time.Time, daily bool) *series {
	if daily {
		return newSteps(since, until, 24*time.Hour)
	}
	return newSteps(since, until, time.Hour)
}

func newSteps(since, until time.Time, step time.Duration) *series {
	n := max(int(until.Sub(since)/step)+1, 1)
	count := func() []int64 { return make([]int64, n) }
	return &series{
		since: since, step: step, issued: count(), reused: count(), passed: count(), refused: count(), causes: map[string][]int64{},
		token: make([]activity.Took, n), call: make([]activity.Took, n),
	}
}

// add counts a tally, if it lies in the time.
func (s *series) add(t *store.Tally) {
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

func (s *series) refuse(i int, reason string, n int64) {
	if s.causes[reason] == nil {
		s.causes[reason] = make([]int64, len(s.refused))
	}
	s.causes[reason][i] += n
	s.refused[i] += n
}

// lastHour is the series of an hour by the minute.
func lastHour(h activity.Hour) *series {
	first, last := h.Minutes[0].At, h.Minutes[len(h.Minutes)-1].At
	s := newSteps(first, last, time.Minute)
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
func (s *series) each() string {
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

func (s *series) chart(name, title, unit string, counts []int64) web.ConsoleChart {
	c := web.ConsoleChart{Name: name, Title: title, Unit: unit, Days: s.step == 24*time.Hour, Step: s.each(), Unknown: s.unknown}
	for i, n := range counts {
		c.Values = append(c.Values, web.ConsoleValue{At: s.since.Add(time.Duration(i) * s.step), Count: n})
	}
	return c
}

// charts draws how much there was. Prefix keeps their ids apart from others'.
func (s *series) charts(prefix string) []web.ConsoleChart {
	draw := func(name, title, unit string, counts []int64) web.ConsoleChart {
		return s.chart(prefix+"-"+name, title+" per "+s.each(), unit, counts)
	}
	tokens := draw("issued", "Tokens", "tokens", s.issued)
	if slices.Max(s.reused) > 0 {
		tokens.Line, tokens.Others = "new", []web.ConsoleLine{{Name: "again", Counts: s.reused}}
	}
	return []web.ConsoleChart{tokens, draw("passed", "Calls passed on", "calls", s.passed), draw("refused", "Refusals", "refusals", s.refused)}
}

// took draws how long answers took, of each kind that there were any of.
func (s *series) took(prefix string) []web.ConsoleChart {
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

// mostCauses is how many causes have a column in the table of figures.
const mostCauses = 5

// over is how often one cause was when.
func (s *series) over(cause string) []int64 {
	counts := slices.Clone(s.causes[cause])
	for i := range min(s.unknown, len(counts)) {
		counts[i] = -1
	}
	return counts
}

// table says how often the most frequent of the causes were when, where anything was
// refused.
func (s *series) table(causes []counted) *web.ConsoleOver {
	if len(causes) == 0 {
		return nil
	}
	named := s.chart("", "", "", s.refused)
	table := &web.ConsoleOver{Title: "Refusals by cause", Columns: []string{named.Each() + " (UTC)"}}
	causes = causes[:min(len(causes), mostCauses)]
	for _, c := range causes {
		table.Columns = append(table.Columns, c.is)
	}
	table.Columns = append(table.Columns, "all")
	for i, v := range named.Values {
		if v.Count == 0 {
			continue
		}
		row := web.ConsoleFigures{At: named.Label(v.At)}
		for _, c := range causes {
			n := int64(0)
			if of := s.causes[c.is]; of != nil {
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

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

type counted struct {
	is    string
	count int64
}

// most are the ten greatest.
func most(of map[string]int64) []counted {
	var all []counted
	for is, n := range of {
		all = append(all, counted{is, n})
	}
	slices.SortFunc(all, func(a, b counted) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.is, b.is)) })
	return all[:min(len(all), 10)]
}
