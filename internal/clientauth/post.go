package clientauth

import (
	"net/http"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// Post is client_secret_post: id and secret in the body, form or JSON
// (RFC 6749 §2.3.1).
type Post struct{}

// Name is "client_secret_post".
func (Post) Name() string { return oauth.AuthClientSecretPost }

// Read takes client_id and client_secret of the body.
func (Post) Read(_ *http.Request, body wire.Parameters) (Credentials, bool, error) {
	s := body.Get("client_secret")
	if s == "" {
		return Credentials{}, false, nil
	}
	if body.Get("client_id") == "" {
		return Credentials{}, false, refusal.ClientUnauthenticated
	}
	return Credentials{
		Method:   oauth.AuthClientSecretPost,
		Readings: []Reading{{body.Get("client_id"), secret.Of(s)}},
	}, true, nil
}
