package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMovingIn runs the ```sh blocks of docs/MOVING_IN.md, in a folder with the
// examples, and compares what they print where the page says it.
func TestMovingIn(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(root, "examples"), filepath.Join(folder, "examples")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(folder, "grantway.yaml"), readFile(t, "../../examples/moving-in/notes.yaml"))
	p := readPage(t, filepath.Join(root, "docs/MOVING_IN.md"))
	run := 0
	for _, b := range p.blocks {
		if b.language != "sh" {
			continue
		}
		run++
		words := strings.Fields(b.text)
		cmd := command(t, append(serveSecrets, "GRANTWAY_SEALING_KEY="+strings.Repeat("00", 32)), words[1:]...)
		cmd.Dir = folder
		status, out, said := ran(t, cmd)
		if words[0] != "grantway" || status > exitRefused || out == "" {
			t.Errorf("line %d: status %d\n%s", b.line, status, said)
		}
		if b.want != nil && b.want.language == "text" {
			if diff := cmp.Diff(b.want.text, out); diff != "" {
				t.Errorf("line %d: %s", b.line, diff)
			}
		}
	}
	if run != 5 {
		t.Errorf("ran %d commands", run)
	}
}
