package portal

import (
	"fmt"
	"strings"
)

// Markdown writes the article as Markdown (RFC 7763, in the form of GitHub's).
// Addresses without a host are completed with the portal's origin, so that the text
// can be read elsewhere.
func (a *article) Markdown(origin string) string {
	w := &markdownWriter{origin: origin}
	fmt.Fprintf(w, "# %s\n", plain(a.Title))
	w.paragraph(a.Lead)
	for _, p := range a.Parts {
		fmt.Fprintf(w, "\n## %s\n", plain(p.Title))
		for _, b := range p.Blocks {
			w.block(b)
		}
	}
	return w.String()
}

type markdownWriter struct {
	strings.Builder
	origin string
}

func (w *markdownWriter) block(b block) {
	switch {
	case b.Prose != nil:
		w.paragraph(b.Prose)
	case b.List != nil:
		w.WriteByte('\n')
		for i, item := range b.List.Items {
			mark := "- "
			if b.List.Steps {
				mark = fmt.Sprintf("%d. ", i+1)
			}
			w.WriteString(mark + w.inline(item) + "\n")
		}
	case b.Grid != nil:
		w.grid(b.Grid)
	case b.Box != nil:
		fmt.Fprintf(w, "\n> **%s.** %s\n", b.Box.Kind, w.inline(b.Box.Text))
	case b.Code != nil:
		w.code(b.Code)
	case b.Example != nil:
		for i := range b.Example.Variants {
			v := &b.Example.Variants[i]
			w.code(&Code{Label: v.Label, Language: v.Language, Text: v.Text})
		}
		if b.Example.Answer != nil {
			w.code(&Code{Label: "The answer", Language: "http", Text: b.Example.Answer.Text()})
		}
	case b.Picture != nil:
		fmt.Fprintf(w, "\n%s\n", plain(b.Picture.Title))
	default:
		for _, c := range b.Cases {
			w.instance(c)
		}
	}
}

func (w *markdownWriter) instance(c instance) {
	fmt.Fprintf(w, "\n### %s\n", w.inline(c.Seen))
	w.paragraph(c.Facts)
	fmt.Fprintf(w, "\n**Why.** %s\n\n**What to do.** %s\n", w.inline(c.Why), w.inline(c.Do))
	if c.Page != "" {
		w.paragraph(linked("More", c.Page))
	}
}

func (w *markdownWriter) paragraph(t text) {
	if len(t) > 0 {
		w.WriteString("\n" + w.inline(t) + "\n")
	}
}

func (w *markdownWriter) code(c *Code) {
	fence := "```"
	for strings.Contains(c.Text, fence) {
		fence += "`"
	}
	fmt.Fprintf(w, "\n%s:\n\n%s%s\n%s\n%s\n", plain(c.Label), fence, c.Language, strings.TrimRight(c.Text, "\n"), fence)
}

func (w *markdownWriter) grid(g *grid) {
	w.WriteString("\n|")
	for _, h := range g.Head {
		w.WriteString(" " + plain(h) + " |")
	}
	w.WriteString("\n|" + strings.Repeat("---|", len(g.Head)) + "\n")
	for _, row := range g.Rows {
		w.WriteByte('|')
		for _, c := range row.Cells {
			w.WriteString(" " + w.inline(c) + " |")
		}
		w.WriteByte('\n')
	}
}

func (w *markdownWriter) inline(t text) string {
	var b strings.Builder
	for _, s := range t {
		said := plain(s.Text)
		switch {
		case s.Code && !strings.ContainsAny(s.Text, "`|\n"):
			said = "`" + s.Text + "`"
		case s.Strong:
			said = "**" + said + "**"
		}
		if s.URL != "" {
			said = "[" + said + "](" + w.address(s.URL) + ")"
		}
		b.WriteString(said)
	}
	return b.String()
}

// inLink escapes what would end a link.
var inLink = strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", " ", "%20")

// address is a link as Markdown has it.
func (w *markdownWriter) address(to string) string {
	if strings.HasPrefix(to, "/") {
		to = w.origin + to
	}
	return inLink.Replace(to)
}
