package oauth

import "net/http"

// An ErrorCode is a value of the "error" member, as registered in the IANA OAuth
// Extensions Error Registry. It is itself an error, so that callers ask
//
//	errors.Is(err, oauth.InvalidGrant)
type ErrorCode string

// Token endpoint errors (RFC 6749 §5.2, RFC 8707 §2).
const (
	InvalidRequest       ErrorCode = "invalid_request"
	InvalidClient        ErrorCode = "invalid_client"
	InvalidGrant         ErrorCode = "invalid_grant"
	UnauthorizedClient   ErrorCode = "unauthorized_client"
	UnsupportedGrantType ErrorCode = "unsupported_grant_type"
	InvalidScope         ErrorCode = "invalid_scope"
	InvalidTarget        ErrorCode = "invalid_target"
	AccessDenied         ErrorCode = "access_denied"
)

// Authorization endpoint errors (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6,
// OpenID Connect Unmet Authentication Requirements §2).
const (
	UnsupportedResponseType  ErrorCode = "unsupported_response_type"
	LoginRequired            ErrorCode = "login_required"
	ConsentRequired          ErrorCode = "consent_required"
	InteractionRequired      ErrorCode = "interaction_required"
	AccountSelectionRequired ErrorCode = "account_selection_required"
	UnmetRequirements        ErrorCode = "unmet_authentication_requirements"
	RequestNotSupported      ErrorCode = "request_not_supported"
	RequestURINotSupported   ErrorCode = "request_uri_not_supported"
	RegistrationNotSupported ErrorCode = "registration_not_supported"
)

// Errors of this server's own making (RFC 6749 §4.1.2.1 names the first two for
// the authorization endpoint; the third is what clients of rate-limited token
// endpoints already match on).
const (
	ServerError            ErrorCode = "server_error"
	TemporarilyUnavailable ErrorCode = "temporarily_unavailable"
	TooManyRequests        ErrorCode = "too_many_requests"
)

// Protected resource errors (RFC 6750 §3.1).
const (
	InvalidToken      ErrorCode = "invalid_token"
	InsufficientScope ErrorCode = "insufficient_scope"
)

// Error returns the code itself.
func (c ErrorCode) Error() string { return string(c) }

// Status is the HTTP status that the specifications give to the code
// (RFC 6749 §5.2, RFC 6750 §3.1). An unknown code is 400.
func (c ErrorCode) Status() int {
	switch c {
	case InvalidClient, InvalidToken:
		return http.StatusUnauthorized
	case InsufficientScope, AccessDenied:
		return http.StatusForbidden
	case TooManyRequests:
		return http.StatusTooManyRequests
	case ServerError:
		return http.StatusInternalServerError
	case TemporarilyUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// An ErrorResponse is the body of an error answer (RFC 6749 §5.2).
type ErrorResponse struct {
	Code        ErrorCode `json:"error"`
	Description string    `json:"error_description,omitempty"`
	URI         string    `json:"error_uri,omitempty"`
}
