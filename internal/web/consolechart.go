package web

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// A ConsoleChart is how much there was in each minute, hour or day, as lines from
// left to right. The same figures stand in a table below it.
type ConsoleChart struct {
	Name   string // an id of the page
	Title  string
	Unit   string // what is counted: "tokens"
	Days   bool   // each value is a day's; else an hour's
	Step   string // what each value is of where it is neither: "minute"
	Values []ConsoleValue

	Unknown int // how many of the first values are not known, and not drawn

	// Line names the line where there are Others, which are at most two. They differ
	// by how they are drawn, not by colour.
	Line   string
	Others []ConsoleLine

	// Times says that values are nanoseconds. They are drawn on a scale of tens, and
	// zero is no value.
	Times bool
	Says  string // what the lines show, in words; empty: it is made of the values
}

// A ConsoleValue is how much there was from a moment on.
type ConsoleValue struct {
	At    time.Time
	Count int64
}

// A ConsoleLine is a further line of a chart, with a count beside each of its values.
type ConsoleLine struct {
	Name   string
	Counts []int64
}

// Most is the greatest value.
func (c ConsoleChart) Most() int64 {
	most := int64(0)
	for _, line := range c.lines() {
		for _, n := range line.Counts {
			most = max(most, n)
		}
	}
	return most
}

// Sum is all values of the first line together.
func (c ConsoleChart) Sum() int64 { return sum(c.lines()[0].Counts) }

func sum(counts []int64) int64 {
	all := int64(0)
	for _, n := range counts {
		all += n
	}
	return all
}

func (c ConsoleChart) lines() []ConsoleLine {
	first := ConsoleLine{Name: c.Line}
	for _, v := range c.Values {
		first.Counts = append(first.Counts, v.Count)
	}
	return append([]ConsoleLine{first}, c.Others...)
}

// Told says in words what the lines show.
func (c ConsoleChart) Told() string {
	if c.Says != "" {
		return c.Says
	}
	if c.Most() == 0 {
		return "No " + c.Unit + " in this time."
	}
	peak := c.Values[0]
	for _, v := range c.Values {
		if v.Count > peak.Count {
			peak = v
		}
	}
	unit := c.Unit
	if c.Sum() == 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	kind := ""
	if c.Line != "" {
		kind = " " + c.Line
	}
	if c.Sum() == 0 { // there is a busiest step of nothing
		return "No" + kind + " " + unit + " in this time, " + c.besides() + "."
	}
	all := Thousands(c.Sum()) + kind + " " + unit
	for _, other := range c.Others {
		all += ", " + Thousands(sum(other.Counts)) + " " + other.Name
	}
	most := "in the busiest " + c.each() + ", which began at " + c.Label(peak.At)
	if c.Days {
		most = "on the busiest day, " + c.Label(peak.At)
	}
	return fmt.Sprintf("%s in all, %s%s %s. The last %s had %s%s so far.",
		all, Thousands(peak.Count), kind, most, c.each(), Thousands(c.Values[len(c.Values)-1].Count), kind)
}

// besides says how much the other lines show, where the first shows nothing.
func (c ConsoleChart) besides() string {
	var all []string
	for _, other := range c.Others {
		all = append(all, Thousands(sum(other.Counts))+" given "+other.Name)
	}
	return "only " + strings.Join(all, ", ")
}

// Label is a moment as the chart names it, in UTC.
func (c ConsoleChart) Label(at time.Time) string {
	if c.Days {
		return at.UTC().Format("2 Jan")
	}
	return at.UTC().Format("2 Jan 15:04")
}

func (c ConsoleChart) each() string {
	if c.Days {
		return "day"
	}
	return cmp.Or(c.Step, "hour")
}

// Each is what one step of the lines is.
func (c ConsoleChart) Each() string {
	each := c.each()
	if strings.Contains(each, " ") {
		return "From"
	}
	return strings.ToUpper(each[:1]) + each[1:]
}

// Columns head the table of the figures, after what each row is of.
func (c ConsoleChart) Columns() []string {
	if len(c.Others) == 0 {
		return []string{c.Unit}
	}
	var all []string
	for _, line := range c.lines() {
		all = append(all, line.Name)
	}
	return all
}

// Rows are the figures, in the order of time.
func (c ConsoleChart) Rows() []ConsoleFigures {
	lines := c.lines()
	all := make([]ConsoleFigures, len(c.Values))
	for i, v := range c.Values {
		all[i].At = c.Label(v.At)
		for _, line := range lines {
			figure := "–"
			if c.known(i, line.Counts[i]) {
				figure = c.figure(line.Counts[i])
			}
			all[i].Is = append(all[i].Is, figure)
		}
	}
	return all
}

// A ConsoleOver is a table of figures over time.
type ConsoleOver struct {
	Title   string
	Columns []string // the first heads the moments
	Rows    []ConsoleFigures
}

// ConsoleFigures are a row of a table of figures.
type ConsoleFigures struct {
	At string
	Is []string
}

// known reports whether there is something to draw.
func (c ConsoleChart) known(i int, n int64) bool { return i >= c.Unknown && !(c.Times && n == 0) }

func (c ConsoleChart) figure(n int64) string {
	if c.Times {
		return Brief(time.Duration(n))
	}
	return Thousands(n)
}

// Brief writes a duration in two digits or three, as people compare them.
func Brief(d time.Duration) string {
	number := func(unit time.Duration, format, name string) string {
		return strings.TrimSuffix(fmt.Sprintf(format, float64(d)/float64(unit)), ".0") + "\u00a0" + name
	}
	switch {
	case d < 950*time.Microsecond:
		return number(time.Millisecond, "%.2f", "ms")
	case d < 9950*time.Microsecond:
		return number(time.Millisecond, "%.1f", "ms")
	case d < 999500*time.Microsecond:
		return number(time.Millisecond, "%.0f", "ms")
	}
	return number(time.Second, "%.1f", "s")
}

// A ConsoleBar is one of several amounts that are compared.
type ConsoleBar struct {
	Cell  ConsoleCell // what it is
	Count int64
	Share int     // of the greatest, in hundredths
	Over  []int64 // how it went over time, less than 0 where that is not known; nil: nowhere
}

// Figure writes an amount.
func (b ConsoleBar) Figure() string { return Thousands(b.Count) }

// Went is how it went over time, as a path on the plane of a chart.
func (b ConsoleBar) Went() string {
	most := int64(1)
	for _, n := range b.Over {
		most = max(most, n)
	}
	return stroke(len(b.Over), func(i int) (float64, bool) { return float64(b.Over[i]) / float64(most), b.Over[i] >= 0 })
}

// ConsoleBars are amounts beside the greatest of them, in the order that they have.
func ConsoleBars(cells []ConsoleCell, counts []int64) []ConsoleBar {
	most := int64(1)
	for _, n := range counts {
		most = max(most, n)
	}
	bars := make([]ConsoleBar, len(cells))
	for i, cell := range cells {
		bars[i] = ConsoleBar{Cell: cell, Count: counts[i], Share: max(int(counts[i]*100/most), 1)}
	}
	return bars
}
