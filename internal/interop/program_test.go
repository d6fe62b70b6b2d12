package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// styles are where a secret is sent: by Basic, or in the body.
var styles = []string{"basic", "body"}

// programs copies programs to a folder beside which their libraries can be.
func programs(t *testing.T, pattern string) string {
	t.Helper()
	folder := t.TempDir()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v, %d programs", pattern, err, len(paths))
	}
	for _, path := range paths {
		program, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, filepath.Base(path)), program, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// run runs a program as a subtest. It passes when the program ends with 0.
func run(t *testing.T, name string, env []string, program string, args ...string) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		runs(t, env, program, args...)
	})
}

// runs runs a program that has to end with 0.
func runs(t *testing.T, env []string, program string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, args...)
	command.Env = env
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
