package oauth

import (
	"errors"
	"slices"
	"strings"
)

// Limits of a scope parameter. They hold in every environment and are refused
// before any work is done for the request.
const (
	MaxScopes       = 64      // scope tokens in one parameter
	MaxScopeBytes   = 256     // bytes of one scope token
	MaxScopesLength = 8 << 10 // bytes of the whole parameter: 32 scope URIs are longer than 2 KiB
)

// What is wrong with a scope parameter.
var (
	ErrScopeCharacter = errors.New("a scope holds a character that RFC 6749 §3.3 does not allow")
	ErrScopeLimit     = errors.New("too many scopes, or a scope that is too long")
)

// ParseScope splits a scope parameter (RFC 6749 §3.3) into its tokens, in the
// order given, each once. Spaces in excess are ignored and an empty parameter is
// no scope at all, which callers treat like an omitted one. It returns
// ErrScopeCharacter or ErrScopeLimit.
func ParseScope(parameter string) ([]string, error) {
	if len(parameter) > MaxScopesLength {
		return nil, ErrScopeLimit
	}
	var scopes []string
	for token := range strings.SplitSeq(parameter, " ") {
		if token == "" {
			continue
		}
		if len(token) > MaxScopeBytes {
			return nil, ErrScopeLimit
		}
		if !scopeToken(token) {
			return nil, ErrScopeCharacter
		}
		if slices.Contains(scopes, token) {
			continue
		}
		if len(scopes) == MaxScopes {
			return nil, ErrScopeLimit
		}
		scopes = append(scopes, token)
	}
	return scopes, nil
}

// ValidScope reports whether s is one scope token that ParseScope would accept.
func ValidScope(s string) bool {
	return s != "" && len(s) <= MaxScopeBytes && scopeToken(s)
}

// FormatScope joins scope tokens as the wire wants them.
func FormatScope(scopes []string) string { return strings.Join(scopes, " ") }

// scopeToken: 1*( %x21 / %x23-5B / %x5D-7E ) (RFC 6749 §3.3).
func scopeToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
