// Package gateway guards an API: a request reaches it only where a rule of the
// catalogue opens the path and the method, with a token that carries what the
// rule asks for. What no rule opens is closed.
//
// It checks tokens through the public package resource and leaves asking for
// tokens to package client. Rules come from package catalogue. HTTP semantics
// are those of RFC 9110, refusals those of RFC 6750.
package gateway

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/resource"
)

// Settings are what a Gateway is made of.
type Settings struct {
	Environment *catalogue.Environment
	Realm       string
	Checkers    map[string]*resource.Checker // by API name
	Transport   http.RoundTripper            // to the APIs; see Transport
	Trusted     []netip.Prefix               // proxies whose forwarding headers are believed
	BodyLimit   int64                        // bytes
	Now         func() time.Time
}

// A Gateway guards the APIs of one environment. It is safe for concurrent use.
type Gateway struct {
	settings Settings
	routes   *node
	rates    map[string]*limit.Rates // by API name
	proxy    httputil.ReverseProxy
	refuser
}

// New returns the gateway of an environment.
func New(s Settings) *Gateway {
	g := &Gateway{settings: s, routes: routesOf(s.Environment), rates: ratesOf(s.Environment, s.Now), refuser: refuser{
		issuer: s.Environment.Issuer.String(), realm: s.Realm, fallback: envelopeOf(s.Environment),
	}}
	g.proxy = httputil.ReverseProxy{
		Rewrite:        g.rewrite,
		Transport:      s.Transport,
		FlushInterval:  -1, // an event is worth nothing late
		ModifyResponse: g.returned,
		ErrorHandler:   g.failed,
		ErrorLog:       log.New(io.Discard, "", 0), // failed says it, with the trace
	}
	return g
}

// ServeHTTP passes the request on, or refuses it.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, err := g.admit(r, "")
	call.allowance.tell(w.Header())
	if err != nil {
		g.refuse(w, r, call.rule, err)
		return
	}
	if r.ContentLength > g.settings.BodyLimit {
		g.refuse(w, r, call.rule, refusal.BodyTooLarge)
		return
	}
	connection := http.NewResponseController(w)
	_ = connection.SetWriteDeadline(time.Time{}) // an endpoint may have set one on this connection
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &patient{http.MaxBytesReader(w, r.Body, g.settings.BodyLimit), connection}
	}
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), callKey{}, call))
	call.cancel = cancel
	defer func() { // also when the proxy panics because an answer broke off
		cancel()
		if call.timer != nil {
			call.timer.Stop()
		}
	}()
	g.proxy.ServeHTTP(w, r.WithContext(ctx))
}

// patient is a body whose every part must come in time, however long the whole
// takes.
type patient struct {
	io.ReadCloser
	connection *http.ResponseController
}

// partTimeout is how long a sender may be silent in the middle of a body.
const partTimeout = 10 * time.Second

// Read is io.Reader's.
func (p *patient) Read(b []byte) (int, error) {
	_ = p.connection.SetReadDeadline(time.Now().Add(partTimeout))
	n, err := p.ReadCloser.Read(b)
	if err != nil {
		_ = p.connection.SetReadDeadline(time.Time{})
		if err != io.EOF {
			err = &senderError{err}
		}
	}
	return n, err
}

// A senderError is why a request's body could not be read to its end.
type senderError struct{ err error }

func (e *senderError) Error() string { return e.err.Error() }
func (e *senderError) Unwrap() error { return e.err }

// A call is one admitted request on its way.
type call struct {
	rule   *rule
	path   string          // the path that was matched, which is the path that is forwarded
	token  *resource.Token // nil on a public route
	cancel context.CancelFunc

	allowance *allowance  // nil: without a limit
	timer     *time.Timer // ends a stream with its token
}

type callKey struct{}

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
	found := g.routes.find(path)
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
	admitted := &call{rule: found.rules[i], path: path}
	// The API is the rule's: at one path two APIs may have a method each.
	fact.Route, fact.API = admitted.rule.Path, admitted.rule.api.Name
	if admitted.rule.Access == catalogue.Public {
		admitted.allowance, err = g.spend(r, admitted.rule.api, nil)
		return admitted, err
	}
	good, err := g.settings.Checkers[admitted.rule.api.Name].Authenticate(r)
	if err != nil {
		return admitted, err
	}
	fact.Client, fact.Secret = good.ClientID, token.ID(good.ID).Secret()
	if admitted.allowance, err = g.spend(r, admitted.rule.api, good); err != nil {
		return admitted, err
	}
	if !admitted.rule.Permits(good.Scope) {
		return admitted, refusal.ScopeInsufficient.Naming(admitted.rule.usual()...)
	}
	fact.Event = "call.passed"
	admitted.token = good
	return admitted, nil
}

// closed is refusal.MethodClosed with the methods that are open.
type closed struct{ allowed []string }

func (c *closed) Error() string { return refusal.MethodClosed.Error() }
func (c *closed) Unwrap() error { return refusal.MethodClosed }

// rewrite makes the request that the API sees.
func (g *Gateway) rewrite(p *httputil.ProxyRequest) {
	c := p.In.Context().Value(callKey{}).(*call)
	upstream := c.rule.api.Upstream
	if upstream.Scheme == catalogue.Demo {
		upstream = demo
	}
	p.Out.URL.Scheme, p.Out.URL.Host = upstream.Scheme, upstream.Host
	p.Out.URL.Path, p.Out.URL.RawPath = unescape(strings.TrimSuffix(upstream.EscapedPath(), "/") + c.path)
	p.Out.URL.RawQuery = p.In.URL.RawQuery // as it came: rules are about paths only
	p.Out.Host = upstream.Host
	p.Out.Trailer = nil // announced, they could be read as headers
	if !strings.EqualFold(p.Out.Header.Get("Upgrade"), "websocket") {
		// On a connection that changes to HTTP/2, requests would pass that no rule
		// has seen.
		p.Out.Header.Del("Upgrade")
		p.Out.Header.Del("Connection")
	}
	strip(p.Out.Header)
	g.forwarded(p)
	identify(p.Out.Header, g.settings.Environment.Name, c.token, activity.Of(p.In.Context()).Trace)
}

// DemoHost is the host that "upstream: demo" stands for: the transport of
// `grantway dev` dials it within the process.
const DemoHost = "demo.invalid"

var demo = &url.URL{Scheme: "http", Host: DemoHost}

// returned looks at the API's answer before it is passed back.
func (g *Gateway) returned(response *http.Response) error {
	c := response.Request.Context().Value(callKey{}).(*call)
	response.Header.Del("X-Request-Id") // ours stands already
	kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	if response.StatusCode == http.StatusSwitchingProtocols || strings.EqualFold(strings.TrimSpace(kind), "text/event-stream") {
		c.timer = time.AfterFunc(g.left(c.token), c.cancel) // row S13
	}
	return nil
}

// maxStream is how long a stream may last on one token.
const maxStream = time.Hour

func (g *Gateway) left(t *resource.Token) time.Duration {
	if t == nil {
		return maxStream
	}
	return min(maxStream, t.ExpiresAt.Sub(g.settings.Now()))
}
