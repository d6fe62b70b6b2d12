package endpoint

import (
	"encoding/json"
	"slices"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/clientauth"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/oauth"
)

// JWKSPath is where the keys are, below the issuer. Verifiers of every product
// build it from the issuer by themselves.
const JWKSPath = "/.well-known/jwks.json"

// The authentication context classes that a sign-in can reach (OpenID Connect Core
// §2): with one factor, with two.
const (
	ACROne = "urn:grantway:acr:1"
	ACRTwo = "urn:grantway:acr:2"
)

// Offered says what of the pages' is switched on.
type Offered struct {
	LogoutPath    string // below the issuer, where people sign out; empty: nowhere
	LogoutNotices bool   // clients are told (OpenID Connect Back-Channel Logout)
}

// Metadata describes an environment's authorization server (RFC 8414 §2). What
// it lists is what is mounted: grants and methods come from their packages.
func Metadata(e *catalogue.Environment, d *dialect.Dialect, grants []grant.Grant, o Offered) []byte {
	m := oauth.ServerMetadata{
		Issuer:                 e.Issuer.String() + d.IssuerSuffix,
		TokenEndpoint:          e.Issuer.String() + d.TokenPaths[0],
		JWKSURI:                e.Issuer.String() + JWKSPath,
		IntrospectionEndpoint:  e.Issuer.String() + IntrospectionPath,
		RevocationEndpoint:     e.Issuer.String() + RevocationPath,
		ResponseTypesSupported: []string{},
		IntrospectionEndpointAuthMethodsSupported: clientauth.Names(),
		RevocationEndpointAuthMethodsSupported:    clientauth.Names(),
		TokenEndpointAuthMethodsSupported:         clientauth.Names(),
	}
	if e.Login != nil {
		signIn(&m, e, d, o)
	}
	for _, g := range grants {
		m.GrantTypesSupported = append(m.GrantTypesSupported, g.Type())
	}
	for _, api := range e.Grantable() {
		if api != e.OpenID {
			m.ProtectedResources = append(m.ProtectedResources, api.Resource)
		}
		for _, s := range api.Scopes {
			if !slices.Contains(m.ScopesSupported, s.Name) {
				m.ScopesSupported = append(m.ScopesSupported, s.Name)
			}
		}
	}
	return document(m)
}

// IDTokenAlgorithms are those that ID tokens can be signed with; the first is what
// a client gets that says nothing (OpenID Connect Core §15.1).
func IDTokenAlgorithms() []jose.Algorithm {
	return []jose.Algorithm{jose.RS256, jose.ES256, jose.PS256, jose.EdDSA}
}

// signIn describes what there is where people sign in.
func signIn(m *oauth.ServerMetadata, e *catalogue.Environment, d *dialect.Dialect, o Offered) {
	m.AuthorizationEndpoint = e.Issuer.String() + d.AuthorizePaths[0]
	m.ResponseTypesSupported = []string{"code"}
	m.TokenEndpointAuthMethodsSupported = append(m.TokenEndpointAuthMethodsSupported, oauth.AuthNone)
	m.RevocationEndpointAuthMethodsSupported = append(m.RevocationEndpointAuthMethodsSupported, oauth.AuthNone)
	m.SignInMetadata = &oauth.SignInMetadata{
		ResponseModesSupported:        []string{modeQuery, modeFormPost},
		CodeChallengeMethodsSupported: []string{"S256"},
		ResponseIssSupported:          true,
		PromptValuesSupported:         prompts,
		UserInfoEndpoint:              e.Issuer.String() + catalogue.UserInfoPath,
		SubjectTypesSupported:         []string{"public"},
		ACRValuesSupported:            []string{ACROne, ACRTwo},
		ClaimsSupported:               append(token.ClaimNames(), "auth_time", "acr", "amr", "sid"),
		ClaimsParameterSupported:      true,
		BackChannelLogoutSupported:    o.LogoutNotices,
		BackChannelLogoutSession:      o.LogoutNotices,
	}
	for _, algorithm := range IDTokenAlgorithms() {
		m.IDTokenSigningAlgValuesSupported = append(m.IDTokenSigningAlgValuesSupported, string(algorithm))
	}
	if o.LogoutPath != "" {
		m.EndSessionEndpoint = e.Issuer.String() + o.LogoutPath
	}
}

// ResourceMetadata describes one API (RFC 9728 §2).
func ResourceMetadata(e *catalogue.Environment, d *dialect.Dialect, api *catalogue.API) []byte {
	m := oauth.ResourceMetadata{
		Resource:               api.Resource,
		AuthorizationServers:   []string{e.Issuer.String() + d.IssuerSuffix},
		BearerMethodsSupported: []string{"header"},
		ResourceName:           api.Title,
	}
	for _, s := range api.Scopes {
		m.ScopesSupported = append(m.ScopesSupported, s.Name)
	}
	return document(m)
}

// document encodes what consists of strings only and so cannot fail.
func document(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	return append(b, '\n')
}
