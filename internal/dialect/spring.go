package dialect

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
)

// Spring answers as Spring Security OAuth does: its paths, its members and their
// order, its words where programs or people look for them.
var Spring = &Dialect{
	Name:           "spring",
	TokenPaths:     []string{"/oauth/token", "/oauth2/token"},
	AuthorizePaths: []string{"/oauth/authorize"},
	ContentType:    "application/json;charset=UTF-8",
	Header:         header("at+jwt"), // it had none of its own: its tokens were opaque
	IDHeader:       header("JWT"),
	AppendClaims:   appendRFCClaims,
	AppendToken:    appendSpringToken,
	code:           springCode,
	method405:      springMethod,
}

// springCode: the framework's own texts, where it had one. Those that repeat what
// was sent are without it.
func springCode(r *refusal.Refusal) (int, oauth.ErrorCode, string) {
	status, code, _ := plainCode(r)
	switch r.Public() {
	case refusal.ClientUnauthenticated:
		return http.StatusUnauthorized, "unauthorized", "Full authentication is required to access this resource"
	case refusal.CredentialsWrong:
		return status, code, "Bad client credentials"
	case refusal.GrantMissing:
		return status, code, "Missing grant type"
	case refusal.GrantUnknown:
		return status, code, "Unsupported grant type"
	case refusal.GrantNotAllowed, refusal.GrantEnded, refusal.GrantNotForPublic:
		return http.StatusUnauthorized, oauth.InvalidClient, "Unauthorized grant type: " + r.Describe()
	case refusal.CodeMissing:
		return status, code, "An authorization code must be supplied."
	case refusal.CodeRefused:
		return status, code, "Invalid authorization code: " + r.Describe()
	case refusal.RedirectMismatch:
		return status, code, "Redirect URI mismatch."
	case refusal.RefreshRefused:
		return status, code, "Invalid refresh token: " + r.Describe()
	}
	if code == oauth.InvalidScope {
		return status, code, "Invalid scope: " + r.Describe()
	}
	return status, code, ""
}

// springMethod names the method, if it is one that there is: nothing that was sent
// is put into an answer.
func springMethod(method string) (oauth.ErrorCode, string) {
	known := []string{
		http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace,
	}
	if i := slices.Index(known, method); i >= 0 {
		return "method_not_allowed", "Request method '" + known[i] + "' not supported"
	}
	return "method_not_allowed", "Request method not supported"
}

// appendSpringToken: scope is always there, and the type is in lower case, which
// RFC 6749 §5.1 allows.
func appendSpringToken(b []byte, t *oauth.TokenResponse, _ string) []byte {
	b = append(b, `{"access_token":`...)
	b = appendToken(b, t.AccessToken)
	b = append(b, `,"token_type":"bearer"`...)
	if t.RefreshToken != "" {
		b = appendMember(b, "refresh_token", t.RefreshToken)
	}
	b = append(b, `,"expires_in":`...)
	b = strconv.AppendInt(b, t.ExpiresIn, 10)
	b = appendMember(b, "scope", t.Scope)
	if t.IDToken != "" {
		b = appendMember(b, "id_token", t.IDToken)
	}
	return append(b, '}')
}
