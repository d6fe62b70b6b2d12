package grant

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/oauth"
)

// RefreshToken is the grant that goes on with what a person allowed before
// (RFC 6749 §6). Each refresh token is replaced by the next; the one before stays
// good for a moment, for whoever lost the answer.
type RefreshToken struct {
	APIs   []*catalogue.API // that a person can allow something at
	Reads  token.Refresh
	Grants interface {
		Present(context.Context, store.Presented) (store.Grant, *store.Account, error)
	}
	Now func() time.Time
}

// Type is refresh_token.
func (*RefreshToken) Type() string { return oauth.GrantRefreshToken }

// Redeem checks the refresh token, and what is asked for against what was allowed.
// Whether the token is the newest is for the store to say, in the step that
// replaces it.
func (t *RefreshToken) Redeem(ctx context.Context, req Request) (token.Authorization, error) {
	presented := req.Body.Get("refresh_token")
	if presented == "" {
		return token.Authorization{}, refusal.RefreshMissing
	}
	id, generation, ok := t.Reads.Read(presented)
	if !ok {
		return token.Authorization{}, refusal.RefreshUnknown
	}
	g, account, err := t.Grants.Present(ctx, store.Presented{GrantID: id})
	if errors.Is(err, store.ErrNotFound) {
		return token.Authorization{}, refusal.RefreshUnknown.From(err)
	}
	if err != nil {
		return token.Authorization{}, err
	}
	wrong := token.Authorization{ClientID: req.Client.ID, Spend: &token.Spend{GrantID: g.ID, Generation: generation}}
	now := t.Now()
	switch {
	case g.ClientID != req.Client.ID:
		return wrong, refusal.RefreshOfAnotherClient // row F05: somebody copied it
	case !g.EndedAt.IsZero():
		return token.Authorization{}, refusal.RefreshReused // rows F09, F10: it has ended
	case generation == g.Refresh.Generation && !now.Before(g.Refresh.EndsAt), !g.EndsAt.IsZero() && !now.Before(g.EndsAt):
		return token.Authorization{}, refusal.RefreshExpired // row F11
	}
	k, err := kept(&g)
	if err != nil {
		return token.Authorization{}, err
	}
	if gone(account) {
		return wrong, refusal.PersonGone // row F09
	}
	scope, apis, err := t.narrowed(&req, &g)
	if err != nil {
		return token.Authorization{}, err
	}
	if scope, apis = Rights(scope, apis, req.Client, account.Roles); len(apis) == 0 {
		return token.Authorization{}, refusal.PersonGone // row F09: nothing of it is left
	}
	k.Nonce = "" // OpenID Connect Core §12.2: it belonged to the sign-in
	made := authorized(&req, &g, k, account, scope, apis, now)
	made.Spend.Generation = generation
	return made, nil
}

// narrowed is what the request asks for of what was granted: never more, and the
// grant itself stays as wide as it was (rows F06, F07).
func (t *RefreshToken) narrowed(req *Request, g *store.Grant) (scope []string, apis []*catalogue.API, err error) {
	apis = named(t.APIs, g.APIs)
	targets := req.Body.Values("resource")
	if audience := req.Body.Get("audience"); audience != "" && audience != req.Client.ID {
		targets = append(slices.Clone(targets), audience)
	}
	for _, name := range targets {
		if !slices.ContainsFunc(apis, func(api *catalogue.API) bool { return api.Audience == name || api.Resource == name }) {
			return nil, nil, refusal.TargetBeyondGrant
		}
	}
	if len(targets) > 0 {
		apis = slices.DeleteFunc(apis, func(api *catalogue.API) bool {
			return api.Name != catalogue.OpenIDName && !slices.Contains(targets, api.Audience) && !slices.Contains(targets, api.Resource)
		})
	}
	asked, err := oauth.ParseScope(req.Body.Get("scope"))
	if err != nil {
		return nil, nil, refusal.ScopeMalformed.From(err)
	}
	if len(asked) == 0 {
		return g.Scope, apis, nil
	}
	for _, name := range asked {
		said := canonical(name, apis)
		if said == "" || !slices.Contains(g.Scope, said) {
			return nil, nil, refusal.ScopeBeyondGrant.Naming(g.Scope...)
		}
		if !slices.Contains(scope, said) {
			scope = append(scope, said)
		}
	}
	return scope, apis, nil
}
