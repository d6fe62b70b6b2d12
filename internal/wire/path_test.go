package wire

import (
	"errors"
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCanonicalPath(t *testing.T) {
	for sent, want := range map[string]string{
		"/":                      "/",
		"/a/b":                   "/a/b",
		"/a/b/":                  "/a/b/",
		"//a/b":                  "/a/b",
		"///":                    "/",
		"/a%20b":                 "/a%20b",
		"/caf%c3%a9":             "/caf%C3%A9",
		"/items%3Abatch":         "/items:batch",
		"/items:batch":           "/items:batch",
		"/a%40b,c%21":            "/a@b,c!",
		"/a+b":                   "/a%2Bb",
		"/a%2bb":                 "/a%2Bb",
		"/100%25":                "/100%25",
		"/100%25-":               "/100%25-",
		"/a%25zz":                "/a%25zz",
		"/a%3Fb%23c":             "/a%3Fb%23c",
		"/.well-known/x":         "/.well-known/x",
		"/...":                   "/...",
		"/a..b":                  "/a..b",
		"/ims/or/v1p1/users('1)": "/ims/or/v1p1/users('1)",
	} {
		got, err := CanonicalPath(sent)
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", sent, got, err, want)
		}
	}
}

func TestCanonicalPathRefuses(t *testing.T) {
	for _, sent := range []string{
		"", "a", "*", "https://x/a", "%2Fa",
		"/.", "/..", "/a/./b", "/a/../b", "/a/..", "//../a",
		"/%2e%2e/a", "/.%2E/a", "/%2e", "/a/%2E./b", "/%c0%ae%c0%ae/a",
		"/a//b", "/a//", "//a//b",
		"/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", `/a\b`,
		"/a;b", "/a/..;/b", "/a%3bb",
		"/a%00", "/a\x00", "/a%0d%0a", "/a\n", "/a%7f", "/a\x7f", "/a%c2%85",
		"/%", "/%4", "/%zz", "/a%u002e",
		"/%61", "/%7E", "/%2D",
		"/%252e%252e/a", "/%252F", "/%2500",
		"/é", "/\xff", "/a%ff", "/a%c3",
		"/a?b", "/a#b", "/a b", `/a"b`, "/a<b", "/a[0]", "/a|b", "/a{b}", "/a^b",
	} {
		if got, err := CanonicalPath(sent); !errors.Is(err, ErrPath) || got != "" {
			t.Errorf("%q: got %q, %v", sent, got, err)
		}
	}
}

func TestCanonicalPathLimit(t *testing.T) {
	most := "/" + strings.Repeat("a", MaxPath-1)
	if _, err := CanonicalPath(most); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if _, err := CanonicalPath(most + "a"); !errors.Is(err, ErrPath) {
		t.Errorf("beyond the limit: %v", err)
	}
	if _, err := CanonicalPath(most[:MaxPath-1] + "+"); !errors.Is(err, ErrPath) {
		t.Errorf("beyond the limit once respelled: %v", err)
	}
}

func TestEndpointPath(t *testing.T) {
	for sent, want := range map[string]string{
		"":                 "/",
		"/":                "/",
		"///":              "/",
		"/oauth2/token":    "/oauth2/token",
		"/oauth2/token/":   "/oauth2/token",
		"/oauth2/token//":  "/oauth2/token",
		"//oauth2/token":   "/oauth2/token",
		"/oauth2///token/": "/oauth2/token",
	} {
		if got := EndpointPath(sent); got != want {
			t.Errorf("%q: got %q, want %q", sent, got, want)
		}
	}
}

func TestPathsDoNotAllocate(t *testing.T) {
	for name, do := range map[string]func(){
		"EndpointPath":           func() { EndpointPath("/oauth2/token") },
		"EndpointPath, slash":    func() { EndpointPath("/oauth2/token/") },
		"CanonicalPath":          func() { _, _ = CanonicalPath("/ims/oneroster/v1p1/users/7c0c%20x/@me:y") },
		"CanonicalPath, doubled": func() { _, _ = CanonicalPath("//ims/oneroster") },
	} {
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A canonical path names what was asked for, leads nowhere else, and is its own
// canonical path.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/a/b", "//a", "/%2e%2e/a", "/a%2fb", "/a+b%2b", "/%25%32%65", "/a%c3%a9/", "/..;/a", "/items%3abatch"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		got, err := CanonicalPath(sent)
		if err != nil {
			return
		}
		if again, err := CanonicalPath(got); err != nil || again != got {
			t.Errorf("%q gives %q, and that gives %q, %v", sent, got, again, err)
		}
		decoded, err := url.PathUnescape(got)
		if err != nil || !utf8.ValidString(decoded) {
			t.Fatalf("%q does not decode: %v", got, err)
		}
		if clean := path.Clean(decoded); clean != decoded && clean+"/" != decoded {
			t.Errorf("%q is %q when cleaned", decoded, clean)
		}
		if asked, _ := url.PathUnescape(sent); "/"+strings.TrimLeft(asked, "/") != decoded {
			t.Errorf("asked for %q, got %q", asked, decoded)
		}
		if twice, err := url.PathUnescape(decoded); err == nil && twice != decoded {
			t.Errorf("%q decodes a second time, to %q", decoded, twice)
		}
		for segment := range strings.SplitSeq(decoded[1:], "/") {
			if segment == "." || segment == ".." || strings.ContainsAny(segment, "\\;\x00") {
				t.Errorf("segment %q in %q", segment, got)
			}
		}
	})
}

func BenchmarkCanonicalPath(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := CanonicalPath("/ims/oneroster/v1p1/users/7c0c%20x/classes"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEndpointPath(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		EndpointPath("/oauth2/token/")
	}
}
