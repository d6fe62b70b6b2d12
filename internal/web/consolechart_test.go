package web

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// every makes the values of a chart that begins at ten o'clock.
func every(step time.Duration, counts ...int64) []ConsoleValue {
	begins := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var all []ConsoleValue
	for i, n := range counts {
		all = append(all, ConsoleValue{At: begins.Add(time.Duration(i) * step), Count: n})
	}
	return all
}

func TestConsoleCharts(t *testing.T) {
	c := ConsoleChart{Unit: "tokens", Values: every(time.Hour, 0, 1200, 600)}
	p := c.Plot()
	if got, want := p.Lines[0].Path, "M0 200 500 42 1000 121"; got != want {
		t.Errorf("the line is %s, not %s", got, want)
	}
	if got, want := p.Ground, p.Lines[0].Path+"V200H0z"; got != want {
		t.Errorf("the ground is %s, not %s", got, want)
	}
	if diff := cmp.Diff([]ConsoleTick{{At: "100%", Text: "0"}, {At: "66.7%", Text: "500"}, {At: "33.3%", Text: "1\u202f000"}, {At: "0%", Text: "1\u202f500"}}, p.Up); diff != "" {
		t.Errorf("the amounts differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]ConsoleTick{{At: "60%", Text: "600"}}, p.Ends); diff != "" {
		t.Errorf("the end differs (-want +got):\n%s", diff)
	}
	if got, want := c.Told(), "1\u202f800 tokens in all, 1\u202f200 in the busiest hour, which began at 22 Nov 11:00. The last hour had 600 so far."; got != want {
		t.Errorf("it says %s", got)
	}
	days := ConsoleChart{Unit: "calls", Days: true, Values: every(24*time.Hour, 0, 7, 2)}
	if got, want := days.Told(), "9 calls in all, 7 on the busiest day, "+days.Label(days.Values[1].At)+". The last day had 2 so far."; got != want {
		t.Errorf("of days it says %s", got)
	}
	c.Unknown = 1
	if p := c.Plot(); p.Lines[0].Path != "M500 42 1000 121" || p.Ground != p.Lines[0].Path+"V200H500z" || c.Rows()[0].Is[0] != "–" || c.Rows()[1].Is[0] == "–" {
		t.Errorf("of which the first is not known: %+v", p)
	}
	c.Unknown = 0
	if got := (ConsoleBar{Over: []int64{-1, 4, -1, 0, 2}}).Went(); got != "M250 2m-4 0h8M750 200 1000 101" {
		t.Errorf("a cause went %s", got)
	}
	if got := (ConsoleChart{Unit: "calls"}).Told(); got != "No calls in this time." {
		t.Errorf("without values: %s", got)
	}
	c.Line, c.Others = "new", []ConsoleLine{{Name: "again", Counts: []int64{5, 0, 2}}}
	if got, want := c.Told(), "1\u202f800 new tokens, 7 again in all, 1\u202f200 new in the busiest hour"; !strings.HasPrefix(got, want) {
		t.Errorf("it says %s", got)
	}
	if p := c.Plot(); p.Ground != "" || len(p.Lines) != 2 || p.Lines[1].Kind != "line-2" || p.Ends[0].Text != "new" || p.Ends[1].Text != "again" {
		t.Errorf("two lines: %+v", p)
	}
	if diff := cmp.Diff(ConsoleFigures{At: "22 Nov 11:00", Is: []string{"1\u202f200", "0"}}, c.Rows()[1]); diff != "" {
		t.Errorf("a row differs (-want +got):\n%s", diff)
	}
	for i := range c.Values {
		c.Values[i].Count = 0
	}
	if got, want := c.Told(), "No new tokens in this time, only 7 given again."; got != want {
		t.Errorf("of tokens that were given again alone it says %s", got)
	}
}

// TestConsoleTimes: on a scale of tens, broken where there was nothing to measure.
func TestConsoleTimes(t *testing.T) {
	ms := int64(time.Millisecond)
	c := ConsoleChart{Times: true, Line: "half", Values: every(time.Minute, ms, 10*ms, 0, ms, 0), Others: []ConsoleLine{{Name: "99\u00a0%", Counts: []int64{100 * ms, 100 * ms, 0, 20 * ms, 0}}}}
	p := c.Plot()
	if got, want := p.Lines[0].Path, "M0 200 250 101M750 200m-4 0h8"; got != want {
		t.Errorf("the line is %s, not %s", got, want)
	}
	if diff := cmp.Diff([]ConsoleTick{{At: "100%", Text: "1\u00a0ms"}, {At: "50%", Text: "10\u00a0ms"}, {At: "0%", Text: "100\u00a0ms"}}, p.Up); diff != "" {
		t.Errorf("the marks differ (-want +got):\n%s", diff)
	}
	if got := c.Rows(); got[1].Is[0] != "10\u00a0ms" || got[2].Is[1] != "–" {
		t.Errorf("the figures are %v", got)
	}
	c = ConsoleChart{Times: true, Values: every(time.Minute, 0, 0)}
	if p := c.Plot(); p.Lines[0].Path != "" || len(p.Ends) != 0 || len(p.Up) != 2 {
		t.Errorf("without any: %+v", p)
	}
}

// TestConsoleScale: at most five marks, whole numbers, and the greatest value fits.
func TestConsoleScale(t *testing.T) {
	for most, want := range map[int64]string{
		0: "0 1", 1: "0 1", 4: "0 1 2 3 4", 5: "0 2 4 6", 8: "0 2 4 6 8", 9: "0 5 10", 20: "0 5 10 15 20", 21: "0 10 20 30", 41: "0 20 40 60",
		9999: "0 5\u202f000 10\u202fk", 1_000_001: "0 500\u202fk 1\u202fM 1.5\u202fM",
	} {
		var got []string
		for _, tick := range (ConsoleChart{Values: every(time.Hour, 0, most)}).Plot().Up {
			got = append(got, tick.Text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("up to %d: %q, not %q", most, got, want)
		}
	}
}

// TestConsoleMoments: the ticks below are round moments; every second one is left out
// where there is no room for it, of many sooner than of few.
func TestConsoleMoments(t *testing.T) {
	for name, row := range map[string]struct {
		step time.Duration
		n    int
		want string
	}{
		"an hour":   {time.Minute, 61, "10:00 (10:15 much) 10:30 (10:45 much) 11:00"},
		"a day":     {time.Hour, 24, "12:00 (18:00 some) 00:00 (06:00 some)"},
		"a week":    {3 * time.Hour, 56, ""}, // from ten o'clock, no step begins with a day
		"some days": {24 * time.Hour, 2, ""},
	} {
		var got []string
		for _, tick := range (ConsoleChart{Values: every(row.step, make([]int64, row.n)...)}).Plot().Across {
			text := tick.Text
			if tick.Room != "" {
				text = "(" + text + " " + tick.Room + ")"
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestNamesStandApart: those of lines that end near each other, within the plane.
func TestNamesStandApart(t *testing.T) {
	for _, places := range [][]float64{{.5, .5, .5}, {1, .99, .98}, {0, 0, 0}, {.2, .9, .25}, {1}, nil} {
		moved := apart(places)
		for i := range moved {
			for j := range i {
				gap := moved[i] - moved[j]
				if max(gap, -gap) < .1299 {
					t.Errorf("%v became %v", places, moved)
				}
			}
			if moved[i] > 1 || moved[i] < places[i]-.27 {
				t.Errorf("%v became %v", places, moved)
			}
		}
	}
}

func TestBrief(t *testing.T) {
	for d, want := range map[time.Duration]string{
		240 * time.Microsecond: "0.24 ms", 949 * time.Microsecond: "0.95 ms", 1049 * time.Microsecond: "1 ms", 9949 * time.Microsecond: "9.9 ms",
		12400 * time.Microsecond: "12 ms", 999 * time.Millisecond: "999 ms", 1249 * time.Millisecond: "1.2 s", 10 * time.Second: "10 s",
	} {
		if got := Brief(d); got != strings.ReplaceAll(want, " ", "\u00a0") {
			t.Errorf("%v is written %s, not %s", d, got, want)
		}
	}
}
