package catalogue

import (
	"os"
	"path/filepath"
	"testing"
)

// examples returns the configurations of the examples.
func examples(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../../examples/*/grantway.yaml")
	if err != nil || len(paths) < 4 {
		t.Fatalf("found the examples %v, %v", paths, err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		if files[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func noEnv(string) (string, bool) { return "", false }

func TestExamples(t *testing.T) {
	for path, data := range examples(t) {
		c, err := Parse(path, data, noEnv)
		if err != nil {
			t.Error(err)
			continue
		}
		c.Listen.TLS = TLS{Certificate: "tls.crt", Key: "tls.key"}
		for _, f := range CheckServe(c) {
			if f.Problem != "is the demonstration API" {
				t.Error(f)
			}
		}
		if dev := c.ForDev("http://127.0.0.1:8080", t.TempDir()); len(dev.Environments) != len(c.Environments) {
			t.Errorf("%s: ForDev loses environments", path)
		}
	}
}
