package secret

import (
	"crypto/rand"
	"regexp"
	"strings"
	"testing"
)

func TestNewAPIToken(t *testing.T) {
	pattern, other := regexp.MustCompile("^"+APITokenPattern+"$"), regexp.MustCompile(Pattern)
	seen := map[string]bool{}
	for range 100 {
		made, err := NewAPIToken("Staging 2", rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		text := made.Reveal()
		if seen[text] || !pattern.MatchString(text) || !strings.HasPrefix(text, "gwstaging2A") || other.MatchString(text) {
			t.Errorf("%s", text)
		}
		seen[text] = true
		if _, ok := Environment(text); ok {
			t.Errorf("%s is taken for a client's secret", text)
		}
	}
	if _, err := NewAPIToken("…", rand.Reader); err == nil {
		t.Error("an environment without a tag")
	}
	if _, err := NewAPIToken("a", strings.NewReader("short")); err == nil {
		t.Error("randomness that ends")
	}
}
