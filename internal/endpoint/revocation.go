package endpoint

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/oauth"
)

// RevocationPath is where the revocation endpoint answers, below the issuer.
const RevocationPath = "/oauth2/revoke"

// Revocation is the revocation endpoint (RFC 7009). Opaque tokens and JWTs alike
// are ended by their jti.
type Revocation struct {
	Clients clients
	Tokens  tokens
	Store   store.Revocations
	Seen    func(context.Context) error // returns once this node acts on what was revoked
	Answers *Answers
	Limit   int64 // of a body, in bytes
	Now     func() time.Time
}

// ServeHTTP answers 200 when the token is of no use any more, also when it never
// was (RFC 7009 §2.2).
func (v *Revocation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := v.serve(r); err != nil {
		v.Answers.refuse(w, r, err)
		return
	}
	noStore(w.Header())
	w.Header().Set("Content-Length", "0")
}

func (v *Revocation) serve(r *http.Request) error {
	client, presented, err := question(r, v.Clients, v.Limit)
	if err != nil {
		return err
	}
	token, err := v.Tokens.Check(r.Context(), presented)
	if errors.Is(err, oauth.InvalidToken) {
		return nil // nothing to end
	}
	if err != nil {
		return err
	}
	if token.ClientID != client.ID {
		return refusal.TokenOfAnotherClient // row M04
	}
	fact := activity.Of(r.Context())
	now := v.Now()
	err = v.Store.Revoke(r.Context(), store.Revocation{
		Kind: store.RevokedToken, ID: token.ID, IssuedBefore: now, ForgetAt: token.ExpiresAt.Add(forgetLeeway),
	}, store.By{Actor: client.ID, Trace: fact.Trace, At: now})
	if err != nil {
		return err // row M06: never 200
	}
	fact.Event = "token.revoked"
	return v.Seen(r.Context())
}

// forgetLeeway is how much longer than the token a revocation is kept, for
// verifiers whose clocks are behind.
const forgetLeeway = time.Minute
