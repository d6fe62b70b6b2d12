package web

import (
	"html/template"
	"strings"
)

// Cell is one thing to read on a page of the console.
func (s *sheet) Cell(c ConsoleCell) template.HTML {
	var b template.HTML
	text := template.HTML(template.HTMLEscapeString(c.Text))
	switch {
	case c.Text != "":
		b = "<bdi>" + text + "</bdi>"
	case !c.At.IsZero():
		b = s.Ago(c.At)
	case c.Counts():
		b = template.HTML(template.HTMLEscapeString(c.Numeral()))
	default:
		b = "–"
	}
	if c.Code && c.Text != "" {
		b = "<code>" + text + "</code>"
	}
	if kind := c.Kind; kind == "good" || kind == "warn" || kind == "bad" {
		b = template.HTML(`<span class="state `+kind+`">`) + b + "</span>"
	}
	if strings.HasPrefix(c.To, "/") && !strings.HasPrefix(c.To, "//") { // a path of ours
		b = template.HTML(`<a href="`+template.HTMLEscapeString(s.At(c.To))+`">`) + b + "</a>"
	}
	if c.Below != "" {
		b += template.HTML(`<span class="below">` + template.HTMLEscapeString(c.Below) + `</span>`)
	}
	return b
}
