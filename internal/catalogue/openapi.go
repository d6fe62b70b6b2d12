package catalogue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/wire"
)

// An OpenAPI is what is read of an OpenAPI document, version 3.0 or 3.1
// (https://spec.openapis.org/oas/): what each operation takes, answers and asks of
// a token. It is immutable and safe for concurrent use.
//
// The document stays a description. What requests need is what the routes say;
// Lint tells where the two differ.
type OpenAPI struct {
	File        string
	Version     string // of OpenAPI: 3.0.3
	Title       string
	Description string
	Server      *url.URL // the first one, its variables at their defaults; may be relative; nil: none is named
	Scopes      []OpenAPIScope
	Operations  []Operation             // in the order of the document
	Schemas     map[string]*ValueSchema // those that have a name, as ValueSchema.Ref says it
	Notes       Faults                  // warnings: what was not understood, or is not taken over
}

// An OpenAPIScope is a scope that a security scheme declares, or that an operation
// needs though none does.
type OpenAPIScope struct {
	Name        string
	Description string // empty: nothing is said
	Declared    bool
}

// An Operation is a method of a path.
type Operation struct {
	Method      string // upper case
	Template    string // the path as the document writes it
	Route       string // the path as routes write it, behind the path of the server; an API's continues the environment's Base
	ID          string
	Summary     string
	Description string
	Tags        []string
	Deprecated  bool
	Access      Access     // empty: the document says nothing
	AnyOf       [][]string // as Route.AnyOf
	Parameters  []Parameter
	Request     *Body      // nil: it takes none
	Responses   []Response // in the order of the document

	at   place
	path string // in the document
}

// A Parameter is one of a path, a query, a header or a cookie.
type Parameter struct {
	Name        string
	In          string
	Description string
	Required    bool
	Deprecated  bool
	Schema      *ValueSchema // nil: nothing is said
	Example     string       // as JSON; empty: none
}

// A Body is what a request takes.
type Body struct {
	Description string
	Required    bool
	Content     []Content
}

// A Response is one of the answers.
type Response struct {
	Status      string // 200, 4XX or default
	Description string
	Content     []Content
}

// A Content is a body in one media type.
type Content struct {
	Type    string
	Schema  *ValueSchema // nil: nothing is said
	Example string       // of the document, or made of the schema; empty: none. JSON where it is not a text alone
}

// MaxOpenAPI is the longest OpenAPI document in JSON, in bytes. One in YAML is at
// most as long as grantway.yaml, MaxFile, since it takes far longer to read.
const MaxOpenAPI = 8 << 20

// LoadOpenAPI reads an OpenAPI document from a file. What is wrong with its content
// is returned as Faults; other errors are those of reading it.
func LoadOpenAPI(path string) (*OpenAPI, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	data, err := io.ReadAll(io.LimitReader(f, MaxOpenAPI+1))
	if err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	return ParseOpenAPI(path, data)
}

// ParseOpenAPI reads an OpenAPI document in JSON or YAML; name is what faults call
// it. References are followed within the document only, and nothing is fetched. Its
// error is of type Faults.
func ParseOpenAPI(name string, data []byte) (*OpenAPI, error) {
	r := &openAPIReader{
		decoder: &decoder{places: places{file: name, at: map[string]place{"": {1, 1}}}},
		claimed: map[string]int{}, scopes: map[string]int{},
	}
	if text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n"); bytes.HasPrefix(text, []byte("{")) {
		r.root = r.json(data)
	} else if node := r.document(data); node != nil {
		r.root = r.yaml(node, "", 0)
	} else if len(data) > MaxFile || strings.Contains(r.faults[0].Problem, "words and signs") {
		r.faults[0].Hint = "convert the document to JSON, of which " + Size(MaxOpenAPI).String() + " are read"
	}
	if len(r.faults) > 0 {
		return nil, r.faults.sorted()
	}
	r.doc = &OpenAPI{File: name, Schemas: map[string]*ValueSchema{}}
	r.read()
	if len(r.faults) > 0 {
		return nil, r.faults.sorted()
	}
	r.doc.Notes = r.notes.sorted()
	return r.doc, nil
}

// openAPI is the document of an API, nil where it has none. A fault of it is one
// of the file that names it.
func (r *resolver) openAPI(p *plan) *OpenAPI {
	name := p.entry.OpenAPI
	if name == "" {
		return nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(r.decoder.file), filepath.FromSlash(name))
	}
	r.besides(name)
	o, err := LoadOpenAPI(name)
	if faults, ok := errors.AsType[Faults](err); ok {
		r.faults = append(r.faults, faults...)
		return nil
	}
	if err != nil {
		r.report(join(p.path, "openapi"), err.Error(), "")
		return nil
	}
	return o
}

// WithDocument returns the catalogue with another document for an API, or with one
// where it had none. The receiver is not changed.
func (c *Catalogue) WithDocument(api string, document *OpenAPI) *Catalogue {
	with := *c
	with.Environments = slices.Clone(c.Environments)
	for i, e := range with.Environments {
		changed := *e
		changed.APIs = slices.Clone(e.APIs)
		for j, a := range changed.APIs {
			if a.Name == api {
				described := *a
				described.Document = document.under(e.Base)
				changed.APIs[j] = &described
			}
		}
		with.Environments[i] = &changed
	}
	return &with
}

// Operation returns the operation of a method at a path of a route, or nil. The
// names of a path's variables do not matter.
func (o *OpenAPI) Operation(method, route string) *Operation {
	for i := range o.Operations {
		if op := &o.Operations[i]; op.Method == method && shape(op.Route) == shape(route) {
			return op
		}
	}
	return nil
}

// under returns the document with routes that continue base instead of beginning
// with its path, as where the server that it names is the gateway's URL.
func (o *OpenAPI) under(base *url.URL) *OpenAPI {
	if o == nil || base == nil || base.Path == "" {
		return o
	}
	moved := *o
	moved.Operations = slices.Clone(o.Operations)
	for i := range moved.Operations {
		op := &moved.Operations[i]
		if rest, ok := strings.CutPrefix(op.Route, base.Path); ok && (rest == "" || rest[0] == '/') {
			op.Route = rest
			if rest == "" {
				op.Route = "/"
			}
		}
	}
	return &moved
}

// fault makes a warning at the place of an operation.
func (o *OpenAPI) fault(op *Operation, problem, hint string) Fault {
	return Fault{File: o.File, Line: op.at.line, Column: op.at.column, Path: op.path, Problem: problem, Hint: hint, Warning: true}
}

// routePath writes a path of a document as routes do: every variable one whole
// segment, its name a word, and no slash at the end.
func routePath(template string) (path, note, problem string) {
	if template == "" || template == "/" {
		return "/", "", ""
	}
	var names []string
	segments := strings.Split(strings.TrimSuffix(template, "/"), "/")
	for i, s := range segments {
		if !strings.ContainsAny(s, "{}") {
			continue
		}
		if strings.Count(s, "{") != strings.Count(s, "}") || strings.Index(s, "}") < strings.Index(s, "{") {
			return "", "", quote(s) + " is not a {name}"
		}
		if s[0] != '{' || s[len(s)-1] != '}' || strings.Count(s, "{") > 1 {
			note = quote(s) + " is a part of a segment; the route has a {name} for the whole"
		}
		name := strings.Map(func(r rune) rune {
			if r == '{' || r == '}' {
				return -1
			}
			if r < 0x80 && isWord("x"+string(r)) {
				return r
			}
			return '_'
		}, s)
		if !isWord(name) {
			name = "_" + name
		}
		for slices.Contains(names, name) {
			name += "_"
		}
		names = append(names, name)
		segments[i] = "{" + name + "}"
	}
	// In the one spelling: what is not a variable is escaped as requests are.
	for i, s := range segments {
		if strings.HasPrefix(s, "{") || s == "" {
			continue
		}
		canonical, err := wire.CanonicalPath("/" + s)
		if err != nil {
			return "", "", "the path can never match: " + strings.TrimPrefix(err.Error(), wire.ErrPath.Error()+": ")
		}
		segments[i] = canonical[1:]
	}
	path = strings.Join(segments, "/")
	problem, _ = checkPath(path)
	return path, note, problem
}
