package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A figure is one row of the table.
type figure struct {
	What   string  `json:"what"` // indented: a part of the row above
	Unit   string  `json:"unit"`
	Ours   float64 `json:"ours"`             // the median
	Beside float64 `json:"beside,omitempty"` // the control's median
	Ratio  float64 `json:"ratio,omitempty"`  // the median of the rounds' ratios
	Low    float64 `json:"low"`              // of the ratios; without a control, of ours
	High   float64 `json:"high"`
	Goal   float64 `json:"goal,omitempty"`  // for the ratio; without a control, for ours; 0: none
	Least  bool    `json:"least,omitempty"` // the goal is to be reached, and not to be kept below
	Rounds int     `json:"rounds"`
}

// compared makes the figure of values that were measured by turns.
func compared(what, unit string, goal float64, ours, beside []float64) figure {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / beside[i]
	}
	return figure{
		What: what, Unit: unit, Ours: median(ours), Beside: median(beside), Ratio: median(ratios),
		Low: slices.Min(ratios), High: slices.Max(ratios), Goal: goal, Rounds: len(ours),
	}
}

// alone makes the figure of what has no control.
func alone(what, unit string, goal float64, ours ...float64) figure {
	return figure{
		What: what, Unit: unit, Ours: median(ours),
		Low: slices.Min(ours), High: slices.Max(ours), Goal: goal, Rounds: len(ours),
	}
}

// reached is compared for what is better the more it is.
func reached(what, unit string, goal float64, ours, beside []float64) figure {
	f := compared(what, unit, goal, ours, beside)
	f.Least = true
	return f
}

func (f *figure) met() bool {
	if f.Least {
		return f.Ratio >= f.Goal
	}
	if f.Ratio > 0 {
		return f.Ratio <= f.Goal
	}
	return f.Ours <= f.Goal
}

// A report gathers the figures and prints them at the end.
type report struct{ figures []figure }

func (r *report) add(f figure) {
	r.figures = append(r.figures, f)
	if !*asJSON {
		progress("%s: %s", f.What, number(f.Ours)+" "+f.Unit)
	}
}

func (r *report) print() {
	progress("")
	if *asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		e.Encode(map[string]any{"at": time.Now().UTC(), "window": window.String(), "figures": r.figures})
		return
	}
	if len(r.figures) == 0 {
		return
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(out, "what\tours\tbeside\tratio\trange\tgoal\t\t")
	for _, f := range r.figures {
		beside, ratio, goal, mark := "", "", "", ""
		if f.Ratio > 0 {
			beside, ratio = number(f.Beside), fmt.Sprintf("%.2f", f.Ratio)
		}
		if f.Goal > 0 {
			goal, mark = number(f.Goal), "met"
			if !f.met() {
				mark = "missed"
			}
		}
		fmt.Fprintf(out, "%s\t%s %s\t%s\t%s\t%s to %s\t%s\t%s\t\n", f.What, number(f.Ours), f.Unit, beside, ratio, number(f.Low), number(f.High), goal, mark)
	}
	out.Flush()
}

// number writes a figure with as many digits as it deserves.
func number(f float64) string {
	switch {
	case f >= 1000:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// progress replaces the last line of a terminal; elsewhere it says nothing.
func progress(format string, arguments ...any) {
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return
	}
	fmt.Fprintf(os.Stderr, "\r\033[K%.98s", fmt.Sprintf(format, arguments...))
}

// bar is progress towards a known end.
func bar(what string, done, all int) {
	const width = 40
	full := width * done / max(all, 1)
	progress("%s [%s%s] %d of %d", what, strings.Repeat("#", full), strings.Repeat(".", width-full), done, all)
}
