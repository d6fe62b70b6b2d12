package catalogue

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/installed"
)

// Everything that is wrong with a file is said at once, in the order of its
// lines. Run with -update to write the expectation, and read it.
func TestFaults(t *testing.T) {
	const input, golden = "testdata/faults.yaml", "testdata/faults.txt"
	data, err := os.ReadFile(input)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse("faults.yaml", data, noEnv)
	faults, ok := errors.AsType[Faults](err)
	if !ok {
		t.Fatalf("the file is accepted, or the error is not Faults: %v", err)
	}
	text := faults.Error() + "\n"
	installed.Generated(t, golden, text, "run with -update, and read it")
	if strings.Contains(text, "battery") {
		t.Error("a fault shows a secret")
	}
}
