// Package portal is the developer portal: what partners read and what they do for
// themselves. It holds the documentation that is written from the running
// configuration (Docs), the pages that explain refusals, which error_uri leads to
// (RFC 6749 §5.2), and the page that greets who runs `grantway dev`.
//
// The documentation is made of articles, one file article….go for each group of
// them: content without any looks, which one template and one writer of Markdown
// put into words. Its requests are made in example….go, one method for each
// language; package interop runs every one of them.
//
// What partners do for themselves is Self, one file self….go for each noun. The
// operations are package partner's, and who is there is asked of package home.
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
