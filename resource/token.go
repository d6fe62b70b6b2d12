package resource

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/wire"
)

// A Token is a good access token: it was issued by the issuer, for this API, has
// not expired and was not ended. All who present the same token are given the
// same *Token, at the same time: read it, and change neither it nor its slices.
type Token struct {
	ID        string // jti
	Issuer    string
	Subject   string
	ClientID  string
	Audience  []string
	Scope     []string
	IssuedAt  time.Time
	ExpiresAt time.Time

	source string // where Claims reads: the compact JWT or the answer of introspection
}

// Has reports whether the token carries all of the scopes.
func (t *Token) Has(scopes ...string) bool {
	for _, s := range scopes {
		if !slices.Contains(t.Scope, s) {
			return false
		}
	}
	return true
}

// Claims decodes everything that the token says, by the rules of encoding/json:
// what an issuer adds has no place among the fields of Token. It is an error
// where there is nothing to read (Config.Opaque looked the token up) and where
// into does not fit. It reads the token's text at every call: keep the result of
// one call for one request.
func (t *Token) Claims(into any) error {
	if t.source == "" {
		return errors.New("resource: this token carries no claims")
	}
	if t.source[0] == '{' {
		return json.Unmarshal([]byte(t.source), into)
	}
	_, rest, _ := strings.Cut(t.source, ".")
	payload, _, _ := strings.Cut(rest, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return err // cannot be: the token was verified
	}
	return json.Unmarshal(decoded, into)
}

// A Shape is what the tokens of a product look like, as far as a check depends
// on it.
type Shape string

// The shapes. The zero value is RFC9068.
const (
	RFC9068 Shape = "rfc9068" // typ at+jwt, an audience
	Auth0   Shape = "auth0"   // typ JWT, an audience, the client in azp
	Cognito Shape = "cognito" // no typ and no audience; token_use and the API's scopes stand in for them

	// Plain is for issuers that do not follow RFC 9068, which are many: typ may be
	// JWT or absent, client_id and iat too, and scopes may stand in scp. Nothing
	// says for certain that such a token is an access token. What is recognisably
	// something else (an ID, logout or refresh token) is refused, and the audience
	// does the rest: it must be a name of the API that no client has as its id.
	Plain Shape = "plain"
)

// complete notes what a check needs to know besides the usual claims.
func (v *verified) complete(shape Shape, claims *jose.Claims, body []byte) error {
	switch shape {
	case Auth0:
		v.token.ClientID = claims.AuthorizedParty
	case Plain:
		return v.plain(claims, body)
	}
	// Here nobody checks the proof that a bound token needs (RFC 9449 §7.1, RFC
	// 8705 §3), and without it whoever stole the token could use it.
	v.other = claims.KeyThumbprint != ""
	if !v.other && bytes.Contains(body, []byte(`"cnf"`)) {
		var also struct {
			Confirmation any `json:"cnf"`
		}
		if err := wire.DecodeOpenJSON(body, &also); err != nil {
			return refusal.TokenMalformed.From(err)
		}
		v.other = also.Confirmation != nil
	}
	return nil
}

// plain reads what issuers of shape Plain say in their own ways.
func (v *verified) plain(claims *jose.Claims, body []byte) error {
	var also struct {
		Confirmation any `json:"cnf"`
		Nonce        any `json:"nonce"`   // OpenID Connect Core §2
		TokenHash    any `json:"at_hash"` // OpenID Connect Core §3.1.3.6
		CodeHash     any `json:"c_hash"`
		Events       any `json:"events"` // RFC 8417: logout tokens and other events
		Kind         any `json:"typ"`    // Keycloak
		Scopes       any `json:"scp"`    // Entra: a string; Okta: an array
		AppID        any `json:"appid"`  // Entra
		CID          any `json:"cid"`    // Okta
	}
	if err := wire.DecodeOpenJSON(body, &also); err != nil {
		return refusal.TokenMalformed.From(err)
	}
	v.other = slices.ContainsFunc([]any{also.Confirmation, also.Nonce, also.TokenHash, also.CodeHash, also.Events}, func(a any) bool { return a != nil }) ||
		also.Kind != nil && also.Kind != "Bearer" ||
		claims.TokenUse != "" && claims.TokenUse != "access"
	for _, id := range []any{claims.AuthorizedParty, also.AppID, also.CID} {
		if s, ok := id.(string); ok && v.token.ClientID == "" {
			v.token.ClientID = s
		}
	}
	if len(v.token.Scope) > 0 {
		return nil
	}
	switch scopes := also.Scopes.(type) {
	case string:
		v.token.Scope = strings.Fields(scopes)
	case []any:
		for _, s := range scopes {
			if s, ok := s.(string); ok {
				v.token.Scope = append(v.token.Scope, s)
			}
		}
	}
	return nil
}

// judge decides about a JWT that was verified, now or earlier: nothing of what
// it decides is remembered (row S15).
func (c *Checker) judge(v *verified) error {
	if err := c.kind(v); err != nil {
		return err
	}
	return c.live(v)
}

// kind: the token is an access token of this issuer for this API (rule 9). A
// dialect's shape that lacks typ or aud has something else that says it.
func (c *Checker) kind(v *verified) error {
	token := &v.token
	if token.Issuer != c.config.Issuer {
		return refusal.TokenOfAnotherIssuer
	}
	var right bool
	switch c.config.Shape {
	case RFC9068:
		right = accessToken(v.typ)
	case Auth0:
		right = v.typ == "JWT" && v.use == ""
	case Cognito:
		right = v.typ == "" && v.use == "access"
	case Plain:
		right = v.typ == "" || strings.EqualFold(v.typ, "JWT") || accessToken(v.typ)
	}
	if c.config.Shape != Plain && (token.ClientID == "" || token.IssuedAt.IsZero()) {
		right = false
	}
	if !right || v.other || token.Subject == "" || len(token.Subject) > maxSubject || token.ExpiresAt.IsZero() {
		return refusal.TokenForAnotherAPI
	}
	named, ours := token.Audience, c.config.Audience
	if c.config.Shape == Cognito {
		named, ours = token.Scope, c.config.Scopes
	}
	if !overlap(named, ours) {
		return refusal.TokenForAnotherAPI // row S03
	}
	return nil
}

// accessToken is the rule of RFC 9068 §4.
func accessToken(typ string) bool {
	return strings.EqualFold(typ, "at+jwt") || strings.EqualFold(typ, "application/at+jwt")
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// judgeOpaque decides about a token that was looked up.
func (c *Checker) judgeOpaque(v *verified) error {
	token := &v.token
	if v.other {
		return refusal.TokenForAnotherAPI
	}
	if c.config.Introspection != nil {
		if token.Issuer != "" && token.Issuer != c.config.Issuer {
			return refusal.TokenOfAnotherIssuer
		}
		if len(token.Audience) == 0 && c.config.UncheckedAudience {
			return c.live(v)
		}
	}
	if !overlap(token.Audience, c.config.Audience) {
		return refusal.TokenForAnotherAPI
	}
	return c.live(v)
}

// maxSubject is how long a subject may be, in bytes: what OpenID Connect Core §2
// allows, and what APIs have room for.
const maxSubject = 255

// skew is how far in the future a token may have been issued by a clock that is
// ahead of ours.
const skew = time.Minute

// live: the token's time has come and has not passed, and nobody ended it.
func (c *Checker) live(v *verified) error {
	now := c.config.Now()
	switch {
	case !now.Before(v.token.ExpiresAt.Add(c.config.Leeway)):
		return refusal.TokenExpired
	case v.token.IssuedAt.After(now.Add(skew)), v.notBefore.After(now.Add(skew)):
		return refusal.TokenNotYetValid
	case c.config.Ended != nil && c.config.Ended(&v.token):
		return refusal.TokenRevoked
	case c.config.Feed != nil:
		return c.config.Feed.check(&v.token, v.key.KeyID)
	}
	return nil
}
