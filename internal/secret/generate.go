package secret

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

const (
	base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

	generatedPrefix = "gw" // Grantway
	generatedMark   = 'S'  // ends the tag, which has no upper-case letters
	randomLength    = 43   // 62^43 > 2^256
	checkLength     = 6    // 62^6 > 2^32
	maxTag          = 16   // characters
	maxID           = 128  // characters
)

// Pattern is the regular expression (RE2) of every secret that [New] makes, for
// scanners that look for leaked ones. A match that [Environment] does not
// recognise is a coincidence or a typing error.
const Pattern = `\bgw[0-9a-z]{1,16}S[0-9A-Za-z]{49}\b`

// New makes a secret for the environment env: "gw", the environment's [Tag],
// "S", 43 random characters (256 bits) and a checksum of 6 characters, all of
// them letters and digits, so that it is the same bytes with and without form
// encoding (RFC 6749 §2.3.1). It fails when rand fails and when nothing of env
// is left in the tag.
func New(env string, rand io.Reader) (Secret, error) {
	tag := Tag(env)
	if tag == "" {
		return Secret{}, errors.New("an environment's name needs at least one ASCII letter or digit to make secrets for it")
	}
	random, err := randomCharacters(rand, randomLength)
	if err != nil {
		return Secret{}, fmt.Errorf("make a secret: %w", err)
	}
	body := generatedPrefix + tag + string(generatedMark) + random
	return Of(body + checksum(body)), nil
}

// Tag returns how the environment env is named inside its secrets: its ASCII
// letters, lower-cased, and digits; the first 16 of them. Environments whose
// names differ in other characters only have the same tag.
func Tag(env string) string {
	tag := make([]byte, 0, maxTag)
	for _, c := range []byte(env) {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if isTagCharacter(c) && len(tag) < maxTag {
			tag = append(tag, c)
		}
	}
	return string(tag)
}

// Environment recognises a secret made by [New], by its form and checksum, and
// returns the [Tag] of the environment it was made for. So a credential of
// another environment can be told from a wrong one. It says nothing about
// whether the secret is or was valid anywhere.
func Environment(text string) (tag string, ok bool) {
	rest, ok := strings.CutPrefix(text, generatedPrefix)
	if !ok {
		return "", false
	}
	end := len(rest) - randomLength - checkLength - 1
	if end < 1 || end > maxTag || rest[end] != generatedMark {
		return "", false
	}
	for _, c := range []byte(rest[:end]) {
		if !isTagCharacter(c) {
			return "", false
		}
	}
	if !isAlphanumeric(rest[end:]) {
		return "", false
	}
	body := len(text) - checkLength
	if checksum(text[:body]) != text[body:] {
		return "", false
	}
	return rest[:end], true
}

// NewID returns n random letters and digits, n from 1 to 128. An id names
// something and proves nothing. 22 characters (131 bits) are enough for ids
// never to collide.
func NewID(rand io.Reader, n int) (string, error) {
	if n < 1 || n > maxID {
		return "", fmt.Errorf("an id of %d characters: from 1 to %d are possible", n, maxID)
	}
	id, err := randomCharacters(rand, n)
	if err != nil {
		return "", fmt.Errorf("make an id: %w", err)
	}
	return id, nil
}

// checksum returns the CRC-32 (IEEE) of body in 6 characters. It finds typing
// errors and lucky matches; it protects against nobody.
func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	var text [checkLength]byte
	for i := checkLength - 1; i >= 0; i-- {
		text[i] = base62[sum%62]
		sum /= 62
	}
	return string(text[:])
}

// randomCharacters returns n characters, each of the 62 equally likely. It
// reads no more from rand than it looks at, so that a keyed stream in place of
// randomness gives the same characters each time.
func randomCharacters(rand io.Reader, n int) (string, error) {
	text := make([]byte, 0, n)
	buffer := make([]byte, n)
	defer clear(buffer)
	// One byte in 32 is dropped. A source that never gives another kind is
	// broken, and would keep us here for ever.
	for range 64 {
		missing := buffer[:n-len(text)]
		if _, err := io.ReadFull(rand, missing); err != nil {
			return "", fmt.Errorf("read randomness: %w", err)
		}
		for _, b := range missing {
			// Dropping 62 and 63, where a remainder would favour "0" and "1".
			if b &= 63; b < 62 {
				text = append(text, base62[b])
			}
		}
		if len(text) == n {
			return string(text), nil
		}
	}
	return "", errors.New("read randomness: the source is not random")
}

func isTagCharacter(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z'
}

func isAlphanumeric(text string) bool {
	for _, c := range []byte(text) {
		if !isTagCharacter(c) && !('A' <= c && c <= 'Z') {
			return false
		}
	}
	return true
}
