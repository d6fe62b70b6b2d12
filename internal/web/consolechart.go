package web

import (
	"fmt"
	"strings"
	"time"
)

// A ConsoleChart is how much there was in each hour or day, as a line from left to
// right. The same figures stand in a table below it.
type ConsoleChart struct {
	Name   string // an id of the page
	Title  string
	Unit   string // what is counted: "tokens"
	Days   bool   // each value is a day's; else an hour's
	Values []ConsoleValue
}

// A ConsoleValue is how much there was from a moment on.
type ConsoleValue struct {
	At    time.Time
	Count int64
}

// A ConsoleBar is one of several amounts that are compared.
type ConsoleBar struct {
	Cell  ConsoleCell // what it is
	Count int64
	Share int // of the greatest, in hundredths
}

// The plane of a chart, in its own units. Its height and width on the page are the
// style sheet's.
const (
	chartWidth  = 600
	chartHeight = 120
)

// Most is the greatest value.
func (c ConsoleChart) Most() int64 {
	most := int64(0)
	for _, v := range c.Values {
		most = max(most, v.Count)
	}
	return most
}

// Sum is all values together.
func (c ConsoleChart) Sum() int64 {
	sum := int64(0)
	for _, v := range c.Values {
		sum += v.Count
	}
	return sum
}

// Line is the points of the line.
func (c ConsoleChart) Line() string {
	most := max(c.Most(), 1)
	steps := max(len(c.Values)-1, 1)
	var b strings.Builder
	for i, v := range c.Values {
		fmt.Fprintf(&b, "%.1f,%.1f ", float64(i)*chartWidth/float64(steps), chartHeight-float64(v.Count)*(chartHeight-2)/float64(most))
	}
	return strings.TrimSpace(b.String())
}

// Ground is the points of what lies below the line.
func (c ConsoleChart) Ground() string {
	return fmt.Sprintf("0,%d %s %d,%d", chartHeight, c.Line(), chartWidth, chartHeight)
}

// Told says in words what the line shows.
func (c ConsoleChart) Told() string {
	if len(c.Values) == 0 || c.Sum() == 0 {
		return "No " + c.Unit + " in this time."
	}
	peak := c.Values[0]
	for _, v := range c.Values {
		if v.Count > peak.Count {
			peak = v
		}
	}
	each := "hour"
	if c.Days {
		each = "day"
	}
	unit := c.Unit
	if c.Sum() == 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	return fmt.Sprintf("%s %s in all, %s in the busiest %s, which began at %s. The last %s had %s.",
		Thousands(c.Sum()), unit, Thousands(peak.Count), each, c.Label(peak.At), each, Thousands(c.Values[len(c.Values)-1].Count))
}

// Label is a moment as the chart names it, in UTC.
func (c ConsoleChart) Label(at time.Time) string {
	if c.Days {
		return at.UTC().Format("2 Jan")
	}
	return at.UTC().Format("2 Jan 15:04")
}

// First, Last and Each name the ends of the line and what its steps are.
func (c ConsoleChart) First() string { return c.end(0) }

// Last names the right end of the line.
func (c ConsoleChart) Last() string { return c.end(len(c.Values) - 1) }

func (c ConsoleChart) end(i int) string {
	if i < 0 || len(c.Values) == 0 {
		return ""
	}
	return c.Label(c.Values[i].At)
}

// Each is what one step of the line is.
func (c ConsoleChart) Each() string {
	if c.Days {
		return "Day"
	}
	return "Hour"
}

// Peak is the greatest value, as it stands beside the line.
func (c ConsoleChart) Peak() string { return Thousands(c.Most()) }

// Figure writes a value.
func (v ConsoleValue) Figure() string { return Thousands(v.Count) }

// Figure writes an amount.
func (b ConsoleBar) Figure() string { return Thousands(b.Count) }

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
