package interop

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/catalogue"
)

var yamlBlock = regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```$")

// TestDocumentedProfiles: every configuration in docs/recipes is one that the
// commands take.
func TestDocumentedProfiles(t *testing.T) {
	pages, err := filepath.Glob("../../docs/recipes/*.md")
	if err != nil || len(pages) < 4 {
		t.Fatalf("%v, %v", pages, err)
	}
	secret := func(string) (string, bool) { return "a secret of no account", true }
	read := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			read++
			file := filepath.Join(t.TempDir(), "file.yaml")
			if err := os.WriteFile(file, []byte(unindented(block[1])), 0o600); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(block[1], "routes:") {
				if _, err := catalogue.LoadProxy(file, secret); err != nil {
					t.Errorf("%s: %v\n%s", page, err, block[1])
				}
				continue
			}
			profiles, err := catalogue.LoadProfiles(file)
			if err == nil {
				_, err = profiles.Choose("", secret)
			}
			if err != nil {
				t.Errorf("%s: %v\n%s", page, err, block[1])
			}
		}
	}
	if read < 10 {
		t.Errorf("%d configurations", read)
	}
}

// unindented is a block without the indentation of the list that it is in.
func unindented(block string) string {
	indentation := block[:len(block)-len(strings.TrimLeft(block, " "))]
	var b strings.Builder
	for line := range strings.Lines(block) {
		b.WriteString(strings.TrimPrefix(line, indentation))
	}
	return b.String()
}
