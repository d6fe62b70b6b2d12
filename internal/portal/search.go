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
	Words             string // of what stands there
	title, text       string // in lower case; the text begins with the title
}

// entries are the places of an environment: pages, headings with what stands below
// them, rows with an address, such as scopes, paths and errors, and what visitors
// can do for themselves.
func (s *shelf) entries() []found {
	var all []found
	add := func(page, path, title, more string) {
		lower := strings.ToLower(title)
		all = append(all, found{Title: title, Page: page, Path: path, Words: more, title: lower, text: lower + " " + strings.ToLower(more)})
	}
	for _, a := range s.articles {
		page := navTitle(a)
		add(page, s.guide.link(a.Slug, ""), a.Title, a.Lead.String())
		for _, p := range a.Parts {
			add(page, s.guide.link(a.Slug, p.ID), p.Title, p.said())
			for _, b := range p.Blocks {
				for _, c := range b.Cases {
					add(page, s.guide.link(a.Slug, c.ID), c.Seen.String(), strings.Join([]string{c.Facts.String(), c.Why.String(), c.Do.String()}, " "))
				}
				if b.Grid == nil {
					continue
				}
				for _, row := range b.Grid.Rows {
					if row.ID != "" {
						add(page, s.guide.link(a.Slug, row.ID), row.Cells[0].String(), row.said(1))
					}
				}
			}
		}
	}
	for _, l := range s.guide.docs.More {
		add("For you", l.Path, l.Title, "")
	}
	return all
}

// said is what stands in the part and has no entry of its own.
func (p part) said() string {
	var said []string
	for _, b := range p.Blocks {
		switch {
		case b.Prose != nil:
			said = append(said, b.Prose.String())
		case b.List != nil:
			for _, item := range b.List.Items {
				said = append(said, item.String())
			}
		case b.Grid != nil:
			for _, row := range b.Grid.Rows {
				if row.ID == "" {
					said = append(said, row.said(0))
				}
			}
		case b.Box != nil:
			said = append(said, b.Box.Text.String())
		case b.Code != nil:
			said = append(said, b.Code.Label)
		case b.Example != nil:
			for _, v := range b.Example.Variants {
				said = append(said, v.Label)
			}
		}
	}
	return strings.Join(said, " ")
}

// said are the cells from the given one on.
func (l line) said(from int) string {
	var said []string
	for _, c := range l.Cells[from:] {
		said = append(said, c.String())
	}
	return strings.Join(said, " ")
}

// Limits of a search.
const (
	maxQuery  = 200 // bytes
	maxFound  = 30
	longFound = 180 // of what is shown of a place, in bytes
)

// otherwise are words that readers bring along, and what these pages say instead.
var otherwise = map[string][]string{
	"cors": {"another origin", "browser"}, "sandbox": {"development"}, "test": {"development"}, "live": {"production"},
	"leak": {"got out"}, "compromis": {"got out"}, "expiry": {"expir"}, "ttl": {"lifetime"}, "permission": {"scope"},
	"throttl": {"429"}, "quota": {"429"}, "password": {"secret"}, "node": {"javascript"}, "nodejs": {"javascript"}, "golang": {"go"},
	"jwks": {"jwk"}, "host": {"address"}, "support": {"a person:", "write to"}, "contact": {"a person:", "write to"}, "login": {"sign in"},
	"register": {"ask for access"}, "signup": {"ask for access"}, "unauthorized": {"401"}, "forbidden": {"403"}, "recipe": {"a program"},
}

// stem is a word without its ending, so that "rotate" finds "rotation". Names, which
// have more than letters in them, stay as they are.
func stem(word string) string {
	if strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }) || strings.HasSuffix(word, "ss") {
		return word
	}
	for _, ending := range []string{"ions", "ings", "ion", "ing", "ed", "es", "s", "e"} {
		if rest, ok := strings.CutSuffix(word, ending); ok && len(rest) >= 4 {
			return rest
		}
	}
	return word
}

// find returns the places that have all words of a query, those first whose title
// has them.
func (s *shelf) find(query string) []found {
	query = strings.ToLower(query)
	var words [][]string // each as it may be written
	for _, w := range strings.Fields(query) {
		words = append(words, append([]string{stem(w)}, append(otherwise[stem(w)], otherwise[w]...)...))
	}
	if len(words) == 0 {
		return nil
	}
	type hit struct {
		found
		worth int
	}
	var hits []hit
	for _, f := range s.index {
		worth, at := f.worth(words)
		if f.title == strings.Join(strings.Fields(query), " ") {
			worth += len(words)
		}
		if worth > 0 {
			f.Words = excerpt(f.Words, at-len(f.title)-1)
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

// worth says how well a place answers, and where in its text the first word stands
// that its title does not have; a place that lacks a word is worth nothing.
func (f *found) worth(words [][]string) (worth, at int) {
	for _, w := range words {
		best := 0
		for i, form := range w {
			switch {
			case i == 0 && strings.HasPrefix(f.title, form):
				best = max(best, 4)
			case i == 0 && strings.Contains(f.title, form):
				best = max(best, 3)
			case strings.Contains(f.title, form):
				best = max(best, 2)
			case strings.Contains(f.text, form):
				if best == 0 && at == 0 {
					at = strings.Index(f.text, form)
				}
				best = max(best, 1)
			}
		}
		if best == 0 {
			return 0, 0
		}
		worth += best
	}
	return worth, at
}

// excerpt is what stands around a place in a text.
func excerpt(s string, at int) string {
	if len(s) <= longFound {
		return s
	}
	from := 0
	if at > longFound/2 && at < len(s) {
		from = at - longFound/2
		if space := strings.IndexByte(s[from:], ' '); space >= 0 {
			from += space + 1
		}
	}
	to := min(len(s), from+longFound)
	if to < len(s) {
		if space := strings.LastIndexByte(s[from:to], ' '); space > 0 {
			to = from + space
		}
	}
	shown := strings.ToValidUTF8(s[from:to], "")
	if from > 0 {
		shown = "… " + shown
	}
	if to < len(s) {
		shown += " …"
	}
	return shown
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
