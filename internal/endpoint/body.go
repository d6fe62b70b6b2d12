package endpoint

import (
	"errors"
	"net/http"
	"net/url"
	"os"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/wire"
)

// parameters returns what the body of a POST request says, as a form or, where
// that is read, as JSON. Nothing of the URL is a parameter, and some things must
// not be in it.
func parameters(r *http.Request, limit int64, json bool) (wire.Parameters, error) {
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
	kind, err := wire.MediaType(first(r.Header["Content-Type"]))
	if err != nil {
		return wire.Parameters{}, refusal.CharsetNotUTF8.From(err)
	}
	if kind == wire.Other {
		return wire.Parameters{}, refusal.MediaTypeUnknown // row E02
	}
	if kind == wire.JSON && !json {
		return wire.Parameters{}, refusal.JSONNotServed
	}
	raw, err := wire.ReadBody(r, limit)
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
	if first(r.Header["Origin"]) != "" && body.Has("client_secret") {
		// A browser sent it (row U35): it gets its answer without CORS headers, so
		// that no script can read it, and the publisher learns of the leak.
		activity.Of(r.Context()).Note(activity.NoteSecretExposed)
	}
	return body, nil
}

// first is what Header.Get returns for a name in its canonical spelling, without
// spelling it anew.
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// malformed is the refusal for a body that package wire did not read.
func malformed(err error) error {
	switch {
	case errors.Is(err, wire.ErrTooLarge):
		return refusal.BodyTooLarge.From(err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refusal.BodyTooSlow.From(err)
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
	for _, name := range []string{"client_secret", "client_assertion", "code", "refresh_token", "password", "token"} {
		if values.Has(name) {
			return true
		}
	}
	return false
}
