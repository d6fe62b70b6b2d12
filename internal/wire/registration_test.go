package wire

import (
	"strings"
	"testing"
)

func TestCheckClientID(t *testing.T) {
	for _, id := range []string{
		"a", "batch-1", "c.lient~!$", strings.Repeat("x", 128), strings.Repeat("a", 21), strings.Repeat("a", 23), strings.Repeat("a", 21) + "-", "...",
	} {
		if problem, _ := CheckClientID(id); problem != "" {
			t.Errorf("%q %s", id, problem)
		}
	}
	for _, id := range []string{
		"", "a b", "a%b", "a+b", "a:b", "a\tb", "ä", "a\xff", "\x7f", ".", "..", strings.Repeat("x", 129),
		strings.Repeat("a", 22), "0123456789abcdefABCDEF", // row E21
	} {
		if problem, _ := CheckClientID(id); problem == "" {
			t.Errorf("%q is taken", id)
		}
	}
}

// TestCheckName is row O09.
func TestCheckName(t *testing.T) {
	for _, name := range []string{
		"A", "Jan's app", "Škola ∑ & <b>Söhne</b>", "时间表", "שלום", "مدرسة", strings.Repeat("ä", 128), "",
	} {
		if problem, _ := CheckName(name); problem != "" {
			t.Errorf("%q %s", name, problem)
		}
	}
	for name, bad := range map[string]string{
		"too long": strings.Repeat("ä", 129), "not UTF-8": "a\xff", "line": "a\nb", "NUL": "a\x00", "delete": "a\x7f", "C1": "a\u0085b",
		"override": "a\u202eb", "embedding": "a\u202ab", "isolate": "a\u2066b", "mark": "a\u200fb", "Arabic mark": "a\u061cb",
		"zero width": "a\u200bb", "joiner": "a\u200db", "word joiner": "a\u2060b", "BOM": "\ufeffa", "soft hyphen": "a\u00adb",
		"line separator": "a\u2028b", "filler": "a\u3164b", "braille blank": "a\u2800b", "variation": "a\ufe0fb", "tag": "a\U000e0041b", "private": "a\ue000b",
	} {
		if problem, _ := CheckName(bad); problem == "" {
			t.Errorf("%s: %q is taken", name, bad)
		}
	}
}

func TestCheckHomepageAndNotice(t *testing.T) {
	long := "https://a.example/" + strings.Repeat("x", MaxRedirectURI-len("https://a.example/"))
	for _, row := range []struct {
		text                          string
		homepage, notice, development bool
	}{
		{"https://a.example", true, true, true},
		{"https://a.example:8443/x?y=z", true, true, true},
		{long, true, true, true},
		{long + "x", false, false, false},
		{"http://localhost:3000/x", false, false, true},
		{"http://127.0.0.1/x", false, false, true},
		{"http://a.example", false, false, false},
		{"https://u:p@a.example/", false, false, false},
		{"https://a.example/#x", false, false, false},
		{"javascript:alert(1)", false, false, false},
		{"data:text/html,x", false, false, false},
		{"org.example.app:/x", false, false, false},
		{"//a.example", false, false, false},
		{"HTTPS://a.example", false, false, false},
		{"", false, false, false},
	} {
		good := func(problem, _ string) bool { return problem == "" }
		if got := good(CheckHomepage(row.text)); got != row.homepage {
			t.Errorf("homepage %.80q: %v", row.text, got)
		}
		if got := good(CheckNotice(row.text, false)); got != row.notice {
			t.Errorf("notice %.80q: %v", row.text, got)
		}
		if got := good(CheckNotice(row.text, true)); got != row.development {
			t.Errorf("notice in development %.80q: %v", row.text, got)
		}
	}
}
