package browser

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// install is what a Debian machine needs for these tests.
const install = "On Debian: apt-get install -y chromium nodejs npm"

// tool finds a program. These tests are about a real browser: without it there is
// nothing to test, and nothing is skipped.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v. %s", err, install)
	}
	return path
}

// nodeModules returns a folder below the user's cache that holds node_modules as the
// lock file says, and makes it where it is not there yet: as a whole or not at all.
func nodeModules(t *testing.T) string {
	t.Helper()
	npm := tool(t, "npm")
	files := map[string][]byte{"package.json": nil, "package-lock.json": nil}
	hash := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = content
		hash.Write(content)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	parent := filepath.Join(cache, "grantway-browser")
	folder := filepath.Join(parent, "node-"+hex.EncodeToString(hash.Sum(nil)[:10]))
	if _, err := os.Stat(folder); err == nil {
		return folder
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.MkdirTemp(parent, "new-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(fresh)
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(fresh, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ci := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	ci.Dir = fresh
	if out, err := ci.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s\n%s", ci.Args, err, out, install)
	}
	if err := os.Rename(fresh, folder); err != nil {
		if _, there := os.Stat(folder); there != nil { // nobody else made it meanwhile
			t.Fatal(err)
		}
	}
	return folder
}
