package jose

import (
	"fmt"
	"math"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Claims are the members of a token that this system reads. A member that the
// token lacks is the zero value; a time of zero (IsZero) is an absent one.
type Claims struct {
	Issuer          string    // iss
	Subject         string    // sub
	Audience        []string  // aud, also when it was one string; nil if absent
	Expiry          time.Time // exp
	IssuedAt        time.Time // iat
	NotBefore       time.Time // nbf
	ID              string    // jti
	Scope           string    // scope, as written
	ClientID        string    // client_id
	AuthorizedParty string    // azp
	TokenUse        string    // token_use
	GrantType       string    // gty
	KeyThumbprint   string    // cnf.jkt: the DPoP key it is bound to (RFC 9449 §6.1)
}

// ParseClaims reads the claims that Verify returned. It is strict: a JSON
// object in which no name appears twice, 16 deep at most, no number beyond
// ±2^53, and every member of Claims of the type that its specification gives it;
// null is no such type. Anything else is ErrMalformed. Members that Claims does
// not have are ignored. It judges form, not meaning: an expired token parses.
func ParseClaims(data []byte) (Claims, error) {
	var c Claims
	err := eachMember(data, func(name []byte, value jsontext.Value) (err error) {
		switch string(name) {
		case "iss":
			return stringValue(&c.Issuer, value)
		case "sub":
			return stringValue(&c.Subject, value)
		case "aud":
			c.Audience, err = audienceValue(value)
			return err
		case "exp":
			return timeValue(&c.Expiry, value)
		case "iat":
			return timeValue(&c.IssuedAt, value)
		case "nbf":
			return timeValue(&c.NotBefore, value)
		case "jti":
			return stringValue(&c.ID, value)
		case "scope":
			return stringValue(&c.Scope, value)
		case "client_id":
			return stringValue(&c.ClientID, value)
		case "azp":
			return stringValue(&c.AuthorizedParty, value)
		case "token_use":
			return stringValue(&c.TokenUse, value)
		case "gty":
			return stringValue(&c.GrantType, value)
		case "cnf":
			return confirmationValue(&c.KeyThumbprint, value)
		}
		return nil
	})
	if err != nil {
		return Claims{}, err
	}
	return c, nil
}

// audienceValue reads one string or an array of them (RFC 7519 §4.1.3).
func audienceValue(value jsontext.Value) ([]string, error) {
	if value.Kind() == '"' {
		var one string
		err := stringValue(&one, value)
		return []string{one}, err
	}
	return stringsValue(value)
}

// timeValue reads a NumericDate: seconds, which may have a fraction (RFC 7519 §2).
func timeValue(dst *time.Time, value jsontext.Value) error {
	if value.Kind() != '0' {
		return fmt.Errorf("%w: a time is not a number", ErrMalformed)
	}
	seconds, err := parseNumber(value)
	if err != nil {
		return err
	}
	*dst = time.Unix(seconds.whole, int64(math.Round(seconds.fraction*1e9))).UTC()
	return nil
}

// confirmationValue reads the object cnf (RFC 7800 §3.1).
func confirmationValue(dst *string, value jsontext.Value) error {
	return eachMember(value, func(name []byte, value jsontext.Value) error {
		if string(name) == "jkt" {
			return stringValue(dst, value)
		}
		return nil
	})
}
