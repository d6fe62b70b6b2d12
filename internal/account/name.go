package account

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

const (
	mostName  = 128 // bytes
	mostEmail = 254 // bytes, RFC 5321 §4.5.3.1.3
)

// ErrName: a name that nobody can have. The error it comes in says why, in words
// for people.
var ErrName = errors.New("not a possible name")

// ErrEmail: a text that is not one e-mail address.
var ErrEmail = errors.New("not an e-mail address")

// NameKey returns the one spelling that a name is found by and unique in (RFC 8265
// §3.3, UsernameCaseMapped): "Ｊan" and "jan" are one name (row P20). It returns
// ErrName for what that profile refuses (white space, control and zero-width
// characters), for an empty name and one above 128 bytes.
func NameKey(name string) (string, error) {
	if name == "" || len(name) > mostName || !utf8.ValidString(name) {
		return "", fmt.Errorf("%w: it needs 1 to %d bytes", ErrName, mostName)
	}
	key, err := precis.UsernameCaseMapped.String(name)
	if err != nil || key == "" || len(key) > mostName {
		return "", fmt.Errorf("%w: letters, digits and signs, without spaces", ErrName)
	}
	// The rules are to be applied until nothing changes (RFC 8264 §7).
	if again, err := precis.UsernameCaseMapped.String(key); err != nil || again != key {
		return "", fmt.Errorf("%w: it can be read in two ways", ErrName)
	}
	return key, nil
}

// sought returns what an account is looked up by: the key of a name or an e-mail
// address; and false for what can be neither.
func sought(typed string) (string, bool) {
	typed = strings.TrimSpace(typed)
	if key, err := NameKey(typed); err == nil {
		return key, true
	}
	if email, err := Email(typed); err == nil {
		return email, true
	}
	return "", false
}

// Email returns an e-mail address in its one spelling, the domain in lower case.
// It takes an address alone, with exactly one @ (row P19): no name, no comment, no
// quotes, no list, and a domain, not a bare number. Everything else is ErrEmail.
func Email(text string) (string, error) {
	if len(text) > mostEmail || strings.Count(text, "@") != 1 {
		return "", ErrEmail
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text || parsed.Name != "" {
		return "", ErrEmail
	}
	local, domain, _ := strings.Cut(text, "@")
	if local == "" || len(local) > 64 || strings.ContainsAny(text, "\"\\()<>[],;: \t\r\n") || !isDomain(domain) {
		return "", ErrEmail
	}
	for _, r := range local {
		if r < 0x21 || r == 0x7f || r == utf8.RuneError {
			return "", ErrEmail
		}
	}
	return local + "@" + strings.ToLower(domain), nil
}

// isDomain reports whether the text is a name of labels (RFC 1123 §2.1), in ASCII.
func isDomain(text string) bool {
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(strings.ToLower(label)) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}
