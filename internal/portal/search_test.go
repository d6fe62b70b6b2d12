package portal

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestSearch: titles before texts, every word must occur, and nothing that is sent
// is more than text.
func TestSearch(t *testing.T) {
	d := documented(t, "fitness")
	d.More = []Link{{"Try it", "/portal/try"}}
	for query, first := range map[string]string{
		"rotation": "/portal/staging/rotation", "read:moves": "/portal/staging/scopes#scope-read:moves", "READ:MOVES": "/portal/staging/scopes#scope-read:moves",
		"invalid_client": "/portal/staging/errors#", "lifetimes renewal": "/portal/staging/lifetimes", "biometrics": "",
		// What people ask for in words of their own.
		"rotate": "/portal/staging/rotation", "scope": "/portal/staging/scopes", "leaked": "/portal/staging/rotation#leaked", "cors": "/portal/staging/troubleshooting#cors",
		"python": "/portal/staging/token#request", "expires": "/portal/staging/", "cache": "/portal/staging/", "jwks": "/portal/staging/environments#addresses-staging",
		"refresh token": "/portal/staging/lifetimes#renew", "base url": "/portal/staging/", "try it": "/portal/try",
	} {
		d.once.Do(d.build)
		got := d.shelves["staging"].find(query)
		if len(got) == 0 || !strings.HasPrefix(got[0].Path, first) {
			t.Errorf("%s: %v", query, got)
		}
	}
	for query, want := range map[string]string{
		"": "Write words", "zebra": "nothing for", "<b>": "nothing for “&lt;b&gt;”", "rotation zebra": "nothing for", strings.Repeat("a", maxQuery+1): "Write words",
	} {
		if text := body(t, get(t, d, "/search?environment=production&q="+url.QueryEscape(query))); !strings.Contains(text, want) {
			t.Errorf("%q: no %s in %s", query, want, text)
		}
	}
	if text := body(t, get(t, d, "/search?environment=production&q=rotation")); !strings.Contains(text, "/portal/production/rotation") {
		t.Error("another environment is searched")
	}
}

// TestExcerptIsOfWholeWords: what is found is shown with what stands around it, and
// never half a letter.
func TestExcerptIsOfWholeWords(t *testing.T) {
	long := strings.Repeat("élan vital ", 60) + "needle " + strings.Repeat("élan vital ", 60)
	for at := range len(long) {
		shown := excerpt(long, at)
		if len(shown) > longFound+12 || !utf8.ValidString(shown) {
			t.Fatalf("at %d: %q", at, shown)
		}
	}
	if shown := excerpt(long, strings.Index(long, "needle")); !strings.HasPrefix(shown, "… ") || !strings.Contains(shown, " needle ") || !strings.HasSuffix(shown, " …") {
		t.Errorf("%q", shown)
	}
	for _, short := range []string{"", strings.Repeat("a", longFound)} {
		if shown := excerpt(short, 3); shown != short {
			t.Errorf("%q", shown)
		}
	}
}
