package secret

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
)

// seeded returns a stream that is the same in every run.
func seeded(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// failing is randomness that is not there.
type failing struct{}

var errNoRandomness = errors.New("no randomness")

func (failing) Read([]byte) (int, error) { return 0, errNoRandomness }

// hidden is a struct of somebody else, who keeps a secret in an unexported field.
type hidden struct {
	name     string
	secret   Secret
	verifier Verifier
}

func TestNothingSecretIsPrinted(t *testing.T) {
	const text = "swordfish-73"
	s := Of(text)
	v, err := FromChosen(s, seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	leaks := func(printed string) bool {
		return strings.Contains(printed, text) || strings.Contains(printed, v.Encoded()) ||
			strings.Contains(printed, fmt.Sprintf("%x", text)) ||
			strings.Contains(printed, strings.Trim(fmt.Sprint([]byte(text)), "[]"))
	}
	plain := map[string]any{"secret": s, "verifier": v}
	nested := map[string]any{
		"pointer": &s, "slice": []Secret{s}, "map": map[string]Secret{"k": s}, "error": fmt.Errorf("x %v", s),
		"field": struct{ S Secret }{s}, "unexported": hidden{"n", s, v}, "unexported pointer": &hidden{"n", s, v},
	}
	for verb := rune('A'); verb <= 'z'; verb++ {
		for _, flags := range []string{"", "+", "#", "-30", "030", " ", ".3"} {
			format := "%" + flags + string(verb)
			for name, value := range plain {
				printed := fmt.Sprintf(format, value)
				// fmt answers %T, %p, %w and %[ itself, without asking the value.
				if !strings.ContainsRune("Tpw[", verb) && printed != redacted {
					t.Errorf("%s with %s printed %q", name, format, printed)
				}
				if leaks(printed) {
					t.Errorf("%s with %s leaks: %q", name, format, printed)
				}
			}
			for name, value := range nested {
				if printed := fmt.Sprintf(format, value); leaks(printed) {
					t.Errorf("%s with %s leaks: %q", name, format, printed)
				}
			}
		}
	}
	for name, printed := range map[string]string{
		"String": s.String(), "Print": fmt.Sprint(s), "Println": fmt.Sprintln(s, v), "Verifier.String": v.String(),
	} {
		if leaks(printed) || !strings.Contains(printed, redacted) {
			t.Errorf("%s printed %q", name, printed)
		}
	}
}

func TestNothingSecretIsMarshalled(t *testing.T) {
	const text = "swordfish-73"
	s := Of(text)
	v, err := FromGenerated(mustNew(t, "staging"))
	if err != nil {
		t.Fatal(err)
	}
	record := struct {
		S Secret
		V Verifier
		P *Secret
		M map[string]Secret
	}{s, v, &s, map[string]Secret{"k": s}}
	asJSON, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"S":"[redacted]","V":"[redacted]","P":"[redacted]","M":{"k":"[redacted]"}}`; string(asJSON) != want {
		t.Errorf("JSON is %s, want %s", asJSON, want)
	}
	asXML, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"r"`
		S       Secret   `xml:"s,attr"`
		V       Verifier
	}{S: s, V: v})
	if err != nil {
		t.Fatal(err)
	}
	if want := `<r s="[redacted]"><V>[redacted]</V></r>`; string(asXML) != want {
		t.Errorf("XML is %s, want %s", asXML, want)
	}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("m", "s", s, "v", v, "p", &s, "r", record, "h", hidden{"n", s, v}, slog.Group("g", "s", s))
	}
	if strings.Contains(log.String(), text) || strings.Contains(log.String(), v.Encoded()) {
		t.Errorf("the log leaks: %s", &log)
	}
	if err := json.Unmarshal(asJSON, &record); err == nil {
		t.Error("a redacted secret was read back as if it were one")
	}
}

func TestSecret(t *testing.T) {
	var zero Secret
	if !zero.IsEmpty() || zero.Reveal() != "" || !zero.Equal(Of("")) || fmt.Sprint(zero) != redacted {
		t.Error("the zero value is not the empty secret")
	}
	if s := Of("a"); s.IsEmpty() || s.Reveal() != "a" || !s.Equal(Of("a")) || s.Equal(Of("b")) || s.Equal(zero) {
		t.Error("a secret does not keep its text")
	}
	generated := mustNew(t, "staging")
	if hint := generated.Hint(); len(hint) != 4 || !strings.HasSuffix(generated.Reveal(), hint) {
		t.Errorf("hint of a generated secret: %q", hint)
	}
	if hint := Of("test").Hint(); hint != "" {
		t.Errorf("hint of a chosen secret: %q", hint)
	}
}
