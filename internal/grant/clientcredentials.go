package grant

import (
	"context"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/oauth"
)

// ClientCredentials is the grant of a client that acts for itself
// (RFC 6749 §4.4). It issues no refresh token (§4.4.3).
type ClientCredentials struct {
	APIs          []*catalogue.API // of the environment
	NeedsAudience bool             // the dialect wants to be told which API the token is for
}

// Type is client_credentials.
func (*ClientCredentials) Type() string { return oauth.GrantClientCredentials }

// Redeem finds the APIs and the scopes that the client asks for. What is not
// said is all that was allotted; what is said and not allotted is refused, never
// dropped.
func (g *ClientCredentials) Redeem(_ context.Context, req Request) (token.Authorization, error) {
	allotment := Allotment{APIs: g.APIs, NeedsAudience: g.NeedsAudience}
	got, err := allotment.Of(req.Client, req.Body)
	if err != nil {
		return token.Authorization{}, err
	}
	return token.Authorization{
		ClientID: req.Client.ID, SecretID: req.SecretID(), APIs: got.APIs, Scope: got.Scope, Client: req.Client, Method: req.Method,
	}, nil
}
