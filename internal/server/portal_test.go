package server

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestPortalHasNoDeadLinks follows every link of the portal on a running server,
// over to the issuer's pages, metadata and keys too. No page is large.
func TestPortalHasNoDeadLinks(t *testing.T) {
	for _, example := range []string{"timeback", "mytimetable"} {
		t.Run(example, func(t *testing.T) {
			t.Parallel()
			s := start(t, setup{example: example, home: true})
			portal := s.catalogue.Portal.URL
			known, todo := map[string]bool{portal.String(): true}, []string{portal.String()}
			beyond := 0
			for len(todo) > 0 {
				at := todo[0]
				todo = todo[1:]
				jar, _ := cookiejar.New(nil) // returns no error
				visitor := &http.Client{Jar: jar}
				response, err := visitor.Get(at)
				if err != nil {
					t.Fatal(err)
				}
				page, err := io.ReadAll(response.Body)
				response.Body.Close()
				if err != nil || response.StatusCode != http.StatusOK || len(page) > 100<<10 {
					t.Errorf("%s: %v, %d, %d bytes", at, err, response.StatusCode, len(page))
				}
				if !strings.HasPrefix(response.Request.URL.String(), portal.String()) {
					beyond++
					continue
				}
				for _, next := range linksOf(t, response.Request.URL, string(page)) {
					// The root is the command's own page.
					if next.Host != portal.Host || next.Path == "/" || known[next.String()] {
						continue
					}
					known[next.String()] = true
					todo = append(todo, next.String())
				}
			}
			if len(known) < 60 || beyond < 80 {
				t.Errorf("%d addresses, %d of them beyond the portal", len(known), beyond)
			}
		})
	}
}

// linksOf are the addresses that a page leads to, without anchors.
func linksOf(t *testing.T, at *url.URL, page string) []*url.URL {
	t.Helper()
	document, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var links []*url.URL
	for n := range document.Descendants() {
		for _, a := range n.Attr {
			if a.Key != "href" && a.Key != "src" {
				continue
			}
			to, err := at.Parse(a.Val)
			if err != nil {
				t.Errorf("%s: %v", at, err)
				continue
			}
			to.Fragment = ""
			links = append(links, to)
		}
	}
	return links
}
