package interop

import (
	"path/filepath"
	"testing"
)

// TestPeopleNode runs the programs of testdata/node in which people sign in.
func TestPeopleNode(t *testing.T) {
	node, folder := nodePrograms(t)
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			f := open(t, dialect)
			// One after the other: what the person allowed a client is remembered.
			for _, client := range []string{"openid-client", "oauth4webapi", "passport"} {
				t.Run(client, func(t *testing.T) { runs(t, f.environ(t), node, filepath.Join(folder, "people-"+client+".mjs")) })
			}
		})
	}
}

// TestPeoplePython runs the programs of testdata/python in which people sign in.
func TestPeoplePython(t *testing.T) {
	python := filepath.Join(pythonPackages(t), "bin", "python")
	folder := programs(t, "testdata/python/*.py")
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			f := open(t, dialect)
			// One after the other: what the person allowed a client is remembered.
			for _, client := range []string{"authlib", "requests_oauthlib"} {
				t.Run(client, func(t *testing.T) {
					runs(t, f.environ(t), python, "-B", filepath.Join(folder, "people_"+client+".py"))
				})
			}
		})
	}
}
