package server

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/activity"
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
	return s.observe(timed(http.HandlerFunc(s.verify)))
}

// ServeVerify answers other proxies on a listener as Serve does. A proxy may
// take as many connections as there are: it asks for all of its callers.
func (s *Server) ServeVerify(ctx context.Context, l net.Listener) error {
	c := s.current.Load().catalogue
	return serve(ctx, limit.Listener(l, c.Limits.Connections, c.Limits.Connections, c.Listen.Trusted), s.Verify())
}

func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	path := r.URL.RawPath // as it was sent: rules are about that
	if path == "" {
		path = r.URL.EscapedPath()
	}
	path, ok := strings.CutPrefix(path, "/verify/")
	if !ok {
		notFound(w, r)
		return
	}
	current := s.current.Load()
	guarded := slices.DeleteFunc(slices.Clone(current.environments), func(e *environment) bool {
		return e.Environment == current.catalogue.Home
	})
	name, rest, _ := strings.Cut(path, "/")
	i := slices.IndexFunc(guarded, func(e *environment) bool { return e.Name == name })
	switch {
	case i >= 0:
		path = rest
	case len(guarded) == 1:
		i = 0
	default:
		notFound(w, r)
		return
	}
	e := guarded[i]
	name, _, _ = strings.Cut(path, "/")
	if e.API(name) == nil {
		notFound(w, r)
		return
	}
	fact := activity.Of(r.Context())
	fact.Environment, fact.Route = e.Name, "verify"
	e.gateway.Verify(w, r, name, strings.TrimPrefix(path, name))
}
