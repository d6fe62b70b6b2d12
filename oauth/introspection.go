package oauth

// An Introspection is what an authorization server says about a token
// (RFC 7662 §2.2). Of a token that is not active it says nothing else.
type Introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	ExpiresAt int64    `json:"exp,omitempty"` // seconds since 1970
	IssuedAt  int64    `json:"iat,omitempty"` // seconds since 1970
	Subject   string   `json:"sub,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	ID        string   `json:"jti,omitempty"`
}
