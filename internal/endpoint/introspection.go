package endpoint

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
	"github.com/grantway/grantway/resource"
)

// IntrospectionPath is where the introspection endpoint answers, below the issuer.
const IntrospectionPath = "/oauth2/introspect"

// Introspection is the introspection endpoint (RFC 7662). A client learns about
// the tokens that it obtained, and a resource about those that are for it; about
// any other token everybody learns that it is not active, and no more (row M02).
type Introspection struct {
	Clients clients
	Tokens  tokens
	APIs    []*catalogue.API
	Misses  *limit.Rates // answers without a good token, by client: guessing costs (row M03)
	Answers *Answers
	Limit   int64 // of a body, in bytes
}

// clients proves who is asking.
type clients interface {
	Authenticate(*http.Request, wire.Parameters) (*store.Client, *store.Secret, error)
}

// tokens says whether a token of this environment is good, for whichever API.
type tokens interface {
	Check(ctx context.Context, token string) (*resource.Token, error)
}

// ServeHTTP answers 200 for every authenticated question.
func (i *Introspection) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, err := i.serve(r)
	if err != nil {
		i.Answers.refuse(w, r, err)
		return
	}
	activity.Of(r.Context()).Event = "token.introspected"
	h := w.Header()
	noStore(h)
	h["Content-Type"] = jsonValue
	room := answers.Get().(*[1 << 10]byte)
	defer answers.Put(room)
	if token == nil {
		send(w, append(room[:0], `{"active":false}`...))
		return
	}
	send(w, appendToken(room[:0], token))
}

// serve returns the token, nil when it is not active for who is asking.
func (i *Introspection) serve(r *http.Request) (*resource.Token, error) {
	client, presented, err := question(r, i.Clients, i.Limit)
	if err == nil && client.Public() {
		err = refusal.SecretMissing // row M01: who proves nothing learns nothing
	}
	if err != nil {
		return nil, err
	}
	token, err := i.Tokens.Check(r.Context(), presented)
	if err != nil && !errors.Is(err, oauth.InvalidToken) {
		return nil, err
	}
	if err != nil || !i.concerns(client, token) {
		if ok, wait := i.Misses.Spend(client.ID); !ok {
			return nil, tooMany(wait)
		}
		return nil, nil
	}
	return token, nil
}

// question reads who asks about which token (RFC 7662 §2.1, RFC 7009 §2.1).
func question(r *http.Request, by clients, limit int64) (client *store.Client, token string, err error) {
	body, err := parameters(r, limit, false)
	if err != nil {
		return nil, "", err
	}
	if client, _, err = by.Authenticate(r, body); err != nil {
		return nil, "", err
	}
	if token = body.Get("token"); token == "" {
		return nil, "", refusal.TokenParameterMissing
	}
	return client, token, nil
}

// concerns reports whether the token is the client's business.
func (i *Introspection) concerns(client *store.Client, token *resource.Token) bool {
	if client.Type != store.TypeResource {
		return token.ClientID == client.ID
	}
	return slices.ContainsFunc(i.APIs, func(api *catalogue.API) bool {
		_, itself := client.Allotted[api.Name]
		return itself && isFor(token, api)
	})
}

// isFor reports whether a token is for an API. Tokens of a dialect without
// audiences say it by their scopes.
func isFor(token *resource.Token, api *catalogue.API) bool {
	if len(token.Audience) > 0 {
		return slices.Contains(token.Audience, api.Audience)
	}
	return slices.ContainsFunc(token.Scope, func(s string) bool { return api.Scope(s) != nil })
}

// appendToken says what there is to know about a good token (RFC 7662 §2.2).
func appendToken(b []byte, t *resource.Token) []byte {
	return dialect.AppendIntrospection(b, &oauth.Introspection{
		Active: true, Scope: oauth.FormatScope(t.Scope), ClientID: t.ClientID, TokenType: oauth.TokenTypeBearer,
		ExpiresAt: t.ExpiresAt.Unix(), IssuedAt: t.IssuedAt.Unix(), Subject: t.Subject, Audience: t.Audience, Issuer: t.Issuer, ID: t.ID,
	})
}
