package endpoint

import (
	"context"
	"net/http"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/clientauth"
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
		Again(token.Authorization) (oauth.TokenResponse, bool)
		Issue(context.Context, token.Authorization) (oauth.TokenResponse, error)
		Void(context.Context, token.Authorization) error
	}
	Budgets   *Budgets // nil: no client has to keep to one
	Answers   *Answers
	BodyLimit int64 // bytes
	Now       func() time.Time
}

// ServeHTTP answers a token request: 200 with a token, or a refusal.
func (t *Token) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	issued, asked, err := t.serve(w, r)
	if err != nil {
		t.Answers.refuse(w, r, err)
		return
	}
	h := w.Header()
	noStore(h)
	h["Content-Type"] = []string{t.Answers.Dialect.ContentType}
	room := answers.Get().(*[1 << 10]byte)
	defer answers.Put(room)
	send(w, t.Answers.Dialect.AppendToken(room[:0], &issued, asked))
}

// serve is a token request in its phases.
func (t *Token) serve(w http.ResponseWriter, r *http.Request) (issued oauth.TokenResponse, asked string, err error) {
	body, err := parameters(r, t.BodyLimit, t.Answers.Dialect.JSON)
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
	allowOrigin(w, r, client)
	if err := t.permitted(client, g.Type()); err != nil {
		return issued, "", err
	}
	authorized, err := g.Redeem(r.Context(), grant.Request{Client: client, Secret: proof, Method: clientauth.MethodOf(r), Body: body})
	if err != nil {
		return issued, "", t.void(r.Context(), authorized, err)
	}
	event := activity.TokenIssued
	if again, ok := t.Issuer.Again(authorized); ok {
		event, issued = activity.TokenReused, again
	} else if issued, err = t.issue(r.Context(), w.Header(), authorized); err != nil {
		return issued, "", err
	}
	note(r, event, g, authorized)
	return issued, body.Get("scope"), nil
}

// issue has a token made, if the client may have another one.
func (t *Token) issue(ctx context.Context, h http.Header, a token.Authorization) (oauth.TokenResponse, error) {
	if err := t.Budgets.spend(h, &a); err != nil {
		return oauth.TokenResponse{}, err
	}
	issued, err := t.Issuer.Issue(ctx, a)
	if err != nil {
		t.Budgets.refund(&a)
	}
	return issued, err
}

// permitted says whether the client may use a grant.
func (t *Token) permitted(client *store.Client, grant string) error {
	switch {
	case client.Public() && grant == oauth.GrantClientCredentials:
		return refusal.GrantNotForPublic // row E08
	case !client.MayUse(grant):
		return refusal.GrantNotAllowed
	case len(client.GrantsEnd) > 0 && client.Ended(grant, t.Now()):
		return refusal.GrantEnded // mission U44
	}
	return nil
}

// void spends what was presented beside a wrong proof, before it is refused.
func (t *Token) void(ctx context.Context, presented token.Authorization, refused error) error {
	if presented.Spend == nil {
		return refused
	}
	if err := t.Issuer.Void(ctx, presented); err != nil {
		return err // it may still be good: the client is told to try again
	}
	return refused
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
func note(r *http.Request, event string, g grant.Grant, a token.Authorization) {
	fact := activity.Of(r.Context())
	fact.Event = event
	fact.Grant = g.Type()
	fact.API = a.APIs[0].Name
	fact.Scopes = len(a.Scope)
}
