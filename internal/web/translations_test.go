package web

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestTranslationsPage holds docs/TRANSLATIONS.md to the texts: its example is a good
// file, and its table names what keys begin with, each once and nothing else.
func TestTranslationsPage(t *testing.T) {
	content, err := os.ReadFile("../../docs/TRANSLATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	_, after, _ := strings.Cut(page, "\n```yaml\n")
	example, _, found := strings.Cut(after, "```\n")
	if !found {
		t.Fatal("there is no example")
	}
	l, err := ReadLanguages(fstest.MapFS{"fr.yaml": {Data: []byte(example)}})
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Text("fr", "time.day.many", "n", "3"); got != "3 jours" {
		t.Errorf("three days are %q", got)
	}

	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+)\\.` \\|").FindAllStringSubmatch(page, -1) {
		listed = append(listed, row[1])
	}
	there := map[string]bool{}
	for key := range builtIn().texts[English] {
		group, _, _ := strings.Cut(key, ".")
		there[group] = true
	}
	slices.Sort(listed)
	if want := slices.Sorted(maps.Keys(there)); !slices.Equal(listed, want) {
		t.Errorf("the table has %q, the texts begin with %q", listed, want)
	}
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(page, -1) {
		if _, err := os.Stat("../../docs/" + m[1]); err != nil {
			t.Errorf("a link leads nowhere: %v", err)
		}
	}
}
