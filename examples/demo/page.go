package demo

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Page is which part of a list a request asks for.
type Page struct {
	Limit  int // at most so many, at least 1
	Offset int // after so many, from 0
}

// ReadPage reads the query's limit, within 1 and most, and offset, from 0.
// Where one is absent or empty the limit is usual and the offset 0. A value
// outside the bounds, or no whole number, is a [*Fault] with status 400.
func ReadPage(query url.Values, usual, most int) (Page, error) {
	page := Page{Limit: usual}
	var err error
	if s := query.Get("limit"); s != "" {
		if page.Limit, err = strconv.Atoi(s); err != nil || page.Limit < 1 || page.Limit > most {
			return Page{}, Invalid(fmt.Sprintf("limit must be a whole number from 1 to %d.", most))
		}
	}
	if s := query.Get("offset"); s != "" {
		if page.Offset, err = strconv.Atoi(s); err != nil || page.Offset < 0 {
			return Page{}, Invalid("offset must be a whole number, 0 or more.")
		}
	}
	return page, nil
}

// Cut gives the page's part of a list: none of it beyond the end.
func (p Page) Cut(list []Object) []Object {
	from := min(p.Offset, len(list))
	return list[from : from+min(p.Limit, len(list)-from)]
}

// SetLinks sets X-Total-Count, and Link with the pages first, prev, next and
// last as far as they exist (RFC 8288). The links carry the public host and
// scheme that the gateway passed on in X-Forwarded-Host and X-Forwarded-Proto,
// else those of the request itself.
func (p Page) SetLinks(h http.Header, r *http.Request, total int) {
	h.Set("X-Total-Count", strconv.Itoa(total))
	last := max(total-1, 0) / p.Limit * p.Limit
	links := []string{p.link(r, "first", 0)}
	if p.Offset > 0 {
		// Beyond the end, the page before is the last one there is.
		links = append(links, p.link(r, "prev", min(max(p.Offset-p.Limit, 0), last)))
	}
	if p.Offset < total-p.Limit {
		links = append(links, p.link(r, "next", p.Offset+p.Limit))
	}
	links = append(links, p.link(r, "last", last))
	h.Set("Link", strings.Join(links, ", "))
}

func (p Page) link(r *http.Request, rel string, offset int) string {
	to := url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath}
	if host := r.Header.Get("X-Forwarded-Host"); host != "" {
		to.Host = host
	}
	// The gateway's own base path: it was taken off the path that reaches us.
	if prefix := r.Header.Get("X-Forwarded-Prefix"); strings.HasPrefix(prefix, "/") {
		to.Path, to.RawPath = prefix+to.Path, ""
	}
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		to.Scheme = "https"
	}
	query := r.URL.Query()
	query.Set("limit", strconv.Itoa(p.Limit))
	query.Set("offset", strconv.Itoa(offset))
	query.Del("access_token") // RFC 6750 §5.3: a token in a URL is not passed on
	to.RawQuery = query.Encode()
	return fmt.Sprintf("<%s>; rel=%q", to.String(), rel)
}
