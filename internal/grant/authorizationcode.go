package grant

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/oauth"
)

// AuthorizationCode is the grant of a person who was sent to sign in
// (RFC 6749 §4.1), with PKCE (RFC 7636).
type AuthorizationCode struct {
	APIs   []*catalogue.API // that a person can allow something at
	Grants interface {
		Present(context.Context, store.Presented) (store.Grant, *store.Account, error)
	}
	Now func() time.Time
}

// Type is authorization_code.
func (*AuthorizationCode) Type() string { return oauth.GrantAuthorizationCode }

// Redeem checks the code and the proofs beside it. A proof that is wrong is
// returned with what it spends.
func (c *AuthorizationCode) Redeem(ctx context.Context, req Request) (token.Authorization, error) {
	code := req.Body.Get("code")
	if code == "" {
		return token.Authorization{}, refusal.CodeMissing
	}
	verifier := req.Body.Get("code_verifier")
	if verifier != "" && !goodVerifier(verifier) {
		return token.Authorization{}, refusal.VerifierMalformed // row D06: it proves nothing about the code
	}
	g, account, err := c.Grants.Present(ctx, store.Presented{Code: secret.HashOf(code)})
	if errors.Is(err, store.ErrNotFound) {
		return token.Authorization{}, refusal.CodeUnknown.From(err)
	}
	if err != nil {
		return token.Authorization{}, err
	}
	k, err := kept(&g)
	if err != nil {
		return token.Authorization{}, err
	}
	wrong := token.Authorization{ClientID: req.Client.ID, Spend: &token.Spend{GrantID: g.ID}}
	if err := c.prove(&req, &g, k, verifier); err != nil {
		return wrong, err
	}
	if gone(account) {
		return wrong, refusal.PersonGone // row C10
	}
	scope, apis := Rights(g.Scope, named(c.APIs, g.APIs), req.Client, account.Roles)
	if len(apis) == 0 {
		return wrong, refusal.PersonGone
	}
	return authorized(&req, &g, k, account, scope, apis, c.Now()), nil
}

// prove holds what the request presents against what the code was given for.
func (c *AuthorizationCode) prove(req *Request, g *store.Grant, k *Kept, verifier string) error {
	switch {
	case !g.Code.SpentAt.IsZero():
		return refusal.CodeSpent // row C01
	case g.ClientID != req.Client.ID:
		return refusal.CodeOfAnotherClient // row C03
	case !c.Now().Before(g.Code.EndsAt):
		return refusal.CodeExpired // row C04
	case !g.EndedAt.IsZero():
		return refusal.PersonGone // row C10
	case req.Body.Get("redirect_uri") != k.RedirectURI:
		return refusal.RedirectMismatch // row A20, RFC 6749 §4.1.3
	case !matches(k.Challenge, verifier):
		return refusal.VerifierWrong // rows D03, D05
	}
	return nil
}

// matches reports whether the verifier belongs to the challenge (RFC 7636 §4.6). A
// verifier without a challenge is wrong too: somebody took the challenge off the
// authorization request (RFC 9700 §4.8.2).
func matches(challenge, verifier string) bool {
	if challenge == "" || verifier == "" {
		return challenge == verifier
	}
	sum := sha256.Sum256([]byte(verifier))
	made := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(made), []byte(challenge)) == 1
}

// goodVerifier is the grammar of RFC 7636 §4.1.
func goodVerifier(v string) bool {
	if len(v) < 43 || len(v) > 128 {
		return false
	}
	for _, c := range []byte(v) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return true
}
