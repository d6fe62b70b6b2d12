package catalogue

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/forward"
)

// Lint says what nobody guards, or nobody needs: where the routes of an API and its
// OpenAPI document differ, scopes that no route asks for, and routes that let
// everybody alter something. All are warnings; what the document tells comes first.
// Where an API is named, only that one is looked at.
func Lint(c *Catalogue, api string) Faults {
	if len(c.Environments) == 0 {
		return nil
	}
	var found Faults
	e := c.Environments[0] // routes are the same in all
	for _, a := range e.APIs {
		if api == "" || a.Name == api {
			l := &linter{places: &c.places, environments: c.Environments, api: a, tree: treeOf(e), document: a.Document, used: make([]bool, len(a.Routes))}
			l.all()
			found = append(found, l.found...)
		}
	}
	return found
}

// A claim is a route of an API, by its number.
type claim struct {
	api    *API
	number int
}

// treeOf finds the routes of a path, as the gateway does.
func treeOf(e *Environment) *forward.Tree[[]claim] {
	root := &forward.Tree[[]claim]{}
	for _, a := range e.APIs {
		for i := range a.Routes {
			at := root.At(a.Routes[i].Path)
			if *at == nil {
				*at = new([]claim)
			}
			**at = append(**at, claim{a, i})
		}
	}
	return root
}

// claimed is the route that answers an operation, if one does.
func claimed(tree *forward.Tree[[]claim], op *Operation) (claim, bool) {
	if at := tree.Find(op.Route); at != nil {
		for _, c := range *at {
			if c.api.Routes[c.number].Allows(op.Method) {
				return c, true
			}
		}
	}
	return claim{}, false
}

// OperationsOf returns, for each route of the API, the operations of the API's
// document that it answers, in the order of the document.
func (e *Environment) OperationsOf(a *API) [][]*Operation {
	all := make([][]*Operation, len(a.Routes))
	if a.Document == nil {
		return all
	}
	tree := treeOf(e)
	for i := range a.Document.Operations {
		op := &a.Document.Operations[i]
		if c, ok := claimed(tree, op); ok && c.api == a {
			all[c.number] = append(all[c.number], op)
		}
	}
	return all
}

type linter struct {
	*places
	environments []*Environment
	api          *API
	tree         *forward.Tree[[]claim]
	document     *OpenAPI // nil: there is none
	used         []bool   // of each route: an operation needs it
	found        Faults
	said         map[string]*[]string // what is found of several operations alike: those behind the first
}

func (l *linter) all() {
	if l.document != nil {
		for i := range l.document.Operations {
			l.operation(&l.document.Operations[i])
		}
		l.more()
	}
	path := join("apis", l.api.Name)
	for i := range l.api.Routes {
		route := &l.api.Routes[i]
		switch unsafe := slices.DeleteFunc(slices.Clone(route.Methods), onlyReads); {
		case l.document != nil && !l.used[i]:
			l.warn(index(join(path, "routes"), i), "no operation of the document needs this route", "remove it, or describe it in "+l.document.File)
		case l.document == nil && route.Access == Public && len(unsafe) > 0 && l.open() != "":
			l.warn(index(join(path, "routes"), i), fmt.Sprintf("everybody may %s here, in %s", strings.Join(unsafe, " and "), l.open()), "ask for a scope, or for token")
		}
	}
	needed := map[string]bool{}
	for _, route := range l.api.Routes {
		for _, names := range route.AnyOf {
			for _, name := range names {
				needed[name] = true
			}
		}
	}
	for _, s := range l.api.Scopes {
		if !needed[s.Name] {
			l.warn(join(join(path, "scopes"), s.Name), "no route needs this scope", "remove it, or ask for it in a route")
		}
	}
}

func onlyReads(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// open are the environments in which a public route asks for nothing at all.
func (l *linter) open() string {
	var names []string
	for _, e := range l.environments {
		if a := e.API(l.api.Name); a != nil && (a.Open == "" || a.Open == wordPublic) {
			names = append(names, e.Name)
		}
	}
	return strings.Join(names, " and ")
}

func (l *linter) warn(path, problem, hint string) {
	f := l.fault(path, problem, hint)
	f.Warning = true
	l.found = append(l.found, f)
}

// operation holds one operation against the route that answers it.
func (l *linter) operation(op *Operation) {
	request := op.Method + " " + op.Route
	c, ok := claimed(l.tree, op)
	if !ok {
		l.found = append(l.found, l.document.fault(op, "no route answers "+request+": it is refused with 404", "add a route, or remove it from the document"))
		return
	}
	if c.api != l.api {
		l.found = append(l.found, l.document.fault(op, request+" is answered by a route of "+c.api.Name, ""))
		return
	}
	l.used[c.number] = true
	route := &l.api.Routes[c.number]
	at := index(join(join("apis", l.api.Name), "routes"), c.number)
	says := fmt.Sprintf("%s:%d", l.document.File, op.at.line)
	switch {
	case op.Access == "":
		l.found = append(l.found, l.document.fault(op, "says nothing of security; the route asks for "+l.asked(route.Access, route.AnyOf), "name the scheme and its scopes, or write security: []"))
	case route.Access == Public && op.Access != Public:
		where := l.open()
		if where == "" {
			return // it is guarded everywhere, by what open says
		}
		l.warn(at, fmt.Sprintf("is public in %s, and for %s the document asks for %s (%s)", where, request, l.asked(op.Access, op.AnyOf), says), "ask for the same here")
	default:
		here, there := l.asked(route.Access, route.AnyOf), l.asked(op.Access, l.known(op.AnyOf))
		if here != there {
			l.alike(at, "asks for "+here+", and the document for "+there, request, says)
		}
	}
}

// alike warns of something once, however many operations it is said of.
func (l *linter) alike(at, problem, request, says string) {
	if l.said == nil {
		l.said = map[string]*[]string{}
	}
	others, ok := l.said[problem]
	if !ok {
		l.said[problem] = &[]string{}
		l.warn(at, problem, says+": "+request)
		return
	}
	*others = append(*others, request)
}

// more adds to what was warned of how many operations more it is said of.
func (l *linter) more() {
	for i := range l.found {
		if others := l.said[l.found[i].Problem]; others != nil && len(*others) > 0 {
			l.found[i].Hint += fmt.Sprintf(", and %d more, the last %s", len(*others), (*others)[len(*others)-1])
		}
	}
}

// known writes scopes by the names that they have here.
func (l *linter) known(anyOf [][]string) [][]string {
	var all [][]string
	for _, names := range anyOf {
		var here []string
		for _, name := range names {
			if s := l.api.Scope(name); s != nil {
				name = s.Name
			}
			here = append(here, name)
		}
		all = append(all, here)
	}
	return all
}

// asked says what is asked for, for people, in one order and in short.
func (l *linter) asked(kind Access, anyOf [][]string) string {
	if kind == Public {
		return "nothing"
	}
	if len(anyOf) == 0 {
		return "any token"
	}
	var all []string
	for _, names := range anyOf {
		var short []string
		for _, name := range names {
			short = append(short, ending(name, l.api.Scopes))
		}
		slices.Sort(short)
		all = append(all, strings.Join(short, " and "))
	}
	slices.Sort(all)
	return strings.Join(all, " or ")
}

// ending is what stands behind the last slash of a scope that is a URL, where that
// means it alone.
func ending(name string, scopes []*Scope) string {
	short := name[strings.LastIndexByte(name, '/')+1:]
	if !strings.Contains(name, "://") || short == "" || short == wordPublic || short == wordToken || short == wordAll {
		return name
	}
	for _, s := range scopes {
		for _, spelling := range append([]string{s.Name}, s.Aliases...) {
			if s.Name != name && (spelling == short || Ends(spelling, short)) {
				return name
			}
		}
	}
	return short
}
