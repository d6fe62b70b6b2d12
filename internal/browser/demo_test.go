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

// demonstrate starts `grantway dev` of this tree and has a program of testdata drive
// a browser through it. The program is told where what is of the demonstration, and
// more besides.
func demonstrate(t *testing.T, program string, more map[string]string) {
	t.Helper()
	node, chromium := installed.Tool(t, "node"), installed.Tool(t, "chromium")
	scripts := installed.NodePrograms(t, "testdata")
	folder := t.TempDir()
	binary := filepath.Join(folder, "grantway")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/grantway").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	address := installed.FreeAddress(t)
	var log installed.Output
	demo := exec.Command(binary, "dev", "--listen", address, "--data", filepath.Join(folder, "data"))
	demo.Stdout, demo.Stderr = &log, &log
	run(t, demo)
	await(t, &log, "The same on a page", &log)

	site := map[string]string{"app": "http://127.0.0.1:1", "chromium": chromium, "pictures": os.Getenv("GRANTWAY_PICTURES")}
	for name, path := range map[string]string{"issuer": "/home", "portal": "/portal", "console": "/console"} {
		site[name] = "http://" + address + path
	}
	for name, value := range more {
		if strings.HasPrefix(value, "/") {
			value = "http://" + address + value
		}
		site[name] = value
	}
	told, _ := json.Marshal(site) // strings always encode
	late, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	journey := exec.CommandContext(late, node, filepath.Join(scripts, program))
	journey.WaitDelay = time.Second // the browser has its output too
	journey.Env = append(os.Environ(), "SITE="+string(told), "NO_PROXY=*", "no_proxy=*")
	if out, err := journey.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\nThe server's log:\n%s", err, out, log.String())
	}
	if strings.Contains(log.String(), "gwstaging") {
		t.Error("the log holds a secret")
	}
}
