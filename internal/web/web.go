// Package web holds what every page of this server has in common: templates, the
// style sheet, the publisher's brand on top of it, and the headers that keep
// pages safe. It is the only importer of html/template.
//
// It decides nothing and reads nothing: what a page says comes from the package
// that answers (portal, console, login), as plain values that a template
// here puts into words. Pages work without JavaScript and carry no inline script
// or style; the Content-Security-Policy (W3C CSP Level 3) forbids both.
//
// Site renders the pages that programs' authors read, in English; Pages those of
// signing in, consent and the account, in the person's language, and guards their
// forms against being forged.
package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
)

// A Site renders the pages of one publisher below one path. It is immutable and
// safe for concurrent use.
type Site struct {
	theme  Theme
	root   string            // as URLs have it
	path   string            // the same without escapes, as http.Request.URL.Path has it
	assets map[string]asset  // by file name
	sheet  string            // file name
	icon   string            // file name
	logo   string            // file name, empty: none
	script map[string]string // file name by that of assets/
}

// NewSite returns the site whose assets are found below root, the URL path under
// which the caller serves Assets: "" for the root of the host, else without a
// slash at its end ("/staging/auth/errors"). Style sheets and pictures are then
// at root + "/assets/".
func NewSite(theme Theme, root string) *Site {
	s := &Site{theme: theme, root: strings.TrimRight(root, "/"), assets: map[string]asset{}, script: map[string]string{}}
	s.path = s.root
	if plain, err := url.PathUnescape(s.root); err == nil {
		s.path = plain
	}
	s.sheet = s.add("grantway", ".css", "text/css; charset=utf-8", theme.style())
	s.icon = s.add("mark", ".svg", "image/svg+xml", theme.mark())
	if l := theme.Logo; l.content != "" {
		s.logo = s.add("logo", l.ending, l.mediaType, []byte(l.content))
	}
	for _, name := range scripts {
		s.script[name] = s.add(name, ".js", "text/javascript; charset=utf-8", mustRead("assets/"+name+".js"))
	}
	return s
}

// scripts make pages handier; none does anything that cannot be done without,
// but passkeys, which browsers have no other way to.
var scripts = []string{"passkey", "submit", "copy", "live"}

// asset is the URL path of an asset by its file name, empty for none.
func (s *Site) asset(file string) string {
	if file == "" {
		return ""
	}
	return s.root + "/assets/" + file
}

// A Page is what one answer shows.
type Page struct {
	Template string // a file of templates/, without its ending
	Title    string // of the window; the publisher's name is added
	Data     any    // what the template asks for
}

// view is what a template sees.
type view struct {
	Brand, Title            string
	Sheet, Icon, Logo, Lang string // Logo is empty where there is none
	Data                    any
}

// Render answers with a page. Unless the caller has set Cache-Control, nobody
// keeps the page. A template that is missing or does not fit its data is a fault
// of the program: Render panics before anything is written.
func (s *Site) Render(w http.ResponseWriter, r *http.Request, status int, p Page) {
	Send(w, r, status, "text/html; charset=utf-8", s.execute(p))
}

// execute fills a template in.
func (s *Site) execute(p Page) []byte {
	t := pages()[p.Template]
	if t == nil {
		panic("web: no template " + p.Template)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, view{
		Brand: s.theme.name(), Title: p.Title, Data: p.Data, Lang: English,
		Sheet: s.asset(s.sheet), Icon: s.asset(s.icon), Logo: s.asset(s.logo),
	}); err != nil {
		panic(fmt.Sprintf("web: template %s: %v", p.Template, err))
	}
	return b.Bytes()
}

// Send answers with a body of any other media type, under the same headers and
// the same rule for caches as a page.
func Send(w http.ResponseWriter, r *http.Request, status int, mediaType string, body []byte) {
	send(w, r, status, mediaType, body, protect)
}

func send(w http.ResponseWriter, r *http.Request, status int, mediaType string, body []byte, protect func(http.Header)) {
	h := w.Header()
	protect(h)
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) // a reader that has gone is no concern of ours
	}
}

// Reads reports whether the method only reads. If it does not, the request is
// answered with 405 already.
func (s *Site) Reads(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	s.Render(w, r, http.StatusMethodNotAllowed, Page{Template: "notice", Title: "Read only", Data: Notice{
		What: "This address answers GET and HEAD only",
		Why:  "It holds a page to read. Nothing was changed.",
		Do:   "If a program sent this request, compare its URL with the metadata below /.well-known/.",
	}})
	return false
}

// Notice is the data of the template "notice": one thing that happened, as a card.
type Notice struct {
	What, Why, Do string
	Link, LinkTo  string // where to go on: the words and the URL; both empty for none
}

//go:embed templates assets languages
var files embed.FS

// pages are the templates by name. Each file calls the layout that it wants and
// fills its blocks. They are read with the first page: most commands show none.
var pages = sync.OnceValue(parse)

func parse() map[string]*template.Template {
	layouts := template.Must(template.ParseFS(files, "templates/layout/*.html"))
	found := map[string]*template.Template{}
	entries, err := files.ReadDir("templates")
	if err != nil {
		panic("web: " + err.Error())
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		own := template.Must(template.Must(layouts.Clone()).ParseFS(files, "templates/"+e.Name()))
		found[strings.TrimSuffix(e.Name(), path.Ext(e.Name()))] = own.Lookup(e.Name())
	}
	return found
}
