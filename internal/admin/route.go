package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/wire"
)

// A route is one line of the table: what is asked for, what it takes to be
// allowed, and what answers. OpenAPI is made of the same lines.
type route struct {
	method, path string
	permission   string // or readAny
	name         string // the operation's, in OpenAPI
	summary      string
	status       int      // when it goes well
	query        []string // parameters that the route knows; others are refused
	operation
}

// An operation is what answers, with the types of what it reads and writes.
type operation struct {
	request, response reflect.Type // request: nil where none is read
	do                func(*call) (any, error)
}

// readAny is any of the permissions to read, for what whoever looks after anything
// has to know first: which environments there are, and what words mean.
const readAny = ""

// permissions are those of which a caller needs one.
func (r *route) permissions() []string {
	if r.permission == readAny {
		return []string{ReadClients, ReadKeys, ReadAccounts, ReadAPITokens, ReadPartners, ReadChanges, ReadOperators}
	}
	return []string{r.permission}
}

// plain is an operation that reads no body.
func plain[A any](do func(*call) (A, error)) operation {
	return operation{response: reflect.TypeFor[A](), do: func(c *call) (any, error) {
		body, err := c.body()
		if err != nil {
			return nil, err
		}
		if len(body) > 0 {
			return nil, &Problem{Status: http.StatusBadRequest, Detail: "This request takes no body."}
		}
		return do(c)
	}}
}

// reading is an operation that reads a JSON body.
func reading[Q, A any](do func(*call, Q) (A, error)) operation {
	return operation{request: reflect.TypeFor[Q](), response: reflect.TypeFor[A](), do: func(c *call) (any, error) {
		var q Q
		if kind, err := wire.MediaType(c.Header.Get("Content-Type")); kind != wire.JSON || err != nil || len(c.Header["Content-Type"]) != 1 {
			return nil, &Problem{Status: http.StatusUnsupportedMediaType, Detail: "Send the body as application/json."}
		}
		body, err := c.body()
		if err != nil {
			return nil, err
		}
		if err := wire.DecodeJSON(body, &q); err != nil {
			return nil, err
		}
		return do(c, q)
	}}
}

// body reads the body. Failing is the connection's, but for what is too long.
func (c *call) body() ([]byte, error) {
	if c.read != nil {
		return *c.read, nil
	}
	body, err := wire.ReadBody(c.Request, MaxBody)
	if err != nil && !errors.Is(err, wire.ErrTooLarge) {
		return nil, &Problem{Status: http.StatusBadRequest, Detail: "The body could not be read to its end."}
	}
	return body, err
}

// find returns the route of a request and gives the request its path values. A
// path has one spelling, and nothing is redirected.
func (a *api) find(r *http.Request) (*route, error) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var allowed []string
	for i := range a.routes {
		candidate := &a.routes[i]
		values, ok := match(candidate.path, r.URL.EscapedPath())
		if !ok {
			continue
		}
		if candidate.method != method {
			allowed = append(allowed, candidate.method)
			continue
		}
		for name, value := range values {
			r.SetPathValue(name, value)
		}
		return candidate, nil
	}
	if allowed == nil {
		return nil, &Problem{Status: http.StatusNotFound, Detail: "There is nothing at this path; " + Prefix + "/openapi.json lists what there is."}
	}
	return nil, &Problem{Status: http.StatusMethodNotAllowed, Detail: "This path answers " + strings.Join(allowed, " and ") + ".", allow: strings.Join(allowed, ", ")}
}

// match compares an escaped path with a route's, segment by segment.
func match(pattern, path string) (map[string]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	values := map[string]string{}
	for i, w := range want {
		name, variable := strings.CutPrefix(w, "{")
		if !variable {
			if w != got[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(got[i])
		if err != nil || value == "" {
			return nil, false
		}
		values[strings.TrimSuffix(name, "}")] = value
	}
	return values, true
}

// checkQuery refuses parameters that the route does not know: a misspelt limit
// is not to be taken for none.
func (c *call) checkQuery() error {
	sent, err := wire.ParseQuery(c.URL.RawQuery)
	if err != nil {
		detail := "The query is not well formed."
		if errors.Is(err, wire.ErrDuplicate) {
			detail = "The query holds a parameter twice."
		}
		return &Problem{Status: http.StatusBadRequest, Detail: detail}
	}
	c.sent = sent
	for _, name := range sent.Names() {
		if !slices.Contains(c.route.query, name) {
			return &Problem{Status: http.StatusBadRequest, Detail: "The query holds a parameter that this route does not know.", Errors: []Fault{{Field: name, Problem: "is unknown here", Hint: known(c.route.query)}}}
		}
	}
	return nil
}

func known(names []string) string {
	if len(names) == 0 {
		return "this route has no parameters"
	}
	return fmt.Sprintf("known are %s", strings.Join(names, ", "))
}

// below is the path of something of the environment that the call is about.
func (c *call) below(segments ...string) string {
	path := Prefix + "/environments/" + url.PathEscape(c.clients.Environment.Name)
	for _, s := range segments {
		path += "/" + url.PathEscape(s)
	}
	return path
}
