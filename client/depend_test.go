package client_test

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// TestDependsOnLittle: whoever imports the package gets the standard library and
// package oauth, and nothing else.
func TestDependsOnLittle(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
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
			if strings.Contains(path, ".") && path != "github.com/grantway/grantway/oauth" {
				t.Errorf("%s imports %s", f.Name(), path)
			}
		}
	}
	if read < 8 {
		t.Errorf("only %d files", read)
	}
}
