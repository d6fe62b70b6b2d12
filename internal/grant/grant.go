// Package grant holds the authorization grants of the token endpoint, one file
// for each of grant_types_supported (RFC 6749 §1.3).
//
// A grant proves, and neither mints nor answers, so that it cannot forget to:
// the endpoint has authenticated the client and checked that it is registered
// for the grant; package token mints afterwards.
package grant

import (
	"context"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/internal/wire"
)

// A Grant turns one kind of proof into an authorization.
type Grant interface {
	// Type is the grant_type that it serves.
	Type() string

	// Redeem checks what the request presents and says what it authorizes. It
	// returns a refusal for what the client did wrong, any other error for what
	// went wrong here. A refusal together with a Spend says that what was presented
	// is real and the proof beside it wrong: it is to be spent all the same.
	Redeem(ctx context.Context, req Request) (token.Authorization, error)
}

// A Request is a token request whose client has proven itself.
type Request struct {
	Client *store.Client // immutable
	Secret *store.Secret // the one that proved it; nil for a client that keeps none
	Method string        // by which it did, as metadata calls it
	Body   wire.Parameters
}

// SecretID is the id of the secret, empty where there is none.
func (r *Request) SecretID() string {
	if r.Secret == nil {
		return ""
	}
	return r.Secret.ID
}
