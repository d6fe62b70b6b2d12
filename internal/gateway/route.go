package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/catalogue"
)

// A rule is a route of an API, compiled.
type rule struct {
	*catalogue.Route
	api      *catalogue.API
	checker  Checker
	upstream *url.URL
	prefix   string   // before the path there, escaped
	quotas   []*quota // the route's own first; none: without a limit

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

// A node is a place in the tree of paths. A path is matched segment by segment,
// literal segments before {variables} before a last …, and the most specific
// path decides alone: a method that it does not open is closed, whatever a wider
// path says.
type node struct {
	literal  map[string]*node
	variable *node
	here     *place // the path ends here
	below    *place // … : the path goes on from here
}

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
		root.add(u)
	}
	return root
}

func (n *node) add(u *rule) {
	at := n
	segments := strings.Split(strings.TrimPrefix(u.Path, "/"), "/")
	for i, segment := range segments {
		switch {
		case segment == "…" && i == len(segments)-1:
			at.below = at.below.with(u)
			return
		case strings.HasPrefix(segment, "{"):
			if at.variable == nil {
				at.variable = &node{}
			}
			at = at.variable
		default:
			if at.literal == nil {
				at.literal = map[string]*node{}
			}
			if at.literal[segment] == nil {
				at.literal[segment] = &node{}
			}
			at = at.literal[segment]
		}
	}
	at.here = at.here.with(u)
}

func (p *place) with(u *rule) *place {
	if p == nil {
		p = &place{}
	}
	p.rules = append(p.rules, u)
	return p
}

// find returns the place of a canonical path, nil when no rule opens it. One
// slash at the end makes no difference: clients send both spellings and neither
// may be answered with a redirect.
func (n *node) find(path string) *place {
	path = strings.TrimPrefix(path, "/")
	if path != "" {
		path = strings.TrimSuffix(path, "/")
	}
	return n.walk(path)
}

func (n *node) walk(rest string) *place {
	segment, after, more := strings.Cut(rest, "/")
	for _, next := range []*node{n.literal[segment], n.variable} {
		if next == nil || next == n.variable && segment == "" {
			continue
		}
		if !more {
			if next.here != nil {
				return next.here
			}
		} else if found := next.walk(after); found != nil {
			return found
		}
	}
	if segment == "" {
		return nil // the root itself: … is one segment at least
	}
	return n.below
}
