package browser

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/grantway/grantway/internal/installed"
)

// TestJourneys takes each journey of testdata.
func TestJourneys(t *testing.T) {
	node, chromium := installed.Tool(t, "node"), installed.Tool(t, "chromium")
	folder := installed.NodePrograms(t, "testdata")
	paths, err := filepath.Glob(filepath.Join(folder, "journey-*.mjs"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%v, %d journeys", err, len(paths))
	}
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(name[len("journey-"):len(name)-len(".mjs")], func(t *testing.T) {
			t.Parallel()
			s := start(t, folder)
			told, _ := json.Marshal(map[string]string{ // strings always encode
				"issuer": s.issuer, "brand": s.brand, "app": s.app, "chromium": chromium, "name": person, "password": password,
				"secret": plannerSecret, "pictures": os.Getenv("GRANTWAY_PICTURES"),
			})
			command := exec.CommandContext(t.Context(), node, path)
			command.Env = append(os.Environ(), "SITE="+string(told), "NO_PROXY=*", "no_proxy=*")
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s\nThe server's log:\n%s", err, out, s.log.String())
			}
		})
	}
}
