// Package resource checks access tokens where they are used: in front of an API.
// It finds the token of a request, decides whether it is good here, hands what
// it says to the API in the request's context, and says in a challenge what was
// wrong (RFC 6750, RFC 9068, RFC 9728 §5.1). Tokens are JWTs, checked with the
// keys that their issuer publishes (RFC 8414, RFC 7517), or anything that the
// issuer answers for (RFC 7662).
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
	"strings"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/wire"
)

// Config says which tokens are good. Issuer and Audience are enough where the
// issuer publishes metadata (RFC 8414) or an OpenID configuration.
type Config struct {
	Issuer   string   // what iss must be, byte for byte
	Audience []string // one of them must be in aud; they are the API's own names
	Shape    Shape

	// Scopes are all scopes of the API. Shape Cognito needs them: a token that
	// carries none of them is for another API.
	Scopes []string

	// Keys are the issuer's keys as it publishes them. Nil, and Key and
	// Introspection nil too: Discover(Issuer, nil).
	Keys *KeySet

	// Key finds the public key with a key id and the algorithm that it may be used
	// with, instead of Keys. An id that it does not know is an error; the token is
	// then refused, with 503 if errors.Is(err, ErrUnavailable). It is asked at
	// every check, for tokens that are remembered too, so that a key that is gone
	// ends its tokens at once: it should answer from memory.
	Key func(ctx context.Context, id string) (key crypto.PublicKey, algorithm string, err error)

	// Opaque looks up a token that is not a JWT. Nil: there are none. ErrUnknown
	// says that it is no live token; another error is answered with 503. It is
	// asked at every check.
	Opaque func(ctx context.Context, token string) (Token, error)

	// Introspection asks the issuer, instead of Opaque. Where there are keys too,
	// it is asked about tokens that are not JWTs, else about all.
	Introspection *Introspection

	// UncheckedAudience lets a token pass whose introspection names no audience.
	// It is safe only where the issuer answers "active" for nothing but tokens
	// that are meant for the one who asks.
	UncheckedAudience bool

	// Ended says whether a good token was revoked. Nil: none ever is. It is asked
	// at every check.
	Ended func(*Token) bool

	// Feed is what the issuer says of what it has revoked. It is asked at every
	// check, and refuses all with 503 while it is closed. Nil: there is none.
	Feed *Feed

	// Remember is how many verified JWTs are kept, so that one that was seen
	// before costs no signature check. 0 means 100 000, a negative number none.
	Remember int

	Challenge Challenge // what Require says to those it refuses; an empty Realm is "api"

	// Refuse writes the answer of Require in the API's own envelope: the status
	// and a body. The headers are set already. Nil: the error object of RFC 6749.
	Refuse func(http.ResponseWriter, *http.Request, Refusal)

	Leeway time.Duration    // added to exp, for clocks that differ; 0 means none
	Now    func() time.Time // nil means time.Now
}

// What Config.Opaque and Config.Key say by an error.
var (
	ErrUnknown     = errors.New("no such token")
	ErrUnavailable = errors.New("cannot be found out at the moment")
)

// A Checker decides whether tokens are good. It is safe for concurrent use.
type Checker struct {
	config Config
	keys   keys    // nil: there are no JWTs
	memory *memory // nil: nothing is remembered
}

// New returns a checker. It is an error to leave out what every check needs, or
// to name two sources of the same. New asks nobody: keys are fetched by Start, or
// by the first check.
func New(c Config) (*Checker, error) {
	if c.Issuer == "" {
		return nil, errors.New("resource: Config needs an Issuer")
	}
	if c.Keys != nil && c.Key != nil || c.Opaque != nil && c.Introspection != nil {
		return nil, errors.New("resource: Config has either Keys or Key, and either Opaque or Introspection")
	}
	if c.Feed != nil && c.Feed.config.Issuer != c.Issuer {
		return nil, errors.New("resource: the Feed is of another issuer")
	}
	if c.Shape == "" {
		c.Shape = RFC9068
	}
	if c.Shape == Cognito && len(c.Scopes) == 0 || c.Shape != Cognito && len(c.Audience) == 0 {
		return nil, errors.New("resource: without an Audience (Scopes for Cognito) a token for any API would pass")
	}
	if (c.Opaque != nil || c.Introspection != nil) && len(c.Audience) == 0 {
		return nil, errors.New("resource: without an Audience no opaque token would pass")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := c.Challenge.check(); err != nil {
		return nil, err
	}
	made := &Checker{config: c}
	switch {
	case c.Key != nil:
		made.keys = keyFunc(c.Key)
	case c.Keys == nil && c.Introspection != nil: // it is asked about everything
	default:
		if c.Keys == nil {
			c.Keys = Discover(c.Issuer, nil)
		}
		if err := c.Keys.check(); err != nil {
			return nil, err
		}
		made.keys = c.Keys
	}
	if c.Introspection != nil {
		if err := c.Introspection.check(); err != nil {
			return nil, err
		}
	}
	if c.Remember >= 0 {
		made.memory = newMemory(c.Remember)
	}
	return made, nil
}

// Authenticate finds the token of a request and checks it. Errors hold one of
// the codes of RFC 6750 §3.1; errors.Is(err, oauth.InvalidToken) tells it.
func (c *Checker) Authenticate(r *http.Request) (*Token, error) {
	if tokenIn(r.URL.RawQuery) {
		return nil, refusal.TokenInURL // row S02
	}
	return c.CheckHeader(r.Context(), r.Header["Authorization"])
}

// CheckHeader is Authenticate for the values of an Authorization header, wherever
// they come from: gRPC has them in the metadata "authorization".
func (c *Checker) CheckHeader(ctx context.Context, values []string) (*Token, error) {
	if len(values) == 1 {
		// What was verified before needs no second look at its spelling.
		if presented, ok := strings.CutPrefix(values[0], "Bearer "); ok {
			if v := c.memory.find(presented); v != nil {
				return c.again(ctx, v)
			}
		}
	}
	presented, err := bearer(values)
	if err != nil {
		return nil, err
	}
	return c.Check(ctx, presented)
}

// bearer returns the token of the Authorization header (RFC 6750 §2.1). A second
// set of credentials is refused: row S02.
func bearer(headers []string) (string, error) {
	switch len(headers) {
	case 0:
		return "", refusal.TokenMissing
	case 1:
	default:
		return "", refusal.TokenTwice
	}
	presented, err := wire.Bearer(headers[0])
	switch {
	case errors.Is(err, wire.ErrScheme) && headers[0] == "":
		return "", refusal.TokenMissing
	case errors.Is(err, wire.ErrScheme):
		return "", refusal.TokenScheme
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

// Check decides whether a token is good, cheap checks first. A JWT that was
// verified before is found again without its signature being checked; everything
// else about it is judged anew.
func (c *Checker) Check(ctx context.Context, presented string) (*Token, error) {
	if c.opaque(presented) {
		return c.lookup(ctx, presented)
	}
	if v := c.memory.find(presented); v != nil {
		return c.again(ctx, v)
	}
	return c.first(ctx, presented)
}

// again decides about a token that is remembered.
func (c *Checker) again(ctx context.Context, v *verified) (*Token, error) {
	if !c.keys.hold(ctx, &v.key) {
		c.memory.drop(v) // row N05; its key id may have another key now
		return c.first(ctx, v.presented)
	}
	if err := c.judge(v); err != nil {
		c.memory.drop(v)
		return nil, err
	}
	return &v.token, nil
}

// first decides about a token that is not.
func (c *Checker) first(ctx context.Context, presented string) (*Token, error) {
	v, err := c.verify(ctx, presented)
	if err != nil {
		return nil, err
	}
	if err := c.judge(v); err != nil {
		return nil, err
	}
	c.memory.put(v, v.token.ExpiresAt.Add(c.config.Leeway), c.config.Now())
	return &v.token, nil
}

// opaque reports whether a token is one to ask about instead of reading it.
func (c *Checker) opaque(presented string) bool {
	switch {
	case c.keys == nil:
		return true
	case c.config.Introspection != nil:
		return strings.Count(presented, ".") != 2 // some opaque tokens have dots
	default:
		return c.config.Opaque != nil && strings.IndexByte(presented, '.') < 0
	}
}

// A verified is a token whose facts are beyond doubt. Whether it is good here
// and now is for judge.
type verified struct {
	presented string
	token     Token
	key       jose.PublicKey // that it was verified with
	typ, use  string         // typ of the header, token_use of the claims
	other     bool           // it is recognisably no access token, or bound to a key
	notBefore time.Time
	unknown   bool // introspection says so
	entry
}

// verify reads a token that carries its own facts. No claim is looked at before
// the signature has been verified (RFC 8725 §3.3).
func (c *Checker) verify(ctx context.Context, presented string) (*verified, error) {
	parsed, err := jose.Parse(presented)
	if err != nil {
		return nil, refusal.TokenMalformed.From(err)
	}
	body, key, err := c.signed(ctx, parsed)
	if err != nil {
		return nil, err
	}
	claims, err := jose.ParseClaims(body)
	if err != nil {
		return nil, refusal.TokenMalformed.From(err)
	}
	// A copy, because the caller may keep or reuse what this is a part of.
	text := strings.Clone(presented)
	v := &verified{
		presented: text, key: key, typ: parsed.Type(), use: claims.TokenUse, notBefore: claims.NotBefore,
		token: Token{
			ID: claims.ID, Issuer: claims.Issuer, Subject: claims.Subject, ClientID: claims.ClientID,
			Audience: claims.Audience, Scope: strings.Fields(claims.Scope),
			IssuedAt: claims.IssuedAt, ExpiresAt: claims.Expiry, source: text,
		},
	}
	return v, v.complete(c.config.Shape, &claims, body)
}

// signed returns what a token says and the key that it was signed with.
func (c *Checker) signed(ctx context.Context, parsed *jose.Parsed) ([]byte, jose.PublicKey, error) {
	for again := false; ; again = true {
		candidates, err := c.keys.find(ctx, parsed.KeyID(), parsed.Algorithm())
		if errors.Is(err, ErrUnavailable) {
			return nil, jose.PublicKey{}, refusal.Unavailable.From(err)
		}
		if err != nil {
			return nil, jose.PublicKey{}, refusal.TokenOfAnotherIssuer.From(err)
		}
		var body []byte
		for _, key := range candidates {
			if body, err = parsed.Verify(key); err == nil {
				return body, key, nil
			}
		}
		// Without a key id nothing but the signature tells that there is a new key.
		unnamed := parsed.KeyID() == "" || candidates[0].KeyID == ""
		if again || !unnamed || !c.keys.renew(ctx) {
			return nil, jose.PublicKey{}, refusal.TokenForged.From(err)
		}
	}
}

// lookup asks about a token that does not carry its own facts.
func (c *Checker) lookup(ctx context.Context, presented string) (*Token, error) {
	var v *verified
	var err error
	if c.config.Introspection != nil {
		v, err = c.config.Introspection.ask(ctx, presented)
	} else {
		v = &verified{}
		v.token, err = c.config.Opaque(ctx, presented)
	}
	if errors.Is(err, ErrUnknown) {
		return nil, refusal.TokenUnknown
	}
	if err != nil {
		return nil, refusal.Unavailable.From(err)
	}
	if err := c.judgeOpaque(v); err != nil {
		return nil, err
	}
	return &v.token, nil
}
