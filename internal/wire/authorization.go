package wire

import (
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"
)

// Authorization is the value of the Authorization header, "" if there is none.
// Two of them are ErrDuplicate: two readers could believe different ones.
func Authorization(header http.Header) (string, error) {
	switch values := header["Authorization"]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", ErrDuplicate
}

// AuthorizationScheme is the scheme that the value of an Authorization header
// names, in lower case, or "" if it names none (RFC 9110 §11.1).
func AuthorizationScheme(header string) string {
	scheme, _, _ := strings.Cut(header, " ")
	// The usual ones by comparison, without making a new string.
	for _, known := range [...]string{"bearer", "basic", "dpop"} {
		if strings.EqualFold(scheme, known) {
			return known
		}
	}
	for i := range len(scheme) {
		if !isToken(scheme[i]) {
			return ""
		}
	}
	return strings.ToLower(scheme)
}

// BasicCredentials are an identifier and a secret sent by Basic. RFC 6749
// §2.3.1 wants both form-encoded before they are joined; most clients send them
// as they are. So there can be two readings: try the raw one first, then the
// decoded one where there is one.
type BasicCredentials struct {
	ID, Secret string // as they were sent

	// Decoded says that both can be form-decoded and that doing so changes
	// something; only then are the two fields below set.
	Decoded                  bool
	DecodedID, DecodedSecret string
}

// Basic reads the value of an Authorization header as Basic credentials (RFC
// 7617). The scheme may be in any case; base64 has one spelling, padded and
// without stray bits; the first colon separates. Control characters and
// ill-formed UTF-8 are refused. Either part may be empty.
//
// Errors: ErrScheme, ErrTooLong beyond [MaxAuthorization], ErrNotUTF8,
// ErrMalformed.
func Basic(header string) (BasicCredentials, error) {
	encoded, err := afterScheme(header, "Basic")
	if err != nil {
		return BasicCredentials{}, err
	}
	// The decoder skips line ends, which would be a second spelling.
	if strings.ContainsAny(encoded, "\r\n") {
		return BasicCredentials{}, ErrMalformed
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return BasicCredentials{}, ErrMalformed
	}
	if !utf8.Valid(decoded) {
		return BasicCredentials{}, ErrNotUTF8
	}
	// RFC 7617 §2: neither part contains a control character.
	id, secret, found := strings.Cut(string(decoded), ":")
	if !found || hasControl(id) || hasControl(secret) {
		return BasicCredentials{}, ErrMalformed
	}
	credentials := BasicCredentials{ID: id, Secret: secret}
	credentials.formDecode()
	return credentials, nil
}

// formDecode fills in the second reading, if there is one.
func (c *BasicCredentials) formDecode() {
	if !strings.ContainsAny(c.ID, "%+") && !strings.ContainsAny(c.Secret, "%+") {
		return
	}
	id, ok1 := formDecoded(c.ID)
	secret, ok2 := formDecoded(c.Secret)
	if ok1 && ok2 {
		c.Decoded, c.DecodedID, c.DecodedSecret = true, id, secret
	}
}

func formDecoded(encoded string) (string, bool) {
	var text strings.Builder
	text.Grow(len(encoded))
	decoded, ok := unescape(&text, []byte(encoded))
	return decoded, ok && utf8.ValidString(decoded) && !hasControl(decoded)
}

// Bearer reads the value of an Authorization header as a bearer token (RFC 6750
// §2.1). Errors: ErrScheme, ErrTooLong beyond [MaxAuthorization], ErrMalformed.
func Bearer(header string) (string, error) { return Token(header, "Bearer") }

// Token is [Bearer] for a scheme that carries its token the same way, such as
// DPoP (RFC 9449 §7.1). The scheme is compared without case.
func Token(header, scheme string) (string, error) {
	token, err := afterScheme(header, scheme)
	if err != nil {
		return "", err
	}
	// RFC 6750 §2.1: b64token = 1*( ALPHA / DIGIT / "-._~+/" ) *"="
	body := strings.TrimRight(token, "=")
	if body == "" {
		return "", ErrMalformed
	}
	for i := range len(body) {
		if c := body[i]; !isUnreserved(c) && c != '+' && c != '/' {
			return "", ErrMalformed
		}
	}
	return token, nil
}

// afterScheme is what follows the scheme and the spaces after it.
func afterScheme(header, scheme string) (string, error) {
	if len(header) > MaxAuthorization {
		return "", ErrTooLong
	}
	sent, rest, _ := strings.Cut(header, " ")
	if !strings.EqualFold(sent, scheme) {
		return "", ErrScheme
	}
	rest = strings.TrimLeft(rest, " ")
	if rest == "" {
		return "", ErrMalformed
	}
	return rest, nil
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// isUnreserved: RFC 3986 §2.3.
func isUnreserved(c byte) bool {
	return isAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

// isToken: tchar of RFC 9110 §5.6.2.
func isToken(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
