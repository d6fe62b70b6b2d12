package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/wire"
)

func tree(patterns ...string) *node {
	api := &catalogue.API{Name: "api"}
	for _, pattern := range patterns {
		api.Routes = append(api.Routes, catalogue.Route{Methods: []string{"GET"}, Path: pattern})
	}
	return treeOf(rulesOf(&catalogue.Environment{APIs: []*catalogue.API{api}}))
}

func TestFind(t *testing.T) {
	routes := tree("/", "/a", "/a/b", "/a/{x}", "/a/{x}/c", "/a/b/d", "/{x}/e", "/r/…", "/r/s/{x}", "/r/{x}/t", "/{x}/{y}/{z}/…")
	for path, want := range map[string]string{
		"/": "/", "/a": "/a", "/a/": "/a", "/a/b": "/a/b", "/a/b/": "/a/b", "/a/q": "/a/{x}", "/a/q/c": "/a/{x}/c",
		"/a/b/c": "/a/{x}/c", // back from /a/b
		"/a/b/d": "/a/b/d", "/q/e": "/{x}/e",
		"/a/e": "/a/{x}", "/r/e": "/r/…", // literal first
		"/r": "", "/r/": "", "/r/1": "/r/…", "/r/1/2/3": "/r/…", "/r/s/1": "/r/s/{x}", "/r/s/t": "/r/s/{x}", "/r/q/t": "/r/{x}/t",
		"/r/s": "/r/…", "/r/s/1/2": "/r/…",
		"/1/2/3/4": "/{x}/{y}/{z}/…", "/1/2/3/4/": "/{x}/{y}/{z}/…", "/1/2/3": "", "/1/2/3/": "",
		"/a/q/c/d": "/{x}/{y}/{z}/…", // back over two
		"/b":       "", "/a/q/d": "", "/a%20": "", "/{x}/e": "/{x}/e",
	} {
		found := routes.Find(path)
		got := ""
		if found != nil {
			got = found.rules[0].Path
		}
		if got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// TestFindRest: … stands for at least one segment, also right below the root.
func TestFindRest(t *testing.T) {
	routes := tree("/…")
	for path, open := range map[string]bool{"/": false, "/a": true, "/a/": true, "/a/b/c": true} {
		if got := routes.Find(path) != nil; got != open {
			t.Errorf("%s: open %v", path, got)
		}
	}
}

// TestMethods: the most specific path decides alone.
func TestMethods(t *testing.T) {
	api := &catalogue.API{Name: "api", Routes: []catalogue.Route{
		{Methods: []string{"GET", "DELETE"}, Path: "/a/{x}"},
		{Methods: []string{"POST"}, Path: "/a/b"},
		{Methods: []string{"PUT", "GET"}, Path: "/a/{y}/c"},
		{Methods: []string{"POST"}, Path: "/a/{z}/c"},
	}}
	routes := treeOf(rulesOf(&catalogue.Environment{APIs: []*catalogue.API{api}}))
	for path, want := range map[string][]string{
		"/a/1": {"DELETE", "GET", "HEAD"}, "/a/b": {"POST"}, "/a/1/c": {"GET", "HEAD", "POST", "PUT"},
	} {
		if diff := cmp.Diff(want, routes.Find(path).methods()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", path, diff)
		}
	}
}

// matches says by the words of catalogue.Route whether a path is a pattern's.
func matches(pattern, path string) bool {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	if segments[0] == "" {
		segments = nil
	}
	parts := strings.Split(strings.Trim(pattern, "/"), "/")
	if parts[0] == "" {
		parts = nil
	}
	if n := len(parts); n > 0 && parts[n-1] == catalogue.Rest {
		if len(segments) < n {
			return false
		}
		parts, segments = parts[:n-1], segments[:n-1]
	}
	if len(parts) != len(segments) {
		return false
	}
	for i, part := range parts {
		if part != segments[i] && !strings.HasPrefix(part, "{") {
			return false
		}
	}
	return true
}

// rank orders patterns: where two first differ, a literal is before {name} and
// {name} before ….
func rank(pattern string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		switch {
		case part == catalogue.Rest:
			b.WriteByte('3')
		case strings.HasPrefix(part, "{"):
			b.WriteByte('2')
		default:
			b.WriteByte('1')
		}
	}
	return b.String()
}

// TestFindIsTheReference compares the tree with reading every pattern.
func TestFindIsTheReference(t *testing.T) {
	segment := rapid.SampledFrom([]string{"a", "b", "c"})
	rapid.Check(t, func(t *rapid.T) {
		var patterns []string
		shapes := map[string]bool{}
		for range rapid.IntRange(1, 12).Draw(t, "patterns") {
			var parts []string
			for range rapid.IntRange(0, 4).Draw(t, "segments") {
				if rapid.Bool().Draw(t, "variable") {
					parts = append(parts, "{}")
				} else {
					parts = append(parts, segment.Draw(t, "literal"))
				}
			}
			if rapid.IntRange(0, 3).Draw(t, "rest") == 0 {
				parts = append(parts, catalogue.Rest)
			}
			if shape := "/" + strings.Join(parts, "/"); !shapes[shape] { // the catalogue refuses equal ones
				shapes[shape] = true
				patterns = append(patterns, shape)
			}
		}
		routes := tree(patterns...)
		for range 20 {
			path := "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 5).Draw(t, "path"), "/")
			if path != "/" && rapid.Bool().Draw(t, "slash") {
				path += "/"
			}
			var best string
			for _, pattern := range patterns {
				if matches(pattern, path) && (best == "" || rank(pattern) < rank(best)) {
					best = pattern
				}
			}
			got := ""
			if found := routes.Find(path); found != nil {
				got = found.rules[0].Path
			}
			if got != best {
				t.Fatalf("%s among %q: %q, want %q", path, patterns, got, best)
			}
		}
	})
}

// TestForwardedIsMatched: the bytes that a rule was found for are the bytes that
// the API reads, and the query is as it came (rule 7, row S08).
func TestForwardedIsMatched(t *testing.T) {
	f := start(t, nil)
	g := New(f.settings)
	alphabet := []rune("abc/..%2e%2F%5c+;:@!$&'()*,=-_~%20%C3%A9%c3%a9|^\"<>[]{}\\ é\x01")
	rapid.Check(t, func(t *rapid.T) {
		sent := "/open/" + rapid.StringOfN(rapid.RuneFrom(alphabet), 0, 20, -1).Draw(t, "path")
		query := rapid.StringMatching(`[a-z%;&=+?/.]{0,12}`).Draw(t, "query")
		// As net/http reads it.
		r, err := readRequest("GET " + sent + "?" + query + " HTTP/1.1\r\nHost: api.example\r\n\r\n")
		if err != nil {
			return
		}
		before := len(f.reached())
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r.WithContext(activity.With(r.Context(), &activity.Fact{})))
		path, pathErr := wire.CanonicalPath(sent)
		reached := f.reached()[before:]
		if (pathErr == nil && matches("/open/…", path)) != (len(reached) == 1) && path != "/open/" {
			t.Fatalf("%q: reached %d, %v", sent, len(reached), pathErr)
		}
		if len(reached) == 0 {
			return
		}
		if want := path + "?" + query; reached[0].RequestURI != want {
			t.Fatalf("%q reached the API as %q, want %q", sent, reached[0].RequestURI, want)
		}
	})
}

// TestUpstreamPath: the upstream's own path goes before ours.
func TestUpstreamPath(t *testing.T) {
	for upstream, want := range map[string]string{"": "/open/a%20b", "/v1": "/v1/open/a%20b", "/v%201/x": "/v%201/x/open/a%20b"} {
		f := start(t, nil, func(f *fixture) {
			f.environment.APIs[0].Upstream, _ = url.Parse(f.environment.APIs[0].Upstream.String() + upstream)
		})
		if got := f.get(t, "GET", "/open/a%20b?", ""); got.StatusCode != http.StatusOK {
			t.Fatalf("%q: %s %s", upstream, got.Status, body(t, got))
		}
		if got := f.reached()[0].RequestURI; got != want+"?" {
			t.Errorf("%q: %q, want %q", upstream, got, want+"?")
		}
	}
}

func BenchmarkFind(b *testing.B) {
	var patterns []string
	for i := range 100 {
		patterns = append(patterns, fmt.Sprintf("/v1/things%d", i), fmt.Sprintf("/v1/things%d/{id}", i), fmt.Sprintf("/v1/things%d/{id}/…", i))
	}
	routes := tree(patterns...)
	b.ReportAllocs()
	for b.Loop() {
		if routes.Find("/v1/things77/1234/parts") == nil {
			b.Fatal("not found")
		}
	}
}

func BenchmarkAdmit(b *testing.B) {
	f := start(b, nil)
	g := New(f.settings)
	r := httptest.NewRequest(http.MethodGet, "/notes/1234", nil)
	r.Header.Set("Authorization", "Bearer "+readToken)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.admit(r, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAllows(t *testing.T) {
	get, post := &catalogue.Route{Methods: []string{"GET"}}, &catalogue.Route{Methods: []string{"POST"}}
	if !get.Allows("HEAD") || post.Allows("HEAD") || get.Allows("get") || slices.Contains(get.Methods, "HEAD") {
		t.Error("HEAD belongs to GET and to nothing else")
	}
}
