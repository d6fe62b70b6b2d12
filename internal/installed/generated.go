package installed

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the generated files")

// Generated holds a file to what a test makes of the code. With -update of go test it
// is written instead; how says what to run.
func Generated(t testing.TB, path, content, how string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	old, err := os.ReadFile(path)
	if diff := cmp.Diff(string(old), content); err != nil || diff != "" {
		t.Errorf("%s is not what the code says (%s): %v\n%s", path, how, err, diff)
	}
}
