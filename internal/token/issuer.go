package token

import (
	"context"
	"fmt"
	"io"
	"slices"
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
	People *People // nil: all tokens are about clients themselves
	Reuse  *Reuse  // nil: no token is given twice
	Now    func() time.Time
	Random io.Reader
}

// Issue makes the tokens for an authorization. A client's own JWT costs a
// signature; an opaque token is durable when Issue returns, and what is spent for
// a token is spent. Where it was spent before, the grant is ended and a refusal
// returned. Another error of the store is returned as it is: then nothing was
// spent.
func (i *Issuer) Issue(ctx context.Context, a Authorization) (oauth.TokenResponse, error) {
	made := settings(a.APIs)
	now := i.Now().UTC().Truncate(time.Second) // so that exp is exactly iat and the lifetime
	id, err := i.id(&a)
	if err != nil {
		return oauth.TokenResponse{}, err
	}
	answer := oauth.TokenResponse{
		TokenType: oauth.TokenTypeBearer,
		ExpiresIn: int64(made.Lifetime / time.Second),
		Scope:     oauth.FormatScope(a.Scope),
	}
	var kept *store.Token
	var key string
	if made.Format == catalogue.Opaque {
		answer.AccessToken, kept, err = i.opaque(&a, id, made.Dashed, now, now.Add(made.Lifetime))
	} else {
		answer.AccessToken, key, err = i.sign(ctx, made.Algorithm, &dialect.Claims{
			Issuer:    i.Name,
			ClientID:  a.ClientID,
			Audience:  a.audience(),
			Scope:     answer.Scope,
			ID:        string(id),
			IssuedAt:  now,
			ExpiresAt: now.Add(made.Lifetime),
			Person:    a.Person.said(),
		})
	}
	if err == nil && a.Person != nil && a.Person.IDToken != nil {
		answer.IDToken, err = i.idToken(ctx, &a, answer.AccessToken, now)
	}
	switch {
	case err != nil:
	case a.Spend != nil:
		answer.RefreshToken, err = i.spend(ctx, &a, kept, now.Add(made.Lifetime))
	case kept != nil:
		err = i.Opaque.Save(ctx, *kept)
	}
	if err != nil {
		return oauth.TokenResponse{}, err
	}
	if i.Reuse != nil && made.Reuse > 0 && a.reusable() {
		i.Reuse.keep(&a, fresh{answer: answer, id: id, key: key, issued: now, expires: now.Add(made.Lifetime)})
	}
	return answer, nil
}

// sign returns an access token and the id of the key that signed it.
func (i *Issuer) sign(ctx context.Context, algorithm jose.Algorithm, c *dialect.Claims) (string, string, error) {
	signer, err := i.Signers.Signer(algorithm)
	if err != nil {
		return "", "", err
	}
	room := unsigned.Get().(*[512]byte)
	defer unsigned.Put(room)
	signed, err := signer.Sign(ctx, i.Dialect.AppendClaims(room[:0], c))
	if err != nil {
		return "", "", fmt.Errorf("sign an access token: %w", err)
	}
	if len(signed) > MaxBytes {
		return "", "", fmt.Errorf("an access token for client %s would have %d bytes, and %d is the limit: allot fewer scopes or shorten their names", c.ClientID, len(signed), MaxBytes)
	}
	return signed, signer.KeyID(), nil
}

// unsigned has room for the claims of most tokens, until they are signed.
var unsigned = sync.Pool{New: func() any { return new([512]byte) }}

// opaque makes a token that its holder's string only points to.
func (i *Issuer) opaque(a *Authorization, id ID, dashed bool, now, expires time.Time) (string, *store.Token, error) {
	text, err := newOpaque(i.Random, dashed)
	if err != nil {
		return "", nil, err
	}
	subject := a.ClientID
	if a.Person != nil {
		subject = a.Person.Account.ID
	}
	return text, &store.Token{
		Hash:      secret.HashOf(text),
		ID:        string(id),
		ClientID:  a.ClientID,
		Subject:   subject,
		Audience:  a.audience(),
		Scope:     a.Scope,
		IssuedAt:  now,
		ExpiresAt: expires,
	}, nil
}

// newOpaque makes the text of an opaque token, or of a code.
func newOpaque(random io.Reader, dashed bool) (string, error) {
	if !dashed {
		return NewCode(random)
	}
	made, err := secret.NewOpaque(random)
	return made.Reveal(), err
}

// codeLength: 62^43 > 2^256.
const codeLength = 43

// NewCode makes an authorization code: 256 random bits in 43 letters and digits.
func NewCode(random io.Reader) (string, error) { return secret.NewID(random, codeLength) }

// HashOf returns the hash under which an opaque token is stored, and whether the
// text has the form of one. No other text leads to that hash.
func HashOf(text string) (secret.Hash, bool) {
	if hash, ok := secret.ParseOpaque(text); ok {
		return hash, true
	}
	if len(text) != codeLength {
		return secret.Hash{}, false
	}
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return secret.Hash{}, false
		}
	}
	return secret.HashOf(text), true
}

// id makes a jti of 128 random bits that names the secret and the grant.
func (i *Issuer) id(a *Authorization) (ID, error) {
	random, err := secret.NewID(i.Random, 22)
	if err != nil {
		return "", fmt.Errorf("make a token id: %w", err)
	}
	grant := ""
	if a.Person != nil {
		grant = a.Person.GrantID
	}
	return NewID(random, a.SecretID, grant), nil
}

// settings are those that a token for all of these APIs must have: they agree on
// format and algorithm (Compatible), the shortest lifetime counts, and it is given
// again only where all of them allow it, with what the strictest asks for. OpenID
// Connect's own scopes come along with whatever else the token is for.
func settings(apis []*catalogue.API) catalogue.Token {
	counted := counting(apis)
	made := counted[0].Token
	for _, api := range counted[1:] {
		made.Lifetime = min(made.Lifetime, api.Token.Lifetime)
		if made.Reuse > 0 && api.Token.Reuse > 0 {
			made.Reuse = max(made.Reuse, api.Token.Reuse)
		} else {
			made.Reuse = 0
		}
	}
	return made
}

// Compatible reports whether one token can serve all of the APIs.
func Compatible(apis []*catalogue.API) bool {
	counted := counting(apis)
	for _, api := range counted[1:] {
		if api.Token.Format != counted[0].Token.Format || api.Token.Algorithm != counted[0].Token.Algorithm {
			return false
		}
	}
	return true
}

// counting are the APIs whose settings count.
func counting(apis []*catalogue.API) []*catalogue.API {
	own := func(api *catalogue.API) bool { return api.Name == catalogue.OpenIDName }
	if len(apis) < 2 || !slices.ContainsFunc(apis, own) {
		return apis
	}
	return slices.DeleteFunc(slices.Clone(apis), own)
}
