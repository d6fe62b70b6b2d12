package proxy

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/forward"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/wire"
)

// Settings are what a Proxy is made of.
type Settings struct {
	Config *catalogue.Proxy
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now
	Random io.Reader        // nil: crypto/rand

	API    http.RoundTripper // to the API; nil: a transport with 100 idle connections
	Issuer http.RoundTripper // to issuers; nil: http.DefaultTransport
}

// A Proxy answers as its configuration says. It is safe for concurrent use.
type Proxy struct {
	config   *catalogue.Proxy
	log      *slog.Logger
	lines    activity.LineHandler
	now      func() time.Time
	random   io.Reader
	machine  *client.Client    // nil: calls carry the person's own token
	calls    http.RoundTripper // with the machine's token
	api      http.RoundTripper
	issuer   http.RoundTripper
	routes   *forward.Tree[place]
	prefix   string // of the API's path, escaped
	origins  []string
	address  *limit.Rates // nil: no limit
	session  *limit.Rates // nil: no limit
	attempts *limit.Rates // to sign in
	sessions *sessions
	people   *people        // nil: nobody signs in
	ending   sync.WaitGroup // tokens of people who signed out
	files    http.Handler
	handler  http.Handler
}

// New returns the proxy of a configuration. It asks nobody.
func New(s Settings) (*Proxy, error) {
	c := s.Config
	p := &Proxy{
		config: c, log: s.Log, now: s.Now, random: s.Random, api: s.API, issuer: s.Issuer,
		routes: treeOf(c, s.Now), prefix: strings.TrimSuffix(c.API.EscapedPath(), "/"),
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.random == nil {
		p.random = rand.Reader
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.lines, _ = p.log.Handler().(activity.LineHandler)
	if p.api == nil {
		t := forward.Transport(nil)
		t.ResponseHeaderTimeout = c.Limits.Timeout
		p.api = t
	}
	if p.issuer == nil {
		p.issuer = http.DefaultTransport
	}
	p.issuer = bounded{p.issuer}
	p.address, p.session = rates(c.Limits.PerAddress, p.now), rates(c.Limits.PerSession, p.now)
	if c.Public != nil {
		p.origins = append([]string{catalogue.Origin(c.Public)}, c.Origins...)
	}
	if c.Client != nil {
		var err error
		if p.machine, err = client.New(p.clientConfig(c.Client)); err != nil {
			return nil, err
		}
		p.calls = p.machine.HTTP().Transport
	}
	if c.SignIn != nil {
		p.sessions = newSessions(c.SignIn.Sessions, c.SignIn.Idle, c.SignIn.Session, p.now)
		p.attempts = rates(catalogue.Rate{Requests: 30, Per: time.Minute}, p.now)
		var err error
		if p.people, err = newPeople(p); err != nil {
			return nil, err
		}
	}
	if c.Static != "" {
		p.files = files(c.Static, c.CSP)
	}
	p.handler = p.observe(limit.Request(http.HandlerFunc(p.answer), limit.RequestLimits{
		Headers: int(c.Limits.Headers), Header: int(c.Limits.Headers), AnyEncoding: true, Refuse: p.tooLarge,
	}))
	return p, nil
}

// clientConfig is how tokens are asked for at an issuer.
func (p *Proxy) clientConfig(s *catalogue.ProxyServer) client.Config {
	made := client.Config{
		Issuer: s.Issuer, TokenURL: s.TokenURL, ClientID: s.ID, Auth: client.Auth(s.Auth),
		Target:    client.Target{Scopes: s.Scopes, Audience: s.Audience},
		Transport: p.issuer, APITransport: p.api, Any401: s.Any401,
		Report: func(err error) { p.log.Warn("token not renewed; the one at hand still lives", "error", err) },
	}
	if s.Resource != "" {
		made.Resource = []string{s.Resource}
	}
	switch {
	case s.Secret.File != "":
		made.Secret = secretFile(s.Secret.File)
	case !s.Secret.Value.IsEmpty():
		made.Secret = client.Static(s.Secret.Value.Reveal())
	default:
		made.Auth = client.None
	}
	return made
}

func rates(r catalogue.Rate, now func() time.Time) *limit.Rates {
	if r.Requests == 0 {
		return nil
	}
	return limit.NewRates(limit.RateConfig{Events: r.Requests, Per: r.Per, Now: now})
}

// ServeHTTP answers a request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// answer finds what a request is for. Of what the proxy itself answers, only
// readiness and the issuer's notices come from others than the page and its host.
func (p *Proxy) answer(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == readyPath {
		p.ready(w, r)
		return
	}
	if p.people != nil && r.URL.Path == noticePath {
		p.notice(w, r)
		return
	}
	if err := p.admit(w, r); err != nil {
		p.refuse(w, r, err)
		return
	}
	if p.people != nil {
		if own := p.own(r.URL.Path); own != nil {
			own(w, r)
			return
		}
	}
	path, err := pathOf(r)
	if err != nil {
		p.refuse(w, r, refusal.PathMalformed.From(err))
		return
	}
	if below, ok := p.below(path); ok {
		if found := p.routes.Find(below); found != nil {
			p.call(w, r, found, below)
			return
		}
	}
	if p.files != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		activity.Of(r.Context()).Route = "files"
		p.files.ServeHTTP(w, r)
		return
	}
	p.refuse(w, r, refusal.RouteClosed)
}

// pathOf returns the one spelling of a request's path.
func pathOf(r *http.Request) (string, error) {
	sent := r.URL.RawPath // EscapedPath would respell what a path cannot hold
	if sent == "" {
		sent = r.URL.EscapedPath()
	}
	return wire.CanonicalPath(sent)
}

// below returns the path as routes say it.
func (p *Proxy) below(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, p.config.Path)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	if rest == "" {
		rest = "/"
	}
	return rest, true
}

// A place is a path that is open, and for what.
type place struct{ rules []*rule }

// A rule is a route of the configuration.
type rule struct {
	*catalogue.ProxyRoute
	rates *limit.Rates // nil: no limit of its own
}

func (p *place) rule(method string) *rule {
	for _, u := range p.rules {
		if slices.Contains(u.Methods, method) || method == http.MethodHead && slices.Contains(u.Methods, http.MethodGet) {
			return u
		}
	}
	return nil
}

func (p *place) methods() []string {
	var all []string
	for _, u := range p.rules {
		all = append(all, u.Methods...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func treeOf(c *catalogue.Proxy, now func() time.Time) *forward.Tree[place] {
	tree := &forward.Tree[place]{}
	for i := range c.Routes {
		route := &c.Routes[i]
		at := tree.At(route.Path)
		if *at == nil {
			*at = &place{}
		}
		(*at).rules = append((*at).rules, &rule{route, rates(route.Rate, now)})
	}
	return tree
}

const readyPath = "/.well-known/ready"

// ready says whether calls can be answered: whether there is a token, or, where
// people sign in, whether their issuer is known.
func (p *Proxy) ready(w http.ResponseWriter, r *http.Request) {
	activity.Of(r.Context()).Route = readyPath
	var err error
	if p.machine != nil {
		_, err = p.machine.Token(r.Context())
	}
	if p.people != nil && err == nil {
		_, err = p.people.discover(r.Context())
	}
	if err != nil {
		p.refuse(w, r, notReady.From(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, `{"status":"ready"}`+"\n")
}
