package partner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
)

// AllScopes is the word for every scope of the APIs that are named.
const AllScopes = "all"

const maxScopes = 1000 // that one request names

// allotted is what a client may use, by API, when it is given these APIs and
// scopes. The rules are those of the clients of grantway.yaml.
func (c *Clients) allotted(kind string, apis, scopes []string, faults *Faults) map[string][]string {
	if len(apis) > maxNamed || len(scopes) > maxScopes {
		faults.add("scopes", fmt.Sprintf("more than %d APIs or %d scopes are named", maxNamed, maxScopes), "write "+AllScopes)
		return nil
	}
	before := len(*faults)
	a := c.allotment(kind, faults)
	if len(apis) > 0 {
		a.choose("apis", apis)
	}
	for i, text := range scopes {
		a.allot(at("scopes", i), text)
	}
	for _, api := range a.usable {
		if given, ok := a.of[api.Name]; ok && len(given) == 0 && len(api.Scopes) > 0 && len(scopes) == 0 {
			faults.add("scopes", "no scope of "+api.Name+" is allotted", "write "+AllScopes+", or those that the client needs")
		}
	}
	if len(a.of) == 0 && len(*faults) == before {
		faults.add("scopes", "the client may use no API", "name scopes, or APIs that have none; "+AllScopes+" is every scope")
	}
	return a.of
}

// itself is what a resource is allotted: the APIs that it is.
func (c *Clients) itself(apis, scopes []string, faults *Faults) map[string][]string {
	if len(scopes) > 0 {
		faults.add("scopes", "a resource has no scopes", "leave them away")
	}
	if len(apis) == 0 {
		faults.add("apis", "the resource is no API", "name the APIs that it is")
	}
	a := c.allotment(store.TypeResource, faults)
	a.choose("apis", apis)
	return a.of
}

type allotment struct {
	of     map[string][]string
	usable []*catalogue.API
	openID *catalogue.API // of OpenID Connect's own scopes; nil: the client gets none of them
	faults *Faults
}

// allotment is one of nothing, for a type of client.
func (c *Clients) allotment(kind string, faults *Faults) *allotment {
	a := &allotment{of: map[string][]string{}, usable: c.Environment.APIs, faults: faults}
	if forPeople(kind) {
		a.openID = c.Environment.OpenID
	}
	return a
}

// choose narrows the APIs to those that are named.
func (a *allotment) choose(field string, names []string) {
	all := a.usable
	a.usable = nil
	for i, name := range names {
		found := slices.IndexFunc(all, func(api *catalogue.API) bool { return api.Name == name })
		switch {
		case found < 0:
			known := make([]string, len(all))
			for k, api := range all {
				known[k] = api.Name
			}
			a.faults.add(at(field, i), quote(name)+" is not an API of this environment", several("known are ", known))
		case slices.Contains(names[:i], name):
			a.faults.add(at(field, i), quote(name)+" stands twice", "")
		default:
			a.usable = append(a.usable, all[found])
			if a.of[name] == nil {
				a.of[name] = []string{}
			}
		}
	}
}

// allot adds what one text under scopes means.
func (a *allotment) allot(field, text string) {
	if text == AllScopes {
		for _, api := range a.usable {
			for _, s := range api.Scopes {
				a.add(api.Name, s.Name)
			}
		}
		return
	}
	if a.allotAt(text) {
		return
	}
	own := func(api *catalogue.API) bool { return api.Scope(text) != nil }
	if a.openID != nil && own(a.openID) && !slices.ContainsFunc(a.usable, own) {
		a.add(a.openID.Name, text)
		return
	}
	m := catalogue.Mean(text, a.usable)
	switch {
	case len(m.Of) == 1:
		a.add(m.Of[0], m.Scope)
	case len(m.Of) > 1:
		a.faults.add(field, quote(text)+" is a scope of "+strings.Join(m.Of, " and "), "name one of them under apis, or write it before the scope: "+quote(m.Of[0]+" "+m.Scope))
	case len(m.Ends) > 0:
		a.faults.add(field, fmt.Sprintf("%s is the end of %d scopes", quote(text), len(m.Ends)), several("write more of one: ", m.Ends))
	case len(a.usable) > 0: // else the fault lies with the APIs
		var known []string
		for _, api := range a.usable {
			for _, s := range api.Scopes {
				known = append(known, s.Name[strings.LastIndexByte(s.Name, '/')+1:])
			}
		}
		a.faults.add(field, quote(text)+" is not a scope of the client's APIs", several("known are ", known))
	}
}

// allotAt adds the scope that "API SCOPE" names, where it names one: several APIs may
// call a scope the same, and no name has a space in it.
func (a *allotment) allotAt(text string) bool {
	name, scope, _ := strings.Cut(text, " ")
	i := slices.IndexFunc(a.usable, func(api *catalogue.API) bool { return api.Name == name && api.Scope(scope) != nil })
	if i < 0 {
		return false
	}
	a.add(name, a.usable[i].Scope(scope).Name)
	return true
}

func (a *allotment) add(api, scope string) {
	if !slices.Contains(a.of[api], scope) {
		a.of[api] = append(a.of[api], scope)
	}
}

// several lists names in a hint, some of them where there are many.
func several(intro string, names []string) string {
	const most = 12
	switch {
	case len(names) == 0:
		return ""
	case len(names) > most:
		return intro + strings.Join(names[:most], ", ") + ", …"
	}
	return intro + strings.Join(names, ", ")
}
