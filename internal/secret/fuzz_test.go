package secret

import (
	"regexp"
	"strings"
	"testing"
)

func FuzzImport(f *testing.F) {
	for _, row := range imports {
		f.Add(row.text)
	}
	f.Add("")
	f.Add("{MD5}x")
	f.Add("{SHA-256}{")
	f.Add("$2b$")
	f.Add("wrapped:sha256:")
	f.Fuzz(func(t *testing.T, text string) {
		// Without randomness nothing is hashed, which keeps this fast.
		v, err := Import(text, failing{})
		if err != nil {
			if !v.IsZero() {
				t.Error("an error and a verifier")
			}
			return
		}
		if !v.IsSlow() {
			t.Errorf("a fast hash is kept: %s", v.Encoded())
		}
		back, err := Parse(v.Encoded())
		if err != nil || !back.Equal(v) {
			t.Errorf("%s is not read back: %v", v.Encoded(), err)
		}
		again, err := Import(v.Encoded(), failing{})
		if err != nil || !again.Equal(v) {
			t.Errorf("%s is not imported as itself: %v", v.Encoded(), err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("sha256:yljMmgxGflMzlBfY7IaRlfDlzRCn_br8GU26cQ_6LTc")
	f.Add(bcryptFixture)
	for _, row := range imports {
		f.Add(row.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := Parse(text); err == nil && v.Encoded() != text {
			t.Errorf("read from %q, written as %q", text, v.Encoded())
		}
	})
}

func FuzzParseOpaque(f *testing.F) {
	f.Add(opaqueFixture)
	f.Add("")
	f.Add(strings.Repeat("-", opaqueLength))
	f.Add(strings.Repeat("a", opaqueLength))
	shape := regexp.MustCompile(`\A[0-9A-Za-z]{11}(-[0-9A-Za-z]{11}){3}\z`)
	f.Fuzz(func(t *testing.T, text string) {
		h, ok := ParseOpaque(text)
		if ok != shape.MatchString(text) {
			t.Errorf("%q: %v", text, ok)
		}
		if ok && h != HashOf(text) || !ok && !h.IsZero() {
			t.Errorf("%q: the hash is %s", text, h.Hex())
		}
	})
}

func FuzzEnvironment(f *testing.F) {
	f.Add("gwstagingS0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg0VCeXq")
	f.Add("gwS")
	f.Add("")
	f.Add("gw" + strings.Repeat("S", 60))
	shape := regexp.MustCompile("\\A" + Pattern + "\\z")
	f.Fuzz(func(t *testing.T, text string) {
		tag, ok := Environment(text)
		if !ok {
			if tag != "" {
				t.Errorf("%q: not recognised as %q", text, tag)
			}
			return
		}
		if !shape.MatchString(text) || Tag(tag) != tag {
			t.Errorf("%q is recognised as %q", text, tag)
		}
		// One wrong character is always found: that is what a CRC is good for.
		for i := range len(text) {
			wrong := byte('a')
			if text[i] == wrong {
				wrong = 'b'
			}
			if _, ok := Environment(text[:i] + string(wrong) + text[i+1:]); ok {
				t.Errorf("%q with another character at %d is recognised", text, i)
			}
		}
	})
}
