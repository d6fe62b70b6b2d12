// Package gateway guards an API: a request reaches it only where a rule of the
// catalogue opens the path and the method, with a token that carries what the
// rule asks for. What no rule opens is closed.
//
// It checks tokens through the public package resource and leaves asking for
// tokens to package client. Rules come from package catalogue. HTTP semantics
// are those of RFC 9110, refusals those of RFC 6750.
package gateway

import (
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/forward"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/resource"
)

// Settings are what a Gateway is made of.
type Settings struct {
	Environment *catalogue.Environment
	Realm       string
	Checkers    map[string]Checker // by API name
	Transport   http.RoundTripper  // to the APIs; see forward.Transport
	Trusted     []netip.Prefix     // proxies whose forwarding headers are believed
	BodyLimit   int64              // bytes
	Directory   Directory          // nil: API tokens and people are not known here
	Now         func() time.Time
}

// A Checker decides about the token of a request, as *resource.Checker does.
type Checker interface {
	Authenticate(*http.Request) (*resource.Token, error)
}

// A Gateway guards the APIs of one environment. It is safe for concurrent use.
type Gateway struct {
	settings Settings
	routes   *node
	switches *httputil.ReverseProxy // see switched
	name     []string               // of the environment, and the path it is published under, as headers say them
	prefix   []string
	private  []string // names of headers; see conceal
	refuser
}

// New returns the gateway of an environment.
func New(s Settings) *Gateway {
	rules := rulesOf(s.Environment)
	for _, u := range rules {
		u.checker = s.Checkers[u.api.Name]
	}
	count(s.Environment, rules, s.Now)
	g := &Gateway{settings: s, routes: treeOf(rules), name: []string{s.Environment.Name}, private: private(s.Environment), refuser: refuser{
		issuer: s.Environment.Issuer.String(), realm: s.Realm, fallback: envelopeOf(s.Environment),
	}}
	if base := s.Environment.Base; base != nil && base.EscapedPath() != "" {
		g.prefix = []string{base.EscapedPath()}
	}
	g.switches = g.switching()
	return g
}

// ServeHTTP passes the request on, or refuses it.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := g.admit(r, "")
	c.allowance.Tell(w.Header())
	if err != nil {
		c.discreet(w.Header())
		g.refuse(w, r, c.rule, err)
		return
	}
	if r.ContentLength > g.settings.BodyLimit {
		g.refuse(w, r, c.rule, refusal.BodyTooLarge)
		return
	}
	g.carry(w, r, c)
}

// carry passes an admitted request on.
func (g *Gateway) carry(w http.ResponseWriter, r *http.Request, c *call) {
	connection := http.NewResponseController(w)
	_ = connection.SetWriteDeadline(time.Time{}) // an endpoint may have set one on this connection
	if r.ContentLength == 0 || r.Body == http.NoBody {
		r.Body = nil // so that the transport may ask again on another connection
	} else if r.Body != nil {
		r.Body = forward.Patiently(w, r.Body, g.settings.BodyLimit)
	}
	defer func() { // also when an answer broke off
		if c.timer != nil {
			c.timer.Stop()
		}
	}()
	if switches(r.Header) {
		g.switched(w, r, c)
		return
	}
	g.forward(w, r, c)
}

// A call is one admitted request on its way.
type call struct {
	rule      *rule
	path      string          // the path that was matched, which is the path that is forwarded
	token     *resource.Token // nil on a public route
	scope     []string        // what the token is worth here
	person    *store.Account  // whom the token is about; nil: nobody, or it is not known
	fact      *activity.Fact
	allowance *limit.Allowance // nil: without a limit

	application *store.APIToken // that the call came with; nil: with none
	acts        bool            // it stands for the person
	named       string          // whom the request names
	queried     bool            // an access token stood in the query

	timer *time.Timer // ends a stream with its token
	end   func()      // how it does, where that is not by the answer's body
	early forward.Early
	trace httptrace.ClientTrace

	said  [10]string // values of headers
	spoke int        // how many of them are taken
}

// say sets a header.
func (c *call) say(h http.Header, name, value string) {
	i := c.spoke
	c.said[i] = value
	c.spoke++
	h[name] = c.said[i:c.spoke:c.spoke]
}

// admit decides. The call is returned with an error too, as far as it is known.
// Where an API is named, its routes only are open.
func (g *Gateway) admit(r *http.Request, only string) (*call, error) {
	sent := r.URL.RawPath // EscapedPath would respell what a path cannot hold
	if sent == "" {
		sent = r.URL.EscapedPath()
	}
	path, err := wire.CanonicalPath(sent)
	if err != nil {
		return &call{}, refusal.PathMalformed.From(err)
	}
	found := g.routes.Find(path)
	if found == nil {
		return &call{}, refusal.RouteClosed // row S19
	}
	fact := activity.Of(r.Context())
	fact.Route = found.rules[0].Path
	i := slices.IndexFunc(found.rules, func(u *rule) bool { return u.Allows(r.Method) })
	if only != "" && !found.of(only, i) {
		return &call{}, refusal.RouteClosed.From(errors.New("the route is another API's"))
	}
	if i < 0 {
		return &call{rule: found.rules[0]}, &closed{allowed: found.methods()}
	}
	admitted := &call{rule: found.rules[i], path: path, fact: fact}
	// The API is the rule's: at one path two APIs may have a method each.
	fact.Route, fact.API = admitted.rule.Path, admitted.rule.api.Name
	if wire.MethodInQuery(r.URL.RawQuery) {
		return admitted, refusal.MethodInQuery // the rule is about the request's own
	}
	if err := g.unquery(r, admitted, only != ""); err != nil {
		return admitted, err
	}
	if err := g.prove(r, admitted); err != nil {
		return admitted, err
	}
	if admitted.allowance, err = g.spend(r, admitted); err != nil {
		return admitted, err
	}
	return admitted, g.permit(r, admitted)
}

// permit lets a caller pass who has the rights that the rule asks for.
func (g *Gateway) permit(r *http.Request, c *call) error {
	if c.token == nil && c.application == nil {
		return nil // anybody
	}
	needed, ok := c.rule.Permits(c.scope)
	if !ok {
		lacking := refusal.ScopeInsufficient
		if c.acts {
			lacking = refusal.RightsInsufficient
		}
		return lacking.Naming(c.rule.usual()...)
	}
	if c.acts {
		if err := g.record(r.Context(), c); err != nil {
			return err
		}
	}
	c.fact.Event, c.fact.Needed = activity.CallPassed, needed
	return nil
}

// closed is refusal.MethodClosed with the methods that are open.
type closed struct{ allowed []string }

func (c *closed) Error() string { return refusal.MethodClosed.Error() }
func (c *closed) Unwrap() error { return refusal.MethodClosed }

// DemoHost is the host that "upstream: demo" stands for: the transport of
// `grantway dev` dials it within the process.
const DemoHost = "demo.invalid"

var demo = &url.URL{Scheme: "http", Host: DemoHost}

// maxStream is how long a stream may last on one token.
const maxStream = time.Hour

func (g *Gateway) left(t *resource.Token) time.Duration {
	if t == nil {
		return maxStream
	}
	return min(maxStream, t.ExpiresAt.Sub(g.settings.Now()))
}
