package oauth

// Grant types (RFC 6749 §1.3), values of the "grant_type" parameter.
const (
	GrantClientCredentials = "client_credentials" // RFC 6749 §4.4
	GrantAuthorizationCode = "authorization_code" // RFC 6749 §4.1
	GrantRefreshToken      = "refresh_token"      // RFC 6749 §6
)

// Client authentication methods, values of "token_endpoint_auth_method"
// (RFC 7591 §2).
const (
	AuthNone              = "none"
	AuthClientSecretBasic = "client_secret_basic" // RFC 6749 §2.3.1, in the Authorization header
	AuthClientSecretPost  = "client_secret_post"  // RFC 6749 §2.3.1, in the body
)

// TokenTypeBearer is the "token_type" of RFC 6750. Clients compare it without
// regard to case (RFC 6749 §5.1).
const TokenTypeBearer = "Bearer"

// Scopes of OpenID Connect (Core §3.1.2.1, §5.4, §11).
const (
	ScopeOpenID        = "openid"
	ScopeProfile       = "profile"
	ScopeEmail         = "email"
	ScopePhone         = "phone"
	ScopeAddress       = "address"
	ScopeOfflineAccess = "offline_access"
)
