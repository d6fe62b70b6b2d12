// Package installed gives tests what Go does not bring: programs of the system, the
// packages of other languages that a lock file names, an address for either, and
// room for what they write. It also holds generated files to what they are made of.
//
// Packages are installed on the first run, below the user's cache folder, and stay
// there for as long as the lock file is the same. It is no part of the server and is
// imported by tests only; PostgreSQL for tests is package pgtest's. There is no
// specification: a lock file is npm's package-lock.json or pip's requirements with
// hashes.
package installed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// OnDebian says what a Debian machine needs for the tests that use this package.
const OnDebian = "On Debian: apt-get install -y nodejs npm python3-venv curl chromium"

// Tool finds a program of the system. A test that asks for one is about that program:
// without it there is nothing to test, and nothing is skipped.
func Tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v. %s", err, OnDebian)
	}
	return path
}

// FreeAddress returns an address of this machine that nobody listens on, for a program
// that has to be told one. Its port is none of those that systems give to whoever asks
// for any, so that nothing else takes it before the program does. It returns each
// address once.
func FreeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.IntN(12000)))
		if _, taken := given.LoadOrStore(address, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("of a hundred ports, none is free")
	return ""
}

// given are the addresses that this process has given out, since two programs cannot
// have one.
var given sync.Map

// An Output keeps what a program writes, or a log, while a test reads it. It is safe
// for concurrent use; the zero value is empty.
type Output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write is io.Writer's. It never fails.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

// String is all that was written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// NodePrograms returns a folder that holds the programs of source, which end in .mjs,
// beside a node_modules with what its package-lock.json says.
func NodePrograms(t *testing.T, source string) string {
	t.Helper()
	folder := Programs(t, filepath.Join(source, "*.mjs"))
	if err := os.Symlink(filepath.Join(nodeModules(t, source), "node_modules"), filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return folder
}

// Programs copies the programs that match the pattern, of which there is at least
// one, to a folder of the test's own.
func Programs(t *testing.T, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v, %d programs", pattern, err, len(paths))
	}
	folder := t.TempDir()
	copyTo(t, folder, paths)
	return folder
}

// Python returns the interpreter of a virtual environment that holds what the file
// of requirements says.
func Python(t *testing.T, requirements string) string {
	t.Helper()
	python := Tool(t, "python3")
	version, err := exec.Command(python, "--version").Output()
	if err != nil {
		t.Fatalf("%v. %s", err, OnDebian)
	}
	// A virtual environment is of one Python.
	folder := install(t, "python", []string{requirements}, func(folder string) {
		must(t, exec.Command(python, "-m", "venv", folder))
		must(t, exec.Command(filepath.Join(folder, "bin", "python"), "-m", "pip", "install", "--quiet", "--no-input",
			"--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:", "-r", requirements))
	}, string(version))
	return filepath.Join(folder, "bin", "python")
}

// nodeModules returns the folder that holds node_modules as the lock file of source
// says.
func nodeModules(t *testing.T, source string) string {
	t.Helper()
	npm := Tool(t, "npm")
	files := []string{filepath.Join(source, "package.json"), filepath.Join(source, "package-lock.json")}
	return install(t, "node", files, func(folder string) {
		copyTo(t, folder, files)
		ci := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		ci.Dir = folder
		must(t, ci)
	})
}

// install returns a folder below the user's cache, named for what is in the files,
// and makes it where it is not there yet: as a whole or not at all.
func install(t *testing.T, kind string, files []string, fill func(folder string), more ...string) string {
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
	parent := filepath.Join(cache, "grantway-tests")
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

// copyTo copies files to a folder.
func copyTo(t *testing.T, folder string, files []string) {
	t.Helper()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, filepath.Base(file)), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// must runs a command that installs something.
func must(t *testing.T, command *exec.Cmd) {
	t.Helper()
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s\n%s", command.Args, err, out, OnDebian)
	}
}
