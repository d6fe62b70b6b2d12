package portal

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/web"
)

// Docs is the public documentation: for each environment the pages that its
// configuration makes, at /ENVIRONMENT/PAGE, and a search over them. "/" leads to
// the first environment for development. Each page is there as Markdown too, at
// its address with .md or for who accepts text/markdown.
//
// It is mounted at URL with that path taken off the request, and serves its own
// assets below /assets/. The fields are not changed after the first request; it is
// then safe for concurrent use.
type Docs struct {
	URL          *url.URL // where it is mounted
	Name         string   // of what is published, as people call it
	Contact      string   // who hands out credentials
	Theme        web.Theme
	Environments []*catalogue.Environment // the published ones; at least one

	Samples string // URL of credentials for everybody: a demonstration has them; empty: there are none
	Ask     string // URL path of the form that asks for access; empty: by mail
	Mine    string // URL path of visitors' own applications, where they sign in; empty: there is none
	More    []Link // further entries of the navigation, for what visitors do for themselves

	// Visitor says who is there; nil, or an answer of nil: nobody that is known.
	Visitor func(*http.Request) *Visitor

	once    sync.Once
	root    string // URL path
	origin  string
	site    *web.Docs
	assets  http.Handler
	shelves map[string]*shelf

	references map[string][]*article // by environment
	calls      map[string]*Answer    // to the first call, by environment
}

// A Link leads somewhere on this origin.
type Link struct{ Title, Path string }

// A Visitor is somebody who is signed in.
type Visitor struct {
	Name         string
	Clients      map[string]string        // id of the client to show in examples, by environment
	Applications map[string][]Application // those that can be used, by environment
}

// An Application is a visitor's client, with the scopes that it may ask for.
type Application struct {
	ID, Name string
	Scopes   map[string][]string // by API name
}

// A shelf is the documentation of one environment.
type shelf struct {
	guide    *guide
	articles []*article
	index    []found
}

// ServeHTTP answers GET and HEAD; other methods get 405.
func (d *Docs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.once.Do(d.build)
	path := strings.Trim(r.URL.Path, "/")
	if !asksPage(w, r, path, d.assets, d.site.Site) {
		return
	}
	var visitor *Visitor
	if d.Visitor != nil {
		w.Header().Set("Vary", "Accept, Cookie")
		visitor = d.Visitor(r)
	}
	environment, page, _ := strings.Cut(path, "/")
	switch shelf := d.shelves[environment]; {
	case path == "":
		d.lead(w, r, d.start().Name)
	case path == "search":
		d.search(w, r, visitor)
	case shelf == nil:
		d.nothing(w, r)
	case page == "":
		d.lead(w, r, environment)
	default:
		d.page(w, r, shelf, page, visitor)
	}
}

func (d *Docs) build() {
	d.root = pathOf(d.URL.String())
	d.origin = d.URL.Scheme + "://" + d.URL.Host
	d.site = web.NewDocs(brand(d.Theme, d.Name), d.root)
	d.assets = d.site.Assets()
	d.shelves, d.references, d.calls = map[string]*shelf{}, map[string][]*article{}, map[string]*Answer{}
	for _, e := range d.Environments {
		s := &shelf{guide: d.guide(e, "")}
		d.references[e.Name], d.calls[e.Name] = s.guide.referencePages(), s.guide.called()
		s.articles = s.guide.articles()
		s.index = s.entries()
		d.shelves[e.Name] = s
	}
}

// start is the environment that newcomers see.
func (d *Docs) start() *catalogue.Environment {
	for _, e := range d.Environments {
		if e.Use != "live" {
			return e
		}
	}
	return d.Environments[0]
}

// lead leads to an environment's first page.
func (d *Docs) lead(w http.ResponseWriter, r *http.Request, environment string) {
	w.Header().Set("Location", d.root+"/"+environment+"/overview")
	web.Send(w, r, http.StatusSeeOther, "text/plain; charset=utf-8", []byte("The documentation begins at "+d.root+"/"+environment+"/overview\n"))
}

// page answers with one of the environment's.
func (d *Docs) page(w http.ResponseWriter, r *http.Request, s *shelf, page string, visitor *Visitor) {
	form := wanted(r.Header.Get("Accept"))
	if slug, ok := strings.CutSuffix(page, ".md"); ok {
		page, form = slug, markdown
	}
	articles := s.articles
	if visitor != nil && visitor.Clients[s.guide.Name] != "" {
		g := d.guide(s.guide.Environment, visitor.Clients[s.guide.Name])
		g.mine = visitor.Applications[s.guide.Name]
		articles = g.articles()
	}
	for i, a := range articles {
		if a.Slug != page {
			continue
		}
		h := w.Header()
		h.Set("Cache-Control", maxAge)
		if visitor != nil {
			h.Set("Cache-Control", "private, no-cache") // it says who is signed in
		}
		address := d.root + "/" + s.guide.Name + "/" + a.Slug
		if form == markdown {
			if visitor == nil { // else it holds what is theirs, which a cache may keep
				h.Set("Access-Control-Allow-Origin", "*")
			}
			h.Set("Link", "<"+d.origin+address+">; rel=\"canonical\"") // RFC 6596
			web.SendTagged(w, r, "text/markdown; charset=utf-8", []byte(a.Markdown(d.origin)))
			return
		}
		h.Set("Link", "<"+address+".md>; rel=\"alternate\"; type=\"text/markdown\"")
		shown := sheet{frame: d.frame(s.guide, articles, a.Slug, visitor), Article: a, Address: address}
		shown.Previous, shown.Next = neighbour(articles, i-1), neighbour(articles, i+1)
		d.site.Show(w, r, http.StatusOK, web.Page{Template: "docs-page", Title: a.Title + " · " + s.guide.title(), Data: shown})
		return
	}
	d.nothing(w, r)
}

// nothing answers for an address that leads nowhere. What was asked for is not
// repeated.
func (d *Docs) nothing(w http.ResponseWriter, r *http.Request) {
	d.site.Render(w, r, http.StatusNotFound, web.Page{Template: "notice", Title: "Not found", Data: web.Notice{
		What: "There is no page at this address", Why: "The address may have been cut off or mistyped, or its environment was taken away.",
		Do: "Begin at the overview, or use the search there.", Link: "Overview", LinkTo: d.root + "/" + d.start().Name + "/overview",
	}})
}

// A frame is what is around every page.
type frame struct {
	Root         string
	Script       func(string) string
	Environments []choice
	Nav          []choice
	More         []Link
	Here         string // name of the environment
	Query        string
	Visitor      *Visitor
	Mine         string // where visitors sign in; empty: nowhere
}

// A choice is one of several links; one of them may be where the reader is.
type choice struct {
	Title, Note, Path string
	Here              bool
}

// A sheet is a page of the documentation.
type sheet struct {
	frame
	Article        *article
	Address        string
	Previous, Next *choice
}

// frame is what is around a page of an environment.
func (d *Docs) frame(g *guide, articles []*article, slug string, visitor *Visitor) frame {
	f := frame{Root: d.root, Script: d.site.Script, More: d.More, Here: g.Name, Visitor: visitor, Mine: d.Mine}
	for _, e := range d.Environments {
		f.Environments = append(f.Environments, choice{
			Title: d.shelves[e.Name].guide.title(), Note: e.Use, Here: e.Name == g.Name, Path: d.root + "/" + e.Name + "/" + d.shelves[e.Name].like(slug),
		})
	}
	for _, a := range articles {
		switch {
		case a.Under == "":
			f.Nav = append(f.Nav, choice{Title: navTitle(a), Path: g.link(a.Slug, ""), Here: a.Slug == slug})
		case a.Slug == slug: // its pages are not in the navigation, which says where one is
			f.Nav = append(f.Nav, choice{Title: a.Title, Path: g.link(a.Slug, ""), Here: true})
		}
	}
	return f
}

// navTitle is the title where it stands among others.
func navTitle(a *article) string {
	if a.Slug == "overview" {
		return "Overview"
	}
	return a.Title
}

// like is the page of this environment that corresponds to another's.
func (s *shelf) like(slug string) string {
	for _, wanted := range []string{slug, map[string]string{"token": "sign-in", "sign-in": "token"}[slug]} {
		for _, a := range s.articles {
			if a.Slug == wanted {
				return wanted
			}
		}
	}
	return "overview"
}

func neighbour(articles []*article, i int) *choice {
	if i < 0 || i >= len(articles) {
		return nil
	}
	return &choice{Title: navTitle(articles[i]), Path: articles[i].Slug}
}

// environmentOf is the shelf that a search is in.
func (d *Docs) environmentOf(r *http.Request) *shelf {
	return cmp.Or(d.shelves[r.URL.Query().Get("environment")], d.shelves[d.start().Name])
}
