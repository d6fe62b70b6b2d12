package oauth

// ServerMetadata describes an authorization server (RFC 8414 §2, OpenID Connect
// Discovery 1.0 §3). Members that are empty are left out.
type ServerMetadata struct {
	Issuer                                    string   `json:"issuer"`
	AuthorizationEndpoint                     string   `json:"authorization_endpoint,omitempty"`
	TokenEndpoint                             string   `json:"token_endpoint,omitempty"`
	IntrospectionEndpoint                     string   `json:"introspection_endpoint,omitempty"` // RFC 7662
	RevocationEndpoint                        string   `json:"revocation_endpoint,omitempty"`    // RFC 7009
	JWKSURI                                   string   `json:"jwks_uri,omitempty"`
	ScopesSupported                           []string `json:"scopes_supported,omitempty"`
	ResponseTypesSupported                    []string `json:"response_types_supported"`
	GrantTypesSupported                       []string `json:"grant_types_supported,omitempty"`
	TokenEndpointAuthMethodsSupported         []string `json:"token_endpoint_auth_methods_supported,omitempty"`
	IntrospectionEndpointAuthMethodsSupported []string `json:"introspection_endpoint_auth_methods_supported,omitempty"`
	RevocationEndpointAuthMethodsSupported    []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	ServiceDocumentation                      string   `json:"service_documentation,omitempty"`
	ProtectedResources                        []string `json:"protected_resources,omitempty"` // RFC 9728 §4

	*SignInMetadata // nil where nobody signs in
}

// SignInMetadata is what an authorization server says beside ServerMetadata where
// people sign in (RFC 8414 §2, RFC 9207 §3, OpenID Connect Discovery 1.0 §3 and
// its logout specifications).
type SignInMetadata struct {
	ResponseModesSupported           []string `json:"response_modes_supported,omitempty"`
	CodeChallengeMethodsSupported    []string `json:"code_challenge_methods_supported,omitempty"` // RFC 7636
	ResponseIssSupported             bool     `json:"authorization_response_iss_parameter_supported,omitempty"`
	PromptValuesSupported            []string `json:"prompt_values_supported,omitempty"`
	UserInfoEndpoint                 string   `json:"userinfo_endpoint,omitempty"`
	SubjectTypesSupported            []string `json:"subject_types_supported,omitempty"`
	IDTokenSigningAlgValuesSupported []string `json:"id_token_signing_alg_values_supported,omitempty"`
	ACRValuesSupported               []string `json:"acr_values_supported,omitempty"`
	ClaimsSupported                  []string `json:"claims_supported,omitempty"`
	ClaimsParameterSupported         bool     `json:"claims_parameter_supported"`
	RequestParameterSupported        bool     `json:"request_parameter_supported"`
	RequestURIParameterSupported     bool     `json:"request_uri_parameter_supported"` // true is the default when absent
	EndSessionEndpoint               string   `json:"end_session_endpoint,omitempty"`
	BackChannelLogoutSupported       bool     `json:"backchannel_logout_supported,omitempty"`
	BackChannelLogoutSession         bool     `json:"backchannel_logout_session_supported,omitempty"`
}

// ResourceMetadata describes a protected resource (RFC 9728 §2).
type ResourceMetadata struct {
	Resource               string   `json:"resource"`
	AuthorizationServers   []string `json:"authorization_servers,omitempty"`
	ScopesSupported        []string `json:"scopes_supported,omitempty"`
	BearerMethodsSupported []string `json:"bearer_methods_supported,omitempty"`
	ResourceName           string   `json:"resource_name,omitempty"`
	ResourceDocumentation  string   `json:"resource_documentation,omitempty"`
}
