package server

import (
	"net/http"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/gateway"
	"github.com/grantway/grantway/resource"
)

// guard makes the gateway of an environment, within an authorization server or
// apart from it: the two differ in how they check tokens, and apart from it nobody
// knows people and API tokens.
func guard(c *catalogue.Catalogue, e *catalogue.Environment, upstream http.RoundTripper, others *trust, people gateway.Directory, now func() time.Time,
	checker func(*catalogue.API) (*resource.Checker, error),
) (*gateway.Gateway, error) {
	checkers := map[string]gateway.Checker{}
	for _, api := range e.APIs {
		own, err := checker(api)
		if err != nil {
			return nil, err
		}
		checkers[api.Name] = own
		if len(api.Issuers) > 0 {
			if checkers[api.Name], err = others.checker(e, api, own); err != nil {
				return nil, err
			}
		}
	}
	return gateway.New(gateway.Settings{
		Environment: e, Realm: realmOf(c.Name), Checkers: checkers, Transport: upstream, Trusted: c.Listen.Trusted,
		BodyLimit: c.Limits.GatewayBody, Directory: people, Now: now,
	}), nil
}

// checks says which tokens are good at APIs of an environment, but for where the
// keys come from and what was revoked.
func checks(e *catalogue.Environment, now func() time.Time, apis ...*catalogue.API) resource.Config {
	config := resource.Config{Issuer: issuerOf(e), Shape: shapes[dialect.Find(e.Dialect)], Now: now}
	for _, api := range apis {
		config.Audience = append(config.Audience, api.Audience)
		for _, s := range api.Scopes {
			config.Scopes = append(config.Scopes, s.Name)
		}
	}
	return config
}

// shapes are the tokens that each dialect issues, as the guard knows them.
var shapes = map[*dialect.Dialect]resource.Shape{
	dialect.RFC:     resource.RFC9068,
	dialect.Cognito: resource.Cognito,
	dialect.Auth0:   resource.Auth0,
	dialect.Spring:  resource.RFC9068,
}

// issuerOf is the issuer as tokens and metadata say it.
func issuerOf(e *catalogue.Environment) string {
	return e.Issuer.String() + dialect.Find(e.Dialect).IssuerSuffix
}
