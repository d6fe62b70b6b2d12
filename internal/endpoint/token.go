package endpoint

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// Token is the token endpoint (RFC 6749 §3.2).
type Token struct {
	Clients interface {
		Authenticate(*http.Request, wire.Parameters) (*store.Client, *store.Secret, error)
	}
	Grants []grant.Grant
	Issuer interface {
		Issue(context.Context, token.Authorization) (oauth.TokenResponse, error)
	}
	Answers   *Answers
	BodyLimit int64 // bytes
}

// ServeHTTP answers a token request: 200 with a token, or a refusal.
func (t *Token) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	issued, asked, err := t.serve(r)
	if err != nil {
		t.Answers.refuse(w, r, err)
		return
	}
	h := w.Header()
	noStore(h)
	h["Content-Type"] = []string{t.Answers.Dialect.ContentType}
	body := t.Answers.Dialect.AppendToken(make([]byte, 0, 1024), &issued, asked)
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.Write(body) // a client that has gone asks again
}

// serve is a token request in its phases.
func (t *Token) serve(r *http.Request) (issued oauth.TokenResponse, asked string, err error) {
	body, err := t.read(r)
	if err != nil {
		return issued, "", err
	}
	g, err := t.grant(body.Get("grant_type"))
	if err != nil {
		return issued, "", err
	}
	client, proof, err := t.Clients.Authenticate(r, body)
	if err != nil {
		return issued, "", err
	}
	if !client.MayUse(g.Type()) {
		return issued, "", refusal.GrantNotAllowed
	}
	authorized, err := g.Redeem(r.Context(), grant.Request{Client: client, Secret: proof, Body: body})
	if err != nil {
		return issued, "", err
	}
	issued, err = t.Issuer.Issue(r.Context(), authorized)
	if err == nil {
		note(r, g, authorized)
	}
	return issued, body.Get("scope"), err
}

// read returns the parameters of the request's body. Nothing of the URL is a
// parameter, and some things must not be in it.
func (t *Token) read(r *http.Request) (wire.Parameters, error) {
	exposed := r.URL.RawQuery != "" && secretIn(r.URL.RawQuery)
	if exposed { // whatever else is wrong with the request
		activity.Of(r.Context()).Note(activity.NoteSecretExposed)
	}
	if r.Method != http.MethodPost {
		return wire.Parameters{}, refusal.MethodNotPost // row E01
	}
	if exposed {
		return wire.Parameters{}, refusal.SecretInURL // row E03
	}
	kind, err := wire.MediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return wire.Parameters{}, refusal.CharsetNotUTF8.From(err)
	}
	if kind == wire.Other {
		return wire.Parameters{}, refusal.MediaTypeUnknown // row E02
	}
	if kind == wire.JSON && !t.Answers.Dialect.JSON {
		return wire.Parameters{}, refusal.JSONNotServed
	}
	raw, err := wire.ReadBody(r, t.BodyLimit)
	if err != nil {
		return wire.Parameters{}, malformed(err)
	}
	parse := wire.ParseForm
	if kind == wire.JSON {
		parse = wire.ParseJSONObject
	}
	body, err := parse(raw)
	if err != nil {
		return wire.Parameters{}, malformed(err)
	}
	if r.Header.Get("Origin") != "" && body.Has("client_secret") {
		// A browser sent it (row U35): it gets its answer without CORS headers, so
		// that no script can read it, and the publisher learns of the leak.
		activity.Of(r.Context()).Note(activity.NoteSecretExposed)
	}
	return body, nil
}

// malformed is the refusal for a body that package wire did not read.
func malformed(err error) error {
	switch {
	case errors.Is(err, wire.ErrTooLarge):
		return refusal.BodyTooLarge.From(err)
	case errors.Is(err, wire.ErrJSONAsForm):
		return refusal.JSONAsForm.From(err)
	case errors.Is(err, wire.ErrDuplicate):
		return refusal.ParameterTwice.From(err)
	case errors.Is(err, wire.ErrTooMany), errors.Is(err, wire.ErrTooLong):
		return refusal.ParameterLimit.From(err)
	}
	return refusal.BodyMalformed.From(err)
}

// secretIn reports whether a query holds what must never be in a URL. A query
// that cannot be read may hold it.
func secretIn(query string) bool {
	values, err := url.ParseQuery(query)
	if err != nil {
		return true
	}
	for _, name := range []string{"client_secret", "client_assertion", "code", "refresh_token", "password"} {
		if values.Has(name) {
			return true
		}
	}
	return false
}

func (t *Token) grant(name string) (grant.Grant, error) {
	if name == "" {
		return nil, refusal.GrantMissing
	}
	for _, g := range t.Grants {
		if g.Type() == name {
			return g, nil
		}
	}
	return nil, refusal.GrantUnknown // rows E17, E18
}

// note says in the request's fact what was issued.
func note(r *http.Request, g grant.Grant, a token.Authorization) {
	fact := activity.Of(r.Context())
	fact.Event = "token.issued"
	fact.Grant = g.Type()
	fact.API = a.APIs[0].Name
	fact.Scopes = len(a.Scope)
}
