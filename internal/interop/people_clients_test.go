package interop

import (
	"path/filepath"
	"testing"

	"github.com/grantway/grantway/internal/installed"
)

// TestPeople has every library sign a person in, in every dialect: one after the
// other, since what the person allowed an application is remembered.
func TestPeople(t *testing.T) {
	node, nodeFolder := nodePrograms(t)
	python := installed.Python(t, "testdata/python/requirements.txt")
	pythonFolder := installed.Programs(t, "testdata/python/*.py")
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			f := open(t, dialect)
			env := f.environ(t)
			t.Run("go-oidc", func(t *testing.T) { goPeople(t, f) })
			for _, client := range []string{"openid-client", "oauth4webapi", "passport"} {
				t.Run(client, func(t *testing.T) { runs(t, env, node, filepath.Join(nodeFolder, "people-"+client+".mjs")) })
			}
			for _, client := range []string{"authlib", "requests_oauthlib"} {
				t.Run(client, func(t *testing.T) {
					runs(t, env, python, "-B", filepath.Join(pythonFolder, "people_"+client+".py"))
				})
			}
		})
	}
}
