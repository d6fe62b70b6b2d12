package resource_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/resource"
)

// TestPlain: tokens as issuers sign them that do not follow RFC 9068. The fixture
// has what all of them have.
func TestPlain(t *testing.T) {
	type change = map[string]any
	for _, row := range []struct {
		name           string
		header, claims change
		reason         error
		client         string
		scope          []string
	}{
		{name: "least"},
		{name: "no typ", header: change{"typ": nil}},
		{name: "RFC 9068", header: change{"typ": "at+jwt"}, claims: change{"client_id": "c"}, client: "c"},
		{name: "Keycloak", claims: change{"typ": "Bearer", "azp": "c", "scope": "a b", "aud": []string{"account", audience}}, client: "c", scope: []string{"a", "b"}},
		{name: "Entra 1", claims: change{"appid": "c", "scp": "a b", "ver": "1.0"}, client: "c", scope: []string{"a", "b"}},
		{name: "Entra 2", claims: change{"azp": "c", "scp": "a b", "roles": []string{"r"}}, client: "c", scope: []string{"a", "b"}},
		{name: "Okta", claims: change{"cid": "c", "scp": []string{"a", "b"}}, client: "c", scope: []string{"a", "b"}},
		{name: "client_id before azp", claims: change{"client_id": "c", "azp": "d"}, client: "c"},
		{name: "scope before scp", claims: change{"scope": "a", "scp": "b"}, scope: []string{"a"}},

		{name: "no audience", claims: change{"aud": nil}, reason: refusal.TokenForAnotherAPI},
		{name: "another audience", claims: change{"aud": "client1"}, reason: refusal.TokenForAnotherAPI},
		{name: "no subject", claims: change{"sub": nil}, reason: refusal.TokenForAnotherAPI},
		{name: "no end", claims: change{"exp": nil}, reason: refusal.TokenForAnotherAPI},
		{name: "another issuer", claims: change{"iss": issuer + "/"}, reason: refusal.TokenOfAnotherIssuer},
		{name: "expired", claims: change{"exp": now.Unix()}, reason: refusal.TokenExpired},
		{name: "ID token by nonce", claims: change{"nonce": "n"}, reason: refusal.TokenForAnotherAPI},
		{name: "ID token by at_hash", claims: change{"at_hash": "h"}, reason: refusal.TokenForAnotherAPI},
		{name: "ID token by c_hash", claims: change{"c_hash": "h"}, reason: refusal.TokenForAnotherAPI},
		{name: "ID token of Keycloak", claims: change{"typ": "ID"}, reason: refusal.TokenForAnotherAPI},
		{name: "refresh token of Keycloak", claims: change{"typ": "Refresh"}, reason: refusal.TokenForAnotherAPI},
		{name: "ID token by token_use", claims: change{"token_use": "id"}, reason: refusal.TokenForAnotherAPI},
		{name: "logout token", claims: change{"events": change{}}, reason: refusal.TokenForAnotherAPI},
		{name: "logout token by typ", header: change{"typ": "logout+jwt"}, reason: refusal.TokenForAnotherAPI},
		{name: "proof", header: change{"typ": "dpop+jwt"}, reason: refusal.TokenForAnotherAPI},
		{name: "introspection", header: change{"typ": "token-introspection+jwt"}, reason: refusal.TokenForAnotherAPI},
		{name: "bound to a certificate", claims: change{"cnf": change{"x5t#S256": "x"}}, reason: refusal.TokenForAnotherAPI},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := &minted{
				header: change{"alg": "ES256", "kid": "es", "typ": "JWT"},
				claims: change{"iss": issuer, "sub": "s", "aud": audience, "exp": now.Add(time.Hour).Unix()}, key: keyES,
			}
			maps.Copy(m.header, row.header)
			maps.Copy(m.claims, row.claims)
			gone := func(_ string, v any) bool { return v == nil }
			maps.DeleteFunc(m.header, gone)
			maps.DeleteFunc(m.claims, gone)
			got, err := checker(t, config(resource.Plain)).Check(t.Context(), m.token())
			if !errors.Is(err, row.reason) || (got == nil) != (row.reason != nil) {
				t.Fatalf("got %v, %v", got, err)
			}
			if got != nil && (got.ClientID != row.client || !slices.Equal(got.Scope, row.scope)) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestBound: a token that is bound to a key is no bearer token (rows S17, I, J);
// the mere word is no reason to refuse.
func TestBound(t *testing.T) {
	for said, want := range map[string]error{
		`{"jkt":"x"}`: refusal.TokenForAnotherAPI, `{"x5t#S256":"x"}`: refusal.TokenForAnotherAPI, `{}`: refusal.TokenForAnotherAPI,
	} {
		for _, shape := range []resource.Shape{resource.RFC9068, resource.Auth0, resource.Cognito} {
			m := good(shape)
			m.claims["cnf"] = json.RawMessage(said)
			refused(t, checker(t, config(shape)), m.token(), want)
		}
	}
	m := good(resource.RFC9068)
	m.claims["scope"] = "cnf"
	passes(t, checker(t, config(resource.RFC9068)), m.token())
}
