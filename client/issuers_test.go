package client_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestIssuersOfOthers: the metadata of issuers that docs/recipes tells of, as they
// publish it, cut to what is read. The RFC's address is not there, and the token
// endpoint may be on another host.
func TestIssuersOfOthers(t *testing.T) {
	const tenant = "https://login.microsoftonline.com/aaaabbbb-0000-0000-0000-000000000000"
	for _, row := range []struct {
		name, issuer, discovery, said, token string
		fails                                bool
	}{
		{
			name: "Cognito", issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE",
			discovery: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE/.well-known/openid-configuration",
			token:     "https://example.auth.eu-west-1.amazoncognito.com/oauth2/token",
		},
		{
			name: "Auth0", issuer: "https://acme.eu.auth0.com/",
			discovery: "https://acme.eu.auth0.com/.well-known/openid-configuration", token: "https://acme.eu.auth0.com/oauth/token",
		},
		{
			name: "Auth0 without the slash", issuer: "https://acme.eu.auth0.com", said: "https://acme.eu.auth0.com/",
			discovery: "https://acme.eu.auth0.com/.well-known/openid-configuration", fails: true,
		},
		{
			name: "Entra", issuer: tenant + "/v2.0",
			discovery: tenant + "/v2.0/.well-known/openid-configuration", token: tenant + "/oauth2/v2.0/token",
		},
		{
			name: "Entra for all tenants", issuer: "https://login.microsoftonline.com/common/v2.0", said: "https://login.microsoftonline.com/{tenantid}/v2.0",
			discovery: "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration", fails: true,
		},
		{
			name: "Google", issuer: "https://accounts.google.com",
			discovery: "https://accounts.google.com/.well-known/openid-configuration", token: "https://oauth2.googleapis.com/token",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.said == "" {
				row.said = row.issuer
			}
			c := config(roundTrip(func(r *http.Request) (*http.Response, error) {
				status, body := 404, "<html>"
				switch {
				case r.Method == http.MethodGet && r.URL.String() == row.discovery:
					text, err := json.Marshal(map[string]any{"issuer": row.said, "token_endpoint": row.token})
					if err != nil {
						return nil, err
					}
					status, body = 200, string(text)
				case r.Method == http.MethodPost && r.URL.String() == row.token:
					status, body = 200, `{"access_token":"t1","expires_in":3599,"token_type":"Bearer"}`
				}
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
			}))
			c.TokenURL, c.Issuer = "", row.issuer
			got, err := made(t, c).Token(t.Context())
			if row.fails {
				if kindOf(err) != "answer" || !strings.Contains(err.Error(), "is the metadata of \""+row.said+"\"") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || got.Access != "t1" {
				t.Errorf("got %v", err)
			}
		})
	}
}
