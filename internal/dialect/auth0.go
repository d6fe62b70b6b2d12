package dialect

import (
	"net/http"
	"strconv"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
)

// Auth0 answers as Auth0 does: JSON or form, an audience that must be said, 401
// and 403 where RFC 6749 has 401 and 400.
var Auth0 = &Dialect{
	Name:           "auth0",
	TokenPaths:     []string{"/oauth/token", "/oauth2/token"},
	AuthorizePaths: []string{"/authorize", "/oauth/authorize"},
	JSON:           true,
	NeedsAudience:  true,
	IssuerSuffix:   "/", // its verifiers expect one
	ContentType:    "application/json",
	Header:         header("JWT"),
	IDHeader:       header("JWT"),
	AppendClaims:   appendAuth0Claims,
	AppendToken:    appendAuth0Token,
	code:           auth0Code,
	bare401:        true, // libraries raise another error for a challenge than the one that integrators catch
}

// auth0Code: integrators match on these codes and statuses. Texts that name the
// product or repeat what was sent are ours instead.
func auth0Code(r *refusal.Refusal) (int, oauth.ErrorCode, string) {
	shown := r.Public()
	switch shown {
	case refusal.ClientUnauthenticated:
		return http.StatusUnauthorized, oauth.InvalidClient, ""
	case refusal.CredentialsWrong:
		return http.StatusUnauthorized, oauth.AccessDenied, "Unauthorized"
	case refusal.AudienceUnknown:
		return http.StatusForbidden, oauth.AccessDenied, "Service not found; the audience must match exactly, with or without a trailing slash as it was handed out"
	case refusal.GrantNotAllowed:
		return http.StatusForbidden, oauth.UnauthorizedClient, "Grant type not allowed for the client."
	}
	switch shown.Code {
	case oauth.InvalidClient:
		return http.StatusUnauthorized, oauth.AccessDenied, ""
	case oauth.InvalidTarget, oauth.InvalidScope:
		return http.StatusForbidden, oauth.AccessDenied, ""
	}
	return plainCode(r)
}

func appendAuth0Claims(b []byte, c *Claims) []byte {
	b = append(b, `{"iss":`...)
	b = appendString(b, c.Issuer)
	if c.Person != nil {
		b = appendMember(b, "sub", c.Person.ID)
	} else {
		b = appendMember(b, "sub", c.ClientID+"@clients")
	}
	b = appendAudience(b, c.Audience)
	b = appendSeconds(b, "iat", c.IssuedAt)
	b = appendSeconds(b, "exp", c.ExpiresAt)
	if c.Scope != "" {
		b = appendMember(b, "scope", c.Scope)
	}
	if c.Person == nil {
		b = append(b, `,"gty":"client-credentials"`...)
	}
	b = appendMember(b, "azp", c.ClientID)
	b = appendMember(b, "jti", c.ID)
	return append(b, '}')
}

func appendAuth0Token(b []byte, t *oauth.TokenResponse, _ string) []byte {
	if t.Scope == "" {
		return appendBareToken(b, t)
	}
	b = append(b, `{"access_token":`...)
	b = appendToken(b, t.AccessToken)
	b = appendMember(b, "scope", t.Scope)
	b = append(b, `,"expires_in":`...)
	b = strconv.AppendInt(b, t.ExpiresIn, 10)
	b = appendMember(b, "token_type", t.TokenType)
	return append(appendMore(b, t), '}')
}
