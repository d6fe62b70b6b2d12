// Package admin is the administration API, /admin/v1: one file for each noun,
// which decodes a request, calls the operation below and encodes what it says.
//
// It decides nothing about partners, clients and secrets, package partner does,
// nothing about signing keys, which is package keys' to do, nothing about denials,
// which are package revocation's, and nothing about people, who are package
// account's. It neither listens nor knows who is who: package server mounts it where
// the public does not reach, and gives it the rule by which callers are told apart.
// Its types are also the command line's, which speaks to it and to nothing else.
//
// A request that changes something is done once under an Idempotency-Key, and only
// to the state that If-Match names (RFC 9110 §13.1.1).
//
// Errors are problem details (RFC 9457). The API describes itself in OpenAPI 3.1
// at /admin/v1/openapi.json.
package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
)

// Permissions that routes ask for.
const (
	ReadClients  = "clients:read"
	WriteClients = "clients:write"
	ReadKeys     = "keys:read"
	WriteKeys    = "keys:write"

	ReadAccounts   = "accounts:read"
	WriteAccounts  = "accounts:write"
	ReadAPITokens  = "api-tokens:read"
	WriteAPITokens = "api-tokens:write"

	ReadPartners   = "partners:read"
	WritePartners  = "partners:write"
	ReadChanges    = "changes:read"
	ReadOperators  = "operators:read"
	WriteOperators = "operators:write"
)

// Prefix is the path that every route begins with.
const Prefix = "/admin/v1"

// MaxBody is the longest body of a request, in bytes.
const MaxBody = 1 << 20

var (
	// ErrUnauthenticated is for Authorize: nobody has proven who they are.
	ErrUnauthenticated = errors.New("not authenticated")

	// ErrForbidden is for Authorize: the caller is known and lacks the permission.
	ErrForbidden = errors.New("not permitted")
)

// Options are what the handler is made of.
type Options struct {
	// Environments are those that there are now, in the order of the file.
	Environments func() []*partner.Clients

	// Keys are the keys of an environment that serve a purpose, nil when there are
	// none.
	Keys func(environment, purpose string) *keys.Ring

	// People are the operations on the people of an environment, nil where nobody
	// signs in.
	People func(environment string) *People

	// APITokens are the operations on the API tokens of an environment.
	APITokens func(environment string) *partner.APITokens

	// Denials are those of an environment.
	Denials func(environment string) *revocation.Denials

	// TokenID is the id of a live token of an environment, and when its end may be
	// forgotten. Errors: store.ErrUnavailable; another one says that it is none.
	TokenID func(ctx context.Context, environment, token string) (id string, ends time.Time, err error)

	// Activity is what happened in an environment.
	Activity func(environment string) store.Activity

	// Issuers are those that the APIs of an environment trust besides it. Nil: none.
	Issuers func(environment string) IssuerList

	// Partners are the operations on partners and what they ask for; nil where there
	// is no home. Nil: there never is.
	Partners func() *partner.Partners

	// Remembered is what an environment remembers beside its clients and people; nil
	// where it is none. Nil: nothing is remembered, so that no request is done once.
	Remembered func(environment string) *Remembered

	// Audited is what the changes of an environment are verified by, nil where there is
	// none of that name. Nil: changes are not sealed.
	Audited func(environment string) *Audited

	// Under is the path under which the handler is mounted, before Prefix, where its
	// requests come without it: what the answers point to begins with it.
	Under string

	// OnMachine says that callers are on the server's own machine, where nothing is kept
	// from them. Others make no elevated API tokens. Nobody approves one here.
	OnMachine bool

	// Authorize says who is asking, by a name for the record of changes, if they
	// have the permission. The environment is r.PathValue("environment"), empty
	// where the route is not about one. The request has no cookies, wherever it
	// comes from. Errors: ErrUnauthenticated, ErrForbidden; another one is ours.
	// Nil: everybody is refused.
	Authorize func(r *http.Request, permission string) (actor string, err error)

	Now    func() time.Time
	Random io.Reader // for the key of page cursors, once
}

// Remembered is what an environment remembers of what was done to it.
type Remembered struct {
	History store.History
	Replays store.Replays
}

type api struct {
	Options
	routes  []route
	cursors *cursors
	turns   turns
}

// New returns the handler of everything below Prefix. It is safe for concurrent
// use. It fails when Random does.
func New(o Options) (http.Handler, error) {
	c, err := newCursors(o.Random, o.Now)
	if err != nil {
		return nil, err
	}
	return &api{Options: o, routes: table(), cursors: c, turns: turns{taken: map[string]*turn{}}}, nil
}

// A call is one request on its way to its operation.
type call struct {
	*http.Request
	api      *api
	route    *route
	clients  *partner.Clients // of the environment that the path names; nil where it names none
	sent     wire.Parameters  // the query, as checkQuery left it
	actor    string
	location string       // for the answer
	read     *[]byte      // the body, once it was read
	unless   *store.Moved // what If-Match asks of what is changed; nil without it
}

// ofEnvironment is what the environment that the path names has; missing says so where
// it has none.
func ofEnvironment[T any](c *call, has func(environment string) *T, missing string) (*T, error) {
	if has != nil {
		if found := has(c.clients.Environment.Name); found != nil {
			return found, nil
		}
	}
	return nil, &Problem{Status: http.StatusNotFound, Detail: missing}
}

// by says who changes something; package partner knows when.
func (c *call) by() store.By {
	return store.By{Actor: c.actor, Trace: activity.Of(c.Context()).Trace, Unless: c.unless}
}

// ServeHTTP finds the route, asks for the permission, and answers.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	c, err := a.admit(r)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	done, err := c.once(func() (*reply, error) { return c.answer() })
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	done.write(w, a.Under)
}

// A reply is what is answered when it went well.
type reply struct {
	Status    int    `json:"status"`
	MediaType string `json:"type"`
	Location  string `json:"location,omitempty"`
	Tag       string `json:"tag,omitempty"`
	Body      []byte `json:"body"`

	bare   []byte // the body without what it holds this once; nil: it is the same
	replay bool
}

// answer does what is asked for.
func (c *call) answer() (*reply, error) {
	body, err := c.conditionally(func() (any, error) { return c.route.do(c) })
	if err != nil {
		return nil, err
	}
	made := &reply{Status: c.route.status, MediaType: "application/json", Location: c.location, Tag: c.tagged(body)}
	if text, ok := body.(lines); ok {
		made.MediaType, made.Body = "application/jsonl", text
		return made, nil
	}
	made.Body = encoded(body)
	if bare, ok := withoutSecrets(body); ok {
		made.bare = encoded(bare)
	}
	return made, nil
}

func (y *reply) write(w http.ResponseWriter, under string) {
	h := w.Header()
	if y.Location != "" {
		h.Set("Location", under+y.Location)
	}
	if y.Tag != "" {
		h.Set("ETag", y.Tag)
	}
	if y.replay {
		h.Set("Idempotency-Replayed", "true")
	}
	h.Set("Content-Type", y.MediaType)
	w.WriteHeader(y.Status)
	_, _ = limit.NewSteady(w).Write(y.Body) // a caller that is gone needs no answer
}

// admit lets a request through to its route, in the order in which it may learn
// what is there: the route, the permission, the environment.
func (a *api) admit(r *http.Request) (*call, error) {
	// Rule U12: what a browser sends along by itself proves nothing here.
	r = r.Clone(r.Context())
	r.Header.Del("Cookie")
	found, err := a.find(r)
	if err != nil {
		return nil, err
	}
	fact := activity.Of(r.Context())
	fact.Route = found.method + " " + found.path
	if a.Authorize == nil {
		return nil, ErrForbidden
	}
	var actor string
	for _, permission := range found.permissions() {
		if actor, err = a.Authorize(r, permission); !errors.Is(err, ErrForbidden) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if actor == "" {
		return nil, ErrUnauthenticated
	}
	c := &call{Request: r, api: a, route: found, actor: actor}
	if err := c.checkQuery(); err != nil {
		return nil, err
	}
	if !strings.Contains(found.path, "{environment}") {
		return c, nil
	}
	for _, clients := range a.Environments() {
		if clients.Environment.Name == r.PathValue("environment") {
			fact.Environment = clients.Environment.Name
			c.clients = clients
			return c, c.mayAtHome()
		}
	}
	return nil, &Problem{Status: http.StatusNotFound, Detail: "There is no such environment."}
}

// encoded is a value of this package's types in JSON, with the end of its line.
func encoded(body any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		panic(err) // only values of this package's types are given to it
	}
	return b.Bytes()
}
