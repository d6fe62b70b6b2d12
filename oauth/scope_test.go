package oauth_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/oauth"
)

func TestParseScope(t *testing.T) {
	for _, row := range []struct {
		parameter string
		want      []string
	}{
		{"", nil},
		{"   ", nil},
		{"a", []string{"a"}},
		{"b a", []string{"b", "a"}},
		{" a  b ", []string{"a", "b"}},
		{"a b a a", []string{"a", "b"}},
		{"a A", []string{"a", "A"}},
		{"read:notes https://purl.example/v1p1/scope/x.readonly", []string{"read:notes", "https://purl.example/v1p1/scope/x.readonly"}},
		{"!#[]~'", []string{"!#[]~'"}},
		{strings.Repeat("a ", 100), []string{"a"}},
	} {
		got, err := oauth.ParseScope(row.parameter)
		if diff := cmp.Diff(row.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", row.parameter, err, diff)
		}
	}
}

// TestScopeCharacters: exactly the characters of RFC 6749 §3.3.
func TestScopeCharacters(t *testing.T) {
	for c := range 256 {
		s := "a" + string([]byte{byte(c)}) + "b"
		allowed := c >= 0x21 && c <= 0x7e && c != '"' && c != '\\'
		_, err := oauth.ParseScope(s)
		if ok := err == nil; c != ' ' && ok != allowed || err != nil && !errors.Is(err, oauth.ErrScopeCharacter) {
			t.Errorf("%#x: %v", c, err)
		}
		if oauth.ValidScope(s) != allowed {
			t.Errorf("%#x: ValidScope is %v", c, !allowed)
		}
	}
}

func TestScopeLimits(t *testing.T) {
	names := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprint("s", i))
		}
		return strings.Join(all, " ")
	}
	whole := func(n int) string { return strings.Repeat(" ", n-1) + "a" }
	for _, row := range []struct {
		name      string
		parameter string
		good      bool
	}{
		{"64 scopes", names(64), true},
		{"65 scopes", names(65), false},
		{"64 scopes, each twice", names(64) + " " + names(64), true},
		{"256 bytes", strings.Repeat("a", 256), true},
		{"257 bytes", strings.Repeat("a", 257), false},
		{"8 KiB", whole(8 << 10), true},
		{"8 KiB and one", whole(8<<10 + 1), false},
	} {
		got, err := oauth.ParseScope(row.parameter)
		if (err == nil) != row.good || err != nil && (!errors.Is(err, oauth.ErrScopeLimit) || got != nil) {
			t.Errorf("%s: %d, %v", row.name, len(got), err)
		}
	}
	if oauth.ValidScope("") || !oauth.ValidScope(strings.Repeat("a", 256)) || oauth.ValidScope(strings.Repeat("a", 257)) {
		t.Error("ValidScope differs")
	}
}

// FuzzScope: what is parsed is what it says, and says the same when parsed again.
func FuzzScope(f *testing.F) {
	for _, seed := range []string{"", " ", "a b", "a  a", "read:notes https://x/y", "\"", "a\tb", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, parameter string) {
		got, err := oauth.ParseScope(parameter)
		if err != nil {
			if got != nil || !errors.Is(err, oauth.ErrScopeCharacter) && !errors.Is(err, oauth.ErrScopeLimit) {
				t.Errorf("%q: %q, %v", parameter, got, err)
			}
			return
		}
		again, err := oauth.ParseScope(oauth.FormatScope(got))
		if err != nil || !slices.Equal(got, again) {
			t.Errorf("%q is %q, and that is %q, %v", parameter, got, again, err)
		}
		for i, scope := range got {
			if !oauth.ValidScope(scope) || slices.Contains(got[:i], scope) || !slices.Contains(strings.Split(parameter, " "), scope) {
				t.Errorf("%q in %q", scope, got)
			}
		}
	})
}

func BenchmarkParseScope(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := oauth.ParseScope("read:notes write:notes read:files"); err != nil {
			b.Fatal(err)
		}
	}
}
