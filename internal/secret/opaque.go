package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const (
	opaqueGroups      = 4
	opaqueGroupLength = 11
	opaqueLength      = opaqueGroups*opaqueGroupLength + opaqueGroups - 1
)

// NewOpaque makes a handle for what is handed out and looked up again (a code,
// a refresh token, a session): four groups of eleven letters and digits with
// dashes between them, 44 random characters, 262 bits. It fails when rand
// fails.
//
// The same bytes from rand give the same handle, so a handle can also be
// derived from a keyed stream, of which 512 bytes are more than enough.
func NewOpaque(rand io.Reader) (Secret, error) {
	random, err := randomCharacters(rand, opaqueGroups*opaqueGroupLength)
	if err != nil {
		return Secret{}, fmt.Errorf("make a handle: %w", err)
	}
	text := make([]byte, 0, opaqueLength)
	for group := range opaqueGroups {
		if group > 0 {
			text = append(text, '-')
		}
		text = append(text, random[group*opaqueGroupLength:(group+1)*opaqueGroupLength]...)
	}
	return Of(string(text)), nil
}

// ParseOpaque returns the hash under which the handle text is stored, and
// whether text has the form of [NewOpaque]. Every handle has one spelling; no
// other text leads to its hash. What has another form need not be looked up.
func ParseOpaque(text string) (Hash, bool) {
	if len(text) != opaqueLength {
		return Hash{}, false
	}
	for start := 0; start < opaqueLength; start += opaqueGroupLength + 1 {
		end := start + opaqueGroupLength
		if !isAlphanumeric(text[start:end]) || end < opaqueLength && text[end] != '-' {
			return Hash{}, false
		}
	}
	return HashOf(text), true
}

// Hash is the SHA-256 of a handle: what is stored of it and what it is looked
// up by. A handle holds more than 256 random bits, so its hash gives nothing
// away; in logs and under fmt it is shortened to eight hexadecimal digits,
// enough to follow one through a log. As JSON and as text it is complete.
//
// The zero Hash belongs to no known text.
type Hash [sha256.Size]byte

// HashOf returns the SHA-256 of text; without allocating, up to [MaxPresented]
// bytes.
func HashOf(text string) Hash {
	// Copied to the stack: converting a text this long would allocate.
	var buffer [MaxPresented]byte
	if len(text) > len(buffer) {
		return sha256.Sum256([]byte(text))
	}
	return sha256.Sum256(buffer[:copy(buffer[:], text)])
}

// ParseHash reads what [Hash.Hex] writes: 64 lower-case hexadecimal digits.
func ParseHash(text string) (Hash, error) {
	var h Hash
	if len(text) != hex.EncodedLen(len(h)) {
		return Hash{}, errors.New("a hash has 64 hexadecimal digits")
	}
	if _, err := hex.Decode(h[:], []byte(text)); err != nil || h.Hex() != text {
		return Hash{}, errors.New("a hash has lower-case hexadecimal digits only")
	}
	return h, nil
}

// Equal compares in constant time.
func (h Hash) Equal(other Hash) bool { return subtle.ConstantTimeCompare(h[:], other[:]) == 1 }

// IsZero reports whether h is the zero Hash.
func (h Hash) IsZero() bool { return h == Hash{} }

// Hex returns all of h in 64 hexadecimal digits.
func (h Hash) Hex() string { return hex.EncodeToString(h[:]) }

// String returns the first eight hexadecimal digits and an ellipsis.
func (h Hash) String() string { return hex.EncodeToString(h[:4]) + "…" }

// Format writes [Hash.String] whatever the verb.
func (h Hash) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, h.String()) }

// LogValue returns [Hash.String].
func (h Hash) LogValue() slog.Value { return slog.StringValue(h.String()) }

// MarshalText returns [Hash.Hex].
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.Hex()), nil }

// UnmarshalText reads what [ParseHash] reads.
func (h *Hash) UnmarshalText(text []byte) error {
	parsed, err := ParseHash(string(text))
	if err != nil {
		return err
	}
	*h = parsed
	return nil
}
