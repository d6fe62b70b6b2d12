package grant

import (
	"slices"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// An Allotment says what a client gets of what it asks for, at the authorization
// endpoint and at the token endpoint alike.
type Allotment struct {
	APIs          []*catalogue.API // of the environment
	OpenID        *catalogue.API   // OpenID Connect's own scopes, where they can be asked for; nil otherwise
	NeedsAudience bool             // the dialect wants to be told which API the token is for
}

// An Allotted is what a client gets.
type Allotted struct {
	APIs  []*catalogue.API // never empty
	Scope []string
	All   bool // no scope was named
}

// Of finds the APIs and the scopes that the client asks for. What is not said is
// all that was allotted; what is said and not allotted is refused, never dropped.
func (a *Allotment) Of(client *store.Client, body wire.Parameters) (Allotted, error) {
	asked, err := oauth.ParseScope(body.Get("scope"))
	if err != nil {
		return Allotted{}, refusal.ScopeMalformed.From(err)
	}
	apis, named, err := a.targets(client, body, asked)
	if err != nil {
		return Allotted{}, err
	}
	known := apis
	if !named {
		if known = a.APIs; a.OpenID != nil {
			known = a.All()
		}
	}
	scopes, reached, err := allot(asked, apis, known, client.Allotted)
	if err != nil {
		return Allotted{}, err
	}
	switch {
	case !named:
		apis = reached // a token is for no API that it has no scope for, unless it was asked for by name
	case a.OpenID != nil && !slices.Contains(reached, a.OpenID):
		apis = slices.DeleteFunc(apis, func(api *catalogue.API) bool { return api == a.OpenID })
	}
	if !token.Compatible(apis) || crossed(apis, scopes, client.Allotted) {
		return Allotted{}, refusal.AudienceMixed.Naming(audiences(slices.DeleteFunc(apis, func(api *catalogue.API) bool { return api == a.OpenID }))...)
	}
	return Allotted{APIs: apis, Scope: scopes, All: len(asked) == 0}, nil
}

// All are the APIs that something can be asked for at, in a list of its own.
func (a *Allotment) All() []*catalogue.API {
	all := slices.Clone(a.APIs)
	if a.OpenID != nil {
		all = append(all, a.OpenID)
	}
	return all
}

// maxResources is how many resource indicators one request may name.
const maxResources = 8

// targets are the APIs that the token may be for: those that audience and
// resource (RFC 8707 §2) name, else all that the client was allotted. OpenID
// Connect's scopes are asked for beside any API.
func (a *Allotment) targets(client *store.Client, body wire.Parameters, asked []string) (apis []*catalogue.API, named bool, err error) {
	names := body.Values("resource")
	if audience := body.Get("audience"); audience != "" && audience != client.ID {
		// Some clients repeat their own id as the audience: it says nothing.
		names = append(slices.Clone(names), audience)
	}
	if len(names) > maxResources {
		return nil, true, refusal.AudienceUnknown
	}
	all := a.All()
	if len(names) == 0 {
		if a.NeedsAudience && !a.onlyOpenID(client, asked) {
			return nil, false, refusal.AudienceMissing
		}
		apis = slices.DeleteFunc(all, func(api *catalogue.API) bool { return !mayUse(client, api) })
		if len(apis) == 0 {
			return nil, false, refusal.AudienceNotAllotted.Naming(audiences(a.APIs)...)
		}
		return apis, false, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(all, func(api *catalogue.API) bool { return api.Audience == name || api.Resource == name })
		switch {
		case i < 0:
			return nil, true, refusal.AudienceUnknown
		case !mayUse(client, all[i]):
			return nil, true, refusal.AudienceNotAllotted.Naming(all[i].Audience)
		case !slices.Contains(apis, all[i]):
			apis = append(apis, all[i])
		}
	}
	if a.OpenID != nil && mayUse(client, a.OpenID) && !slices.Contains(apis, a.OpenID) {
		apis = append(apis, a.OpenID)
	}
	return apis, true, nil
}

// onlyOpenID reports whether nothing but OpenID Connect's own scopes is asked for:
// such a token is for the UserInfo endpoint, and needs no other audience.
func (a *Allotment) onlyOpenID(client *store.Client, asked []string) bool {
	return a.OpenID != nil && mayUse(client, a.OpenID) && len(asked) > 0 &&
		!slices.ContainsFunc(asked, func(s string) bool { return a.OpenID.Scope(s) == nil })
}

func mayUse(client *store.Client, api *catalogue.API) bool {
	_, ok := client.Allotted[api.Name]
	return ok
}

// allot returns the scopes that the client gets and the APIs that they belong
// to. Where scopes are named, APIs that own none of them drop out of the token. A
// scope that none of the known APIs has is unknown.
func allot(asked []string, apis, known []*catalogue.API, allotted map[string][]string) ([]string, []*catalogue.API, error) {
	mine := func() []string {
		lists := make([][]string, len(apis))
		for i, api := range apis {
			lists[i] = current(api, allotted[api.Name])
		}
		return union(lists)
	}
	if len(asked) == 0 {
		return mine(), apis, nil
	}
	var scopes, missing []string
	var reached []*catalogue.API
	for _, name := range asked {
		got := false
		for _, api := range apis {
			scope := api.Scope(name)
			if scope == nil || !holds(api, allotted[api.Name], scope) {
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
			return nil, nil, refusal.ScopeUnknown.Naming(mine()...)
		}
		missing = append(missing, said)
	}
	if len(missing) > 0 {
		return nil, nil, refusal.ScopeNotAllotted.Naming(missing...)
	}
	return scopes, reached, nil
}

// holds reports whether a scope of the API is among those that a client was
// allotted, by its name or by one that it had.
func holds(api *catalogue.API, allotted []string, scope *catalogue.Scope) bool {
	return slices.Contains(allotted, scope.Name) ||
		slices.ContainsFunc(allotted, func(name string) bool { return api.Scope(name) == scope })
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

// crossed reports whether a token for these APIs would carry a scope to one of them
// at which the client was not allotted it: every scope of a token counts at every
// API that it is for (RFC 8707 §2).
func crossed(apis []*catalogue.API, scopes []string, allotted map[string][]string) bool {
	return len(apis) > 1 && slices.ContainsFunc(scopes, func(name string) bool {
		return !everywhere(apis, name, func(api *catalogue.API) bool { return holds(api, allotted[api.Name], api.Scope(name)) })
	})
}

// everywhere reports whether something is so at each of the APIs that have the scope.
func everywhere(apis []*catalogue.API, scope string, so func(*catalogue.API) bool) bool {
	return !slices.ContainsFunc(apis, func(api *catalogue.API) bool { return api.Scope(scope) != nil && !so(api) })
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
