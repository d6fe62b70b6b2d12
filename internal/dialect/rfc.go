package dialect

import (
	"strconv"
	"time"

	"github.com/grantway/grantway/oauth"
)

// RFC is the plain dialect: RFC 6749 as it is written, JWTs of RFC 9068.
var RFC = &Dialect{
	Name:           "rfc",
	TokenPaths:     []string{"/oauth2/token", "/oauth/token"},
	AuthorizePaths: []string{"/oauth2/authorize", "/oauth/authorize", "/authorize"},
	JSON:           true,
	ContentType:    "application/json",
	Header:         header("at+jwt"), // RFC 9068 §2.1
	IDHeader:       header("JWT"),
	AppendClaims:   appendRFCClaims,
	AppendToken:    appendRFCToken,
	code:           plainCode,
}

// header returns a Header that gives tokens the media type typ, or none.
func header(typ string) func(algorithm, kid string) []byte {
	return func(algorithm, kid string) []byte {
		b := append([]byte(`{"kid":`), appendString(nil, kid)...)
		b = appendMember(b, "alg", algorithm)
		if typ != "" {
			b = appendMember(b, "typ", typ)
		}
		return append(b, '}')
	}
}

// appendRFCClaims: RFC 9068 §2.2, and §2.2.1 where a person is involved.
func appendRFCClaims(b []byte, c *Claims) []byte {
	b = append(b, `{"iss":`...)
	b = appendString(b, c.Issuer)
	b = appendMember(b, "sub", c.subject())
	b = appendAudience(b, c.Audience)
	b = appendMember(b, "client_id", c.ClientID)
	if c.Scope != "" {
		b = appendMember(b, "scope", c.Scope)
	}
	b = appendSeconds(b, "iat", c.IssuedAt)
	b = appendSeconds(b, "exp", c.ExpiresAt)
	b = appendMember(b, "jti", c.ID)
	if p := c.Person; p != nil {
		b = appendSignIn(b, p.AuthenticatedAt, p.ACR, p.Methods)
	}
	return append(b, '}')
}

// appendSignIn writes how a person signed in (OpenID Connect Core §2).
func appendSignIn(b []byte, at time.Time, acr string, methods []string) []byte {
	b = appendSeconds(b, "auth_time", at)
	if acr != "" {
		b = appendMember(b, "acr", acr)
	}
	if len(methods) > 0 {
		b = appendList(b, "amr", methods)
	}
	return b
}

// appendRFCToken: RFC 6749 §5.1. The scope is repeated when it is not exactly
// what was asked for.
func appendRFCToken(b []byte, t *oauth.TokenResponse, asked string) []byte {
	b = appendBareToken(b, t)
	if t.Scope != asked {
		b = appendMember(b[:len(b)-1], "scope", t.Scope)
		b = append(b, '}')
	}
	return b
}

// AppendIntrospection writes what there is to know about an active token
// (RFC 7662 §2.2). No product's clients expect another answer. What is empty is
// left out.
func AppendIntrospection(b []byte, t *oauth.Introspection) []byte {
	member := func(name, value string) {
		if value != "" {
			b = appendMember(b, name, value)
		}
	}
	seconds := func(name string, at int64) {
		if at != 0 {
			b = appendSeconds(b, name, time.Unix(at, 0))
		}
	}
	b = append(b, `{"active":true`...)
	member("scope", t.Scope)
	member("client_id", t.ClientID)
	member("token_type", t.TokenType)
	seconds("exp", t.ExpiresAt)
	seconds("iat", t.IssuedAt)
	member("sub", t.Subject)
	if len(t.Audience) > 0 {
		b = appendList(b, "aud", t.Audience)
	}
	member("iss", t.Issuer)
	member("jti", t.ID)
	return append(b, '}')
}

// appendBareToken writes the three members that every published example shows,
// in their order.
func appendBareToken(b []byte, t *oauth.TokenResponse) []byte {
	b = append(b, `{"access_token":`...)
	b = appendToken(b, t.AccessToken)
	b = append(b, `,"expires_in":`...)
	b = strconv.AppendInt(b, t.ExpiresIn, 10)
	b = appendMember(b, "token_type", t.TokenType)
	return append(appendMore(b, t), '}')
}

// appendMore writes the tokens that come beside an access token.
func appendMore(b []byte, t *oauth.TokenResponse) []byte {
	if t.RefreshToken != "" {
		b = appendMember(b, "refresh_token", t.RefreshToken)
	}
	if t.IDToken != "" {
		b = appendMember(b, "id_token", t.IDToken)
	}
	return b
}
