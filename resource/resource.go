// Package resource checks access tokens where they are used: in front of an API.
// It finds the token of a request, decides whether it is good here, and says in
// a challenge what was wrong (RFC 6750, RFC 9068, RFC 9728 §5.1).
//
// It exposes types of the standard library and of package oauth only. It does
// not ask for tokens (package client does) and does not forward requests (the
// gateway does, as this package's first customer).
package resource

import (
	"context"
	"crypto"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// A Token is a good access token: it was issued by the issuer, for this API, has
// not expired and was not ended.
type Token struct {
	ID        string // jti
	Issuer    string
	Subject   string
	ClientID  string
	Audience  []string
	Scope     []string
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Has reports whether the token carries all of the scopes.
func (t *Token) Has(scopes ...string) bool {
	for _, s := range scopes {
		if !slices.Contains(t.Scope, s) {
			return false
		}
	}
	return true
}

// A Shape is what the tokens of a product look like, as far as a check depends
// on it.
type Shape string

// The shapes. The zero value is RFC9068.
const (
	RFC9068 Shape = "rfc9068" // typ at+jwt, an audience
	Auth0   Shape = "auth0"   // typ JWT, an audience, the client in azp
	Cognito Shape = "cognito" // no typ and no audience; token_use and the API's scopes stand in for them
)

// Config says which tokens are good.
type Config struct {
	Issuer   string   // what iss must be, byte for byte
	Audience []string // one of them must be in aud; they are the API's own names
	Shape    Shape

	// Scopes are all scopes of the API. Shape Cognito needs them: a token that
	// carries none of them is for another API.
	Scopes []string

	// Key finds the public key with a key id and the algorithm that it may be used
	// with. An id that it does not know is an error; the token is then refused.
	Key func(ctx context.Context, id string) (key crypto.PublicKey, algorithm string, err error)

	// Opaque looks up a token that is not a JWT. Nil: there are none. ErrUnknown
	// says that it is no live token; another error is answered with 503.
	Opaque func(ctx context.Context, token string) (Token, error)

	// Ended says whether a good token was revoked. Nil: none ever is.
	Ended func(*Token) bool

	Leeway time.Duration    // added to exp, for clocks that differ; 0 means none
	Now    func() time.Time // nil means time.Now
}

// ErrUnknown is what Config.Opaque returns for what is no live token.
var ErrUnknown = errors.New("no such token")

// A Checker decides whether tokens are good. It is safe for concurrent use.
type Checker struct{ config Config }

// New returns a checker. It is an error to leave out what every check needs.
func New(c Config) (*Checker, error) {
	if c.Issuer == "" || c.Key == nil {
		return nil, errors.New("resource: Config needs an Issuer and a Key function")
	}
	if c.Shape == "" {
		c.Shape = RFC9068
	}
	if c.Shape == Cognito && len(c.Scopes) == 0 || c.Shape != Cognito && len(c.Audience) == 0 {
		return nil, errors.New("resource: without an Audience (Scopes for Cognito) a token for any API would pass")
	}
	if c.Opaque != nil && len(c.Audience) == 0 {
		return nil, errors.New("resource: without an Audience no opaque token would pass")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Checker{c}, nil
}

// Authenticate finds the token of a request and checks it. Errors hold one of
// the codes of RFC 6750 §3.1; errors.Is(err, oauth.InvalidToken) tells it.
func (c *Checker) Authenticate(r *http.Request) (*Token, error) {
	presented, err := bearer(r)
	if err != nil {
		return nil, err
	}
	return c.Check(r.Context(), presented)
}

// bearer returns the token of the Authorization header (RFC 6750 §2.1). A token
// anywhere else, or a second set of credentials, is refused: row S02.
func bearer(r *http.Request) (string, error) {
	if tokenIn(r.URL.RawQuery) {
		return "", refusal.TokenInURL
	}
	headers := r.Header["Authorization"]
	switch len(headers) {
	case 0:
		return "", refusal.TokenMissing
	case 1:
	default:
		return "", refusal.TokenTwice
	}
	presented, err := wire.Bearer(headers[0])
	if errors.Is(err, wire.ErrScheme) {
		return "", refusal.TokenMissing
	}
	if err != nil {
		return "", refusal.TokenMalformed.From(err)
	}
	return presented, nil
}

// tokenIn reports whether any server behind us could find an access_token in a
// query (RFC 6750 §2.3): escaped, and behind a semicolon, too.
func tokenIn(query string) bool {
	if !strings.Contains(query, "access_token") && !strings.Contains(query, "%") {
		return false
	}
	for pair := range strings.FieldsFuncSeq(query, func(c rune) bool { return c == '&' || c == ';' }) {
		name, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err == nil && decoded == "access_token" {
			return true
		}
	}
	return false
}

// Check decides whether a token is good, cheap checks first.
func (c *Checker) Check(ctx context.Context, presented string) (*Token, error) {
	var token Token
	var err error
	if strings.IndexByte(presented, '.') < 0 && c.config.Opaque != nil {
		token, err = c.opaque(ctx, presented)
	} else {
		token, err = c.jwt(ctx, presented)
	}
	if err != nil {
		return nil, err
	}
	if c.config.Ended != nil && c.config.Ended(&token) {
		return nil, refusal.TokenRevoked
	}
	return &token, nil
}

// jwt reads a token that carries its own facts. No claim is looked at before the
// signature has been verified (RFC 8725 §3.3).
func (c *Checker) jwt(ctx context.Context, presented string) (Token, error) {
	parsed, err := jose.Parse(presented)
	if err != nil {
		return Token{}, refusal.TokenMalformed.From(err)
	}
	key, algorithm, err := c.config.Key(ctx, parsed.KeyID())
	if err != nil {
		return Token{}, refusal.TokenOfAnotherIssuer.From(err)
	}
	body, err := parsed.Verify(jose.PublicKey{KeyID: parsed.KeyID(), Algorithm: jose.Algorithm(algorithm), Key: key})
	if err != nil {
		return Token{}, refusal.TokenForged.From(err)
	}
	claims, err := jose.ParseClaims(body)
	if err != nil {
		return Token{}, refusal.TokenMalformed.From(err)
	}
	token := Token{
		ID: claims.ID, Issuer: claims.Issuer, Subject: claims.Subject, ClientID: claims.ClientID,
		Audience: claims.Audience, Scope: strings.Fields(claims.Scope),
		IssuedAt: claims.IssuedAt, ExpiresAt: claims.Expiry,
	}
	if c.config.Shape == Auth0 {
		token.ClientID = claims.AuthorizedParty
	}
	if err := c.kind(parsed.Type(), &claims, &token); err != nil {
		return Token{}, err
	}
	return token, c.times(&token, claims.NotBefore)
}

// kind: the token is an access token of this issuer for this API (rule 9). A
// dialect's shape that lacks typ or aud has something else that says it.
func (c *Checker) kind(typ string, claims *jose.Claims, token *Token) error {
	if token.Issuer != c.config.Issuer {
		return refusal.TokenOfAnotherIssuer
	}
	var right bool
	switch c.config.Shape {
	case RFC9068:
		right = strings.EqualFold(typ, "at+jwt") || strings.EqualFold(typ, "application/at+jwt") // RFC 9068 §4
	case Auth0:
		right = typ == "JWT" && claims.TokenUse == ""
	case Cognito:
		right = typ == "" && claims.TokenUse == "access"
	}
	if !right || token.Subject == "" || len(token.Subject) > maxSubject || token.ClientID == "" || token.IssuedAt.IsZero() || token.ExpiresAt.IsZero() {
		return refusal.TokenForAnotherAPI
	}
	named, ours := token.Audience, c.config.Audience
	if c.config.Shape == Cognito {
		named, ours = token.Scope, c.config.Scopes
	}
	if !slices.ContainsFunc(named, func(n string) bool { return slices.Contains(ours, n) }) {
		return refusal.TokenForAnotherAPI // row S03
	}
	return nil
}

// maxSubject is how long a subject may be, in bytes: what OpenID Connect Core §2
// allows, and what APIs have room for.
const maxSubject = 255

// skew is how far in the future a token may have been issued by a clock that is
// ahead of ours.
const skew = time.Minute

func (c *Checker) times(token *Token, notBefore time.Time) error {
	now := c.config.Now()
	switch {
	case !now.Before(token.ExpiresAt.Add(c.config.Leeway)):
		return refusal.TokenExpired
	case token.IssuedAt.After(now.Add(skew)), notBefore.After(now.Add(skew)):
		return refusal.TokenNotYetValid
	}
	return nil
}

func (c *Checker) opaque(ctx context.Context, presented string) (Token, error) {
	token, err := c.config.Opaque(ctx, presented)
	if errors.Is(err, ErrUnknown) {
		return Token{}, refusal.TokenUnknown
	}
	if err != nil {
		return Token{}, refusal.Unavailable.From(err)
	}
	if !slices.ContainsFunc(token.Audience, func(a string) bool { return slices.Contains(c.config.Audience, a) }) {
		return Token{}, refusal.TokenForAnotherAPI
	}
	return token, c.times(&token, time.Time{})
}

// A Challenge is what WWW-Authenticate says besides the refusal itself.
type Challenge struct {
	Realm    string
	Metadata string   // URL of the API's metadata (RFC 9728 §5.1)
	Scope    []string // that the call needs; said with insufficient_scope
}

// Header is the WWW-Authenticate value for an error of Authenticate: bare when
// no token was sent (RFC 6750 §3.1), empty when the error is not about the token.
func (ch *Challenge) Header(err error) string {
	var b strings.Builder
	b.WriteString(`Bearer realm="` + ch.Realm + `"`)
	refused := refusal.Of(err)
	switch {
	case refused.Reason == refusal.TokenMissing:
	case refused.Code == oauth.InvalidToken, refused.Code == oauth.InvalidRequest:
		b.WriteString(`, error="` + string(refused.Code) + `", error_description="` + refused.Describe() + `"`)
	case refused.Code == oauth.InsufficientScope:
		b.WriteString(`, error="insufficient_scope", error_description="` + refused.Describe() + `"`)
		if len(ch.Scope) > 0 {
			b.WriteString(`, scope="` + oauth.FormatScope(ch.Scope) + `"`)
		}
	default:
		return ""
	}
	if ch.Metadata != "" {
		b.WriteString(`, resource_metadata="` + ch.Metadata + `"`)
	}
	return b.String()
}
