package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/grantway/grantway/internal/disk"
)

// ErrSealed: what was read was sealed with another key, or altered.
var ErrSealed = errors.New("does not open with this sealing key: it was sealed with another one, or altered")

// A Seal encrypts what must not be readable in the store or its backups, with
// AES-256-GCM. It is safe for concurrent use and prints nothing of its key.
type Seal struct{ aead cipher.AEAD }

// NewSeal makes a seal of a sealing key as text: 32 bytes in hexadecimal or in
// standard base64.
func NewSeal(text string) (*Seal, error) {
	text = strings.TrimSpace(text)
	key, err := hex.DecodeString(text)
	if err != nil {
		key, err = base64.StdEncoding.Strict().DecodeString(text)
	}
	if err != nil || len(key) != keyBytes {
		return nil, errors.New("a sealing key is 32 random bytes, in hexadecimal or base64; make one with: openssl rand -hex 32")
	}
	return SealOf(key)
}

// keyBytes is how long a sealing key is.
const keyBytes = 32

// SealOf makes a seal of a key that the caller drew or derived: 32 bytes, else it is
// an error.
func SealOf(key []byte) (*Seal, error) {
	if len(key) != keyBytes {
		return nil, fmt.Errorf("a sealing key has %d bytes, not %d", keyBytes, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Seal{aead}, nil
}

// Close seals a text, bound to a context that Open must repeat.
func (s *Seal) Close(text, context []byte) []byte { return s.aead.Seal(nil, nil, text, context) }

// Open returns what Close sealed, or ErrSealed.
func (s *Seal) Open(sealed, context []byte) ([]byte, error) {
	text, err := s.aead.Open(nil, nil, sealed, context)
	if err != nil {
		return nil, ErrSealed
	}
	return text, nil
}

// ReadSeal reads the sealing key from where the configuration says: "file:PATH"
// or "env:NAME". A file that others than its owner can read is refused.
func ReadSeal(from string, env func(string) (string, bool)) (*Seal, error) {
	source, place, _ := strings.Cut(from, ":")
	switch source {
	case "env":
		text, ok := env(place)
		if !ok || text == "" {
			return nil, fmt.Errorf("the environment variable %s, which should hold the sealing key, is not set; for a new server: export %s=$(openssl rand -hex 32), and keep it", place, place)
		}
		return NewSeal(text)
	case "file":
		info, err := os.Stat(place)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the sealing key: %w; for a new server: openssl rand -hex 32 > %s && chmod 600 %s", err, place, place)
		}
		if err != nil {
			return nil, fmt.Errorf("the sealing key: %w", err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			return nil, fmt.Errorf("the sealing key %s can be read by others: chmod 600 %s", place, place)
		}
		text, err := os.ReadFile(place)
		if err != nil {
			return nil, fmt.Errorf("the sealing key: %w", err)
		}
		return NewSeal(string(text))
	}
	return nil, errors.New("the sealing key must come from file:PATH or env:NAME")
}

// CreateSealFile makes a sealing key in a file that does not exist yet; one that
// does is left alone. The file appears whole, also to a process that starts at
// the same time, and is durable when CreateSealFile returns: what is sealed with
// the key is lost with it.
func CreateSealFile(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	key := make([]byte, keyBytes)
	rand.Read(key) // never fails
	err := disk.Create(path, []byte(hex.EncodeToString(key)+"\n"))
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}
