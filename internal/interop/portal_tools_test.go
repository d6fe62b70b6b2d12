package interop

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/proxy"
)

// TestPortalTools pastes what the portal has for who writes no program: the commands
// run as they stand, and the file makes a proxy that lets the listed call through.
func TestPortalTools(t *testing.T) {
	binary, err := grantway()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(binary, filepath.Join(bin, "grantway")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"quickstart", "timeback", "fitness", "studyteam"} {
		t.Run(name, func(t *testing.T) {
			r := newReader(t, name, "staging")
			next := r.page(t, "next")
			paste := func(id string) string {
				c := exec.Command("sh", "-c", textOf(next, id))
				c.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + r.folder, "NO_PROXY=*"}
				for variable, value := range r.environ {
					c.Env = append(c.Env, variable+"="+value)
				}
				var errs bytes.Buffer
				c.Stderr = &errs
				out, err := c.Output()
				if err != nil {
					t.Errorf("%s: %v\n%s\n%s", id, err, errs.String(), textOf(next, id))
				}
				return strings.TrimSpace(string(out))
			}
			if token := paste("tool-token"); token == "" || strings.ContainsAny(token, " \n") {
				t.Errorf("%q is no token", token)
			}
			answer := paste("tool-call")
			if !json.Valid([]byte(answer)) || strings.Contains(answer, `"error`) {
				t.Errorf("the API answers %q", answer)
			}

			file := textOf(r.page(t, "best-practice"), "proxy-file")
			config, err := catalogue.ParseProxy("proxy.yaml", []byte(file), func(variable string) (string, bool) {
				value, ok := r.environ[variable]
				return value, ok
			})
			if err != nil {
				t.Fatalf("%v\n%s", err, file)
			}
			config.Client.ID = r.environ["CLIENT_ID"] // the page has a placeholder
			p, err := proxy.New(proxy.Settings{Config: config})
			if err != nil {
				t.Fatal(err)
			}
			ask := func(path string) *httptest.ResponseRecorder {
				in, out := httptest.NewRequest(http.MethodGet, config.Public.String()+path, nil), httptest.NewRecorder()
				p.ServeHTTP(out, in)
				return out
			}
			if got := ask(config.Routes[0].Path); got.Code != http.StatusOK || got.Body.Len() == 0 {
				t.Errorf("the listed call is answered %d %s", got.Code, got.Body)
			}
			if got := ask("/else"); got.Code != http.StatusNotFound && got.Code != http.StatusForbidden {
				t.Errorf("another call is answered %d %s", got.Code, got.Body)
			}
		})
	}
}
