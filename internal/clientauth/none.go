package clientauth

import (
	"net/http"

	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// None is the way of clients that keep no secret: they say who they are and prove
// nothing (RFC 6749 §3.2.1). What they present beside it (a code with its
// verifier, a refresh token) is the grant's to check.
type None struct{}

// Name is "none".
func (None) Name() string { return oauth.AuthNone }

// Read takes client_id of a body, where nothing else says who is asking.
func (None) Read(r *http.Request, body wire.Parameters) (Credentials, bool, error) {
	id := body.Get("client_id")
	if id == "" || body.Has("client_secret") || len(r.Header["Authorization"]) > 0 {
		return Credentials{}, false, nil
	}
	return Credentials{Method: oauth.AuthNone, Readings: []Reading{{ClientID: id}}}, true, nil
}
