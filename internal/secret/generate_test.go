package secret

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
)

func mustNew(t testing.TB, env string) Secret {
	t.Helper()
	s, err := New(env, seeded(7))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewIsRecognised(t *testing.T) {
	pattern := regexp.MustCompile("^" + Pattern + "$")
	for env, tag := range map[string]string{
		"staging": "staging", "production": "production", "a": "a", "7": "7", "Prod": "prod", "eu-west_1": "euwest1",
		"tøwn": "twn", "exactly16letters": "exactly16letters", "exactly16letters-and-more": "exactly16letters", "Ss": "ss",
	} {
		s, err := New(env, seeded(1))
		if err != nil {
			t.Errorf("%q: %v", env, err)
			continue
		}
		text := s.Reveal()
		if got, ok := Environment(text); !ok || got != tag || got != Tag(env) {
			t.Errorf("%q: recognised as %q, %v", env, got, ok)
		}
		if want := 2 + len(tag) + 1 + 43 + 6; len(text) != want || !isAlphanumeric(text) || !pattern.MatchString(text) {
			t.Errorf("%q: the secret has the wrong form: %d characters", env, len(text))
		}
		if found := regexp.MustCompile(Pattern).FindString("SECRET=" + text + "\n"); found != text {
			t.Errorf("%q: a scanner would not find the secret in a file", env)
		}
	}
	for _, env := range []string{"", "-", "ø"} {
		if _, err := New(env, seeded(1)); err == nil {
			t.Errorf("%q: a secret without a tag", env)
		}
	}
	if a, b := mustNew(t, "x"), mustNew(t, "x"); !a.Equal(b) {
		t.Error("the same randomness gave different secrets")
	}
}

func TestEnvironmentRefuses(t *testing.T) {
	// The checksum by Python: zlib.crc32 of all before it, in base 62.
	const good = "gwstagingS0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg0VCeXq"
	if tag, ok := Environment(good); !ok || tag != "staging" {
		t.Fatalf("the fixture is recognised as %q, %v", tag, ok)
	}
	resum := func(body string) string { return body + checksum(body) }
	random := good[len("gwstagingS") : len("gwstagingS")+randomLength]
	if tag, ok := Environment(resum("gw" + strings.Repeat("t", 16) + "S" + random)); !ok || len(tag) != 16 {
		t.Errorf("a tag of 16 characters: %q, %v", tag, ok)
	}
	for name, text := range map[string]string{
		"empty":              "",
		"prefix only":        "gw",
		"no tag":             resum("gwS" + random),
		"tag of 17":          resum("gw" + strings.Repeat("t", 17) + "S" + random),
		"upper-case tag":     resum("gwStagingS" + random),
		"no mark":            resum("gwstagings" + random),
		"other prefix":       resum("gxstagingS" + random),
		"upper-case prefix":  resum("GWstagingS" + random),
		"one too few":        resum("gwstagingS" + random[1:]),
		"dash in the middle": resum("gwstagingS" + random[1:] + "-"),
		"not ASCII":          resum("gwstagingS" + random[2:] + "ø"),
		"space before":       " " + good,
		"newline after":      good + "\n",
		"checksum":           good[:len(good)-1] + "r",
		"typing error":       strings.Replace(good, "A", "a", 1),
		"two swapped":        strings.Replace(good, "AB", "BA", 1),
		"tag changed":        strings.Replace(good, "staging", "stagimg", 1),
	} {
		if tag, ok := Environment(text); ok || tag != "" {
			t.Errorf("%s: recognised as %q", name, tag)
		}
	}
}

func TestRandomCharactersAreEven(t *testing.T) {
	const perCharacter, n = 1700, 1700 * 62 // some 10^5
	var counts [256]int
	stream := seeded(3)
	for range n / 62 {
		text, err := randomCharacters(stream, 62)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []byte(text) {
			counts[c]++
		}
	}
	// Chi-square with 61 degrees of freedom: 61 expected, above 126 once in a
	// million. Taking a remainder of 64 instead of dropping gives thousands.
	chi := 0.0
	for _, c := range []byte(base62) {
		d := float64(counts[c] - perCharacter)
		chi += d * d / perCharacter
	}
	if chi > 126 {
		t.Errorf("chi-square is %.0f", chi)
	}
}

func TestRandomnessFails(t *testing.T) {
	for name, generate := range map[string]func(io.Reader) error{
		"New":       func(r io.Reader) error { _, err := New("x", r); return err },
		"NewID":     func(r io.Reader) error { _, err := NewID(r, 22); return err },
		"NewOpaque": func(r io.Reader) error { _, err := NewOpaque(r); return err },
	} {
		if err := generate(failing{}); !errors.Is(err, errNoRandomness) {
			t.Errorf("%s without randomness: %v", name, err)
		}
		if err := generate(bytes.NewReader(bytes.Repeat([]byte{63}, 1<<16))); err == nil {
			t.Errorf("%s took a constant for randomness", name)
		}
		if err := generate(bytes.NewReader(make([]byte, 20))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s with 20 bytes of randomness: %v", name, err)
		}
	}
}

func TestNewID(t *testing.T) {
	for _, n := range []int{1, 22, 128} {
		if id, err := NewID(seeded(2), n); err != nil || len(id) != n || !isAlphanumeric(id) {
			t.Errorf("%d characters: %q, %v", n, id, err)
		}
	}
	for _, n := range []int{-1, 0, 129} {
		if id, err := NewID(seeded(2), n); err == nil {
			t.Errorf("%d characters: %q", n, id)
		}
	}
}
