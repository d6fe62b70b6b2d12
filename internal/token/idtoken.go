package token

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/jose"
)

// IDTokenLife is how long an ID token may be believed. It says that somebody has
// signed in, and is read once.
const IDTokenLife = 10 * time.Minute

// idToken makes the ID token that comes with an access token (OpenID Connect Core
// §3.1.3.3).
func (i *Issuer) idToken(ctx context.Context, a *Authorization, access string, now time.Time) (string, error) {
	p := a.Person
	signer, err := i.People.IDs.Signer(p.IDToken.Algorithm)
	if err != nil {
		return "", err
	}
	id, err := i.id(a)
	if err != nil {
		return "", err
	}
	named := p.IDToken.Claims
	if named == nil {
		named = []string{} // the rest is at the UserInfo endpoint (§5.4)
	}
	if i.Dialect.FullIDToken {
		named = nil
	}
	signed, err := signer.Sign(ctx, i.Dialect.AppendIDToken(nil, &dialect.IDClaims{
		Issuer: i.Name, Subject: p.Account.ID, Audience: a.ClientID, IssuedAt: now, ExpiresAt: now.Add(IDTokenLife),
		AuthenticatedAt: p.SignedIn.At, Nonce: p.IDToken.Nonce, ACR: p.SignedIn.ACR, Methods: p.SignedIn.Methods,
		TokenHash: tokenHash(p.IDToken.Algorithm, access), SessionID: p.SessionID, ID: string(id),
		Name: p.Account.Name, Roles: p.Account.Roles, More: Profile(p.Account, a.Scope, named),
	}))
	if err != nil {
		return "", fmt.Errorf("sign an ID token: %w", err)
	}
	if len(signed) > MaxBytes {
		return "", fmt.Errorf("an ID token about account %s would have %d bytes, and %d is the limit", p.Account.ID, len(signed), MaxBytes)
	}
	return signed, nil
}

// tokenHash is at_hash: the left half of the hash that the ID token's algorithm
// uses (OpenID Connect Core §3.1.3.6).
func tokenHash(algorithm jose.Algorithm, access string) string {
	if algorithm == jose.EdDSA { // Ed25519 hashes with SHA-512
		sum := sha512.Sum512([]byte(access))
		return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	}
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
