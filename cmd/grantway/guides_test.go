package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/grantway/grantway/internal/catalogue"
)

// Where a page names a command: a line of its own in a block, also behind
// "NAME=$(", and a piece of code in a sentence. What follows a pipe, a redirection
// or a comment is the shell's.
var (
	commandLine   = regexp.MustCompile("(?m)^(?: {4}|\\$ |[A-Z_]+=\\$\\()?grantway ([^\n`]*)$")
	commandInline = regexp.MustCompile("`grantway ([^`\n]*)`")
	endOfCommand  = regexp.MustCompile(` *(?:[|;<>)]|2>|&&| #|…).*`)
	quoted        = regexp.MustCompile(`"[^"]*"|'[^']*'|\$\([^)]*\)`)
)

// TestDocumentedCommands: every command that a page names is there, with each of
// its flags.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	named := 0
	everyPage(t, func(path, text string) {
		if strings.Contains(path, "docs/reference/") || strings.HasSuffix(path, "CHANGELOG.md") { // the one is generated, the other speaks of the past
			return
		}
		text = strings.ReplaceAll(text, "\\\n", " ")
		for _, found := range append(commandLine.FindAllStringSubmatch(text, -1), commandInline.FindAllStringSubmatch(text, -1)...) {
			words := strings.Fields(endOfCommand.ReplaceAllString(quoted.ReplaceAllString(found[1], "quoted"), ""))
			named++
			c, rest, err := newRoot().Find(words)
			if err == nil && c.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") && !c.Runnable() {
				t.Errorf("%s: grantway %s: %s has no command %s", path, found[1], c.CommandPath(), rest[0])
				continue
			}
			if err == nil && !c.DisableFlagParsing {
				err = c.ParseFlags(rest)
			}
			if err != nil && !errors.Is(err, pflag.ErrHelp) {
				t.Errorf("%s: grantway %s: %v", path, found[1], err)
			}
		}
	})
	if named < 100 {
		t.Errorf("only %d commands found: the search is wrong", named)
	}
}

// TestGuidedFiles: every grantway.yaml that a guide shows is one that is accepted.
func TestGuidedFiles(t *testing.T) {
	t.Parallel()
	files := 0
	everyPage(t, func(path, text string) {
		if !strings.Contains(path, "docs/guides/") {
			return
		}
		folder := t.TempDir()
		writeFile(t, filepath.Join(folder, "logo.svg"), `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>`)
		if err := os.Mkdir(filepath.Join(folder, "languages"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, b := range blocksOf(text) {
			if b.language != "yaml" {
				continue
			}
			files++
			file := filepath.Join(folder, "grantway.yaml")
			writeFile(t, file, b.text)
			if _, err := catalogue.Load(file, func(string) (string, bool) { return "", false }); err != nil {
				t.Errorf("%s:%d: %v", path, b.line, err)
			}
		}
	})
	if files < 3 {
		t.Errorf("only %d files found: the search is wrong", files)
	}
}

// TestGuidedCode: the Go that a guide shows stands, line by line, in the examples
// that are compiled and run.
func TestGuidedCode(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{}
	for _, file := range []string{"../../resource/example_guard_test.go", "../../client/example_test.go"} {
		for line := range strings.Lines(readFile(t, file)) {
			tested[strings.TrimSpace(line)] = true
		}
	}
	blocks := 0
	everyPage(t, func(path, text string) {
		if !strings.Contains(path, "docs/guides/") {
			return
		}
		for _, b := range blocksOf(text) {
			if b.language != "go" {
				continue
			}
			blocks++
			for line := range strings.Lines(b.text) {
				if !tested[strings.TrimSpace(line)] {
					t.Errorf("%s:%d: no example has this line: %s", path, b.line, line)
				}
			}
		}
	})
	if blocks == 0 {
		t.Error("no block found: the search is wrong")
	}
}

// everyPage walks our Markdown.
func everyPage(t *testing.T, do func(path, text string)) {
	t.Helper()
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			do(path, readFile(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
