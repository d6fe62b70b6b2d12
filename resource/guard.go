package resource

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
)

// Require returns the middleware that lets a request pass with a good token that
// carries all of the scopes, and puts the token into the request's context:
// FromContext finds it. Without a good token it answers 401, without a scope 403,
// with two of them or one in the URL 400, and while keys or introspection cannot
// be reached 503 with Retry-After; with the challenge of RFC 6750 §3, and with
// Config.Refuse where the API has an envelope of its own. A scope that RFC 6749
// §3.3 does not allow is a mistake in the program: Require panics.
func (c *Checker) Require(scopes ...string) func(http.Handler) http.Handler {
	for _, s := range scopes {
		if !oauth.ValidScope(s) {
			panic("resource: " + strconv.Quote(s) + " is no scope")
		}
	}
	challenge := c.config.Challenge
	challenge.Scope = scopes
	if challenge.Realm == "" {
		challenge.Realm = "api"
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, err := c.Authenticate(r)
			if err == nil && !token.Has(scopes...) {
				err = refusal.ScopeInsufficient.Naming(scopes...)
			}
			if err != nil {
				c.refuse(w, r, &challenge, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(NewContext(r.Context(), token)))
		})
	}
}

type contextKey struct{}

// NewContext returns a context that holds a token, as Require makes them: for
// interceptors, and for tests of what stands behind Require.
func NewContext(ctx context.Context, t *Token) context.Context {
	return context.WithValue(ctx, contextKey{}, t)
}

// FromContext returns the token that Require let pass. Without Require there is
// none.
func FromContext(ctx context.Context) (*Token, bool) {
	t, ok := ctx.Value(contextKey{}).(*Token)
	return t, ok
}

// A Refusal is why Require refused.
type Refusal struct {
	Status      int // of HTTP
	Code        oauth.ErrorCode
	Description string // for the client: ASCII without quotes; nothing of the request is in it
	Err         error  // for the API's own log: what was behind it
}

// refuse answers in one place for everything that is refused.
func (c *Checker) refuse(w http.ResponseWriter, r *http.Request, challenge *Challenge, err error) {
	reason := refusal.Of(err)
	refused := Refusal{Status: reason.HTTPStatus(), Code: reason.Public().Code, Description: reason.Describe(), Err: err}
	h := w.Header()
	if said := challenge.Header(err); said != "" {
		h.Set("WWW-Authenticate", said)
	}
	if reason.Retryable() {
		h.Set("Retry-After", "1")
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if c.config.Refuse != nil {
		c.config.Refuse(w, r, refused)
		return
	}
	// Strings only: it cannot fail.
	body, _ := json.Marshal(oauth.ErrorResponse{Code: refused.Code, Description: refused.Description})
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(refused.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that has gone is no concern of ours
	}
}

// A Challenge is what WWW-Authenticate says besides the refusal itself.
type Challenge struct {
	Realm    string
	Metadata string   // URL of the API's metadata (RFC 9728 §5.1)
	Scope    []string // that the call needs; said with insufficient_scope
}

// Header is the WWW-Authenticate value for an error of Authenticate: bare when no
// token was sent, or one by another scheme (RFC 6750 §3.1), empty when the error is
// not about the token.
func (ch *Challenge) Header(err error) string {
	var b strings.Builder
	b.WriteString(`Bearer realm="` + ch.Realm + `"`)
	refused := refusal.Of(err)
	switch {
	case refused.Reason == refusal.TokenMissing, refused.Reason == refusal.TokenScheme:
	case refused.Code == oauth.InvalidToken, refused.Code == oauth.InvalidRequest:
		b.WriteString(`, error="` + string(refused.Code) + `", error_description="` + refused.Describe() + `"`)
	case refused.Code == oauth.InsufficientScope:
		b.WriteString(`, error="insufficient_scope", error_description="` + refused.Describe() + `"`)
		if len(ch.Scope) > 0 {
			b.WriteString(`, scope="` + oauth.FormatScope(ch.Scope) + `"`)
		}
	default:
		return ""
	}
	if ch.Metadata != "" {
		b.WriteString(`, resource_metadata="` + ch.Metadata + `"`)
	}
	return b.String()
}

// check: what is put between quotation marks has none of its own.
func (ch *Challenge) check() error {
	for _, s := range []string{ch.Realm, ch.Metadata} {
		if strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
			return errors.New("resource: Realm and Metadata of a Challenge are ASCII without quotes")
		}
	}
	return nil
}
