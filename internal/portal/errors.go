package portal

import (
	"net/http"
	"strings"
	"sync"

	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/web"
)

// Errors are the pages that explain refusals: "/" lists them, "/{id}" explains
// one. It is mounted at the issuer's /errors with that prefix taken off the
// request, and serves its own style sheet below /assets/. The same is served as
// JSON and as Markdown, to who asks for it.
//
// A reason that clients are not shown is listed nowhere, and its address answers
// exactly as that of the reason shown instead.
//
// The fields are not changed after the first request; it is then safe for
// concurrent use.
type Errors struct {
	Issuer  string           // the environment's issuer URL
	Name    string           // the publisher's
	Theme   web.Theme        // zero for the common look; Name above wins over its name
	Dialect *dialect.Dialect // how the environment answers token requests; nil means dialect.RFC
	Strict  bool             // the dialect sends only the members that its product sends
	Plain   bool             // the dialect sends the codes of RFC 6749
	Guide   string           // URL of the documentation of this environment; empty: there is none
	Why     string           // URL where partners look up what was refused; empty: there is none

	once   sync.Once
	root   string // path under which the pages are
	site   *web.Site
	assets http.Handler
	groups []group
	public []*entry // in the order of the list
}

// maxAge of the pages: they change with the program and the catalogue only.
const maxAge = "public, max-age=300"

// ServeHTTP answers GET and HEAD; other methods get 405.
func (e *Errors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.once.Do(e.build)
	path := strings.TrimPrefix(r.URL.Path, "/")
	if !asksPage(w, r, path, e.assets, e.site) {
		return
	}
	h := w.Header()
	form := wanted(r.Header.Get("Accept"))
	if id, ok := strings.CutSuffix(path, ".md"); ok {
		path, form = id, markdown
	}
	if path == "" || path == "index" {
		h.Set("Cache-Control", maxAge)
		e.list(w, r, form)
		return
	}
	i := e.find(path)
	if i < 0 {
		e.unknown(w, r, form, path)
		return
	}
	h.Set("Cache-Control", maxAge)
	e.one(w, r, form, i)
}

// asksPage reports whether a request asks for a page; else it has been answered, with
// an asset or with 405.
func asksPage(w http.ResponseWriter, r *http.Request, path string, assets http.Handler, site *web.Site) bool {
	if strings.HasPrefix(path, "assets/") {
		assets.ServeHTTP(w, r)
		return false
	}
	if !site.Reads(w, r) {
		return false
	}
	w.Header().Set("Vary", "Accept")
	return true
}

func (e *Errors) build() {
	e.root = pathOf(e.Issuer) + "/errors"
	e.site = web.NewSite(brand(e.Theme, e.Name), e.root)
	e.assets = e.site.Assets()
	e.groups = grouped(refusal.All(), e.entry)
	for _, g := range e.groups {
		e.public = append(e.public, g.Entries...)
	}
}

// find returns the place of the reason that the client is shown for an id, or -1.
func (e *Errors) find(id string) int {
	reason := refusal.Find(id)
	if reason == nil {
		return -1
	}
	for i, shown := range e.public {
		if shown.Reason == reason.Public() {
			return i
		}
	}
	return -1
}

func (e *Errors) list(w http.ResponseWriter, r *http.Request, form form) {
	switch form {
	case asJSON:
		sendJSON(w, r, http.StatusOK, e.table())
	case markdown:
		sendMarkdown(w, r, http.StatusOK, e.listMarkdown())
	default:
		e.site.Render(w, r, http.StatusOK, web.Page{Template: "refusals", Title: "Why a request was refused", Data: struct {
			Groups   []group
			Markdown string
			Strict   bool
		}{e.groups, e.root + "/index.md", e.Strict}})
	}
}

func (e *Errors) one(w http.ResponseWriter, r *http.Request, form form, i int) {
	shown := e.public[i]
	switch form {
	case asJSON:
		sendJSON(w, r, http.StatusOK, shown.row(e.Issuer))
	case markdown:
		sendMarkdown(w, r, http.StatusOK, shown.markdown())
	default:
		e.site.Render(w, r, http.StatusOK, web.Page{Template: "refusal", Title: shown.Text, Data: struct {
			Entry, Previous, Next *entry
			Groups                []group
			All, Guide, Why       string
		}{shown, e.at(i - 1), e.at(i + 1), e.groups, e.root + "/", e.Guide, e.Why}})
	}
}

// at is the entry at a place of the list, nil beyond its ends.
func (e *Errors) at(i int) *entry {
	if i < 0 || i >= len(e.public) {
		return nil
	}
	return e.public[i]
}

// unknown answers for an id that is none. What was asked for is not repeated.
func (e *Errors) unknown(w http.ResponseWriter, r *http.Request, form form, id string) {
	near := nearest(id, e.public)
	switch form {
	case asJSON:
		ids := make([]string, 0, len(near))
		for _, n := range near {
			ids = append(ids, n.ID)
		}
		sendJSON(w, r, http.StatusNotFound, struct {
			Error string   `json:"error"`
			Near  []string `json:"near"`
		}{"unknown_refusal", ids})
	case markdown:
		sendMarkdown(w, r, http.StatusNotFound, e.unknownMarkdown(near))
	default:
		e.site.Render(w, r, http.StatusNotFound, web.Page{Template: "unknown", Title: "Not found", Data: struct {
			Near []*entry
			All  string
		}{near, e.root + "/"}})
	}
}
