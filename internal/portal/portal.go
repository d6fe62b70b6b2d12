// Package portal is the developer portal: what partners read and, later, what
// they do for themselves. Today it holds the pages that explain refusals, which
// error_uri leads to (RFC 6749 §5.2), and the page that greets who runs
// `grantway dev`. The generated documentation and a partner's self-service
// belong here too.
//
// It writes none of the words about refusals: package refusal has the table. How
// an answer looks on the wire is asked of package dialect, how a page looks of
// package web. Where the pages are mounted is package server's.
package portal

import (
	"net/url"
	"strings"

	"github.com/grantway/grantway/internal/web"
)

// pathOf is the path of a URL, escaped and without a slash at its end.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.EscapedPath(), "/")
}

// brand is the theme under the name that the caller knows.
func brand(t web.Theme, name string) web.Theme {
	if name != "" {
		t.Name = name
	}
	return t
}
