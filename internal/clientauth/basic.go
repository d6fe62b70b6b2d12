package clientauth

import (
	"net/http"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// Basic is client_secret_basic: id and secret in the Authorization header
// (RFC 6749 §2.3.1, RFC 7617).
type Basic struct{}

// Name is "client_secret_basic".
func (Basic) Name() string { return oauth.AuthClientSecretBasic }

// Read takes id and secret as they are and, where that differs, form-decoded as
// RFC 6749 §2.3.1 says: Go's library encodes them, most others do not.
func (Basic) Read(r *http.Request, _ wire.Parameters) (Credentials, bool, error) {
	headers := r.Header["Authorization"]
	if len(headers) == 0 {
		return Credentials{}, false, nil
	}
	if len(headers) > 1 {
		return Credentials{}, false, refusal.TwoMethods
	}
	basic, err := wire.Basic(headers[0])
	if err != nil {
		return Credentials{}, false, refusal.BasicMalformed.From(err)
	}
	c := Credentials{
		Method:   oauth.AuthClientSecretBasic,
		Readings: []Reading{{basic.ID, secret.Of(basic.Secret)}},
	}
	if basic.Decoded {
		c.Readings = append(c.Readings, Reading{basic.DecodedID, secret.Of(basic.DecodedSecret)})
	}
	return c, true, nil
}
