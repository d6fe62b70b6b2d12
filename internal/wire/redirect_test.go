package wire_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/grantway/grantway/internal/wire"
)

func TestCheckRedirect(t *testing.T) {
	long := "https://a.example/" + strings.Repeat("x", wire.MaxRedirectURI-len("https://a.example/"))
	for _, row := range []struct {
		uri         string
		web, native bool
	}{
		{"https://app.example/cb", true, true},
		{"https://app.example", true, true},
		{"https://app.example/cb?x=1", true, true},
		{"http://localhost", true, true},
		{"http://localhost:3000/cb", true, true},
		{"http://127.0.0.1/cb", true, true},
		{"http://[::1]:8080/cb", true, true},
		{"org.example.app:/cb", false, true},
		{long, true, true},
		{long + "x", false, false},                 // A21
		{"https://app.example/cb#x", false, false}, // A06
		{"https://app.example/cb#", false, false},
		{"https://*.example/cb", false, false}, // A07
		{"https://app.example/*", false, false},
		{"http://app.example/cb", false, false}, // A12
		{"http://127.0.0.1.evil.example/", false, false},
		{"exampleapp:/cb", false, false},
		{"JavaScript:alert(1)", false, false}, // A11
		{"javascript:alert(1)//a.b", false, false},
		{"data:text/html,x", false, false},
		{"vbscript:x", false, false},
		{"file:///etc/passwd", false, false},
		{"HTTPS://app.example/cb", false, false},
		{"https:app.example/cb", false, false},
		{"https:///cb", false, false},
		{"https://user@app.example/cb", false, false},
		{"https://app.example/a/../cb", false, false}, // A02
		{"https://app.example/a/%2e%2e/cb", false, false},
		{"https://app.example/a b", false, false},
		{"https://app.example\\@evil.example/", false, false},
		{"https://app.example/\r\nLocation: x", false, false},
		{"/cb", false, false},
		{"//evil.example", false, false},
		{"", false, false},
	} {
		if problem, _ := wire.CheckRedirect(row.uri, false); (problem == "") != row.web {
			t.Errorf("web %q: %q", row.uri, problem)
		}
		if problem, _ := wire.CheckRedirect(row.uri, true); (problem == "") != row.native {
			t.Errorf("native %q: %q", row.uri, problem)
		}
	}
}

// A09: only the port of a literal loopback address may vary, and only for a
// native client.
func TestMatchRedirectA09(t *testing.T) {
	registered := []string{"http://127.0.0.1/cb", "http://[::1]:1/cb?a=1", "http://localhost/cb", "https://app.example/cb"}
	for _, row := range []struct {
		uri         string
		web, native bool
	}{
		{"http://127.0.0.1/cb", true, true},
		{"http://127.0.0.1:49152/cb", false, true},
		{"http://[::1]:49152/cb?a=1", false, true},
		{"http://[::1]/cb?a=1", false, true},
		{"http://127.0.0.1:49152/cb/", false, false},
		{"http://127.0.0.1:49152/CB", false, false},
		{"http://127.0.0.1:49152/cb?x", false, false},
		{"http://127.0.0.1:/cb", false, false},
		{"http://127.0.0.1:123456/cb", false, false},
		{"http://127.0.0.1:80@evil.example/cb", false, false},
		{"http://127.0.0.1.evil.example/cb", false, false},
		{"http://127.0.0.2/cb", false, false},
		{"https://127.0.0.1:1/cb", false, false},
		{"http://localhost:1/cb", false, false},
		{"http://[::1]:1.evil/cb?a=1", false, false},
		{"https://app.example:443/cb", false, false},
		{"https://app.example/cb", true, true},
	} {
		if got := wire.MatchRedirect(registered, row.uri, false); got != row.web {
			t.Errorf("web %q: %v", row.uri, got)
		}
		if got := wire.MatchRedirect(registered, row.uri, true); got != row.native {
			t.Errorf("native %q: %v", row.uri, got)
		}
	}
}

// A02, A05: of all that can be made of a registered URI, only itself passes.
func TestMatchRedirectA02(t *testing.T) {
	const registered = "https://app.example/cb?next=1"
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(registered)
		for range rapid.IntRange(0, 3).Draw(t, "edits") {
			at := rapid.IntRange(0, len(b)).Draw(t, "at")
			if at < len(b) && rapid.Bool().Draw(t, "other case") {
				b[at] ^= 0x20 // of a letter; of others another character
				continue
			}
			with := rapid.SampledFrom([]string{"", "/", ".", "..", "%2f", "%2e", "@", ":", "?", "&", "#", "A", "\\", "//", "*", " "}).Draw(t, "with")
			cut := rapid.IntRange(0, min(2, len(b)-at)).Draw(t, "cut")
			b = append(b[:at:at], append([]byte(with), b[at+cut:]...)...)
		}
		for _, native := range []bool{false, true} {
			if got := wire.MatchRedirect([]string{registered}, string(b), native); got != (string(b) == registered) {
				t.Fatalf("%q: %v", b, got)
			}
		}
	})
}
