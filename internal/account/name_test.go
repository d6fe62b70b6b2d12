package account

import (
	"strings"
	"testing"
)

// P20: names that look alike are one, and what cannot be seen is refused.
func TestNameKey(t *testing.T) {
	for name, want := range map[string]string{
		"jan": "jan", "Jan": "jan", "ＪＡＮ": "jan", "jos\u0065\u0301": "josé", "JOSÉ": "josé", "jan@school.example": "jan@school.example",
		strings.Repeat("x", 128): strings.Repeat("x", 128),
	} {
		if got, err := NameKey(name); err != nil || got != want {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{
		"", "jan jansen", "jan\u200b", "jan\u200d", "\u202ejan", "jan\x00", "jan\n", "\xff", "ﬁ", "jan\u00ad", strings.Repeat("x", 129), " jan",
	} {
		if key, err := NameKey(name); err == nil {
			t.Errorf("%q is %q", name, key)
		}
	}
}

// P19: exactly one @, and an address alone.
func TestEmail(t *testing.T) {
	for text, want := range map[string]string{
		"jan@School.Example": "jan@school.example", "Jan.O'Neil+x@a-b.example": "Jan.O'Neil+x@a-b.example",
		"jan@localhost": "jan@localhost", strings.Repeat("x", 64) + "@example.org": strings.Repeat("x", 64) + "@example.org",
	} {
		if got, err := Email(text); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "jan", "@example.org", "jan@", "jan@a@b.example", `"jan@evil"@example.org`, `"jan"@example.org`, "Jan <jan@example.org>", "<jan@example.org>",
		"jan@example.org, piet@example.org", "jan@example.org\r\nBcc: x@y.example", "jan@[192.0.2.1]", "jan@exa mple.org", "jan@-x.example", "jan@x..example",
		"jan@example.org.", "(c)jan@example.org", "jan@exämple.org", strings.Repeat("x", 65) + "@example.org", "jan@" + strings.Repeat("x.", 130) + "org", "jan\xff@example.org",
	} {
		if got, err := Email(text); err == nil {
			t.Errorf("%q is %q", text, got)
		}
	}
}

func FuzzEmail(f *testing.F) {
	f.Add("jan@example.org")
	f.Add(`"a@b"@c.example`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Email(text)
		if err != nil {
			return
		}
		if again, err := Email(got); err != nil || again != got || strings.Count(got, "@") != 1 || strings.ContainsAny(got, "\r\n\t <>,;\"\\\x00") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	})
}

func FuzzNameKey(f *testing.F) {
	f.Add("Jan")
	f.Add("\u1e9e")
	f.Fuzz(func(t *testing.T, name string) {
		key, err := NameKey(name)
		if err != nil {
			return
		}
		if again, err := NameKey(key); err != nil || again != key {
			t.Errorf("%q: %q, then %q, %v", name, key, again, err)
		}
	})
}
