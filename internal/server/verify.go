package server

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/gateway"
	"github.com/grantway/grantway/internal/limit"
)

// Verify returns the handler that other proxies ask whether a request may pass,
// for a listener that only they reach:
//
//	/verify/ENVIRONMENT/API   always
//	/verify/API               where there is one environment
//
// A first segment that is an environment's name is that environment. Envoy
// appends the path that it asks about.
func (s *Server) Verify() http.Handler {
	return s.observe(askedAbout(s.protected))
}

// ServeVerify answers other proxies on a listener as Serve does. A proxy may
// take as many connections as there are: it asks for all of its callers.
func (s *Server) ServeVerify(ctx context.Context, l net.Listener) error {
	return serveVerify(ctx, l, s.current.Load().catalogue, s.Verify())
}

// Verify is Server.Verify, with the environments that are guarded here.
func (g *Gateway) Verify() http.Handler {
	return g.observe(askedAbout(func() []protected { return g.current.Load().protected }))
}

// ServeVerify is Server.ServeVerify.
func (g *Gateway) ServeVerify(ctx context.Context, l net.Listener) error {
	return serveVerify(ctx, l, g.current.Load().catalogue, g.Verify())
}

func serveVerify(ctx context.Context, l net.Listener, c *catalogue.Catalogue, h http.Handler) error {
	return serve(ctx, limit.Listener(l, c.Limits.Connections, c.Limits.Connections, c.Listen.Trusted), h)
}

// A protected environment is one whose APIs other proxies may ask about.
type protected struct {
	*catalogue.Environment
	gateway *gateway.Gateway
}

// protected are all environments but home, whose API the server itself is.
func (s *Server) protected() []protected {
	current := s.current.Load()
	var all []protected
	for _, e := range current.environments {
		if e.Environment != current.catalogue.Home {
			all = append(all, protected{e.Environment, e.gateway})
		}
	}
	return all
}

// askedAbout answers for the environments that there are at the time.
func askedAbout(now func() []protected) http.Handler {
	return timed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { verify(w, r, now()) }))
}

func verify(w http.ResponseWriter, r *http.Request, all []protected) {
	path := r.URL.RawPath // as it was sent: rules are about that
	if path == "" {
		path = r.URL.EscapedPath()
	}
	path, ok := strings.CutPrefix(path, "/verify/")
	if !ok {
		notFound(w, r)
		return
	}
	name, rest, _ := strings.Cut(path, "/")
	i := slices.IndexFunc(all, func(e protected) bool { return e.Name == name })
	switch {
	case i >= 0:
		path = rest
	case len(all) == 1:
		i = 0
	default:
		notFound(w, r)
		return
	}
	e := all[i]
	name, _, _ = strings.Cut(path, "/")
	if e.API(name) == nil {
		notFound(w, r)
		return
	}
	fact := activity.Of(r.Context())
	fact.Environment, fact.Route = e.Name, "verify"
	e.gateway.Verify(w, r, name, strings.TrimPrefix(path, name))
}
