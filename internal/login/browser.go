package login

import (
	"net/http"

	"github.com/grantway/grantway/internal/secret"
)

// browserKey is what the handle of a browser is known by in a request's context,
// once it is bound: the cookie may have been made in this very request.
type browserKey struct{}

// Browser returns the handle that stands for a browser, as Providers wants it:
// where there is none it makes one, and an empty Secret where w is nil. A cookie
// that came twice is an error.
func (j *Journey) Browser(w http.ResponseWriter, r *http.Request) (secret.Secret, error) {
	if handle, ok := r.Context().Value(browserKey{}).(string); ok {
		return secret.Of(handle), nil
	}
	v := &visit{w: w, r: r, j: j}
	if w != nil {
		handle, err := v.bind()
		return secret.Of(handle), err
	}
	sent, err := v.cookie(browserCookie)
	if _, ok := secret.ParseOpaque(sent); !ok {
		return secret.Secret{}, err
	}
	return secret.Of(sent), err
}
