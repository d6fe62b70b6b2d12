package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what is printed in place of anything secret.
const redacted = "[redacted]"

// Secret is a text that nobody may read by accident. Under every verb of
// package fmt, in log/slog, as JSON and as text it is "[redacted]"; the only way
// to its text is [Secret.Reveal].
//
// The zero value is the empty secret. Values cannot be compared with == (that
// would take a time depending on the text); see [Secret.Equal]. A Secret is
// immutable and safe for concurrent use.
type Secret struct {
	_ [0]func() // forbids ==

	// A pointer, because fmt prints the unexported fields of a foreign struct
	// by reflection and without asking Format: it finds an address there.
	text *string
}

// Of returns text as a Secret.
func Of(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text. Call it only to hand the secret to the one it
// belongs to, or to derive from it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsEmpty reports whether the text is empty.
func (s Secret) IsEmpty() bool { return s.text == nil }

// Equal reports whether both texts are the same, in a time that depends on
// their lengths only.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// Hint returns the last four characters of a secret made by [New], for people
// to tell their secrets apart. They belong to the checksum, so at most 24 of
// the 256 bits can be learned from them. Of any other secret, four characters
// may be all there is, and the hint is empty.
func (s Secret) Hint() string {
	text := s.Reveal()
	if _, ok := Environment(text); !ok {
		return ""
	}
	return text[len(text)-4:]
}

// Hash returns [HashOf] the text.
func (s Secret) Hash() Hash { return HashOf(s.Reveal()) }

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// Format writes "[redacted]" whatever the verb.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// LogValue returns "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]". There is no way back: a Secret is never
// read from what it was written to.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]" as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
