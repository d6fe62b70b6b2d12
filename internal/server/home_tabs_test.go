package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/home"
)

// TestSignInFromSeveralWindows: a browser with several windows is sent to sign in from
// each, and whichever is finished first goes on where it was; so does the next. An
// answer is good once, and for a quarter of an hour.
func TestSignInFromSeveralWindows(t *testing.T) {
	t.Parallel()
	s, _ := consoled(t)
	s.resident(t, "home", "tessa", home.Owner)
	b := s.visitor(t)
	window := func(path string) func() {
		b.visit(path).is("/login", http.StatusOK)
		form, action, ok := b.form("/login")
		if !ok {
			t.Fatalf("no form at %s", b.at)
		}
		return func() { b.post(action, form, "name", "tessa", "password", goodPassword) }
	}
	clients, partners, keys := window("/console/clients"), window("/console/partners"), window("/console/keys")
	for path, finish := range map[string]func(){"/console/clients": clients, "/console/partners": partners} {
		if finish(); b.at.Path != path || b.code != http.StatusOK {
			t.Fatalf("at %s with %d, not at %s:\n%s", b.at, b.code, path, b.body)
		}
	}
	s.clock.move(15 * time.Minute)
	if keys(); b.at.Path == "/console/keys" && b.code == http.StatusOK {
		t.Error("an answer is good after a quarter of an hour")
	}

	b = s.visitor(t)
	for range 30 {
		b.visit("/console/clients?q="+strings.Repeat("x", 600)).is("/login", http.StatusOK)
	}
	for _, c := range b.cookies() {
		if len(c.Value) > 3900 {
			t.Errorf("the cookie %s has %d bytes", c.Name, len(c.Value))
		}
	}
	if b.signIn("tessa", goodPassword); b.at.Path != "/console/clients" {
		t.Errorf("the last window is at %s with %d", b.at, b.code)
	}
}
