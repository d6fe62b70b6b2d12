package web

import (
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func get(t *testing.T, h http.HandlerFunc, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h(w, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	return w
}

func notice(s *Site, n Notice) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.Render(w, r, http.StatusTeapot, Page{Template: "notice", Title: n.What, Data: n})
	}
}

func TestRenderSetsTheHeadersOfEveryPage(t *testing.T) {
	w := get(t, notice(NewSite(Theme{}, ""), Notice{What: "Done"}), http.MethodGet, "/")
	if w.Code != http.StatusTeapot {
		t.Errorf("status %d", w.Code)
	}
	for name, want := range map[string]string{
		"Content-Security-Policy":    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
		"X-Frame-Options":            "DENY",
		"X-Content-Type-Options":     "nosniff",
		"Referrer-Policy":            "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Cache-Control":              "no-store",
		"Content-Type":               "text/html; charset=utf-8",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(w.Header().Get("Permissions-Policy"), "camera=()") {
		t.Error("Permissions-Policy allows the camera")
	}
	if !strings.HasPrefix(w.Body.String(), "<!doctype html>") {
		t.Errorf("a page must begin with its doctype: %.40q", w.Body)
	}
}

func TestRenderKeepsTheCallersCacheControl(t *testing.T) {
	s := NewSite(Theme{}, "")
	w := get(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=1")
		notice(s, Notice{})(w, r)
	}, http.MethodGet, "/")
	if got := w.Header().Get("Cache-Control"); got != "public, max-age=1" {
		t.Errorf("Cache-Control: %q", got)
	}
}

func TestHeadHasTheHeadersOfGetAndNoBody(t *testing.T) {
	h := notice(NewSite(Theme{}, ""), Notice{What: "Done"})
	full, head := get(t, h, http.MethodGet, "/"), get(t, h, http.MethodHead, "/")
	if head.Body.Len() != 0 || head.Header().Get("Content-Length") != full.Header().Get("Content-Length") {
		t.Errorf("HEAD: %d bytes, Content-Length %s, want that of GET: %s",
			head.Body.Len(), head.Header().Get("Content-Length"), full.Header().Get("Content-Length"))
	}
}

func TestEverythingThatComesFromElsewhereIsEscaped(t *testing.T) {
	const hostile = `"><script>alert(1)</script>`
	s := NewSite(Theme{Name: hostile}, "/a")
	w := get(t, notice(s, Notice{What: hostile, Why: hostile, Do: hostile, Link: hostile, LinkTo: "javascript:alert(1)"}), http.MethodGet, "/")
	body := w.Body.String()
	if strings.Contains(body, "<script") || strings.Contains(body, "javascript:") {
		t.Errorf("a script got into the page:\n%s", body)
	}
	if !strings.Contains(body, "&lt;script&gt;") {
		t.Error("the name is not on the page at all")
	}
}

func TestRenderPanicsBeforeItWrites(t *testing.T) {
	s := NewSite(Theme{}, "")
	for _, p := range []Page{{Template: "no-such"}, {Template: "notice", Data: 1}} {
		w := httptest.NewRecorder()
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v: no panic", p)
				}
			}()
			s.Render(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), http.StatusOK, p)
		}()
		if w.Body.Len() != 0 || len(w.Header()) != 0 {
			t.Errorf("%+v: something was written", p)
		}
	}
}

// link finds the href of a page's link element with that rel.
func link(t *testing.T, body, rel string) string {
	t.Helper()
	m := regexp.MustCompile(`<link rel="` + rel + `"[^>]* href="([^"]+)"`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("the page has no link to its %s", rel)
	}
	return m[1]
}

func TestAssetsAreBelowTheRootAndKeptForAYear(t *testing.T) {
	for _, root := range []string{"", "/", "/staging/auth/errors", "/staging/auth/errors/"} {
		s := NewSite(Theme{}, root)
		body := get(t, notice(s, Notice{}), http.MethodGet, "/").Body.String()
		for rel, mediaType := range map[string]string{"stylesheet": "text/css; charset=utf-8", "icon": "image/svg+xml"} {
			href := link(t, body, rel)
			if !strings.HasPrefix(href, strings.TrimRight(root, "/")+"/assets/") {
				t.Errorf("root %q: %s is at %s", root, rel, href)
			}
			// The caller may have stripped any part of the path.
			for _, at := range []string{href, "/" + path.Base(href)} {
				w := get(t, s.Assets().ServeHTTP, http.MethodGet, at)
				h := w.Header()
				if w.Code != http.StatusOK || h.Get("Content-Type") != mediaType {
					t.Errorf("%s: %d %s", at, w.Code, h.Get("Content-Type"))
				}
				if h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("%s: headers %v", at, h)
				}
			}
		}
	}
}

func TestAssetsAnswerOnlyForWhatThereIs(t *testing.T) {
	s := NewSite(Theme{}, "")
	for _, target := range []string{"/assets/", "/assets/grantway.css", "/assets/../web.go", "/assets/mark-0000000000000000.svg"} {
		w := get(t, s.Assets().ServeHTTP, http.MethodGet, target)
		if w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, Cache-Control %q", target, w.Code, w.Header().Get("Cache-Control"))
		}
	}
	w := get(t, s.Assets().ServeHTTP, http.MethodPost, "/assets/"+s.sheet)
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestTheNameOfAnAssetFollowsItsContent(t *testing.T) {
	red, err := ParseColour("#ff0000")
	if err != nil {
		t.Fatal(err)
	}
	plain, again, themed := NewSite(Theme{}, ""), NewSite(Theme{Name: "Other"}, "/x"), NewSite(Theme{Accent: red}, "")
	if plain.sheet != again.sheet || plain.sheet == themed.sheet || plain.icon == themed.icon {
		t.Errorf("sheets %s, %s, %s; icons %s, %s", plain.sheet, again.sheet, themed.sheet, plain.icon, themed.icon)
	}
}

// The policy forbids them; a browser would drop them without a word.
func TestTemplatesHoldNoScriptAndNoStyle(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)<script([^ ]| [^s]| src="[^{])|<style|\sstyle=|\son[a-z]+=|<iframe|<base|javascript:|http://|https://`)
	for _, name := range templates(t) {
		if at := forbidden.FindString(string(mustRead(name))); at != "" {
			t.Errorf("%s has %q", name, at)
		}
	}
	if at := regexp.MustCompile(`@import|url\(`).Find(mustRead("assets/grantway.css")); at != nil {
		t.Errorf("the style sheet loads something: %s", at)
	}
}

func templates(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, dir := range []string{"templates", "templates/layout"} {
		entries, err := files.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				names = append(names, dir+"/"+e.Name())
			}
		}
	}
	if !slices.Contains(names, "templates/notice.html") || !slices.Contains(names, "templates/layout/layout.html") {
		t.Fatalf("templates are missing: %v", names)
	}
	return names
}
