package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

const opaqueFixture = "0123456789A-BCDEFGHIJKL-MNOPQRSTUVW-XYZabcdefgh"

func TestNewOpaque(t *testing.T) {
	stream := seeded(4)
	shape := regexp.MustCompile(`^[0-9A-Za-z]{11}(-[0-9A-Za-z]{11}){3}$`)
	seen := map[string]bool{}
	for range 1000 {
		s, err := NewOpaque(stream)
		if err != nil {
			t.Fatal(err)
		}
		h, ok := ParseOpaque(s.Reveal())
		if !ok || h != s.Hash() || !shape.MatchString(s.Reveal()) || seen[s.Reveal()] {
			t.Fatalf("a bad handle: %q", s.Reveal())
		}
		seen[s.Reveal()] = true
	}
	// Derived from a stream of 512 bytes, in pieces or not.
	keyed := make([]byte, 512)
	_, _ = io.ReadFull(seeded(5), keyed)
	a, errA := NewOpaque(bytes.NewReader(keyed))
	b, errB := NewOpaque(iotestOneByte{bytes.NewReader(keyed)})
	if errA != nil || errB != nil || !a.Equal(b) {
		t.Errorf("the same stream gave different handles: %v, %v", errA, errB)
	}
}

// iotestOneByte reads one byte at a time.
type iotestOneByte struct{ r io.Reader }

func (o iotestOneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }

func TestParseOpaqueRefuses(t *testing.T) {
	if _, ok := ParseOpaque(opaqueFixture); !ok {
		t.Fatal("the fixture is refused")
	}
	for name, text := range map[string]string{
		"empty":          "",
		"one too few":    opaqueFixture[:46],
		"one too many":   opaqueFixture + "i",
		"space after":    opaqueFixture + " ",
		"no dashes":      strings.ReplaceAll(opaqueFixture, "-", ""),
		"dash moved":     "0123456789-ABCDEFGHIJKL-MNOPQRSTUVW-XYZabcdefgh",
		"underscore":     strings.Replace(opaqueFixture, "-", "_", 1),
		"letter as dash": strings.Replace(opaqueFixture, "-", "x", 1),
		"dash in group":  strings.Replace(opaqueFixture, "5", "-", 1),
		"percent":        strings.Replace(opaqueFixture, "5", "%", 1),
		"NUL":            strings.Replace(opaqueFixture, "5", "\x00", 1),
		"not ASCII":      strings.Replace(opaqueFixture, "56", "ø", 1),
		"JWT":            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.abcdefghijk",
	} {
		if h, ok := ParseOpaque(text); ok || !h.IsZero() {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestHash(t *testing.T) {
	// printf abc | sha256sum
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	h := HashOf("abc")
	if h.Hex() != abc || h.IsZero() || !h.Equal(HashOf("abc")) || h.Equal(HashOf("abd")) {
		t.Errorf("the hash of abc is %s", h.Hex())
	}
	// On either side of the length that is hashed on the stack.
	for _, n := range []int{0, MaxPresented - 1, MaxPresented, MaxPresented + 1} {
		text := strings.Repeat("x", n)
		if HashOf(text) != Hash(sum256([]byte(text))) {
			t.Errorf("the hash of %d bytes is wrong", n)
		}
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%x", "%X", "%s", "%q", "%d"} {
		if printed := fmt.Sprintf(format, h); printed != "ba7816bf…" {
			t.Errorf("%s printed %q", format, printed)
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "h", h)
	if !strings.Contains(log.String(), `"h":"ba7816bf…"`) {
		t.Errorf("logged as %s", &log)
	}
	asJSON, err := json.Marshal(h)
	if err != nil || string(asJSON) != `"`+abc+`"` {
		t.Errorf("JSON is %s, %v", asJSON, err)
	}
	var back Hash
	if err := json.Unmarshal(asJSON, &back); err != nil || back != h {
		t.Errorf("read back as %s, %v", back.Hex(), err)
	}
	for _, bad := range []string{"", abc[1:], abc + "0", strings.ToUpper(abc), "g" + abc[1:]} {
		if _, err := ParseHash(bad); err == nil {
			t.Errorf("%q was read as a hash", bad)
		}
	}
}
