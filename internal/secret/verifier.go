package secret

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// MaxPresented is the longest secret that is looked at, in bytes. A longer one
// is wrong without being hashed, and cannot be chosen either.
const MaxPresented = 1024

// ErrForm says that a text is in no form that is understood.
var ErrForm = errors.New("not a hash in a form that is understood")

// ErrLimit says that a hash asks for more work than will be done on behalf of a
// client, or for too little to protect anything. The error it is wrapped in
// names the limit.
var ErrLimit = errors.New("outside the limits")

const sha256Prefix = "sha256:"

// Verifier is what is kept of a secret: enough to check a presented one. Make
// one with [FromGenerated], [FromChosen] or [Import]; store what
// [Verifier.Encoded] returns and read it back with [Parse].
//
// The forms it is stored in:
//
//	sha256:<base64url>                                   a secret made by New
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>         a chosen secret
//	wrapped:<recipe>:<base64url>:$argon2id$…             an imported fast hash
//	$argon2id$… $argon2i$… $2b$… $pbkdf2-sha256$… $scrypt$…   an imported slow hash
//
// The recipe is "sha256", the bytes after it following the secret, or
// "spring-sha256", the bytes being the salt.
//
// Like a [Secret] it is never printed: of a guessable secret, the hash is what
// one guesses against. The zero Verifier matches nothing, in the time that a
// wrong generated secret takes. A Verifier is immutable and safe for concurrent
// use.
type Verifier struct {
	_ [0]func() // forbids ==

	// As in Secret; a pointer to a pointer, because fmt follows one to a struct.
	kept **kept
}

// kept is what a Verifier is behind its pointers.
type kept struct {
	text string   // as encoded
	sum  Hash     // of a generated secret
	slow slowHash // of any other; nil for a generated one
}

// nothing is what the zero Verifier keeps.
var nothing = &kept{}

func (v Verifier) load() *kept {
	if v.kept == nil {
		return nothing
	}
	return *v.kept
}

// slowHash is one stored hash whose check is meant to be expensive.
type slowHash interface {
	matches(presented string) (bool, error)
	encode() string
	name() string
}

// FromGenerated returns the verifier of a secret made by [New], and [ErrForm]
// for any other: SHA-256 protects only what cannot be guessed. Call it where
// New was called; a secret that somebody hands in, whatever it looks like, is
// a chosen one.
func FromGenerated(s Secret) (Verifier, error) {
	if _, ok := Environment(s.Reveal()); !ok {
		return Verifier{}, fmt.Errorf("%w: the secret is not a generated one", ErrForm)
	}
	return ofSum(s.Hash()), nil
}

// FromChosen returns the verifier of a secret that a person chose or that was
// made elsewhere. It takes tens of milliseconds and 19 MiB; with
// [Checker.FromChosen] no more run at once than there are cores for. It fails
// with [ErrLimit] for an empty secret and one above [MaxPresented], and when
// rand, which gives the salt, fails.
func FromChosen(s Secret, rand io.Reader) (Verifier, error) {
	text := s.Reveal()
	if err := within("the secret's length in bytes", len(text), 1, MaxPresented); err != nil {
		return Verifier{}, err
	}
	hash, err := newArgon([]byte(text), rand)
	if err != nil {
		return Verifier{}, err
	}
	return ofSlow(hash), nil
}

// Parse reads what [Verifier.Encoded] returns, and nothing else: every
// Verifier has one encoding. It is for what this package wrote; a hash that comes
// from anywhere else goes through [Import], which would hash a "sha256:" once
// more. Errors: [ErrForm], [ErrLimit].
func Parse(text string) (Verifier, error) {
	if v, ok := parseSum(text); ok {
		return v, nil
	}
	v, err := parse(text)
	if err != nil {
		return Verifier{}, err
	}
	if v.Encoded() != text {
		return Verifier{}, fmt.Errorf("%w: it is not written as this package writes it", ErrForm)
	}
	return v, nil
}

// parseSum is Parse for a generated secret, whose verifier is read at every token
// request. What is not written exactly so is for Parse to judge.
func parseSum(text string) (Verifier, bool) {
	encoded, ok := strings.CutPrefix(text, sha256Prefix)
	var in [sumText]byte
	if !ok || copy(in[:], encoded) != len(encoded) {
		return Verifier{}, false
	}
	var read struct { // in one piece of memory
		kept
		at *kept
	}
	read.text, read.at = text, &read.kept
	// 43 characters that are 32 bytes leave no room for a second spelling.
	if n, err := strictURL.Decode(read.sum[:], in[:]); err != nil || n != len(read.sum) {
		return Verifier{}, false
	}
	return Verifier{kept: &read.at}, true
}

const sumText = 43 // characters of 32 bytes in base64url

var strictURL = base64.RawURLEncoding.Strict()

func parse(text string) (Verifier, error) {
	if rest, ok := strings.CutPrefix(text, sha256Prefix); ok {
		sum, err := decodeSized(rest, len(Hash{}))
		if err != nil {
			return Verifier{}, err
		}
		return ofSum(Hash(sum)), nil
	}
	if rest, ok := strings.CutPrefix(text, wrappedPrefix); ok {
		return slowOrError(readWrapped(rest))
	}
	return parseSlow(text)
}

func ofSum(sum Hash) Verifier {
	return newVerifier(&kept{text: sha256Prefix + base64.RawURLEncoding.EncodeToString(sum[:]), sum: sum})
}

func ofSlow(hash slowHash) Verifier { return newVerifier(&kept{text: hash.encode(), slow: hash}) }

func newVerifier(k *kept) Verifier { return Verifier{kept: &k} }

func slowOrError[H slowHash](hash H, err error) (Verifier, error) {
	if err != nil {
		return Verifier{}, err
	}
	return ofSlow(hash), nil
}

// Encoded returns the text to store, from which the secret can be guessed when
// it is guessable. It is "" for the zero Verifier.
func (v Verifier) Encoded() string { return v.load().text }

// IsZero reports whether v is the zero Verifier, which matches nothing.
func (v Verifier) IsZero() bool { return v.kept == nil }

// Equal reports whether both have the same encoding. Two verifiers of one chosen
// secret are different: their salts are.
func (v Verifier) Equal(other Verifier) bool {
	return subtle.ConstantTimeCompare([]byte(v.Encoded()), []byte(other.Encoded())) == 1
}

// IsSlow reports whether checking a presented secret is meant to be expensive,
// which it is for all but generated ones.
func (v Verifier) IsSlow() bool { return v.load().slow != nil }

// Algorithm names how the secret is kept, for people to read: "sha256",
// "argon2id", "bcrypt", "sha256 under argon2id" and so on.
func (v Verifier) Algorithm() string {
	switch {
	case v.IsZero():
		return "none"
	case !v.IsSlow():
		return "sha256"
	default:
		return v.load().slow.name()
	}
}

// String returns "[redacted]".
func (v Verifier) String() string { return redacted }

// Format writes "[redacted]" whatever the verb.
func (v Verifier) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// LogValue returns "[redacted]".
func (v Verifier) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]"; see [Verifier.Encoded] for what to store.
func (v Verifier) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]" as a JSON string.
func (v Verifier) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
