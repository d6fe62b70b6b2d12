// Package token turns an authorization into tokens: it decides what a token says
// and how long it lives, has it signed or stored, and reads opaque ones back.
//
// A token is spent for and stored in one step with what was presented for it, a
// code or a refresh token: the grants only prove.
//
// Whether a client may have the token is decided by the grants; how a token is
// put into words is package dialect's; keys live in package keys. JWT access
// tokens follow RFC 9068 unless a dialect says otherwise.
package token

import (
	"strings"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
)

// An Authorization is what a grant proves and a token says: who may do what.
type Authorization struct {
	ClientID string
	SecretID string           // the credential that was used, empty for a public client; its tokens end with it
	APIs     []*catalogue.API // what the token is for; never empty
	Scope    []string         // never wider than what was allotted
	Person   *Person          // whom the token is about; nil: the client itself
	Spend    *Spend           // what is spent for it; nil: nothing

	Client *store.Client // as it was when it proved itself; nil: the token is given once only
	Method string        // by which it did, as metadata calls it
}

// audience is the aud of the token: one for each API.
func (a *Authorization) audience() []string {
	audience := make([]string, len(a.APIs))
	for i, api := range a.APIs {
		audience[i] = api.Audience
	}
	return audience
}

// An ID is a token's jti. It names the secret that obtained the token, and the
// grant that it hangs on where there is one, so that the tokens of a leaked
// secret, or of a grant that was taken back, can be told from all others without
// another claim.
//
//	3kTMd9… . p1fGQ2kd0a                 a client's own token: it hangs on no grant
//	3kTMd9… . p1fGQ2kd0a . Vb8sX0qT4m    a token that somebody granted
//	3kTMd9… .            . Vb8sX0qT4m    the same for a client without a secret
//	random    secret       grant
//
// The parts are letters and digits; none holds a full stop. A token is about an
// account exactly when its id names a grant: the subject of all others is the
// client itself.
type ID string

// NewID puts an id together. Secret and grant may be empty.
func NewID(random, secret, grant string) ID {
	if grant == "" {
		return ID(random + "." + secret)
	}
	return ID(random + "." + secret + "." + grant)
}

// Secret is the id of the secret that obtained the token, empty when the token
// does not say.
func (id ID) Secret() string {
	_, rest, _ := strings.Cut(string(id), ".")
	secret, _, _ := strings.Cut(rest, ".")
	return secret
}

// Grant is the id of the grant that the token hangs on, empty when there is none.
func (id ID) Grant() string {
	_, rest, _ := strings.Cut(string(id), ".")
	_, grant, _ := strings.Cut(rest, ".")
	return grant
}
