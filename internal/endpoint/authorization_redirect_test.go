package endpoint

import (
	"errors"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/refusal"
)

// TestUnregistered: the log says which redirect URI was refused, and nothing in it
// that could be a secret.
func TestUnregistered(t *testing.T) {
	for sent, want := range map[string]string{
		"https://app.example:8443/cb/":                     `it was "https://app.example:8443/cb/"`,
		"https://app.example/cb?code=hunter2secret":        `it was "https://app.example/cb?…"`,
		"https://app.example#hunter2secret":                `it was "https://app.example#…"`,
		"https://anna:hunter2secret@app.example/":          `it was "https://app.example/"`,
		"com.example.app:/cb":                              `it was "com.example.app:/cb"`,
		"myapp:cb?":                                        `it was "myapp:cb?…"`,
		"https://app.example/\u202e":                       `it was "https://app.example/%E2%80%AE"`,
		"https://app.example/\n":                           "what was sent is no URI",
		"https://app.example/" + strings.Repeat("x", 2000): strings.Repeat("x", 180) + `…"`,
		"http://[::1]:8080/a%2fb":                          `it was "http://[::1]:8080/a%2fb"`,
	} {
		err := unregistered(sent)
		if !errors.Is(err, refusal.RedirectUnknown) || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "hunter2secret") {
			t.Errorf("%s: %v", sent, err)
		}
		if said := refusal.Of(err).Public().Text; strings.Contains(said, "app.example") {
			t.Errorf("strangers are told: %s", said)
		}
	}
}
