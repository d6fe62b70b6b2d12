package interop

import (
	"os/exec"
	"testing"
)

// styles are where a secret is sent: by Basic, or in the body.
var styles = []string{"basic", "body"}

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
