package endpoint

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/oauth"
)

// The response modes (OAuth 2.0 Form Post Response Mode).
const (
	modeQuery    = "query"
	modeFormPost = "form_post"
)

// Done answers the application what the person decided: it starts the grant with
// its code, or refuses. The request is spent either way; one that is spent, past its
// end or not the application's any more is shown on a page.
func (a *Authorization) Done(w http.ResponseWriter, r *http.Request, request [32]byte, d grant.Decision) {
	waits, err := a.Requests.Find(r.Context(), request, a.Now())
	if errors.Is(err, store.ErrNotFound) {
		err = refusal.RequestEnded.From(err)
	}
	var asked grant.Asked
	if err == nil {
		err = json.Unmarshal(waits.Asked, &asked)
	}
	if err == nil && asked.ClientID != waits.ClientID {
		err = refusal.RequestEnded // row B23
	}
	var client *store.Client
	if err == nil {
		client, err = a.again(r.Context(), &asked)
	}
	if err != nil {
		a.page(w, r, err)
		return
	}
	activity.Of(r.Context()).Client = client.ID
	var code string
	refused := error(nil)
	if d.Refused != nil {
		refused = d.Refused
	} else {
		code, refused = a.start(r, request, client, &asked, &d)
	}
	switch {
	case refused == nil:
		activity.Of(r.Context()).Event = "grant.started"
		a.answer(w, r, &asked, member{"code", code})
	case errors.Is(refused, refusal.RequestEnded):
		a.page(w, r, refused)
	case refusal.Of(waiting(refused)).HTTPStatus() >= http.StatusInternalServerError:
		a.page(w, r, refused) // nothing is spent: the person can try again
	default:
		a.drop(w, r, request, &asked, refused)
	}
}

// drop spends the request and tells the application why.
func (a *Authorization) drop(w http.ResponseWriter, r *http.Request, request [32]byte, asked *grant.Asked, refused error) {
	err := a.Requests.Drop(r.Context(), request)
	if errors.Is(err, store.ErrSpent) {
		err = refusal.RequestEnded.From(err)
	}
	if err != nil {
		a.page(w, r, err)
		return
	}
	a.refuse(w, r, asked, refused)
}

// start starts the grant and returns its code.
func (a *Authorization) start(r *http.Request, request [32]byte, client *store.Client, asked *grant.Asked, d *grant.Decision) (string, error) {
	if err := mayHaveCode(client, a); err != nil {
		return "", err // row B02
	}
	if d.Account == nil || d.Session == nil {
		return "", errors.New("a decision needs who decided, and in which session")
	}
	scope := slices.DeleteFunc(slices.Clone(asked.Scope), func(s string) bool { return !slices.Contains(d.Scope, s) })
	apis := slices.DeleteFunc(a.Allotment.All(), func(api *catalogue.API) bool { return !slices.Contains(asked.APIs, api.Name) })
	scope, apis = grant.Rights(scope, apis, client, d.Account.Roles)
	if len(apis) == 0 || len(scope) == 0 && len(asked.Scope) > 0 {
		return "", refusal.RightsMissing
	}
	code, err := token.NewCode(a.Random)
	if err != nil {
		return "", err
	}
	id, err := secret.NewID(a.Random, 22)
	if err != nil {
		return "", err
	}
	now := a.Now()
	g := store.Grant{
		ID: id, ClientID: client.ID, AccountID: d.Account.ID, SessionID: d.Session.ID, Scope: scope,
		// What signs nobody in does not end with the session.
		Offline: !slices.Contains(scope, oauth.ScopeOpenID) || slices.Contains(scope, oauth.ScopeOfflineAccess),
		Asked: (&grant.Kept{
			RedirectURI: asked.RedirectURI, Challenge: asked.Challenge, Nonce: asked.Nonce, ACR: d.ACR, Claims: idTokenClaims(asked.Claims),
		}).Encode(),
		Methods: d.Session.Methods, AuthenticatedAt: d.Session.AuthenticatedAt,
		Code:      store.GrantCode{Hash: secret.HashOf(code), EndsAt: now.Add(catalogue.CodeLife)}, // rows C04, C09
		CreatedAt: now, EndsAt: now.Add(a.Life.Most),
	}
	for _, api := range apis {
		g.APIs = append(g.APIs, api.Name)
	}
	var consent *store.Consent
	if d.Remember {
		consent = &store.Consent{Allowed: grant.Allow(d.Before, asked, apis, scope), Redirects: []string{asked.Redirect}, GivenAt: now}
	}
	err = a.Grants.Start(r.Context(), request, g, consent, store.By{Actor: d.Account.ID, Trace: activity.Of(r.Context()).Trace, At: now})
	switch {
	case errors.Is(err, store.ErrSpent):
		return "", refusal.RequestEnded.From(err)
	case errors.Is(err, store.ErrNotFound): // account, client or session ended meanwhile
		return "", refusal.LoginRequired.From(err)
	}
	return code, err
}

// A member of an authorization response: its name and its value.
type member = [2]string

// refuse tells the application why it gets no code (RFC 6749 §4.1.2.1).
func (a *Authorization) refuse(w http.ResponseWriter, r *http.Request, asked *grant.Asked, err error) {
	refused := refusal.Of(waiting(err))
	activity.Of(r.Context()).Refusal = refused
	a.answer(w, r, asked, member{"error", string(refused.Public().Code)}, member{"error_description", refused.Describe()})
}

// answer sends the browser back to the application. State and issuer belong to
// every answer (RFC 6749 §4.1.2, RFC 9207 §2).
func (a *Authorization) answer(w http.ResponseWriter, r *http.Request, asked *grant.Asked, members ...member) {
	if asked.State != "" {
		members = append(members, member{"state", asked.State})
	}
	members = append(members, member{"iss", a.Name}) // row B06
	h := w.Header()
	noStore(h)
	h.Set("Referrer-Policy", "no-referrer") // row A18
	if asked.ResponseMode == modeFormPost {
		name := asked.ClientID
		if client, err := a.Clients.Find(r.Context(), asked.ClientID); err == nil {
			name = client.Name
		}
		a.Pages.Post(w, r, asked.Redirect, name, members)
		return
	}
	location := asked.Redirect
	for _, m := range members {
		mark := "&"
		if !strings.Contains(location, "?") {
			mark = "?"
		}
		location += mark + m[0] + "=" + escape(m[1])
	}
	h.Set("Location", location)
	w.WriteHeader(http.StatusSeeOther) // row A17
}

// escape is url.QueryEscape with %20 for a space, which every reader understands.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
