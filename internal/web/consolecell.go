package web

import (
	"html/template"
	"strings"
	"time"
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
		var pieces []string
		for _, piece := range Pieces(c.Text) {
			pieces = append(pieces, template.HTMLEscapeString(piece))
		}
		b = "<code>" + template.HTML(strings.Join(pieces, "<wbr>")) + "</code>"
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

// LastUse says in a sentence when something was used last, and from which network;
// empty: that is unknown.
func LastUse(at time.Time, from string) string {
	switch {
	case at.IsZero():
		return "It was never used, as far as is known."
	case from != "":
		from = ", from " + from
	}
	return "It was last used on " + at.UTC().Format("2006-01-02 15:04 UTC") + from + "."
}
