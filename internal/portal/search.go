package portal

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/grantway/grantway/internal/web"
)

// A found is a place that a search may lead to.
type found struct {
	Title, Page, Path string
	Words             string // more of what stands there
	title, text       string // in lower case
}

// entries are the places of an environment: pages, headings, and rows with an
// address, such as scopes, paths and errors.
func (s *shelf) entries() []found {
	var all []found
	add := func(a *article, anchor, title, more string) {
		all = append(all, found{
			Title: title, Page: navTitle(a), Path: s.guide.link(a.Slug, anchor), Words: more,
			title: strings.ToLower(title), text: strings.ToLower(title + " " + more),
		})
	}
	for _, a := range s.articles {
		add(a, "", a.Title, a.Lead.String())
		for _, p := range a.Parts {
			add(a, p.ID, p.Title, "")
			for _, b := range p.Blocks {
				for _, c := range b.Cases {
					add(a, c.ID, c.Seen.String(), c.Facts.String()+" "+c.Why.String())
				}
				if b.Grid == nil {
					continue
				}
				for _, row := range b.Grid.Rows {
					if row.ID == "" {
						continue
					}
					var rest []string
					for _, c := range row.Cells[1:] {
						rest = append(rest, c.String())
					}
					add(a, row.ID, row.Cells[0].String(), strings.Join(rest, " "))
				}
			}
		}
	}
	return all
}

// Limits of a search.
const (
	maxQuery = 200 // bytes
	maxFound = 30
)

// find returns the places that have all words of a query, those first whose title
// has them.
func (s *shelf) find(query string) []found {
	words := strings.Fields(strings.ToLower(query))
	if len(words) == 0 {
		return nil
	}
	type hit struct {
		found
		worth int
	}
	var hits []hit
	for _, f := range s.index {
		worth := 0
		for _, w := range words {
			switch {
			case strings.HasPrefix(f.title, w):
				worth += 3
			case strings.Contains(f.title, w):
				worth += 2
			case strings.Contains(f.text, w):
				worth++
			default:
				worth = -len(words) * 3
			}
		}
		if worth > 0 {
			hits = append(hits, hit{f, worth})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return b.worth - a.worth })
	var all []found
	for _, h := range hits[:min(len(hits), maxFound)] {
		all = append(all, h.found)
	}
	return all
}

// search answers a search over one environment.
func (d *Docs) search(w http.ResponseWriter, r *http.Request, visitor *Visitor) {
	s := d.environmentOf(r)
	query := r.URL.Query().Get("q")
	if len(query) > maxQuery || !utf8.ValidString(query) {
		query = ""
	}
	shown := struct {
		frame
		Found []found
		Title string
	}{d.frame(s.guide, s.articles, "", visitor), s.find(query), s.guide.title()}
	shown.Query = strings.TrimSpace(query)
	d.site.Show(w, r, http.StatusOK, web.Page{Template: "docs-search", Title: "Search", Data: shown})
}
