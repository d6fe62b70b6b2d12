package grant

import (
	"context"
	"slices"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/oauth"
)

// ClientCredentials is the grant of a client that acts for itself
// (RFC 6749 §4.4). It issues no refresh token (§4.4.3).
type ClientCredentials struct {
	APIs          []*catalogue.API // of the environment
	NeedsAudience bool             // the dialect wants to be told which API the token is for
}

// Type is client_credentials.
func (*ClientCredentials) Type() string { return oauth.GrantClientCredentials }

// Redeem finds the APIs and the scopes that the client asks for. What is not
// said is all that was allotted; what is said and not allotted is refused, never
// dropped.
func (g *ClientCredentials) Redeem(_ context.Context, req Request) (token.Authorization, error) {
	asked, err := oauth.ParseScope(req.Body.Get("scope"))
	if err != nil {
		return token.Authorization{}, refusal.ScopeMalformed.From(err)
	}
	apis, named, err := g.targets(req)
	if err != nil {
		return token.Authorization{}, err
	}
	known := apis
	if !named {
		known = g.APIs
	}
	scopes, reached, err := allot(asked, apis, known, req.Client.Allotted)
	if err != nil {
		return token.Authorization{}, err
	}
	if !named {
		apis = reached // a token is for no API that it has no scope for, unless it was asked for by name
	}
	if !token.Compatible(apis) {
		return token.Authorization{}, refusal.AudienceMixed.Naming(audiences(apis)...)
	}
	return token.Authorization{ClientID: req.Client.ID, SecretID: req.Secret.ID, APIs: apis, Scope: scopes}, nil
}

// maxResources is how many resource indicators one request may name.
const maxResources = 8

// targets are the APIs that the token may be for: those that audience and
// resource (RFC 8707 §2) name, else all that the client was allotted.
func (g *ClientCredentials) targets(req Request) (apis []*catalogue.API, named bool, err error) {
	names := req.Body.Values("resource")
	if audience := req.Body.Get("audience"); audience != "" && audience != req.Client.ID {
		// Some clients repeat their own id as the audience: it says nothing.
		names = append(slices.Clone(names), audience)
	}
	if len(names) > maxResources {
		return nil, true, refusal.AudienceUnknown
	}
	if len(names) == 0 {
		if g.NeedsAudience {
			return nil, false, refusal.AudienceMissing
		}
		apis = slices.DeleteFunc(slices.Clone(g.APIs), func(a *catalogue.API) bool { return !mayUse(req, a) })
		if len(apis) == 0 {
			return nil, false, refusal.AudienceNotAllotted.Naming(audiences(g.APIs)...)
		}
		return apis, false, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(g.APIs, func(a *catalogue.API) bool { return a.Audience == name || a.Resource == name })
		switch {
		case i < 0:
			return nil, true, refusal.AudienceUnknown
		case !mayUse(req, g.APIs[i]):
			return nil, true, refusal.AudienceNotAllotted.Naming(g.APIs[i].Audience)
		case !slices.Contains(apis, g.APIs[i]):
			apis = append(apis, g.APIs[i])
		}
	}
	return apis, true, nil
}

func mayUse(req Request, api *catalogue.API) bool {
	_, ok := req.Client.Allotted[api.Name]
	return ok
}

// allot returns the scopes that the client gets and the APIs that they belong
// to. Where scopes are named, APIs that own none of them drop out of the token. A
// scope that none of the known APIs has is unknown.
func allot(asked []string, apis, known []*catalogue.API, allotted map[string][]string) ([]string, []*catalogue.API, error) {
	mine := make([][]string, len(apis))
	for i, api := range apis {
		mine[i] = current(api, allotted[api.Name])
	}
	if len(asked) == 0 {
		return union(mine), apis, nil
	}
	var scopes, missing []string
	var reached []*catalogue.API
	for _, name := range asked {
		got := false
		for i, api := range apis {
			scope := api.Scope(name)
			if scope == nil || !slices.Contains(mine[i], scope.Name) {
				continue
			}
			got = true
			if !slices.Contains(scopes, scope.Name) {
				scopes = append(scopes, scope.Name)
			}
			if !slices.Contains(reached, api) {
				reached = append(reached, api)
			}
		}
		if got {
			continue
		}
		said := canonical(name, known)
		if said == "" {
			return nil, nil, refusal.ScopeUnknown.Naming(union(mine)...)
		}
		missing = append(missing, said)
	}
	if len(missing) > 0 {
		return nil, nil, refusal.ScopeNotAllotted.Naming(missing...)
	}
	return scopes, reached, nil
}

// current are the scopes as the file names them now: one that it renamed and kept
// as an alias has its new name, one that it no longer has is silently gone.
func current(api *catalogue.API, scopes []string) []string {
	var names []string
	for _, name := range scopes {
		if scope := api.Scope(name); scope != nil && !slices.Contains(names, scope.Name) {
			names = append(names, scope.Name)
		}
	}
	return names
}

// union has each of the names once: two APIs may have scopes of the same name.
func union(lists [][]string) []string {
	var all []string
	for _, name := range slices.Concat(lists...) {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// canonical is the catalogue's spelling of a scope that some API has, or empty.
func canonical(name string, apis []*catalogue.API) string {
	for _, api := range apis {
		if scope := api.Scope(name); scope != nil {
			return scope.Name
		}
	}
	return ""
}

func audiences(apis []*catalogue.API) []string {
	var names []string
	for _, api := range apis {
		names = append(names, api.Audience)
	}
	return names
}
