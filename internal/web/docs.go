package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// Docs renders documentation: pages with examples in several languages, which
// scripts of this server make handier. It is immutable and safe for concurrent use.
type Docs struct {
	*Site
}

// NewDocs returns the site of a documentation; see NewSite.
func NewDocs(theme Theme, root string) *Docs {
	s := NewSite(theme, root)
	s.script["choose"] = s.add("choose", ".js", "text/javascript; charset=utf-8", mustRead("assets/choose.js"))
	return &Docs{s}
}

// Script is the URL path of a script of assets/.
func (d *Docs) Script(name string) string { return d.asset(d.script[name]) }

// Show answers with a page that may run this server's own scripts and no others.
// Who has the same page already is told so (RFC 9110 §13.1.2). It panics as Render
// does.
func (d *Docs) Show(w http.ResponseWriter, r *http.Request, status int, p Page) {
	tagged(w, r, status, "text/html; charset=utf-8", d.execute(p), func(h http.Header) {
		protect(h)
		h.Set("Content-Security-Policy", policy+"; script-src 'self'; require-trusted-types-for 'script'")
	})
}

// SendTagged is Send with the status 200 and an entity tag.
func SendTagged(w http.ResponseWriter, r *http.Request, mediaType string, body []byte) {
	tagged(w, r, http.StatusOK, mediaType, body, protect)
}

// tagged answers 304 where the reader has the body already.
func tagged(w http.ResponseWriter, r *http.Request, status int, mediaType string, body []byte, protect func(http.Header)) {
	sum := sha256.Sum256(body)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("ETag", tag)
	known := strings.FieldsFunc(strings.Join(r.Header.Values("If-None-Match"), ","), func(c rune) bool { return c == ',' || c == ' ' })
	if status != http.StatusOK || !slices.ContainsFunc(known, func(t string) bool { return strings.TrimPrefix(t, "W/") == tag || t == "*" }) {
		send(w, r, status, mediaType, body, protect)
		return
	}
	protect(h)
	w.WriteHeader(http.StatusNotModified)
}
