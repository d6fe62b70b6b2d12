package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/forward"
	"github.com/grantway/grantway/internal/limit"
)

// A rule is a route of an API, compiled.
type rule struct {
	*catalogue.Route
	api      *catalogue.API
	checker  Checker
	upstream *url.URL
	prefix   string       // before the path there, escaped
	quotas   limit.Quotas // the route's own first; none: without a limit

	tokenHeader, forHeader string // of the API, as requests are read; empty: it has none
	roles                  bool   // some right at the API takes a role
}

// rulesOf are the rules of all APIs of an environment.
func rulesOf(e *catalogue.Environment) []*rule {
	var rules []*rule
	for _, api := range e.APIs {
		upstream := api.Upstream
		if upstream == nil || upstream.Scheme == catalogue.Demo {
			upstream = demo
		}
		for i := range api.Routes {
			rules = append(rules, &rule{
				Route: &api.Routes[i], api: api, upstream: upstream, prefix: strings.TrimSuffix(upstream.EscapedPath(), "/"),
				tokenHeader: http.CanonicalHeaderKey(api.Tokens.Header), forHeader: http.CanonicalHeaderKey(api.Tokens.For),
				roles: slices.ContainsFunc(api.Scopes, func(s *catalogue.Scope) bool { return len(s.Roles) > 0 }),
			})
		}
	}
	return rules
}

// usual are the scopes that a client should ask for to use the route: those of
// the first alternative.
func (u *rule) usual() []string {
	if len(u.AnyOf) == 0 {
		return nil
	}
	return u.AnyOf[0]
}

// A node is the tree of an environment; see forward.Tree.
type node = forward.Tree[place]

// A place is what the catalogue says about one path: at least one rule, and of
// one method one rule at most. The rules may be of several APIs.
type place struct{ rules []*rule }

func (p *place) methods() []string {
	var methods []string
	for _, u := range p.rules {
		methods = append(methods, u.Methods...)
		if slices.Contains(u.Methods, http.MethodGet) {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// of reports whether the rule with that number is the API's; where no rule has
// the number, whether any rule is.
func (p *place) of(api string, number int) bool {
	if number >= 0 {
		return p.rules[number].api.Name == api
	}
	return slices.ContainsFunc(p.rules, func(u *rule) bool { return u.api.Name == api })
}

// treeOf builds the tree of an environment. The catalogue was checked: no two
// rules claim the same method and path.
func treeOf(rules []*rule) *node {
	root := &node{}
	for _, u := range rules {
		at := root.At(u.Path)
		*at = (*at).with(u)
	}
	return root
}

func (p *place) with(u *rule) *place {
	if p == nil {
		p = &place{}
	}
	p.rules = append(p.rules, u)
	return p
}
