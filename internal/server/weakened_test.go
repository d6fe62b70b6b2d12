package server

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// TestWeakened is about the tests of the catalogue of attacks: each file below
// testdata/weakened takes one defence away and names the test that then has to
// fail. README.md there says how they are written.
//
// What it costs little to know is always checked: the text is found once, and the
// test exists. With GRANTWAY_WEAKENED=run (make weaken) each defence is taken away
// and the test is run; a test that passes all the same cannot see its attack.
// GRANTWAY_WEAKENED_ONLY=S0 runs those whose names begin so.
func TestWeakened(t *testing.T) {
	files, err := filepath.Glob("testdata/weakened/*.weak")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d: %v", len(files), err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	run := os.Getenv("GRANTWAY_WEAKENED") == "run"
	var report bytes.Buffer
	table := tabwriter.NewWriter(&report, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ROW\tWEAKENED\tCAUGHT BY\tSECONDS")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".weak")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w, err := parseWeakened(root, string(text))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			row, _, _ := strings.Cut(name, "-")
			if !rowName.MatchString(row) {
				t.Errorf("%s: %q is no row of the catalogue", file, row)
			}
			if !run || !strings.HasPrefix(name, os.Getenv("GRANTWAY_WEAKENED_ONLY")) {
				return
			}
			began := time.Now()
			caught, err := w.caught(t.TempDir())
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			took := time.Since(began).Seconds()
			fmt.Fprintf(table, "%s\t%s\t%s\t%.1f\n", row, w.what, cmp.Or(caught, "NOTHING"), took)
			if caught == "" {
				t.Errorf("%s passes although %s", w.run, w.what)
			}
		})
	}
	if run {
		table.Flush()
		t.Logf("\n%s", &report)
	}
}

var rowName = regexp.MustCompile(`^[A-Z][0-9]{2}$`)

// A weakened system lacks one defence.
type weakened struct {
	what          string            // it does or does not do now
	folder        string            // of the package whose test has to fail
	run           string            // that test, as -run takes it
	root          string            // of the module
	files, before map[string]string // by path from root: as they are weakened, and as they are
}

var testLine = regexp.MustCompile(`^test: \./(\S+) (\^(Test\w+)\$\S*)$`)

func parseWeakened(root, text string) (*weakened, error) {
	head, rest, ok := strings.Cut(text, "\n=== ")
	what, test, more := strings.Cut(strings.TrimSpace(head), "\n")
	m := testLine.FindStringSubmatch(test)
	if !ok || !more || m == nil || !strings.HasPrefix(what, "# ") {
		return nil, errors.New("it begins with a line “# what is weakened” and a line “test: ./folder ^TestName$/^subtest”")
	}
	w := &weakened{what: strings.TrimPrefix(what, "# "), folder: m[1], run: m[2], root: root, files: map[string]string{}, before: map[string]string{}}
	if err := w.exists(m[3]); err != nil {
		return nil, err
	}
	for change := range strings.SplitSeq("\n"+rest, "\n=== ") {
		path, change, _ := strings.Cut(strings.TrimPrefix(change, "\n"), "\n")
		old, changed, ok := strings.Cut(change, "\n--- becomes\n")
		if !ok {
			return nil, fmt.Errorf("%s: no line “--- becomes”", path)
		}
		if err := w.replace(path, old, strings.TrimSuffix(changed, "\n")); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// exists: a test that was renamed would fail nowhere.
func (w *weakened) exists(test string) error {
	files, err := filepath.Glob(filepath.Join(w.root, w.folder, "*_test.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if bytes.Contains(text, []byte("\nfunc "+test+"(t *testing.T)")) {
			return nil
		}
	}
	return fmt.Errorf("./%s has no %s", w.folder, test)
}

func (w *weakened) replace(path, old, changed string) error {
	if w.files[path] == "" {
		text, err := os.ReadFile(filepath.Join(w.root, path))
		if err != nil {
			return err
		}
		w.files[path], w.before[path] = string(text), string(text)
	}
	if n := strings.Count(w.files[path], old); n != 1 || old == "" {
		return fmt.Errorf("%s holds %d times the text that is to be changed; the file is out of date:\n%s", path, n, old)
	}
	w.files[path] = strings.Replace(w.files[path], old, changed, 1)
	return nil
}

// caught builds the weakened system, runs the test, and returns the most precise
// name of what failed; it is empty when nothing did.
func (w *weakened) caught(folder string) (string, error) {
	overlay := map[string]map[string]string{"Replace": {}}
	for i, path := range slices.Sorted(maps.Keys(w.files)) {
		file := filepath.Join(folder, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(file, []byte(w.files[path]), 0o600); err != nil {
			return "", err
		}
		overlay["Replace"][filepath.Join(w.root, path)] = file
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	listed := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(listed, text, 0o600); err != nil {
		return "", err
	}
	// Without vet: it would look at the files as they are.
	cmd := exec.Command("go", "test", "-vet=off", "-count=1", "-timeout=5m", "-overlay="+listed, "-run", w.run, "-json", "./"+w.folder)
	cmd.Dir = w.root
	cmd.Env = append(os.Environ(), "GRANTWAY_WEAKENED=", "TMPDIR=") // programs may not run in what inMemory says
	out, err := cmd.Output()
	return judged(out, err)
}

// judged reads what go test -json said.
func judged(out []byte, failed error) (string, error) {
	var caught string
	var said strings.Builder
	ran := false
	for line := range bytes.Lines(out) {
		var event struct{ Action, Test, Output string }
		if json.Unmarshal(line, &event) != nil {
			continue
		}
		said.WriteString(event.Output)
		ran = ran || event.Action == "run"
		if event.Action == "fail" && len(event.Test) > len(caught) {
			caught = event.Test
		}
	}
	switch {
	case !ran:
		return "", fmt.Errorf("no test ran: it does not build, or none is called so: %v\n%s", failed, &said)
	case caught == "" && failed != nil:
		return "", fmt.Errorf("no test failed, and go test did: %w\n%s", failed, &said)
	}
	return caught, nil
}
