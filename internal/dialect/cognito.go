package dialect

import (
	"net/http"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
)

// Cognito answers as Amazon Cognito user pools do. Its tokens have neither typ
// nor aud: token_use and the API of the scopes stand in for them.
var Cognito = &Dialect{
	Name:         "cognito",
	TokenPaths:   []string{"/oauth2/token", "/oauth/token", "/auth/1.0/token"},
	ContentType:  "application/json;charset=UTF-8",
	Header:       header(""),
	AppendClaims: appendCognitoClaims,
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
	b = appendString(b, c.ClientID)
	b = append(b, `,"token_use":"access"`...)
	b = appendMember(b, "scope", c.Scope)
	b = appendSeconds(b, "auth_time", c.IssuedAt)
	b = appendMember(b, "iss", c.Issuer)
	b = appendSeconds(b, "exp", c.ExpiresAt)
	b = appendSeconds(b, "iat", c.IssuedAt)
	b = append(b, `,"version":2`...)
	b = appendMember(b, "jti", c.ID)
	b = appendMember(b, "client_id", c.ClientID)
	return append(b, '}')
}
