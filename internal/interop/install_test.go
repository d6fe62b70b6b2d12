package interop

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// install is what a Debian machine needs for these tests.
const install = "On Debian: apt-get install -y nodejs npm python3-venv curl"

// tool finds a program. These tests are about real clients: without them there is
// nothing to test, and nothing is skipped.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v. %s", err, install)
	}
	return path
}

// nodeModules returns the folder that holds node_modules as the lock file says.
func nodeModules(t *testing.T) string {
	t.Helper()
	npm := tool(t, "npm")
	files := []string{"testdata/node/package.json", "testdata/node/package-lock.json"}
	return installed(t, "node", files, func(folder string) {
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err == nil {
				err = os.WriteFile(filepath.Join(folder, filepath.Base(file)), content, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		ci := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		ci.Dir = folder
		must(t, ci)
	})
}

// pythonPackages returns a virtual environment with what the requirements say.
func pythonPackages(t *testing.T) string {
	t.Helper()
	python := tool(t, "python3")
	version, err := exec.Command(python, "--version").Output()
	if err != nil {
		t.Fatalf("%v. %s", err, install)
	}
	// A virtual environment is of one Python.
	return installed(t, "python", []string{"testdata/python/requirements.txt"}, func(folder string) {
		must(t, exec.Command(python, "-m", "venv", folder))
		must(t, exec.Command(filepath.Join(folder, "bin", "python"), "-m", "pip", "install", "--quiet", "--no-input",
			"--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:", "-r", "testdata/python/requirements.txt"))
	}, string(version))
}

// installed returns a folder below the user's cache, named for what is in the
// files, and makes it where it is not there yet: as a whole or not at all.
func installed(t *testing.T, kind string, files []string, fill func(folder string), more ...string) string {
	t.Helper()
	hash := sha256.New()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		hash.Write(content)
	}
	for _, s := range more {
		hash.Write([]byte(s))
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	parent := filepath.Join(cache, "grantway-interop")
	folder := filepath.Join(parent, kind+"-"+hex.EncodeToString(hash.Sum(nil)[:10]))
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
	fill(fresh)
	if err := os.Rename(fresh, folder); err != nil {
		if _, there := os.Stat(folder); there != nil { // nobody else made it meanwhile
			t.Fatal(err)
		}
	}
	return folder
}

// must runs a command that installs something.
func must(t *testing.T, command *exec.Cmd) {
	t.Helper()
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s\n%s", command.Args, err, out, install)
	}
}
