package catalogue

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// openAPIReader makes an OpenAPI of the elements of a document. What it does not
// understand and a route depends on is a fault; what only the documentation would
// say is a note.
type openAPIReader struct {
	*decoder
	root   *element
	doc    *OpenAPI
	notes  Faults
	refs   int
	base   string // path of the server
	scheme map[string]schemeKind
	unsaid access // of operations that say nothing

	examples int            // bytes of them
	claimed  map[string]int // the operation of a method and a shape of path
	scopes   map[string]int // the scope of a name
}

// access is what an operation asks for.
type access struct {
	kind  Access
	anyOf [][]string
}

const maxRefs = 20_000

// Keys of the objects on which it depends what a route asks for: one that is
// misspelt there would leave something open.
var (
	rootKeys      = strings.Fields("openapi $self info jsonSchemaDialect servers paths webhooks components security tags externalDocs")
	pathKeys      = strings.Fields("$ref summary description servers parameters get put post delete options head patch trace")
	operationKeys = strings.Fields("tags summary description externalDocs operationId parameters requestBody responses callbacks deprecated security servers")
)

func (r *openAPIReader) wrong(e *element, path, problem, hint string) {
	r.faults = append(r.faults, r.about(e, path, problem, hint))
}

func (r *openAPIReader) note(e *element, path, problem, hint string) {
	f := r.about(e, path, problem, hint)
	f.Warning = true
	r.notes = append(r.notes, f)
}

func (r *openAPIReader) about(e *element, path, problem, hint string) Fault {
	f := Fault{File: r.file, Path: path, Problem: problem, Hint: hint}
	if e != nil {
		f.Line, f.Column = e.at.line, e.at.column
	}
	return f
}

// object makes sure that an element is one, with keys that are known or begin with x-.
func (r *openAPIReader) object(e *element, path string, known []string) bool {
	if e == nil || e.kind != anObject {
		r.wrong(e, path, "is not an object", "")
		return false
	}
	for _, m := range e.members {
		if known != nil && !slices.Contains(known, m.key) && !strings.HasPrefix(m.key, "x-") {
			r.wrong(m.value, join(path, m.key), "is not a key of OpenAPI here", didYouMean(m.key, known))
		}
	}
	return true
}

func (r *openAPIReader) read() {
	if version := r.root.says("swagger"); version != "" {
		r.wrong(r.root.get("swagger"), "swagger", "is the version before OpenAPI 3", "convert the document to OpenAPI 3.0 or 3.1")
		return
	}
	r.doc.Version = r.root.says("openapi")
	if !strings.HasPrefix(r.doc.Version, "3.0.") && !strings.HasPrefix(r.doc.Version, "3.1.") {
		r.wrong(r.root.get("openapi"), "openapi", quote(r.doc.Version)+" is not a version that is read", "versions 3.0 and 3.1 are")
		return
	}
	if !r.object(r.root, "", rootKeys) {
		return
	}
	info := r.root.get("info")
	r.doc.Title, r.doc.Description = info.says("title"), info.says("description")
	r.server()
	r.schemes()
	if security := r.root.get("security"); security != nil {
		r.unsaid, _ = r.security(security, "security")
	}
	if hooks := r.root.get("webhooks"); hooks != nil && len(hooks.members) > 0 {
		r.note(hooks, "webhooks", "are requests that the API makes: they are no routes", "")
	}
	r.schemas()
	paths := r.root.get("paths")
	if paths == nil {
		r.wrong(r.root, "paths", "is missing", "")
		return
	}
	if !r.object(paths, "paths", nil) {
		return
	}
	for _, m := range paths.members {
		switch {
		case strings.HasPrefix(m.key, "/"):
			r.pathItem(m.key, m.value, join("paths", m.key))
		case !strings.HasPrefix(m.key, "x-"):
			r.wrong(m.value, join("paths", m.key), "is not a path", "a path begins with a slash")
		}
	}
}

// server reads the first server; its path stands before all others.
func (r *openAPIReader) server() {
	servers := r.root.get("servers")
	if servers == nil || len(servers.items) == 0 {
		return
	}
	first := servers.items[0]
	text := first.says("url")
	if variables := first.get("variables"); variables != nil {
		for _, v := range variables.members {
			text = strings.ReplaceAll(text, "{"+v.key+"}", v.value.says("default"))
		}
	}
	u, err := url.Parse(text)
	if err != nil || strings.ContainsAny(text, "{}") {
		r.wrong(first, "servers[0]", quote(text)+" is not a URL", "give its variables defaults")
		return
	}
	base, _, problem := routePath("/" + strings.Trim(u.EscapedPath(), "/"))
	if problem != "" {
		r.wrong(first, "servers[0]", problem, "")
		return
	}
	r.doc.Server, r.base = u, strings.TrimSuffix(base, "/")
	for i, other := range servers.items[1:] {
		if p, err := url.Parse(other.says("url")); err == nil && strings.Trim(p.Path, "/") != strings.Trim(u.Path, "/") {
			r.note(other, index("servers", i+1), "has another path than the first server: routes are made for the first", "")
		}
	}
}

// follow returns what an element stands for: itself, or what its $ref points to
// within the document (RFC 6901).
func (r *openAPIReader) follow(e *element, path string) *element {
	for range 8 {
		ref := e.get("$ref")
		if ref == nil || e.kind != anObject || ref.kind != aText {
			return e
		}
		if r.refs++; r.refs > maxRefs {
			if r.refs == maxRefs+1 {
				r.wrong(ref, join(path, "$ref"), fmt.Sprintf("is one of more than %d references", maxRefs), "")
			}
			return nil
		}
		pointer, local := strings.CutPrefix(ref.text, "#")
		if !local {
			r.wrong(ref, join(path, "$ref"), quote(ref.text)+" is outside the document: nothing is fetched", "bundle the document into one file first")
			return nil
		}
		found := r.root
		if pointer != "" {
			for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
				token, _ = url.PathUnescape(token)
				token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
				if found = found.get(token); found == nil {
					break
				}
			}
		}
		if found == nil {
			r.wrong(ref, join(path, "$ref"), quote(ref.text)+" points to nothing", "")
			return nil
		}
		e = found
	}
	r.wrong(e, path, "is a reference to a reference, and so on", "")
	return nil
}

func (r *openAPIReader) pathItem(template string, e *element, path string) {
	if e != nil && e.get("$ref") != nil {
		if len(e.members) > 1 {
			r.note(e, path, "has a $ref: what stands beside it is not read", "")
		}
		if e = r.follow(e, path); e == nil {
			return
		}
	}
	if !r.object(e, path, pathKeys) {
		return
	}
	route, note, problem := routePath(strings.TrimSuffix(r.base+template, "/"))
	if problem != "" {
		r.wrong(e, path, problem, "")
		return
	}
	if note != "" {
		r.note(e, path, note, "")
	}
	if e.get("servers") != nil {
		r.note(e, join(path, "servers"), "are not read: routes are made for the first server of the document", "")
	}
	for _, m := range e.members {
		method := strings.ToUpper(m.key)
		switch {
		case !slices.Contains(pathKeys[5:], m.key):
		case method == http.MethodTrace:
			r.note(m.value, join(path, m.key), "is not a method of a route", "")
		default:
			r.operation(Operation{Method: method, Template: template, Route: route}, e, m.value, join(path, m.key))
		}
	}
}

func (r *openAPIReader) operation(op Operation, item, e *element, path string) {
	if !r.object(e, path, operationKeys) {
		return
	}
	op.at, op.path = e.at, path
	op.ID, op.Summary, op.Description = e.says("operationId"), e.says("summary"), e.says("description")
	op.Tags, op.Deprecated = e.get("tags").texts(), e.isTrue("deprecated")
	if e.get("servers") != nil {
		r.note(e, join(path, "servers"), "are not read: routes are made for the first server of the document", "")
	}
	needed := r.unsaid
	if security := e.get("security"); security != nil {
		needed, _ = r.security(security, join(path, "security"))
	}
	op.Access, op.AnyOf = needed.kind, needed.anyOf
	key := op.Method + " " + shape(op.Route)
	if i, taken := r.claimed[key]; taken {
		other := &r.doc.Operations[i]
		r.wrong(e, path, fmt.Sprintf("is the same request as %s in line %d", other.path, other.at.line), "a route cannot tell the two apart")
		return
	}
	r.claimed[key] = len(r.doc.Operations)
	r.describe(&op, item, e, path)
	r.doc.Operations = append(r.doc.Operations, op)
}
