package portal

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/refusal"
)

const issuer = "http://127.0.0.1:8080/staging/auth"

func pages() *Errors { return &Errors{Issuer: issuer, Name: "Example"} }

// ask sends a request whose header is given as name, value, name, value.
func ask(t *testing.T, h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// shown are the reasons that clients are shown.
func shown() []*refusal.Reason {
	var all []*refusal.Reason
	for _, r := range refusal.All() {
		if r.Shown == nil {
			all = append(all, r)
		}
	}
	return all
}

func TestEveryReasonHasAPageThatTheListLeadsTo(t *testing.T) {
	e := pages()
	list := ask(t, e, http.MethodGet, "/").Body.String()
	for _, r := range shown() {
		uri := r.URI(issuer)
		path := strings.TrimPrefix(uri, "http://127.0.0.1:8080")
		if strings.Count(list, `href="`+path+`"`) != 1 {
			t.Errorf("%s: the list does not lead to %s once", r.ID, path)
		}
		w := ask(t, e, http.MethodGet, strings.TrimPrefix(uri, issuer+"/errors"))
		if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "public, max-age=300" || w.Header().Get("Vary") != "Accept" {
			t.Errorf("%s: %d %v", r.ID, w.Code, w.Header())
		}
		text := textOf(w.Body.String())
		for _, want := range []string{r.Text, r.Cause, r.Cure, string(r.Code), http.StatusText(r.HTTPStatus()), `"error_uri": "` + uri + `"`} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page does not say %q", r.ID, want)
			}
		}
		if named := strings.Contains(r.Text, refusal.NamesMark); named != strings.Contains(text, "stands for names") {
			t.Errorf("%s: names are left open: %v, explained: %v", r.ID, named, !named)
		}
	}
}

// textOf is the text of a page, tags dropped and entities read.
func textOf(body string) string {
	body = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, "")
	return strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&#43;", "+", "&amp;", "&").Replace(body)
}

// TestARefusalLeadsToTheDocumentation where there is one, and to nothing else.
func TestARefusalLeadsToTheDocumentation(t *testing.T) {
	e := pages()
	if text := ask(t, e, http.MethodGet, "/scope-insufficient").Body.String(); strings.Contains(text, "/troubleshooting") || strings.Contains(text, "/why") {
		t.Error("it leads to documentation that is not there")
	}
	e = pages()
	e.Guide, e.Why = "https://developers.example/staging", "https://developers.example/why"
	text := ask(t, e, http.MethodGet, "/scope-insufficient").Body.String()
	for _, link := range []string{`<a href="https://developers.example/staging/troubleshooting">`, `<a href="https://developers.example/why">`} {
		if strings.Count(text, link) != 1 {
			t.Errorf("no %s in\n%s", link, text)
		}
	}
}

func TestAReasonThatIsNotShownIsNotDisclosed(t *testing.T) {
	e := pages()
	var everything strings.Builder
	for _, accept := range []string{"text/html", "application/json", "text/markdown"} {
		everything.WriteString(ask(t, e, http.MethodGet, "/", "Accept", accept).Body.String())
		for _, r := range shown() {
			everything.WriteString(ask(t, e, http.MethodGet, "/"+r.ID, "Accept", accept).Body.String())
		}
	}
	hidden := 0
	for _, r := range refusal.All() {
		if r.Shown == nil {
			continue
		}
		hidden++
		for _, secret := range []string{r.ID, r.Text, r.Cause} {
			if strings.Contains(everything.String(), secret) {
				t.Errorf("%s: a page says %q", r.ID, secret)
			}
		}
		for _, accept := range []string{"text/html", "application/json", "text/markdown"} {
			own, other := ask(t, e, http.MethodGet, "/"+r.ID, "Accept", accept), ask(t, e, http.MethodGet, "/"+r.Shown.ID, "Accept", accept)
			if own.Code != other.Code || !cmp.Equal(own.Header(), other.Header()) || own.Body.String() != other.Body.String() {
				t.Errorf("%s differs from %s as %s", r.ID, r.Shown.ID, accept)
			}
		}
		if near := ask(t, e, http.MethodGet, "/"+r.ID+"x").Body.String(); strings.Contains(near, r.ID) {
			t.Errorf("%s is offered as near", r.ID)
		}
	}
	if hidden == 0 {
		t.Error("the table hides nothing: this test tests nothing")
	}
}

func TestAnUnknownIDNamesNearOnes(t *testing.T) {
	e := pages()
	for asked, want := range map[string]string{
		"/token-expird":       "token-expired",
		"/TOKEN-EXPIRED":      "token-expired",
		"/audience":           "audience-missing",
		"/credentials-wrong/": "credentials-wrong",
		"/client_disabled":    "client-disabled",
	} {
		w := ask(t, e, http.MethodGet, asked)
		if w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, Cache-Control %q", asked, w.Code, w.Header().Get("Cache-Control"))
		}
		if !strings.Contains(w.Body.String(), `href="/staging/auth/errors/`+want+`"`) {
			t.Errorf("%s: %s is not offered", asked, want)
		}
	}
	for _, asked := range []string{"/" + strings.Repeat("a", 65), "/%3Cscript%3E", "/qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "/.md", "/..", "/a/b/c"} {
		w := ask(t, e, http.MethodGet, asked)
		if asked != "/.md" && w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", asked, w.Code)
		}
		if strings.Contains(w.Body.String(), "script") || strings.Contains(w.Body.String(), "aaaaaaaaaa") {
			t.Errorf("%s is repeated on the page", asked)
		}
	}
}

func TestNearest(t *testing.T) {
	e := pages()
	e.once.Do(e.build)
	if got := nearest("", e.public); len(got) != 5 {
		t.Errorf("%d entries near nothing, want the bound of 5", len(got))
	}
	if got := nearest(strings.Repeat("t", 65), e.public); got != nil {
		t.Error("an id of 65 bytes was compared")
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 2}, {"same", "same", 0}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestOnlyReading(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "BREW"} {
		for _, path := range []string{"/", "/token-expired", "/unknown", "/assets/x.css"} {
			w := ask(t, pages(), method, path)
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
	}
	if w := ask(t, pages(), http.MethodHead, "/token-expired"); w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d with %d bytes", w.Code, w.Body.Len())
	}
}

func TestEveryAnswerIsProtected(t *testing.T) {
	e := &Errors{Issuer: issuer, Name: `<script>alert(1)</script>`}
	welcome := &Welcome{Title: `<script>alert(2)</script>`, Name: `"onload="alert(3)`, Environments: []Environment{hostile()}}
	targets := []string{"/", "/nothing-like-it", "/assets/none", "/index.md"}
	for _, r := range refusal.All() {
		targets = append(targets, "/"+r.ID, "/"+r.ID+".md")
	}
	inline := regexp.MustCompile(`(?i)<script|<style|<[^>]*\sstyle=|<[^>]*\son[a-z]+=|href="javascript:`)
	check := func(h http.Handler, method, target string) {
		w := ask(t, h, method, target)
		got := w.Header()
		if !strings.HasPrefix(got.Get("Content-Security-Policy"), "default-src 'none'; ") || got.Get("X-Frame-Options") != "DENY" ||
			got.Get("X-Content-Type-Options") != "nosniff" || got.Get("Referrer-Policy") != "no-referrer" || got.Get("Cross-Origin-Opener-Policy") != "same-origin" {
			t.Errorf("%s %s: headers %v", method, target, got)
		}
		if strings.HasPrefix(got.Get("Content-Type"), "text/html") {
			if found := inline.FindString(w.Body.String()); found != "" {
				t.Errorf("%s %s: the page has %q", method, target, found)
			}
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for _, target := range targets {
			check(e, method, target)
		}
		check(welcome, method, "/")
		check(welcome, method, "/assets/none")
	}
}

func TestTheStyleSheetOfThePageIsServed(t *testing.T) {
	e := pages()
	m := regexp.MustCompile(`rel="stylesheet" href="/staging/auth/errors(/assets/[^"]+)"`).FindStringSubmatch(ask(t, e, http.MethodGet, "/").Body.String())
	if m == nil {
		t.Fatal("no style sheet below the page's own path")
	}
	w := ask(t, e, http.MethodGet, m[1])
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("%s: %d %v", m[1], w.Code, w.Header())
	}
}

func TestJSON(t *testing.T) {
	e := pages()
	var all table
	w := ask(t, e, http.MethodGet, "/", "Accept", "application/json")
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%v, %s", err, w.Header().Get("Content-Type"))
	}
	if all.Issuer != issuer || len(all.Refusals) != len(shown()) {
		t.Errorf("%d refusals of %s, want %d", len(all.Refusals), all.Issuer, len(shown()))
	}
	for _, listed := range all.Refusals {
		r := refusal.Find(listed.ID)
		want := row{
			r.ID, listed.Group, r.Code, r.HTTPStatus(), r.Text, r.Cause, r.Cure, r.Retryable(), r.URI(issuer),
		}
		if diff := cmp.Diff(want, listed); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.ID, diff)
		}
		var alone row
		if err := json.Unmarshal(ask(t, e, http.MethodGet, "/"+r.ID, "Accept", "application/json").Body.Bytes(), &alone); err != nil || alone != listed {
			t.Errorf("%s differs alone from the list: %v", r.ID, err)
		}
	}
	w = ask(t, e, http.MethodGet, "/token-expird", "Accept", "application/json")
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `"token-expired"`) {
		t.Errorf("unknown: %d %s", w.Code, w.Body)
	}
}

func TestMarkdown(t *testing.T) {
	e := &Errors{Issuer: issuer, Name: "<b>*x*"}
	for _, w := range []*httptest.ResponseRecorder{
		ask(t, e, http.MethodGet, "/index.md"),
		ask(t, e, http.MethodGet, "/", "Accept", "text/markdown"),
	} {
		if w.Header().Get("Content-Type") != "text/markdown; charset=utf-8" || strings.Count(w.Body.String(), ".md) |\n") != len(shown()) {
			t.Errorf("the list: %s\n%s", w.Header().Get("Content-Type"), w.Body)
		}
		if !strings.Contains(w.Body.String(), `\<b\>\*x\*`) {
			t.Error("the name is not escaped")
		}
	}
	w := ask(t, e, http.MethodGet, "/grant-missing.md")
	for _, want := range []string{"# Missing required parameter: grant\\_type\n", "## What to do\n\nSend grant\\_type=client\\_credentials in the body.\n", "```http\nHTTP/1.1 400 Bad Request\n"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, w.Body)
		}
	}
	if w := ask(t, e, http.MethodGet, "/token-expird.md"); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "[token-expired](/staging/auth/errors/token-expired.md)") {
		t.Errorf("unknown: %d\n%s", w.Code, w.Body)
	}
}

func TestWanted(t *testing.T) {
	for accept, want := range map[string]form{
		"":                                page,
		"*/*":                             page,
		"application/json":                asJSON,
		"Application/JSON; charset=utf-8": asJSON,
		"text/markdown":                   markdown,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": page,
		"application/json, text/html":                                     page,
		"application/json, text/html;q=0.9":                               asJSON,
		"text/markdown;q=0.5, application/json;q=0.4":                     markdown,
		"application/json;q=0":                                            page,
		"application/json;q=NaN, text/markdown;q=0.2":                     asJSON,
		"image/png": page,
		";;,,;q":    page,
	} {
		if got := wanted(accept); got != want {
			t.Errorf("%q: %v, want %v", accept, got, want)
		}
	}
}

func TestAgainAndDefined(t *testing.T) {
	e := pages()
	e.once.Do(e.build)
	said := map[string]string{"unavailable": "Retry-After", "too-many-failures": "Retry-After", "server-error": "may succeed later", "upstream-timeout": "may succeed later", "grant-missing": "refused again"}
	section := map[string]string{"grant-missing": "RFC 6749 §5.2", "token-twice": "RFC 6750 §3.1", "token-expired": "RFC 6750 §3.1", "audience-missing": "RFC 8707 §2", "server-error": "RFC 6749 §4.1.2.1"}
	for id, want := range said {
		if got := e.public[e.find(id)].Again(); !strings.Contains(got, want) {
			t.Errorf("%s: %q does not say %q", id, got, want)
		}
	}
	for id, want := range section {
		if got := e.public[e.find(id)].Defined(); got == nil || got.Name != want {
			t.Errorf("%s: %v, want %s", id, got, want)
		}
	}
	if got := e.public[e.find("too-many-failures")].Defined(); got != nil {
		t.Errorf("too_many_requests is defined by %v", got)
	}
}

func TestThePageShowsTheEnvironmentsDialect(t *testing.T) {
	e := &Errors{Issuer: issuer, Name: "Example", Dialect: dialect.Cognito, Strict: true}
	text := textOf(ask(t, e, http.MethodGet, "/audience-missing").Body.String())
	if !strings.Contains(text, `"error": "invalid_request"`) || strings.Contains(text, "invalid_target") || strings.Contains(text, "error_description") {
		t.Errorf("audience-missing is not answered as a strict Cognito pool does:\n%s", text)
	}
	text = textOf(ask(t, e, http.MethodGet, "/method-not-post").Body.String())
	if !strings.Contains(text, "HTTP/1.1 405 Method Not Allowed\nContent-Length: 0") {
		t.Errorf("method-not-post is not answered without a body:\n%s", text)
	}
	text = textOf(ask(t, e, http.MethodGet, "/token-expired").Body.String())
	if !strings.Contains(text, `"error": "invalid_token"`) || !strings.Contains(text, "401 Unauthorized") || strings.Contains(text, "Basic realm") {
		t.Errorf("token-expired is not answered as the API's guard does:\n%s", text)
	}
}
