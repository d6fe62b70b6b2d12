package console

import (
	"time"

	"github.com/grantway/grantway/internal/web"
)

// A Latency is how long answers of one route took, since the server started.
type Latency struct {
	Route  string
	Count  int64
	Median time.Duration
	Most   time.Duration // of 95 in a hundred
	Almost time.Duration // of 99 in a hundred
}

// latency shows the routes that answered most.
func (v *visit) latency(e *Environment) []web.ConsoleSection {
	if v.c.Latency == nil {
		return nil
	}
	all := v.c.Latency(e.Name)
	if len(all) == 0 {
		return nil
	}
	table := &web.ConsoleTable{Caption: "How long answers take", Columns: []web.ConsoleColumn{
		{Text: "Route"}, {Text: "Answers", Number: true}, {Text: "Half within", Number: true}, {Text: "95 % within", Number: true}, {Text: "99 % within", Number: true},
	}}
	for _, one := range all {
		table.Rows = append(table.Rows, []web.ConsoleCell{
			code(one.Route), number(one.Count), text(brief(one.Median)), text(brief(one.Most)), text(brief(one.Almost)),
		})
	}
	return []web.ConsoleSection{{
		Name: "latency", Heading: "How long answers take", Table: table,
		Text: "By this server since it started, without the time that a stream lasts.",
	}}
}

// brief writes a duration in two digits or three, as people compare them.
func brief(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
