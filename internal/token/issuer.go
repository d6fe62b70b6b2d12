package token

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/oauth"
)

// MaxBytes is the longest access token that is issued: behind "Bearer " it fills
// a header as long as our own gateway, and most servers, read one. A longer one
// is a fault of the catalogue and answered with server_error; it is never cut.
const MaxBytes = 8<<10 - len("Bearer ")

// Issuer makes tokens for one environment. It is safe for concurrent use.
type Issuer struct {
	Name    string // the issuer as tokens say it
	Dialect *dialect.Dialect
	Signers interface {
		Signer(jose.Algorithm) (*jose.Signer, error)
	}
	Opaque store.Tokens
	Now    func() time.Time
	Random io.Reader
}

// Issue makes the access token for an authorization. A JWT costs a signature; an
// opaque token is durable when Issue returns. An error of the store is returned
// as it is.
func (i *Issuer) Issue(ctx context.Context, a Authorization) (oauth.TokenResponse, error) {
	made := settings(a.APIs)
	now := i.Now().UTC().Truncate(time.Second) // so that exp is exactly iat and the lifetime
	id, err := i.id(a.SecretID)
	if err != nil {
		return oauth.TokenResponse{}, err
	}
	answer := oauth.TokenResponse{
		TokenType: oauth.TokenTypeBearer,
		ExpiresIn: int64(made.Lifetime / time.Second),
		Scope:     oauth.FormatScope(a.Scope),
	}
	if made.Format == catalogue.Opaque {
		answer.AccessToken, err = i.store(ctx, a, id, now, now.Add(made.Lifetime))
	} else {
		answer.AccessToken, err = i.sign(ctx, made.Algorithm, &dialect.Claims{
			Issuer:    i.Name,
			ClientID:  a.ClientID,
			Audience:  a.audience(),
			Scope:     answer.Scope,
			ID:        string(id),
			IssuedAt:  now,
			ExpiresAt: now.Add(made.Lifetime),
		})
	}
	if err != nil {
		return oauth.TokenResponse{}, err
	}
	return answer, nil
}

func (i *Issuer) sign(ctx context.Context, algorithm jose.Algorithm, c *dialect.Claims) (string, error) {
	signer, err := i.Signers.Signer(algorithm)
	if err != nil {
		return "", err
	}
	room := unsigned.Get().(*[512]byte)
	defer unsigned.Put(room)
	signed, err := signer.Sign(ctx, i.Dialect.AppendClaims(room[:0], c))
	if err != nil {
		return "", fmt.Errorf("sign an access token: %w", err)
	}
	if len(signed) > MaxBytes {
		return "", fmt.Errorf("an access token for client %s would have %d bytes, and %d is the limit: allot fewer scopes or shorten their names", c.ClientID, len(signed), MaxBytes)
	}
	return signed, nil
}

// unsigned has room for the claims of most tokens, until they are signed.
var unsigned = sync.Pool{New: func() any { return new([512]byte) }}

func (i *Issuer) store(ctx context.Context, a Authorization, id ID, now, expires time.Time) (string, error) {
	made, err := secret.NewOpaque(i.Random)
	if err != nil {
		return "", err
	}
	return made.Reveal(), i.Opaque.Save(ctx, store.Token{
		Hash:      secret.HashOf(made.Reveal()),
		ID:        string(id),
		ClientID:  a.ClientID,
		Subject:   a.ClientID,
		Audience:  a.audience(),
		Scope:     a.Scope,
		IssuedAt:  now,
		ExpiresAt: expires,
	})
}

// id makes a jti of 128 random bits that names the secret.
func (i *Issuer) id(secretID string) (ID, error) {
	random, err := secret.NewID(i.Random, 22)
	if err != nil {
		return "", fmt.Errorf("make a token id: %w", err)
	}
	return ID(random + "." + secretID), nil
}

// settings are those that a token for all of these APIs must have: they agree on
// format and algorithm (Compatible), and the shortest lifetime counts.
func settings(apis []*catalogue.API) catalogue.Token {
	made := apis[0].Token
	for _, api := range apis[1:] {
		made.Lifetime = min(made.Lifetime, api.Token.Lifetime)
	}
	return made
}

// Compatible reports whether one token can serve all of the APIs.
func Compatible(apis []*catalogue.API) bool {
	for _, api := range apis[1:] {
		if api.Token.Format != apis[0].Token.Format || api.Token.Algorithm != apis[0].Token.Algorithm {
			return false
		}
	}
	return true
}
