package examples_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/grantway/grantway/examples"
)

func TestAll(t *testing.T) {
	folders, err := filepath.Glob("*/grantway.yaml")
	if err != nil || len(folders) != len(examples.All()) {
		t.Errorf("folders with a configuration: %v (%v), but %d examples", folders, err, len(examples.All()))
	}
	for _, e := range examples.All() {
		want, err := os.ReadFile(e.Name + "/grantway.yaml")
		if err != nil || !bytes.Equal(e.Config, want) || e.Title == "" {
			t.Errorf("%s: its configuration or title is not its own: %v", e.Name, err)
		}
		want, err = os.ReadFile(e.Name + "/openapi.yaml")
		if (err == nil) != (e.Says != nil) || !bytes.Equal(e.Says, want) {
			t.Errorf("%s: its OpenAPI document is not its own: %v", e.Name, err)
		}
		w := httptest.NewRecorder()
		e.API().ServeHTTP(w, httptest.NewRequest("GET", "/no/such/path", nil))
		if w.Code != http.StatusNotFound || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: an unknown path is answered with %d", e.Name, w.Code)
		}
	}
	if _, ok := examples.Find("no-such-example"); ok {
		t.Error("Find finds what is not there")
	}
}

func ExampleFind() {
	e, ok := examples.Find("quickstart")
	fmt.Println(ok, e.Title)
	// Output: true Notes, a stream and a WebSocket, for a first look
}
