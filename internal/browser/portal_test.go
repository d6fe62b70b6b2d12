package browser

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/grantway/grantway/internal/installed"
)

// TestPortal reads the portal of two systems in a browser: one where programs ask
// for themselves, and one where people sign in.
func TestPortal(t *testing.T) {
	node, chromium := installed.Tool(t, "node"), installed.Tool(t, "chromium")
	scripts := installed.NodePrograms(t, "testdata")
	binary := filepath.Join(t.TempDir(), "grantway")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/grantway").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, row := range []struct{ example, environment, other, issuer, scope string }{
		{"fitness", "staging", "production", "/staging/auth", "read:moves"},
		{"mytimetable", "demo", "university", "/demo", "profile_read"},
	} {
		t.Run(row.example, func(t *testing.T) {
			server := installed.FreeAddress(t)
			var log installed.Output
			demo := exec.Command(binary, "dev", "--example", row.example, "--listen", server, "--data", filepath.Join(t.TempDir(), "data"))
			demo.Stdout, demo.Stderr = &log, &log
			run(t, demo)
			await(t, &log, "The same on a page", &log)
			base := "http://" + server
			told, _ := json.Marshal(map[string]string{ // strings always encode
				"issuer": base + row.issuer, "app": base, "portal": base + "/portal", "environment": row.environment, "other": row.other,
				"scope": row.scope, "chromium": chromium, "caching": "max-age|no-cache|no-store", "pictures": os.Getenv("GRANTWAY_PICTURES"),
			})
			journey := exec.CommandContext(t.Context(), node, filepath.Join(scripts, "portal.mjs"))
			journey.Env = append(os.Environ(), "SITE="+string(told), "NO_PROXY=*", "no_proxy=*")
			if out, err := journey.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s\nThe server's log:\n%s", err, out, log.String())
			}
		})
	}
}
