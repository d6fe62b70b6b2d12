package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/grantway/grantway/oauth"
)

// A SignIn is what a program keeps between sending a person away and their coming
// back: in memory, or where only that person's browser can name it.
type SignIn struct {
	URL         string // where to send the person
	RedirectURI string // where they come back
	State       Secret
	Verifier    Secret // PKCE's
}

// SignIn makes the request that a person takes to the server (RFC 6749 §4.1.1,
// with PKCE S256, RFC 7636). extra are further parameters, for example prompt; it
// may be nil.
func (c *Client) SignIn(ctx context.Context, redirectURI string, extra url.Values) (*SignIn, error) {
	config := &c.family.config
	where := config.AuthorizationURL
	if where == "" {
		if config.Issuer == "" {
			return nil, errors.New("client: signing in needs an Issuer or an AuthorizationURL")
		}
		ctx, cancel := context.WithTimeout(ctx, config.Timeout)
		defer cancel()
		m, err := c.family.endpoint.metadata(ctx)
		if err != nil {
			return nil, err
		}
		where = m.AuthorizationEndpoint
	}
	u, err := checkURL(where, config.PlainHTTP)
	if err != nil {
		return nil, fmt.Errorf("client: nobody can sign in there: %w", err)
	}
	in := &SignIn{RedirectURI: redirectURI, State: unguessable(), Verifier: unguessable()}
	query := u.Query() // RFC 6749 §3.1: what is there stays
	for name, values := range extra {
		query[name] = values
	}
	for name, values := range c.source.form() {
		if !config.Extra.Has(name) {
			query[name] = values
		}
	}
	challenge := sha256.Sum256([]byte(in.Verifier))
	for name, value := range map[string]string{
		"response_type": "code", "client_id": config.ClientID, "redirect_uri": redirectURI, "state": string(in.State),
		"code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]), "code_challenge_method": "S256",
	} {
		query.Set(name, value)
	}
	u.RawQuery = query.Encode()
	in.URL = u.String()
	return in, nil
}

// unguessable has 256 bits, in 43 characters (RFC 7636 §4.1).
func unguessable() Secret {
	var b [32]byte
	_, _ = rand.Read(b[:]) // it never fails
	return Secret(base64.RawURLEncoding.EncodeToString(b[:]))
}

// What is wrong with an answer that a browser brought.
var (
	ErrState  = errors.New("client: the answer belongs to another sign-in, or was made by somebody else (state)")
	ErrIssuer = errors.New("client: the answer is of another issuer (RFC 9207)")
)

// Exchange takes the parameters that a person came back with and exchanges their
// code for tokens (RFC 6749 §4.1.3), which the client has from then on. Errors are
// ErrState, ErrIssuer, a *RefusedError for a no of person or server, and those of
// Token. A code can be used once: after an error, sign in anew.
func (c *Client) Exchange(ctx context.Context, in *SignIn, answer url.Values) (Token, error) {
	config, s := &c.family.config, c.source
	if config.Grant == oauth.GrantClientCredentials {
		return Token{}, errors.New("client: Exchange needs Grant authorization_code")
	}
	if err := c.checkAnswer(in, answer); err != nil {
		return Token{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, config.Timeout)
	defer cancel()
	var secret Secret
	if config.Secret != nil {
		var err error
		if secret, err = config.Secret(ctx); err != nil {
			return Token{}, err
		}
	}
	got, err := s.through(ctx, func(*held) (*held, error) {
		form := s.form()
		form.Del("scope") // RFC 6749 §4.1.3: the code has them
		form.Set("grant_type", oauth.GrantAuthorizationCode)
		form.Set("code", answer.Get("code"))
		form.Set("redirect_uri", in.RedirectURI)
		form.Set("code_verifier", string(in.Verifier))
		return s.ask(ctx, form, secret, Token{})
	})
	if busy, ok := errors.AsType[*BusyError](err); ok && busy.RetryAt.IsZero() {
		next, _ := (*pause)(nil).after(err, time.Now())
		err = next.err
	}
	if err != nil {
		return Token{}, err
	}
	s.mu.Lock()
	s.flight, s.bad = nil, ""
	s.settle(got)
	s.mu.Unlock()
	return got.token, nil
}

// checkAnswer: whose it is comes before what it says.
func (c *Client) checkAnswer(in *SignIn, answer url.Values) error {
	if len(answer["state"]) != 1 || in.State == "" || subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(in.State)) != 1 {
		return ErrState // RFC 6749 §10.12
	}
	if issuer := c.family.config.Issuer; issuer != "" {
		m := c.family.endpoint.found.Load()
		must := m != nil && m.SignInMetadata != nil && m.ResponseIssSupported
		if (must || answer.Has("iss")) && answer.Get("iss") != issuer {
			return ErrIssuer // RFC 9207 §2.4
		}
	}
	if code := answer.Get("error"); code != "" {
		return &RefusedError{
			Code:        oauth.ErrorCode(shown(code, 64)),
			Description: shown(answer.Get("error_description"), maxDescription), URI: shown(answer.Get("error_uri"), maxDescription),
		}
	}
	if len(answer["code"]) != 1 || answer.Get("code") == "" {
		return &RefusedError{Code: oauth.InvalidRequest, Description: "the answer has no code"}
	}
	return nil
}
