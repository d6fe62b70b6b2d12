package portal

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/catalogue"
)

// referencePages are the pages of the reference: what every path needs, and what the
// APIs' OpenAPI documents say of each. They are the same for every reader.
func (g *guide) referencePages() []*article {
	a := &article{Slug: "reference", Title: "API reference"}
	a.Lead = say("Every path that is open in **%s**, with what its token needs. Paths continue `%s`; what is not listed is closed and is answered with 403.", g.title(), g.Base.String())
	var details []*article
	for _, api := range g.APIs {
		operations := g.OperationsOf(api)
		pages := g.described(api, operations)
		details = append(details, pages...)
		a.Parts = append(a.Parts, g.paths(api, operations, pages)...)
	}
	return append(paged(a), details...)
}

// rowsOfPart is how many paths one table has.
const rowsOfPart = 80

// paths lists the routes of an API.
func (g *guide) paths(api *catalogue.API, operations [][]*catalogue.Operation, pages []*article) []part {
	head := []string{"Call", "Needs"}
	if api.Document != nil {
		head = append(head, "What it does")
	}
	var rows []line
	for i, r := range api.Routes {
		call := strings.Join(r.Methods, " | ") + " " + r.Path
		row := line{ID: "route-" + strings.Join(r.Methods, "-") + r.Path, Cells: []text{coded(call), g.opens(api, r)}}
		if api.Document != nil {
			var does text
			for j, op := range operations[i] {
				if j > 0 {
					does = append(does, span{Text: "; "})
				}
				does = append(does, span{Text: heading(op), URL: g.link(holder(pages, operationID(op)), operationID(op))})
			}
			row.Cells = append(row.Cells, does)
		}
		rows = append(rows, row)
	}
	var parts []part
	for some := range slices.Chunk(rows, rowsOfPart) {
		p := part{ID: "api-" + slug(api.Name), Title: api.Title}
		if n := len(parts); n > 0 {
			p.ID, p.Title = fmt.Sprintf("%s.%d", p.ID, n+1), fmt.Sprintf("%s (%d)", p.Title, n+1)
		}
		p.Blocks = []block{facts("Paths of "+p.Title, head, some...)}
		parts = append(parts, p)
	}
	if parts == nil {
		parts = []part{{ID: "api-" + slug(api.Name), Title: api.Title, Blocks: []block{prose("No path is open.")}}}
	}
	if api.Rate != (catalogue.Rate{}) {
		last := &parts[len(parts)-1]
		last.Blocks = append(last.Blocks, prose("Each client may make %s calls in %s; the header `RateLimit` of every answer says how many are left.", number(api.Rate.Requests), spoken(api.Rate.Per)))
	}
	return parts
}

// described are the pages with what the document of an API says of its operations:
// of those alone that a route answers.
func (g *guide) described(api *catalogue.API, operations [][]*catalogue.Operation) []*article {
	a := &article{Slug: "reference-" + slug(api.Name), Title: api.Title + ": calls", Under: "reference"}
	a.Lead = say("What each call of **%s** takes and answers, as its OpenAPI document says. [All paths](%s)", api.Title, g.link("reference", ""))
	for i, route := range api.Routes {
		for _, op := range operations[i] {
			a.Parts = append(a.Parts, g.operation(api, route, op))
		}
	}
	if a.Parts == nil {
		return nil
	}
	return paged(a)
}

// Limits of what is shown of a document: a page stays one that a phone can read.
const (
	longWords      = 240     // of a parameter or an answer, in characters
	longStory      = 1200    // of an operation, in characters
	longBody       = 4 << 10 // of an example, in bytes
	mostParameters = 60
	mostAnswers    = 20
	pageWeight     = 56 << 10 // of the content of a page in HTML, in bytes
)

// operation is what the document says of one call.
func (g *guide) operation(api *catalogue.API, route catalogue.Route, op *catalogue.Operation) part {
	id := operationID(op)
	p := part{ID: id, Title: heading(op)}
	add := func(b ...block) { p.Blocks = append(p.Blocks, b...) }
	add(block{Prose: append(say("`%s` needs ", op.Method+" "+op.Route), append(g.opens(api, route), span{Text: "."})...)})
	if op.Deprecated {
		add(warning("The document says that this call is deprecated: it will go away."))
	}
	if op.Description != "" && op.Description != op.Summary {
		add(block{Prose: words(shortened(op.Description, longStory))})
	}
	var rows []line
	for i, q := range op.Parameters {
		if i == mostParameters {
			rows = append(rows, cells(words("…"), nil, nil, words(fmt.Sprintf("%d more", len(op.Parameters)-i))))
			break
		}
		said := shortened(q.Description, longWords)
		if q.Required {
			said = strings.TrimSpace("Required. " + said)
		}
		rows = append(rows, cells(coded(shortened(q.Name, longWords)), words(q.In), words(typeOf(q.Schema)), words(said)))
	}
	if rows != nil {
		add(facts("Parameters: "+p.Title, []string{"Parameter", "In", "Type", "What it is"}, rows...))
	}
	if op.Request != nil && len(op.Request.Content) > 0 {
		if c := op.Request.Content[0]; c.Example != "" {
			add(prose("The body that is sent, `%s`:", c.Type), sample(id+"-request", "A body to send", c))
		} else {
			add(prose("The body that is sent is `%s`.", c.Type))
		}
	}
	rows = nil
	for _, r := range op.Responses[:min(mostAnswers, len(op.Responses))] {
		var types []string
		for _, c := range r.Content {
			types = append(types, c.Type)
		}
		rows = append(rows, cells(coded(r.Status), words(shortened(r.Description, longWords)), words(shortened(strings.Join(types, ", "), longWords))))
	}
	if rows != nil {
		add(facts("Answers: "+p.Title, []string{"Status", "When", "Body"}, rows...))
	}
	for _, r := range op.Responses {
		if len(r.Content) > 0 && r.Content[0].Example != "" && (strings.HasPrefix(r.Status, "2") || r.Status == "default") {
			add(prose("The body of %s, `%s`:", answered(r.Status), r.Content[0].Type), sample(id+"-answer", "An answer", r.Content[0]))
			break
		}
	}
	return p
}

// answered is a status of a document in words.
func answered(status string) string {
	if status == "default" {
		return "other answers"
	}
	return "the answer " + status
}

// sample is an example of a body.
func sample(id, label string, c catalogue.Content) block {
	body, language := c.Example, ""
	if strings.Contains(c.Type, "json") {
		body, language = string(indented([]byte(body))), "json"
	}
	if len(body) > longBody {
		body = strings.ToValidUTF8(body[:longBody], "") + "\n…"
	}
	return code(id, label, language, body)
}

// heading is what an operation is called.
func heading(op *catalogue.Operation) string {
	return shortened(cmp.Or(op.Summary, op.ID, op.Method+" "+op.Route), longWords)
}

func operationID(op *catalogue.Operation) string { return "call-" + op.Method + op.Route }

// typeOf is a schema in a word or two.
func typeOf(s *catalogue.ValueSchema) string {
	if s == nil {
		return ""
	}
	said := cmp.Or(s.Type, s.Ref)
	if s.Type == "array" && s.Items != nil {
		said = "array of " + cmp.Or(s.Items.Type, s.Items.Ref, "anything")
	}
	if s.Format != "" {
		said += " (" + s.Format + ")"
	}
	if len(s.Enum) > 0 {
		said += ": " + strings.Join(s.Enum, ", ")
	}
	return shortened(said, longWords)
}

// paged is an article as pages that are each small enough. Parts stay whole.
func paged(a *article) []*article {
	pages := []*article{a}
	parts, full := a.Parts, 0
	a.Parts = nil
	for _, p := range parts {
		last, weight := pages[len(pages)-1], p.weight()
		if len(last.Parts) > 0 && full+weight > pageWeight {
			n := len(pages) + 1
			last = &article{Slug: fmt.Sprintf("%s.%d", a.Slug, n), Title: fmt.Sprintf("%s, page %d", a.Title, n), Lead: a.Lead, Under: cmp.Or(a.Under, a.Slug)}
			pages, full = append(pages, last), 0
		}
		last.Parts, full = append(last.Parts, p), full+weight
	}
	return pages
}

// holder is the page on which a part stands.
func holder(pages []*article, id string) string {
	for _, a := range pages {
		if slices.ContainsFunc(a.Parts, func(p part) bool { return p.ID == id }) {
			return a.Slug
		}
	}
	return "reference"
}

// weight is about how long the part is in HTML, in bytes, on the heavy side.
func (p *part) weight() int {
	of := func(s string) int { return len(html.EscapeString(s)) }
	spans := func(t text) int {
		n := 0
		for _, s := range t {
			n += 40 + of(s.Text) + len(s.URL)
		}
		return n
	}
	n := 400 + 3*of(p.Title) + 3*of(p.ID)
	for _, b := range p.Blocks {
		n += 100 + spans(b.Prose)
		if b.Box != nil {
			n += 100 + spans(b.Box.Text)
		}
		if b.Code != nil {
			n += 700 + of(b.Code.Text) + 3*of(b.Code.Label) + 4*of(b.Code.ID)
		}
		if b.Grid != nil {
			n += 300 + of(b.Grid.Label)
			for _, row := range b.Grid.Rows {
				n += 40 + of(row.ID)
				for _, c := range row.Cells {
					n += 50 + spans(c)
				}
			}
		}
	}
	return n
}

// opens says what a route asks for.
func (g *guide) opens(api *catalogue.API, r catalogue.Route) text {
	if r.Access == catalogue.Public {
		switch api.Open {
		case catalogue.OpenAPIToken:
			return say("an API token, in the header `%s`", api.Tokens.Header)
		case catalogue.OpenToken:
			return say("any good token")
		}
		return say("nothing: it is public")
	}
	if len(r.AnyOf) == 0 {
		return say("any good token")
	}
	var said text
	for i, all := range r.AnyOf {
		if i > 0 {
			said = append(said, span{Text: " or "})
		}
		for j, name := range all {
			if j > 0 {
				said = append(said, span{Text: " and "})
			}
			s := span{Text: name, Code: true}
			if slices.ContainsFunc(api.Scopes, func(known *catalogue.Scope) bool { return known.Name == name }) {
				s.URL = g.link("scopes", g.scopeID(api, name))
			}
			said = append(said, s)
		}
	}
	return said
}
