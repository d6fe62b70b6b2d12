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
	table := &web.ConsoleTable{Caption: "The routes that answered most", Columns: []web.ConsoleColumn{
		{Text: "Route"}, {Text: "Answers", Number: true}, {Text: "Half within", Number: true}, {Text: "95 % within", Number: true}, {Text: "99 % within", Number: true},
	}}
	for _, one := range all {
		table.Rows = append(table.Rows, []web.ConsoleCell{
			code(one.Route), number(one.Count), text(web.Brief(one.Median)), text(web.Brief(one.Most)), text(web.Brief(one.Almost)),
		})
	}
	return []web.ConsoleSection{{
		Name: "routes", Heading: "The routes that answered most", Table: table,
		Text: "By this server since it started, without the time that a stream lasts.",
	}}
}
