package endpoint

import (
	"encoding/json"
	"slices"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/clientauth"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/oauth"
)

// JWKSPath is where the keys are, below the issuer. Verifiers of every product
// build it from the issuer by themselves.
const JWKSPath = "/.well-known/jwks.json"

// Metadata describes an environment's authorization server (RFC 8414 §2). What
// it lists is what is mounted: grants and methods come from their packages.
func Metadata(e *catalogue.Environment, d *dialect.Dialect, grants []grant.Grant) []byte {
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
	for _, g := range grants {
		m.GrantTypesSupported = append(m.GrantTypesSupported, g.Type())
	}
	for _, api := range e.APIs {
		m.ProtectedResources = append(m.ProtectedResources, api.Resource)
		for _, s := range api.Scopes {
			if !slices.Contains(m.ScopesSupported, s.Name) {
				m.ScopesSupported = append(m.ScopesSupported, s.Name)
			}
		}
	}
	return document(m)
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
