package interop

import (
	"path/filepath"
	"testing"

	"github.com/grantway/grantway/internal/installed"
)

// TestPython runs the programs of testdata/python.
func TestPython(t *testing.T) {
	python := installed.Python(t, "testdata/python/requirements.txt")
	folder := installed.Programs(t, "testdata/python/*.py")
	for _, name := range systems {
		t.Run(name, func(t *testing.T) {
			s := start(t, name)
			for _, client := range []string{"authlib_client", "requests_oauthlib_client"} {
				for _, style := range styles {
					// The library refuses http: otherwise, loopback or not.
					env := s.environ("STYLE="+style, "OAUTHLIB_INSECURE_TRANSPORT=1")
					run(t, client+"/"+style, env, python, "-B", filepath.Join(folder, client+".py"))
				}
			}
			run(t, "authlib_jwt", s.environ("STYLE=body"), python, "-B", filepath.Join(folder, "authlib_jwt.py"))
		})
	}
}
