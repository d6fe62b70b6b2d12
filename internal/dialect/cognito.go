package dialect

import (
	"net/http"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
)

// Cognito answers as Amazon Cognito user pools do. Its tokens have neither typ
// nor aud: token_use and the API of the scopes stand in for them.
var Cognito = &Dialect{
	Name:           "cognito",
	TokenPaths:     []string{"/oauth2/token", "/oauth/token", "/auth/1.0/token"},
	AuthorizePaths: []string{"/oauth2/authorize", "/oauth/authorize"},
	ContentType:    "application/json;charset=UTF-8",
	Header:         header(""),
	IDHeader:       header(""),
	AppendClaims:   appendCognitoClaims,
	FullIDToken:    true,
	appendIDClaims: func(b []byte, c *IDClaims) []byte {
		b = append(b, `,"token_use":"id"`...)
		return appendCognitoPerson(appendMember(b, "cognito:username", c.Name), c.Roles)
	},
	AppendToken: func(b []byte, t *oauth.TokenResponse, _ string) []byte {
		return appendBareToken(b, t) // never a scope
	},
	code:    cognitoCode,
	bare405: true,
}

// cognitoCode: every refusal of a credential is 400. Clients look for "not 200".
func cognitoCode(r *refusal.Refusal) (int, oauth.ErrorCode, string) {
	status, code, text := plainCode(r)
	if status == http.StatusUnauthorized || code == oauth.AccessDenied {
		status = http.StatusBadRequest
	}
	if code == oauth.InvalidTarget {
		// Cognito knows no resource indicators; its clients have a case for this one.
		code = oauth.InvalidRequest
	}
	return status, code, text
}

func appendCognitoClaims(b []byte, c *Claims) []byte {
	b = append(b, `{"sub":`...)
	b = appendString(b, c.subject())
	b = append(b, `,"token_use":"access"`...)
	b = appendMember(b, "scope", c.Scope)
	authenticated := c.IssuedAt
	if c.Person != nil {
		authenticated = c.Person.AuthenticatedAt
	}
	b = appendSeconds(b, "auth_time", authenticated)
	b = appendMember(b, "iss", c.Issuer)
	b = appendSeconds(b, "exp", c.ExpiresAt)
	b = appendSeconds(b, "iat", c.IssuedAt)
	b = append(b, `,"version":2`...)
	b = appendMember(b, "jti", c.ID)
	b = appendMember(b, "client_id", c.ClientID)
	if c.Person != nil {
		b = appendMember(b, "username", c.Person.Name)
		b = appendCognitoPerson(b, c.Person.Roles)
	}
	return append(b, '}')
}

func appendCognitoPerson(b []byte, roles []string) []byte {
	if len(roles) > 0 {
		b = appendList(b, "cognito:groups", roles)
	}
	return b
}
