package endpoint

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/oauth"
)

// RevocationPath is where the revocation endpoint answers, below the issuer.
const RevocationPath = "/oauth2/revoke"

// Revocation is the revocation endpoint (RFC 7009). Opaque tokens and JWTs alike
// are ended by their jti; the end of a refresh token is that of its grant, with
// every token of it (row M05).
type Revocation struct {
	Clients clients
	Tokens  tokens
	Store   store.Revocations
	Seen    func(context.Context) error // returns once this node acts on what was revoked
	Answers *Answers
	Limit   int64 // of a body, in bytes
	Now     func() time.Time

	// Where there are refresh tokens; Refresh is zero where there are none.
	Refresh token.Refresh
	Grants  interface {
		Find(ctx context.Context, id string) (store.Grant, error)
		End(ctx context.Context, id string, forget time.Time, by store.By) error
	}
	Longest time.Duration // no access token lives longer
}

// ServeHTTP answers 200 when the token is of no use any more, also when it never
// was (RFC 7009 §2.2).
func (v *Revocation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := v.serve(w, r); err != nil {
		v.Answers.refuse(w, r, err)
		return
	}
	noStore(w.Header())
	w.Header().Set("Content-Length", "0")
}

func (v *Revocation) serve(w http.ResponseWriter, r *http.Request) error {
	client, presented, err := question(r, v.Clients, v.Limit)
	if err != nil {
		return err
	}
	allowOrigin(w, r, client)
	if id, _, ok := v.Refresh.Read(presented); ok {
		return v.end(r.Context(), client, id)
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
	now, before := v.Now(), token.IssuedAt // by a clock that may be ahead
	if before.Before(now) {
		before = now
	}
	err = v.Store.Revoke(r.Context(), store.Revocation{
		Kind: store.RevokedToken, ID: token.ID, IssuedBefore: before, ForgetAt: token.ExpiresAt.Add(forgetLeeway),
	}, store.By{Actor: client.ID, Trace: fact.Trace, At: now})
	if err != nil {
		return err // row M06: never 200
	}
	fact.Event = "token.revoked"
	return v.Seen(r.Context())
}

// end ends a grant by one of its refresh tokens, also by an old one.
func (v *Revocation) end(ctx context.Context, client *store.Client, id string) error {
	g, err := v.Grants.Find(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if g.ClientID != client.ID {
		return refusal.TokenOfAnotherClient // row M04
	}
	fact := activity.Of(ctx)
	now := v.Now()
	if err := v.Grants.End(ctx, id, now.Add(v.Longest+forgetLeeway), store.By{Actor: client.ID, Trace: fact.Trace, At: now}); err != nil {
		return err
	}
	fact.Event = "grant.ended"
	return v.Seen(ctx)
}

// forgetLeeway is how much longer than the token a revocation is kept, for
// verifiers whose clocks are behind.
const forgetLeeway = time.Minute
