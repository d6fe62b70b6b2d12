package web

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A ConsolePlot is what is drawn of a chart. Lines are paths on a plane of 1000 by
// 200 that is stretched to the room there is; ticks and names are text, which is
// not, at shares of its width and height.
type ConsolePlot struct {
	Ground string // what lies below a single line; empty: there are several
	Lines  []ConsoleStroke
	Across []ConsoleTick // from the left: moments
	Up     []ConsoleTick // from the bottom: amounts
	Ends   []ConsoleTick // beside the right ends of the lines: their names, or the last value
}

// A ConsoleStroke is how a line runs, and how it is drawn: line-1, line-2, line-3.
type ConsoleStroke struct {
	Kind, Path string
}

// A ConsoleTick is a text beside the plane.
type ConsoleTick struct {
	At   string // from the left or the top, with a percent sign
	Text string
	Room string // "some" or "much": it is left out where there is less; empty: it never is
}

const planeWidth, planeHeight = 1000, 200

// Plot lays the chart out.
func (c ConsoleChart) Plot() ConsolePlot {
	up, high := c.scale()
	var p ConsolePlot
	for _, at := range up {
		text := short(at)
		if c.Times {
			text = mark(time.Duration(at))
		}
		p.Up = append(p.Up, ConsoleTick{At: percent(1 - high(at)), Text: text})
	}
	p.Across = c.moments()
	var ends []float64
	for i, line := range c.lines() {
		end := -1.0
		drawn := stroke(len(line.Counts), func(i int) (float64, bool) {
			n := line.Counts[i]
			if !c.known(i, n) {
				return 0, false
			}
			end = 1 - high(n)
			return high(n), true
		})
		p.Lines = append(p.Lines, ConsoleStroke{Kind: "line-" + strconv.Itoa(i+1), Path: drawn})
		name := line.Name
		if name == "" && len(line.Counts) > 0 {
			name = short(line.Counts[len(line.Counts)-1])
		}
		if end >= 0 {
			ends, p.Ends = append(ends, end), append(p.Ends, ConsoleTick{Text: name})
		}
	}
	if n := len(c.Values); len(p.Lines) == 1 && !c.Times && c.Unknown < n-1 {
		p.Ground = fmt.Sprintf("%sV%dH%dz", p.Lines[0].Path, planeHeight, c.Unknown*planeWidth/(n-1))
	}
	for i, at := range apart(ends) {
		p.Ends[i].At = percent(at)
	}
	return p
}

// stroke draws values from left to right, each a share of the height. Where there is
// none, the line is broken; one alone is a short stroke.
func stroke(n int, value func(int) (float64, bool)) string {
	var b strings.Builder
	run := 0
	end := func() {
		if run == 1 {
			b.WriteString("m-4 0h8")
		}
		run = 0
	}
	for i := range n {
		share, there := value(i)
		if !there {
			end()
			continue
		}
		letter := " "
		if run == 0 {
			letter = "M"
		}
		fmt.Fprintf(&b, "%s%d %d", letter, i*planeWidth/max(n-1, 1), planeHeight-int(math.Round(share*(planeHeight-2))))
		run++
	}
	end()
	return b.String()
}

// scale returns the amounts that are marked, and where an amount is: a share of the
// height.
func (c ConsoleChart) scale() (marks []int64, high func(int64) float64) {
	if c.Times {
		return c.tens()
	}
	most := max(c.Most(), 1)
	step := int64(1)
	for i := 0; (most+step-1)/step > 4; i++ {
		step = step * []int64{2, 5, 4}[i%3] / []int64{1, 2, 2}[i%3] // 1, 2, 5, 10, 20, 50
	}
	top := (most + step - 1) / step * step
	for at := int64(0); at <= top; at += step {
		marks = append(marks, at)
	}
	return marks, func(n int64) float64 { return float64(n) / float64(top) }
}

// tens is the scale of durations: each mark is ten times the one before.
func (c ConsoleChart) tens() (marks []int64, high func(int64) float64) {
	least, most := int64(math.MaxInt64), int64(1)
	for _, line := range c.lines() {
		for _, n := range line.Counts {
			if n > 0 {
				least, most = min(least, n), max(most, n)
			}
		}
	}
	if least > most { // there is none
		least, most = int64(time.Millisecond), int64(10*time.Millisecond)
	}
	low := int64(100 * time.Microsecond)
	for low > least && low > 1 {
		low /= 10
	}
	for low*10 <= least {
		low *= 10
	}
	top := low * 10
	for top < most {
		top *= 10
	}
	for at := low; at <= top; at *= 10 {
		marks = append(marks, at)
	}
	tens := math.Log10(float64(top) / float64(low))
	return marks, func(n int64) float64 { return max(0, math.Log10(float64(n)/float64(low))) / tens }
}

func mark(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64) + "\u00a0ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "\u00a0s"
}

// short writes an amount where there is room for a few digits.
func short(n int64) string {
	digits := func(unit int64, name string) string {
		after := 1
		if n >= 100*unit {
			after = 0
		}
		return strings.TrimSuffix(strconv.FormatFloat(float64(n)/float64(unit), 'f', after, 64), ".0") + "\u202f" + name
	}
	switch {
	case n >= 1e9:
		return digits(1e9, "G")
	case n >= 1e6:
		return digits(1e6, "M")
	case n >= 1e4:
		return digits(1e3, "k")
	}
	return Thousands(n)
}

// moments are the ticks below: round ones, in UTC.
func (c ConsoleChart) moments() []ConsoleTick {
	n := len(c.Values)
	if n < 2 {
		return nil
	}
	whole, format := 24*time.Hour, "2 Jan"
	switch step := c.Values[1].At.Sub(c.Values[0].At); {
	case step < time.Hour:
		whole, format = 15*time.Minute, "15:04"
	case step*time.Duration(n) <= 48*time.Hour:
		whole, format = 6*time.Hour, "15:04"
	case step >= 24*time.Hour:
		whole = 7 * 24 * time.Hour
	}
	var all []ConsoleTick
	for i, v := range c.Values {
		if !v.At.Equal(v.At.Truncate(whole)) {
			continue
		}
		all = append(all, ConsoleTick{At: percent(float64(i) / float64(n-1)), Text: v.At.UTC().Format(format)})
	}
	room := "much"
	if len(all) < 5 {
		room = "some"
	}
	for i := 1; i < len(all); i += 2 {
		all[i].Room = room
	}
	return all
}

// apart moves places that are too near for their texts, keeping their order.
func apart(places []float64) []float64 {
	const near, low = 0.13, 1.0
	order := make([]int, len(places))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { // of equals the later line is the higher one
		if places[a] == places[b] {
			return b - a
		}
		if places[a] < places[b] {
			return -1
		}
		return 1
	})
	moved := slices.Clone(places)
	for i := 1; i < len(order); i++ {
		moved[order[i]] = max(moved[order[i]], moved[order[i-1]]+near)
	}
	if n := len(order); n > 0 {
		moved[order[n-1]] = min(moved[order[n-1]], low)
		for i := n - 2; i >= 0; i-- {
			moved[order[i]] = min(moved[order[i]], moved[order[i+1]]-near)
		}
	}
	return moved
}

func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1000)/10, 'f', -1, 64) + "%"
}
