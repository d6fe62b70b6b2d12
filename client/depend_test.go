package client_test

import (
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestDependsOnLittle: whoever imports the package gets the standard library, package
// oauth and what writes files, and nothing else.
func TestDependsOnLittle(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	ours := []string{"github.com/grantway/grantway/oauth", "github.com/grantway/grantway/internal/disk"}
	read := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		read++
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			if strings.Contains(path, ".") && !slices.Contains(ours, path) {
				t.Errorf("%s imports %s", f.Name(), path)
			}
		}
	}
	if read < 8 {
		t.Errorf("only %d files", read)
	}
}
