// Package xoauth2 gives a [client.Client] to libraries that want a
// golang.org/x/oauth2.TokenSource.
//
// It is apart from package client so that only those who need that module have it.
// Keeping, renewing and all else stay with the client: this package is no cache, and
// a source of it must not be put into oauth2.ReuseTokenSource, which would keep
// tokens a second time and hide a renewal. What it hands over is the answer of
// RFC 6749 §5.1.
package xoauth2

import (
	"context"

	"golang.org/x/oauth2"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/oauth"
)

// TokenSource returns a source of the client's tokens, safe for concurrent use. Token
// costs nothing while one is at hand, and its errors are those of [client.Client]. The
// interface knows no context: ctx bounds every Token of this source, so that it is
// context.Background() for a source that a program has for ever. A refresh token is not
// handed over: used elsewhere, it would end the client's own.
//
// A library that makes an http.Client of the source does not renew a token that an API
// refuses. [client.Client.HTTP] does; where a library takes an http.Client, give it
// that one.
func TokenSource(ctx context.Context, c *client.Client) oauth2.TokenSource {
	return source{ctx, c}
}

type source struct {
	ctx    context.Context
	client *client.Client
}

// Token is oauth2.TokenSource's.
func (s source) Token() (*oauth2.Token, error) {
	token, err := s.client.Token(s.ctx)
	if err != nil {
		return nil, err
	}
	got := &oauth2.Token{AccessToken: token.Access.Reveal(), TokenType: oauth.TokenTypeBearer, Expiry: token.Expires}
	if token.ID != "" {
		got = got.WithExtra(map[string]any{"id_token": token.ID.Reveal()})
	}
	return got, nil
}
