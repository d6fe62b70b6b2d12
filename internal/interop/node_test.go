package interop

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/installed"
)

// nodePrograms returns Node and a folder with the programs of testdata/node and what
// they need.
func nodePrograms(t *testing.T) (node, folder string) {
	t.Helper()
	node = installed.Tool(t, "node")
	version, err := exec.Command(node, "--version").Output()
	major, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
	if n, _ := strconv.Atoi(major); err != nil || n < 20 {
		t.Fatalf("openid-client 6 needs Node 20 or later; this is %s (%v). %s", version, err, installed.OnDebian)
	}
	return node, installed.NodePrograms(t, "testdata/node")
}

// TestNode runs the programs of testdata/node that are machines.
func TestNode(t *testing.T) {
	node, folder := nodePrograms(t)
	for _, name := range systems {
		t.Run(name, func(t *testing.T) {
			s := start(t, name)
			for _, client := range []string{"fetch", "axios", "axios-0.21", "oauth4webapi", "openid-client"} {
				for _, style := range styles {
					run(t, client+"/"+style, s.environ("STYLE="+style), node, filepath.Join(folder, client+".mjs"))
				}
			}
			run(t, "jose", s.environ("STYLE=body"), node, filepath.Join(folder, "jose.mjs"))
			if name == "timeback" {
				run(t, "as the guide says", s.environ(), node, filepath.Join(folder, "guide.mjs"))
			}
		})
	}
}
