package portal

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/grantway/grantway/examples"
	"github.com/grantway/grantway/internal/catalogue"
)

const testOrigin = "http://127.0.0.1:8080"

// documented is the documentation of an example as `grantway dev` has it.
func documented(t *testing.T, example string) *Docs {
	t.Helper()
	config := []byte(alike)
	if found, ok := examples.Find(example); ok {
		config = found.Config
	}
	c, err := catalogue.Parse(example+".yaml", config, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	c = c.ForDev(testOrigin, t.TempDir())
	if found, ok := examples.Find(example); ok && found.Says != nil {
		document, err := catalogue.ParseOpenAPI(example+"/openapi.yaml", found.Says)
		if err != nil {
			t.Fatal(err)
		}
		c = c.WithDocument(c.Environments[0].APIs[0].Name, document)
	}
	return &Docs{URL: c.Portal.URL, Name: c.Name, Contact: c.Contact, Environments: c.Environments, Samples: testOrigin + "/"}
}

// get asks as a browser does, with the path below the portal.
func get(t *testing.T, d http.Handler, path string, header ...string) *http.Response {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	d.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var systems = []string{"quickstart", "timeback", "fitness", "studyteam", "mytimetable", "alike"}

// alike has names that are alike in as many ways as the file allows.
const alike = `
name: Alike
environments:
  all: {use: development, issuer: https://auth.alike.example, api: https://api.alike.example}
  overview: {use: live, issuer: https://auth.live.example, api: https://api.live.example, accounts: true}
apis:
  one:
    upstream: demo
    scopes:
      read: {description: Read, category: Чтение}
      write: {description: Write, category: Запись}
      read:a: {description: Read a}
      read-a: {description: Read a}
    routes:
      - GET /a-b: read
      - GET /a/b: read
      - GET /a/{b}: read:a
      - GET /a/…: read-a
      - POST /a/b: write
  two:
    audience: two
    upstream: demo
    rate: 600/min
    scopes:
      read: {description: Read elsewhere, category: Чтение}
    routes:
      - GET /two/b: read
      - GET /two/c: token
`

// A seen page has what other pages may link to.
type seen struct {
	ids   []string
	links []string
}

func read(t *testing.T, path, text string) seen {
	t.Helper()
	document, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var s seen
	for n := range document.Descendants() {
		for _, a := range n.Attr {
			switch a.Key {
			case "id":
				if slices.Contains(s.ids, a.Val) {
					t.Errorf("%s: two elements are %s", path, a.Val)
				}
				s.ids = append(s.ids, a.Val)
			case "href", "src", "action":
				s.links = append(s.links, a.Val)
			case "style", "onclick":
				t.Errorf("%s: inline %s", path, a.Key)
			}
		}
	}
	return s
}

// TestEveryLinkOfThePortal goes through all pages of all examples: each answers,
// none is too large, each link leads to a page and to an element that are there.
func TestEveryLinkOfThePortal(t *testing.T) {
	for _, example := range systems {
		t.Run(example, func(t *testing.T) {
			d := documented(t, example)
			pages, todo := map[string]seen{}, []string{"/portal/"}
			base, _ := url.Parse(testOrigin + "/portal/") // a constant
			type way struct{ from, to, anchor string }
			var ways []way
			for len(todo) > 0 {
				path := todo[0]
				todo = todo[1:]
				if _, ok := pages[path]; ok {
					continue
				}
				response := get(t, d, strings.TrimPrefix(path, "/portal"))
				if to := response.Header.Get("Location"); to != "" {
					pages[path] = seen{}
					todo = append(todo, to)
					continue
				}
				text := body(t, response)
				if response.StatusCode != http.StatusOK || len(text) > 100<<10 {
					t.Errorf("%s: %d, %d bytes", path, response.StatusCode, len(text))
				}
				if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
					pages[path] = seen{}
					continue
				}
				if strings.Contains(text, "ZgotmplZ") || strings.Contains(text, "%!") {
					t.Errorf("%s: something was filtered out", path)
				}
				page := read(t, path, text)
				pages[path] = page
				at, _ := base.Parse(path) // it was a link
				for _, l := range page.links {
					to, err := at.Parse(l)
					switch {
					case err != nil:
						t.Errorf("%s: %s: %v", path, l, err)
					case to.Host == base.Host && strings.HasPrefix(to.Path, "/portal"):
						ways = append(ways, way{path, to.Path, to.Fragment})
						todo = append(todo, to.Path)
					case to.Host == base.Host, to.Scheme == "mailto", to.Host == "www.rfc-editor.org":
					default:
						t.Errorf("%s leads to %s", path, l)
					}
				}
			}
			for _, w := range ways {
				if w.anchor != "" && !slices.Contains(pages[w.to].ids, w.anchor) {
					t.Errorf("%s: %s has no %s", w.from, w.to, w.anchor)
				}
			}
			if len(pages) < 2*13*2 {
				t.Errorf("%d pages", len(pages))
			}
		})
	}
}

// TestMarkdownOfEveryPage: the same content, in both ways of asking.
func TestMarkdownOfEveryPage(t *testing.T) {
	for _, example := range systems {
		d := documented(t, example)
		d.once.Do(d.build)
		for name, shelf := range d.shelves {
			for _, a := range shelf.articles {
				at := "/" + name + "/" + a.Slug
				one, two := body(t, get(t, d, at+".md")), body(t, get(t, d, at, "Accept", "text/markdown"))
				if one != two || !strings.HasPrefix(one, "# "+plain(a.Title)+"\n") {
					t.Errorf("%s: %.60q and %.60q", at, one, two)
				}
				for _, p := range a.Parts {
					if !strings.Contains(one, "\n## "+plain(p.Title)+"\n") {
						t.Errorf("%s: no %s", at, p.Title)
					}
				}
				if strings.Contains(one, "%!") || strings.Contains(one, "](/") {
					t.Errorf("%s: %s", at, one)
				}
			}
		}
	}
}

// TestPortalCaching: who has the page is told so, and others get it.
func TestPortalCaching(t *testing.T) {
	d := documented(t, "fitness")
	first := get(t, d, "/staging/token")
	tag := first.Header.Get("ETag")
	for _, row := range []struct {
		known  string
		status int
	}{{tag, 304}, {"W/" + tag, 304}, {`"other", ` + tag, 304}, {`"other"`, 200}, {"", 200}} {
		got := get(t, d, "/staging/token", "If-None-Match", row.known)
		if got.StatusCode != row.status || got.Header.Get("ETag") != tag || got.Header.Get("Cache-Control") != maxAge {
			t.Errorf("%q: %d %v", row.known, got.StatusCode, got.Header)
		}
	}
	if md := get(t, d, "/staging/token.md", "If-None-Match", tag); md.StatusCode != 200 {
		t.Error("two forms of a page have one tag")
	}
	policy := first.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe") {
		t.Error(policy)
	}
}

// TestSwitchStaysOnThePage: the other environment's link leads to the same page, or
// to what corresponds to it.
func TestSwitchStaysOnThePage(t *testing.T) {
	d := documented(t, "fitness")
	for _, page := range []string{"token", "errors", "scopes"} {
		if text := body(t, get(t, d, "/staging/"+page)); !strings.Contains(text, `href="/portal/production/`+page+`"`) {
			t.Errorf("%s leads to another page", page)
		}
	}
	for _, path := range []string{"", "/"} {
		if to := get(t, d, "/"+strings.TrimPrefix(path, "/")).Header.Get("Location"); to != "/portal/staging/overview" {
			t.Errorf("%q leads to %s", path, to)
		}
	}
	for _, path := range []string{"/nowhere", "/staging/nothing", "/staging/token/more", "/staging/.md", "/%2e%2e/x"} {
		if got := get(t, d, path); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/staging/token", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Error(w.Code)
	}
}

// TestVisitorsExamples: who is signed in sees the client in examples, and no cache
// keeps that page for others.
func TestVisitorsExamples(t *testing.T) {
	d := documented(t, "fitness")
	d.Visitor = func(r *http.Request) *Visitor {
		if r.Header.Get("Cookie") == "" {
			return nil
		}
		return &Visitor{Name: "Ann", Clients: map[string]string{"staging": "ann-sync"}}
	}
	d.More = []Link{{"My applications", "/portal/apps"}}
	for path, has := range map[string]bool{"/staging/credentials": true, "/staging/token": true, "/production/token": false} {
		mine, others := get(t, d, path, "Cookie", "a=b"), get(t, d, path)
		if strings.Contains(mine.Header.Get("Cache-Control"), "public") || !strings.Contains(others.Header.Get("Vary"), "Cookie") {
			t.Errorf("%s: %v", path, mine.Header)
		}
		text := body(t, mine)
		if strings.Contains(text, "ann-sync") != has || !strings.Contains(text, "My applications") {
			t.Errorf("%s: %v", path, !has)
		}
		if strings.Contains(body(t, others), "ann-sync") {
			t.Errorf("%s: others see it", path)
		}
	}
}

// TestVisitorsScopes: who is signed in reads which scopes each application has, where
// they are explained; who is not is led to sign in, where there is something to sign
// in to. Rotation leads there, too.
func TestVisitorsScopes(t *testing.T) {
	d := documented(t, "fitness")
	at := d.URL.Path
	d.Mine = at + "/applications"
	d.Visitor = func(r *http.Request) *Visitor {
		if r.Header.Get("Cookie") == "" {
			return nil
		}
		api := d.Environments[0].APIs[0].Name
		return &Visitor{Name: "Ann", Clients: map[string]string{"staging": "ann-sync"}, Applications: map[string][]Application{"staging": {
			{ID: "ann-sync", Name: "Nightly <sync>", Scopes: map[string][]string{api: {"read:moves", "gone:scope"}}}, {ID: "ann-idle", Name: "Idle"},
		}}}
	}
	mine := body(t, get(t, d, "/staging/scopes", "Cookie", "a=b"))
	for _, wanted := range []string{
		`<a href="` + at + `/application?environment=staging&amp;id=ann-sync">Nightly &lt;sync&gt;</a>`,
		`<a href="` + at + `/staging/scopes#scope-read:moves"><code>read:moves</code></a>, <code>gone:scope</code>`,
		`>none</td>`, `<a href="` + d.Mine + `"><bdi>Ann</bdi></a>`,
	} {
		if !strings.Contains(mine, wanted) {
			t.Errorf("%s is not in\n%s", wanted, mine)
		}
	}
	others := body(t, get(t, d, "/staging/scopes"))
	if strings.Contains(others, "ann-sync") || strings.Count(others, `<a href="`+d.Mine+`">Sign in</a>`) != 2 {
		t.Errorf("who is not signed in reads\n%s", others)
	}
	if text := body(t, get(t, d, "/staging/rotation")); strings.Count(text, `<a href="`+d.Mine+`">My applications</a>`) != 2 {
		t.Errorf("rotation does not lead to the applications:\n%s", text)
	}
	d = documented(t, "fitness")
	if text := body(t, get(t, d, "/staging/scopes")); strings.Contains(text, "Sign in") || !strings.Contains(text, "on the sheet that came") {
		t.Errorf("where nobody signs in\n%s", text)
	}
}

// TestBoxes: what harms and what helps stands out, on the pages where it matters (row
// U59 of the mission).
func TestBoxes(t *testing.T) {
	d := documented(t, "fitness")
	for page, words := range map[string][]string{
		"scopes": {"Tip.</strong> Ask for the scopes that your calls need"}, "lifetimes": {"Warning.</strong> 401 of the", "Tip.</strong> <code>expires_in</code>"},
		"best-practice": {"Warning.</strong> Never in a front-end"}, "rotation": {"Warning.</strong> A secret in a repository"}, "credentials": {"Warning.</strong> Whoever holds"},
	} {
		text := body(t, get(t, d, "/staging/"+page))
		for _, wanted := range words {
			if !strings.Contains(text, wanted) {
				t.Errorf("%s has no box with %q", page, wanted)
			}
		}
	}
}

// TestTheFirstAnswer: it is the document's, where there is one.
func TestTheFirstAnswer(t *testing.T) {
	for system, wanted := range map[string]string{"quickstart": "&#34;text&#34;: &#34;A token opened this door.&#34;", "fitness": "(what the API answers)"} {
		if text := body(t, get(t, documented(t, system), "/staging/call")); !strings.Contains(text, wanted) {
			t.Errorf("%s: %q is not in\n%s", system, wanted, text)
		}
	}
}

// TestSayReadsNoMarkupOfOthers: what is put into a text is never markup.
func TestSayReadsNoMarkupOfOthers(t *testing.T) {
	got := say("**%s** has `%s` [there](%s)", "a `b` [c](javascript:d)", "`", "/x")
	want := text{{Text: "a `b` [c](javascript:d)", Strong: true}, {Text: " has "}, {Text: "`", Code: true}, {Text: " "}, {Text: "there", URL: "/x"}}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// TestErrorsOfTheEnvironment: what cannot come up there is not on the page.
func TestErrorsOfTheEnvironment(t *testing.T) {
	machines, people := body(t, get(t, documented(t, "fitness"), "/staging/errors")), body(t, get(t, documented(t, "mytimetable"), "/demo/errors"))
	for id, in := range map[string][2]bool{
		"credentials-wrong": {true, true}, "token-expired": {true, true}, "redirect-unknown": {false, true}, "code-refused": {false, true},
		"api-token-required": {false, true}, "token-not-for-url": {false, true}, "audience-missing": {false, false}, "caller-left": {false, false},
		"secret-wrong": {false, false},
	} {
		if got := [2]bool{strings.Contains(machines, `id="`+id+`"`), strings.Contains(people, `id="`+id+`"`)}; got != in {
			t.Errorf("%s: %v, want %v", id, got, in)
		}
	}
}

// TestPublishersNamesAreText: what stands in the configuration is never markup, in
// neither form of a page.
func TestPublishersNamesAreText(t *testing.T) {
	d := documented(t, "quickstart")
	d.Name, d.Contact = `<script>x</script> [a](javascript:b) **c**`, `"><script>x</script>@example.org`
	d.Environments[0].APIs[0].Title = d.Name
	d.Environments[0].APIs[0].Scopes[0].Description = d.Name
	for _, page := range []string{"overview", "credentials", "scopes", "reference", "environments", "rotation"} {
		if text := body(t, get(t, d, "/staging/"+page)); strings.Contains(text, "<script>x") || strings.Contains(text, `href="javascript`) {
			t.Errorf("%s: %s", page, text)
		}
		if text := body(t, get(t, d, "/staging/"+page+".md")); strings.Contains(text, "<script>") || strings.Contains(text, "[a](") || strings.Contains(text, "**c**") {
			t.Errorf("%s.md: %s", page, text)
		}
	}
}
