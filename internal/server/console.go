package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/console"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// Console answers operators, on a listener of its own.
func (s *Server) Console() http.Handler {
	return s.observe(timed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g := s.current.Load()
		activity.Of(r.Context()).Environment = catalogue.HomeName
		// Another name for this machine is no origin of ours: pages elsewhere could
		// have one that leads here (DNS rebinding).
		if g.console == nil || !s.options.AnyHost && !strings.EqualFold(r.Host, g.catalogue.Console.URL.Host) {
			notFound(w, r)
			return
		}
		shorten(r, g.catalogue.Console.URL.Path)
		g.console.ServeHTTP(w, r)
	})))
}

// ServeConsole answers operators until the context ends; secure nil: by plain HTTP.
func (s *Server) ServeConsole(ctx context.Context, l net.Listener, secure *tls.Config) error {
	if secure != nil {
		return s.ServeTLS(ctx, l, secure, s.Console())
	}
	return s.Serve(ctx, l, s.Console())
}

// console mounts the console beside the rest, where it has no listener of its own.
func (m *mounts) console(g *generation) {
	if g.console == nil || g.catalogue.Console.Listen != "" {
		return
	}
	m.below(g.catalogue.Home, g.catalogue.Console.URL, "", "", timed(g.console))
}

// makeConsole makes what operators see; nil where there is no home.
func (s *Server) makeConsole(ctx context.Context, g *generation) (http.Handler, error) {
	h := g.home()
	if h == nil || h.signIn == nil || g.catalogue.Console == nil {
		return nil, nil
	}
	at := g.catalogue.Console.URL
	forms, err := keys.OpenDerivation(ctx, keys.Settings{
		Environment: h.Name, Purpose: keys.Forms, Keys: h.resources.store.Keys(), Seal: s.options.Seal, Now: s.options.Now,
	}, s.options.Random, s.by())
	if err != nil {
		return nil, err
	}
	key := forms.Derive("console", at.String())
	site := web.NewSite(web.Theme{Name: g.catalogue.Name}, at.EscapedPath())
	pages, err := web.NewPages(site, nil, key[:])
	if err != nil {
		return nil, err
	}
	o := console.Options{
		Door:  s.door(h, "console", catalogue.ConsoleClient, at, s.options.Mark != store.MarkDev),
		Pages: pages, Assets: site.Assets(), Partners: g.partners, Latency: s.metrics.latency, Now: s.options.Now,
	}
	for _, e := range g.environments {
		o.Environments = append(o.Environments, s.consoled(e))
	}
	return console.New(o), nil
}

// consoled is what the console reaches of an environment.
func (s *Server) consoled(e *environment) *console.Environment {
	r := e.resources
	made := &console.Environment{
		Environment: e.Environment, Clients: e.partners, APITokens: e.apiTokens, Activity: r.store.Activity(), History: r.store.History(),
		LastHour: r.activity.LastHour,
		Keys:     []console.Ring{{Purpose: keys.AccessToken, Ring: r.ring}},
	}
	if e.signIn != nil && e.accounts != nil {
		people := e.accounts
		made.People = &console.People{
			People: people.People, Factors: people.Factors, Links: people.Links, Sessions: e.signIn.journey.People.Sessions, Consents: r.store.Consents(),
		}
		made.Keys = append(made.Keys, console.Ring{Purpose: keys.ID, Ring: r.people.Load().ids})
	}
	made.Keys = append(made.Keys, console.Ring{Purpose: keys.Feed, Ring: r.feed.ring})
	return made
}
