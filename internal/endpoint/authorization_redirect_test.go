package endpoint

import (
	"errors"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/refusal"
)

// TestUnregistered: the log says how a refused redirect URI differs from what is
// registered, and nothing of what was sent; who sent it is told neither.
func TestUnregistered(t *testing.T) {
	registered := []string{"https://app.example/cb", "http://localhost:8080/cb?a=1", "com.example.app:/cb"}
	for sent, want := range map[string]string{
		"https://app.example/cb/":                 `it differs from "https://app.example/cb" by its path`,
		"https://app.example/hunter2secret":       `it differs from "https://app.example/cb" by its path`,
		"https://app.example/cb?code=hunter2":     `it differs from "https://app.example/cb" by its query`,
		"https://app.example/cb#hunter2secret":    `it differs from "https://app.example/cb" by its user, fragment or spelling`,
		"https://hunter2secret@app.example/cb":    `it differs from "https://app.example/cb" by its user, fragment or spelling`,
		"https://APP.example:hunter2/cb":          "what was sent is no URI",
		"https://app.example:8443/cb":             `it differs from "https://app.example/cb" by its port`,
		"https://hunter2secret.example/cb":        `it differs from "https://app.example/cb" by its host`,
		"http://localhost:8080/cb?a=2":            `it differs from "http://localhost:8080/cb?a=1" by its query`,
		"http://localhost:8081/cb?a=1":            `it differs from "http://localhost:8080/cb?a=1" by its port`,
		"com.example.app:/hunter2secret":          `it differs from "com.example.app:/cb" by its path`,
		"hunter2secret:/cb":                       `it differs from "https://app.example/cb" by its scheme`,
		"https://app.example/hunter2secret\n":     "what was sent is no URI",
		"https://app.example/%68unter2secret%2e.": `it differs from "https://app.example/cb" by its path`,
	} {
		err := unregistered(registered, sent)
		if !errors.Is(err, refusal.RedirectUnknown) || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", sent, err)
		}
		if said := refusal.Of(err).Public().Text; strings.Contains(said, "app.example") {
			t.Errorf("strangers are told: %s", said)
		}
	}
	if err := unregistered(nil, "https://app.example/"); !strings.HasSuffix(err.Error(), "the client has registered none") {
		t.Error(err)
	}
}
