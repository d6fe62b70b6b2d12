package web

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestLanguagesAreCompleteAndEveryTextIsUsed(t *testing.T) {
	english := builtIn().texts[English]
	used := map[string]bool{}
	look := func(pattern, text string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
		}
	}
	counted := map[string]bool{}
	for _, name := range templates(t) {
		body := string(mustRead(name))
		look(`\.T "([a-z._]+)"`, body)
		for _, m := range regexp.MustCompile(`\.Count "([a-z._]+)"`).FindAllStringSubmatch(body, -1) {
			counted[m[1]] = true
		}
	}
	sources, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil || len(sources) < 10 {
		t.Fatalf("%v, %v", sources, err)
	}
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		look(`\.T\("([a-z._]+)"`, string(source))
		look(`(?:Problem|Done) += "([a-z._]+)"`, string(source))
		for _, m := range regexp.MustCompile(`Reason += "([a-z._]+)"`).FindAllStringSubmatch(string(source), -1) {
			for _, part := range []string{"title", "why", "do"} {
				used[m[1]+"."+part] = true
			}
		}
	}
	for _, unit := range []string{"second", "minute", "hour", "day", "month", "year"} {
		counted["time."+unit] = true
	}
	for key := range counted {
		used[key+".one"], used[key+".many"] = true, true
	}
	for key := range used {
		if english[key] == "" {
			t.Errorf("the text %s is used and not there", key)
		}
	}
	for key := range english {
		if !used[key] && !strings.HasPrefix(key, "mail.") { // those are package account's
			t.Errorf("the text %s is there and not used", key)
		}
	}
	for tag, texts := range builtIn().texts {
		for key, text := range english {
			there := texts[key]
			a, b := placeholder.FindAllString(text, -1), placeholder.FindAllString(there, -1)
			slices.Sort(a)
			slices.Sort(b)
			if there == "" || !slices.Equal(a, b) {
				t.Errorf("%s: %s is %q, in English %q", tag, key, there, text)
			}
		}
		if len(texts) != len(english) {
			t.Errorf("%s has %d texts, English %d", tag, len(texts), len(english))
		}
	}
}

func TestChooseAnswersListedLanguagesOnly(t *testing.T) { // row B29
	for _, row := range []struct {
		wanted []string
		header string
		want   string
	}{
		{nil, "", "en"},
		{[]string{"nl"}, "", "nl"},
		{[]string{"nl-BE"}, "", "nl"},
		{[]string{"NL"}, "en", "nl"},
		{[]string{"fr", "nl"}, "en", "nl"},
		{[]string{"fr"}, "nl", "nl"},
		{[]string{"", "nl"}, "en", "nl"},
		{nil, "nl-NL,nl;q=0.9,en;q=0.8", "nl"},
		{nil, "en;q=0.5,nl;q=0.7", "nl"},
		{nil, "nl;q=0,en", "en"},
		{nil, "nl;q=NaN,en;q=0.1", "en"},
		{nil, "nl;q=7", "en"},
		{nil, "*", "en"},
		{[]string{"../../nl"}, "", "en"},
		{[]string{"nl\x00", "nl/..", "nl--x", "-nl", "nl.yaml", strings.Repeat("nl-", 20)}, "../nl,;q=1,nl nl", "en"},
		{nil, strings.Repeat("fr,", 15) + "nl", "nl"},
		{nil, strings.Repeat("fr,", 16) + "nl", "en"},
		{append(slices.Repeat([]string{"fr"}, 15), "nl"), "", "nl"},
		{append(slices.Repeat([]string{"fr"}, 16), "nl"), "", "en"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", row.header)
		if got := BuiltIn().Choose(r, row.wanted...); got != row.want {
			t.Errorf("%q, %q: %s, want %s", row.wanted, row.header, got, row.want)
		}
	}
}

func TestReadLanguagesAddsAndReplaces(t *testing.T) {
	l, err := ReadLanguages(fstest.MapFS{
		"fr.yaml":    {Data: []byte("# français\nsignin.title: Connexion\n\nconsent.title: \"{application} veut « votre » compte\"\r\n")},
		"pt-BR.yaml": {Data: []byte("signin.title: Entrar\n")},
		"nl.yaml":    {Data: []byte("signin.title: Inloggen\n")},
		"README.md":  {Data: []byte("no texts")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Tags(); !slices.Equal(got, []string{"en", "fr", "nl", "pt-br"}) {
		t.Errorf("tags %v", got)
	}
	for _, row := range [][3]string{
		{"fr", "signin.title", "Connexion"},
		{"fr", "signin.submit", "Sign in"}, // missing there
		{"pt-BR", "signin.title", "Entrar"},
		{"pt-PT", "signin.title", "Sign in"},
		{"nl", "signin.title", "Inloggen"},
		{"nl", "signin.password", "Wachtwoord"},
		{"xx", "signin.title", "Sign in"},
	} {
		if got := l.Text(row[0], row[1]); got != row[2] {
			t.Errorf("%s of %s: %q, want %q", row[1], row[0], got, row[2])
		}
	}
	if got := l.Text("fr", "consent.title", "application", "<b>"); got != "<b> veut « votre » compte" {
		t.Errorf("%q", got)
	}
	if got := l.html("fr", "consent.title", []any{"application", "<b>"}); got != "<bdi>&lt;b&gt;</bdi> veut « votre » compte" {
		t.Errorf("%q", got)
	}
	if BuiltIn().Text("nl", "signin.title") != "Aanmelden" {
		t.Error("the languages built in have changed")
	}
}

func TestFaultyFilesOfTextsAreRefusedWithTheirLine(t *testing.T) {
	for content, want := range map[string]string{
		"signin.title\n":                           "line 1",
		"signin.title:\n":                          "line 1",
		"\n  signin.title: x\n":                    "line 2",
		"signin.title: 'x'\n":                      "double quotes",
		"signin.title: |\n":                        "double quotes",
		"signin.title: a: b\n":                     "double quotes",
		"signin.title: a #b\n":                     "double quotes",
		"signin.title: \"x\n":                      "JSON",
		"signin.title: \"x\" y\n":                  "JSON",
		"signin.title: x\nsignin.title: y\n":       "line 2",
		"signin.titel: x\n":                        "no page has",
		"signin.title: Go to {application}\n":      "{application} is nothing",
		"consent.title: \"{application wants\"\n":  "brace",
		"consent.title: \"application} wants\"\n":  "brace",
		"signin.title: x\xff\n":                    "UTF-8",
		"signin.title:\n  - x\n":                   "line 2",
		"signin.title: &a x\n":                     "double quotes",
		"signin.title: *a\n":                       "double quotes",
		"signin.title: !!str x\nsignin.other: ~\n": "line 2",
	} {
		_, err := ReadLanguages(fstest.MapFS{"fr.yaml": {Data: []byte(content)}})
		if !errors.Is(err, ErrLanguage) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "fr.yaml") {
			t.Errorf("%q: %v, want %s", content, err, want)
		}
	}
	for _, name := range []string{"fr_FR.yaml", "français.yaml", ".yaml", "toolonglanguage.yaml"} {
		if _, err := ReadLanguages(fstest.MapFS{name: {Data: []byte("signin.title: x\n")}}); !errors.Is(err, ErrLanguage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzChoose(f *testing.F) {
	f.Add("nl", "nl;q=0.5,*")
	f.Add("../../x", "en-US,en;q=0.9")
	f.Fuzz(func(t *testing.T, wanted, header string) {
		r := &http.Request{Header: http.Header{"Accept-Language": {header}}}
		if got := BuiltIn().Choose(r, strings.Fields(wanted)...); !slices.Contains(BuiltIn().Tags(), got) {
			t.Errorf("%q, %q: %q", wanted, header, got)
		}
	})
}

func FuzzReadTexts(f *testing.F) {
	f.Add("signin.title: x\nconsent.title: \"{application} \\u0041\"\n")
	f.Fuzz(func(t *testing.T, content string) {
		texts, err := readTexts([]byte(content), builtIn().texts[English])
		if err != nil {
			return
		}
		for key, text := range texts {
			fill(text, func(string) string { return "" })
			if builtIn().texts[English][key] == "" {
				t.Errorf("%q is no text", key)
			}
		}
	})
}
