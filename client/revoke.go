package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ErrNoRevocation says that a token was forgotten and still lives: neither Config
// nor the issuer names an address where it could be ended.
var ErrNoRevocation = errors.New("client: the issuer names no revocation endpoint; what was issued lives until its end")

// Revoke forgets the token as Forget does, and has the server end it (RFC 7009):
// the refresh token where there is one, with which all that came of it ends at
// most servers, else the access token. Without either nobody is asked. The token
// is forgotten in every case; errors say why the server has not ended it:
// ErrNoRevocation, and those of Token.
func (c *Client) Revoke(ctx context.Context) error {
	config, s := &c.family.config, c.source
	ctx, cancel := context.WithTimeout(ctx, config.Timeout)
	defer cancel()
	s.mu.Lock()
	last, refresh := s.current.Load(), s.refresh
	s.mu.Unlock()
	var failed error
	if config.Cache != nil {
		failed = config.Cache.Update(ctx, s.key, func(text []byte) ([]byte, error) {
			if found := read(text, time.Now(), 0); found != nil {
				last = found
				if found.token.Refresh != "" {
					refresh = found.token.Refresh // another process may have exchanged it
				}
			}
			return nil, nil
		})
	}
	s.drop()
	form := url.Values{}
	switch {
	case refresh != "":
		form.Set("token", string(refresh))
		form.Set("token_type_hint", "refresh_token")
	case last.alive(time.Now()):
		form.Set("token", string(last.token.Access))
		form.Set("token_type_hint", "access_token")
	default:
		return failed
	}
	var secret Secret
	if config.Secret != nil {
		var err error
		if secret, err = config.Secret(ctx); err != nil {
			return errors.Join(failed, err)
		}
	}
	err := c.family.endpoint.revoke(ctx, form, secret)
	if busy, ok := errors.AsType[*BusyError](err); ok && busy.RetryAt.IsZero() {
		busy.RetryAt = time.Now().Add(firstPause)
	}
	return errors.Join(failed, err)
}

// revoke sends a token to where it ends. What a server says to a token that it
// does not know is 200, too (RFC 7009 §2.2).
func (e *endpoint) revoke(ctx context.Context, form url.Values, secret Secret) error {
	where, err := e.revocationURL(ctx)
	if err != nil {
		return err
	}
	hidden := []Secret{secret, Secret(form.Get("token"))}
	r, err := e.request(ctx, where, form, secret)
	if err != nil {
		return err
	}
	got, err := e.http.Do(r)
	if err != nil {
		return &BusyError{Err: unwrapURL(err)}
	}
	defer got.Body.Close()
	body, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer+1))
	if got.StatusCode == http.StatusOK {
		return nil
	}
	if err != nil {
		return &BusyError{Status: got.StatusCode, Err: fmt.Errorf("the answer broke off: %w", err)}
	}
	if _, err := judge(got, body, where, hidden); err != nil {
		return err
	}
	return &AnswerError{URL: where, Status: got.StatusCode, Cause: "answers as a token endpoint does"}
}

func (e *endpoint) revocationURL(ctx context.Context) (string, error) {
	switch {
	case e.config.RevocationURL != "":
		return e.config.RevocationURL, nil
	case e.config.Issuer == "":
		return "", ErrNoRevocation
	}
	m, err := e.metadata(ctx)
	if err != nil {
		return "", err
	}
	where := m.RevocationEndpoint
	if where == "" {
		return "", ErrNoRevocation
	}
	u, err := checkURL(where, e.config.PlainHTTP)
	if err != nil || u.Scheme != "https" && strings.HasPrefix(e.config.Issuer, "https:") {
		return "", &AnswerError{URL: e.config.Issuer, Status: http.StatusOK, Cause: "names a revocation endpoint that is not protected by TLS"}
	}
	return where, nil
}
