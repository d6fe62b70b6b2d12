package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/endpoint"
	"github.com/grantway/grantway/internal/gateway"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/portal"
	"github.com/grantway/grantway/internal/wire"
)

// mount says which path leads where, for all environments.
func (s *Server) mount(g *generation) *mounts {
	m := &mounts{anyHost: s.options.AnyHost, exact: map[string]mounted{}}
	for _, e := range g.environments {
		issuer := e.Issuer
		for _, path := range e.dialect.TokenPaths {
			m.at(e.Environment, issuer, path, "token", e.token)
		}
		m.at(e.Environment, issuer, endpoint.IntrospectionPath, "introspection", e.introspection)
		m.at(e.Environment, issuer, endpoint.RevocationPath, "revocation", e.revocation)
		m.people(e)
		published := &endpoint.Document{Body: e.resources.jwks, MaxAge: keys.MaxAge}
		m.at(e.Environment, issuer, endpoint.JWKSPath, "jwks", published)

		m.streams(e.Environment, issuer, endpoint.FeedPath, "revocations", e.feed(e.revocation.Answers))
		m.at(e.Environment, issuer, endpoint.FeedKeysPath, "revocation-keys", &endpoint.Document{Body: e.resources.feed.ring.JWKS, MaxAge: keys.MaxAge})

		metadata := document(endpoint.Metadata(e.Environment, e.dialect, e.grants, e.offered()))
		for _, name := range []string{"oauth-authorization-server", "openid-configuration"} {
			m.at(e.Environment, issuer, "/.well-known/"+name, "metadata", metadata) // OpenID Connect Discovery §4
			m.at(e.Environment, wellKnown(issuer, name), "", "metadata", metadata)  // RFC 8414 §3.1
		}
		m.resources(e.Environment)
		errors := &portal.Errors{Issuer: issuer.String(), Name: g.catalogue.Name, Dialect: e.dialect, Strict: e.Strict, Plain: e.PlainCodes}
		if p := g.catalogue.Portal; p != nil && p.URL != nil && e.Name != catalogue.HomeName {
			errors.Guide = p.URL.String() + "/" + e.Name
			if g.home() != nil {
				errors.Why = p.URL.String() + "/why"
			}
		}
		m.below(e.Environment, issuer, "/errors", "error-page", errors)
		if e.admin != nil {
			m.below(e.Environment, e.Base, "", "", timed(e.admin))
		} else {
			m.below(e.Environment, e.Base, "", "", e.gateway)
		}
	}
	s.portal(m, g)
	m.console(g)
	m.sort()
	return m
}

func document(body []byte) http.Handler {
	return &endpoint.Document{Body: func() []byte { return body }, MaxAge: 5 * time.Minute}
}

// resources mounts the metadata of an environment's APIs (RFC 9728 §3.1).
func (m *mounts) resources(e *catalogue.Environment) {
	for _, api := range e.APIs {
		if at, err := url.Parse(gateway.MetadataURL(api.Resource)); err == nil {
			m.at(e, at, "", "resource-metadata", document(endpoint.ResourceMetadata(e, dialect.Find(e.Dialect), api)))
		}
	}
}

// wellKnown inserts the well-known part between host and path (RFC 8414 §3.1).
func wellKnown(issuer *url.URL, name string) *url.URL {
	at := *issuer
	at.Path = "/.well-known/" + name + issuer.Path
	return &at
}

// mounts finds the handler for a request: endpoints by their exact path, in any
// of the spellings that clients make of it, then what lies below a path.
type mounts struct {
	anyHost bool
	exact   map[string]mounted // by host and path
	trees   []mounted          // the longest path first
	hosts   map[string]bool    // at which there is something
}

// mounted is a handler and what the log calls it.
type mounted struct {
	host, path  string
	environment string
	route       string // empty: the handler says
	handler     http.Handler
}

func (m *mounts) at(e *catalogue.Environment, base *url.URL, path, route string, h http.Handler) {
	to := mounted{m.host(base), base.Path + path, e.Name, route, timed(h)}
	m.exact[to.host+to.path] = to
}

// streams mounts an endpoint that keeps its own deadlines.
func (m *mounts) streams(e *catalogue.Environment, base *url.URL, path, route string, h http.Handler) {
	to := mounted{m.host(base), base.Path + path, e.Name, route, h}
	m.exact[to.host+to.path] = to
}

func (m *mounts) below(e *catalogue.Environment, base *url.URL, path, route string, h http.Handler) {
	m.trees = append(m.trees, mounted{m.host(base), base.Path + path, e.Name, route, h})
}

// sort makes the mounts ready to be asked.
func (m *mounts) sort() {
	slices.SortStableFunc(m.trees, func(a, b mounted) int { return len(b.path) - len(a.path) })
	m.hosts = map[string]bool{"": m.anyHost}
	for _, to := range m.trees {
		m.hosts[to.host] = true
	}
	for _, to := range m.exact {
		m.hosts[to.host] = true
	}
}

func (m *mounts) host(u *url.URL) string {
	if m.anyHost {
		return ""
	}
	return strings.ToLower(u.Host)
}

// ServeHTTP passes the request to the handler of its host and path. It never
// redirects: a redirect turns a POST into a GET.
func (m *mounts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := m.asked(r)
	to, ok := m.find(r, host)
	switch {
	case ok:
	case m.hosts[host]:
		notFound(w, r)
		return
	default:
		hostUnknown(w, r)
		return
	}
	fact := activity.Of(r.Context())
	fact.Environment, fact.Route = to.environment, to.route
	to.handler.ServeHTTP(w, r)
}

// asked is the host of a request as mounts know it.
func (m *mounts) asked(r *http.Request) string {
	if m.anyHost {
		return ""
	}
	// Some clients name the port that the scheme has anyway.
	return strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(r.Host), ":443"), ":80")
}

func (m *mounts) find(r *http.Request, host string) (mounted, bool) {
	if to, ok := m.exact[host+r.URL.Path]; ok {
		return to, true
	}
	if to, ok := m.exact[host+wire.EndpointPath(r.URL.Path)]; ok {
		return to, true
	}
	for _, to := range m.trees {
		if to.host != host {
			continue
		}
		if rest, ok := strings.CutPrefix(r.URL.Path, to.path); ok && (rest == "" || rest[0] == '/') {
			shorten(r, to.path)
			return to, true
		}
	}
	return mounted{}, false
}

// shorten takes the path under which a tree is mounted off the request.
func shorten(r *http.Request, prefix string) {
	if prefix == "" {
		return
	}
	raw := strings.TrimPrefix(r.URL.EscapedPath(), prefix)
	r.URL.Path = strings.TrimPrefix(r.URL.Path, prefix)
	r.URL.RawPath = raw
	if r.URL.Path == "" {
		r.URL.Path, r.URL.RawPath = "/", "/"
	}
}
