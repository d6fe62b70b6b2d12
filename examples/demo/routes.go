// Package demo is what the demo APIs under examples share: a route table, the
// reading and writing of JSON, paging, and a collection kept in memory.
//
// It is scaffolding for demonstrations and tests, not a framework, and nothing
// outside examples imports it. A demo API stands behind the gateway and checks
// no token: that is the work of the packages resource and internal/gateway.
//
// It follows RFC 9110 for methods and statuses, RFC 8259 for JSON and RFC 8288
// for the links of a paged answer.
package demo

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Handler answers one request. What it returns as an error is written by
// Routes, so a handler that has written an answer returns nil.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Routes is a table of handlers by path and method. Fill it, then serve it;
// once filled it is safe for concurrent use.
//
// Unlike [http.ServeMux] it never redirects: a redirect turns a POST into a
// GET. A trailing slash and doubled slashes mean the same path.
type Routes struct {
	// Refuse writes an error answer. Nil means [WriteFault].
	Refuse func(http.ResponseWriter, *Fault)

	routes []*route
}

type route struct {
	pattern  string
	segments []string
	methods  map[string]Handler // "" answers every method
}

// Handle adds a handler. The pattern is "METHOD /path", or "/path" for every
// method; a segment in braces, such as {id}, matches any one segment, which
// [http.Request.PathValue] gives decoded. Of two patterns that match a path,
// the one added first answers.
func (t *Routes) Handle(pattern string, h Handler) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = "", pattern
	}
	at := slices.IndexFunc(t.routes, func(have *route) bool { return have.pattern == path })
	if at < 0 {
		at = len(t.routes)
		t.routes = append(t.routes, &route{pattern: path, segments: split(path), methods: map[string]Handler{}})
	}
	t.routes[at].methods[method] = h
}

// Patterns lists what was added, as "METHOD /path" or "/path", sorted.
func (t *Routes) Patterns() []string {
	var all []string
	for _, route := range t.routes {
		for method := range route.methods {
			all = append(all, strings.TrimSpace(method+" "+route.pattern))
		}
	}
	slices.Sort(all)
	return all
}

// ServeHTTP answers with the handler of the path and method, 404 when no
// pattern matches and 405 with Allow when the method is not served. HEAD is
// served wherever GET is.
func (t *Routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := t.serve(w, r)
	if err == nil {
		return
	}
	fault, ok := errors.AsType[*Fault](err)
	if !ok {
		fault = &Fault{Status: http.StatusInternalServerError, Code: "server_error", Description: "The demo API failed."}
	}
	refuse := t.Refuse
	if refuse == nil {
		refuse = WriteFault
	}
	refuse(w, fault)
}

func (t *Routes) serve(w http.ResponseWriter, r *http.Request) error {
	path := split(r.URL.EscapedPath())
	for _, route := range t.routes {
		if !route.match(path, r) {
			continue
		}
		if h := route.handler(r.Method); h != nil {
			return h(w, r)
		}
		w.Header().Set("Allow", route.allow()) // RFC 9110 §15.5.6
		return &Fault{
			Status: http.StatusMethodNotAllowed, Code: "method_not_allowed",
			Description: fmt.Sprintf("%s is not served here. Served are: %s.", r.Method, route.allow()),
		}
	}
	return &Fault{Status: http.StatusNotFound, Code: "not_found", Description: "This API has no such path."}
}

// match tells whether the path is the route's, and leaves the values of its
// braces in the request. Segments are compared decoded, one by one, so that an
// encoded slash in an id stays part of the id.
func (t *route) match(path []string, r *http.Request) bool {
	if len(path) != len(t.segments) {
		return false
	}
	for i, want := range t.segments {
		got, err := url.PathUnescape(path[i])
		if err != nil {
			return false
		}
		if name, ok := strings.CutPrefix(want, "{"); ok {
			r.SetPathValue(strings.TrimSuffix(name, "}"), got)
		} else if got != want {
			return false
		}
	}
	return true
}

func (t *route) handler(method string) Handler {
	if h := t.methods[method]; h != nil {
		return h
	}
	if h := t.methods[http.MethodGet]; h != nil && method == http.MethodHead {
		return h
	}
	return t.methods[""]
}

func (t *route) allow() string {
	methods := slices.Collect(maps.Keys(t.methods))
	if t.methods[http.MethodGet] != nil {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

func split(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return s == "" })
}
