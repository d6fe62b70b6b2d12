package browser

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/installed"
)

// TestConsole drives the publisher's console as `grantway dev` has it.
func TestConsole(t *testing.T) {
	node, chromium := installed.Tool(t, "node"), installed.Tool(t, "chromium")
	scripts := installed.NodePrograms(t, "testdata")
	folder := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(folder, "grantway"), "../../cmd/grantway").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	address := freeAddress(t)
	var log lockedBuffer
	demo := exec.Command(filepath.Join(folder, "grantway"), "dev", "--listen", address, "--data", filepath.Join(folder, "data"))
	demo.Stdout, demo.Stderr = &log, &log
	run(t, demo)
	await(t, &log, "The same on a page", &log)

	base := "http://" + address
	told, _ := json.Marshal(map[string]string{ // strings always encode
		"issuer": base + "/home", "console": base + "/console", "staging": base + "/staging/auth", "app": "http://127.0.0.1:1",
		"chromium": chromium, "pictures": os.Getenv("GRANTWAY_PICTURES"),
	})
	late, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	journey := exec.CommandContext(late, node, filepath.Join(scripts, "console.mjs"))
	journey.WaitDelay = time.Second // the browser has its output too
	journey.Env = append(os.Environ(), "SITE="+string(told), "NO_PROXY=*", "no_proxy=*")
	if out, err := journey.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\nThe server's log:\n%s", err, out, log.String())
	}
	if strings.Contains(log.String(), "gwstaging") {
		t.Error("the log holds a secret")
	}
}
