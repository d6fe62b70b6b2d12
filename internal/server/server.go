// Package server builds everything from the configuration, mounts the routes,
// runs and stops. It is the only package beside the command that sees the whole
// configuration; it hands each part what that part needs.
//
// It decides nothing about tokens or calls itself.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/fetch"
	"github.com/grantway/grantway/internal/forward"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/secret"
)

// Options are what a Server is made of.
type Options struct {
	Catalogue *catalogue.Catalogue
	Seal      *keys.Seal
	Mark      string       // of the stores: store.MarkDev under `grantway dev`
	AnyHost   bool         // answer whatever Host says: `grantway dev` only
	Demo      http.Handler // the API that "upstream: demo" stands for; nil: there is none
	Now       func() time.Time
	Random    io.Reader
	Log       *slog.Logger
	Announce  time.Duration // how long a signing key is published before it signs; zero: an hour
	Tracing   *Tracing      // nil: requests are not traced

	// Demonstration are clients to have in environments, by name, with everything
	// allotted: `grantway dev` only.
	Demonstration map[string]Credentials

	// Personas are people of environments, by name, whom the demonstration's client
	// acts for. Where there is none, it acts for itself.
	Personas map[string]Persona

	// Member is the partner whose the demonstration's clients are; nil: they are the
	// publisher's own.
	Member *Membership
}

// Credentials are an id and a secret that were handed out.
type Credentials struct {
	ClientID string
	Secret   secret.Secret
}

// A Server answers for every environment of a catalogue. It is safe for
// concurrent use.
type Server struct {
	intake
	options  Options
	secrets  *secret.Checker // of clients
	persons  *secret.Checker // of people
	key      []byte          // random, of this process
	identity identity        // of the console and the portal, at home
	local    http.Handler    // the admin API for this machine
	upstream *http.Transport
	trust    *trust
	demo     *demo
	ledgers  ledgers // of checkpoints

	reload  sync.Mutex // one at a time
	current atomic.Pointer[generation]
	outbox  atomic.Pointer[notices] // home's; nil: there is none
}

// A generation is what one reading of the catalogue made.
type generation struct {
	catalogue    *catalogue.Catalogue
	environments []*environment
	partners     *partner.Partners // nil: there is no home
	outbound     *fetch.Fetcher    // to addresses that somebody else supplied
	console      http.Handler      // nil: there is no home
	mounts       *mounts
}

// New opens the stores and keys of all environments and returns a server that is
// ready to answer. Close it.
func New(ctx context.Context, o Options) (*Server, error) {
	s := &Server{options: o, intake: newIntake(o.Now, o.Random, o.Log)}
	s.recorded = s.record
	s.registry.MustRegister(serverGauges{s})
	var err error
	if s.secrets, err = secret.NewChecker(o.Random, secret.Limits{}); err != nil {
		return nil, err
	}
	if s.persons, err = newPersons(o); err != nil {
		return nil, err
	}
	s.key = make([]byte, 32)
	if _, err := io.ReadFull(o.Random, s.key); err != nil {
		return nil, err
	}
	if s.identity, err = newIdentity(o.Random); err != nil {
		return nil, err
	}
	if s.local, err = s.administration("", true, trustLocal); err != nil {
		return nil, err
	}
	s.upstream = forward.Transport(nil)
	if o.Demo != nil {
		s.demo = startDemo(o.Demo)
		s.upstream = forward.Transport(s.demo.dial)
	}
	s.trust = newTrust(o.Now, o.Log, s.registry)
	if err := s.Reload(ctx, o.Catalogue); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Reload puts another reading of the catalogue in place of the current one. What
// is under way ends under the old one. An environment keeps its store and keys
// over a reload; one whose store or issuer differs needs a restart, which is an
// error that changes nothing.
func (s *Server) Reload(ctx context.Context, c *catalogue.Catalogue) (err error) {
	s.reload.Lock()
	defer s.reload.Unlock()
	old := s.current.Load()
	next := &generation{catalogue: c}
	if next.outbound, err = s.fetcher(c.Outbound); err != nil {
		return err
	}
	var opened []*resources
	defer func() {
		if err != nil {
			for _, r := range opened {
				err = errors.Join(err, r.close())
			}
		}
	}()
	for _, e := range c.All() {
		r := old.resources(e.Name)
		if r == nil {
			if r, err = s.open(ctx, e); err != nil {
				return fmt.Errorf("environment %s: %w", e.Name, err)
			}
			opened = append(opened, r)
		}
		environment, err := s.assemble(ctx, next, e, r)
		if err != nil {
			return fmt.Errorf("environment %s: %w", e.Name, err)
		}
		next.environments = append(next.environments, environment)
	}
	for _, e := range next.environments {
		e.elsewhere(next.environments)
	}
	next.partners = s.organisations(next)
	if next.console, err = s.makeConsole(ctx, next); err != nil {
		return fmt.Errorf("the console: %w", err)
	}
	next.mounts = s.mount(next)
	s.current.Store(next)
	for _, e := range next.environments {
		s.post(e)
	}
	s.trust.set(c.Environments)
	for _, gone := range old.without(next) {
		// Requests that began before have the time that a shutdown gives them.
		time.AfterFunc(Grace, func() { _ = gone.close() })
	}
	return nil
}

// Grace is how long requests that are under way may take when the server stops.
const Grace = 25 * time.Second

// Handler returns the public handler: everything but metrics and administration.
func (s *Server) Handler() http.Handler {
	s.trust.begin()
	return s.observe(s.options.Tracing.around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.current.Load().mounts.ServeHTTP(w, r)
	}), func() []netip.Prefix { return s.current.Load().catalogue.Listen.Trusted }))
}

// Close stops following the stores and closes them. It returns once what was
// buffered has been written.
func (s *Server) Close() error {
	s.reload.Lock()
	defer s.reload.Unlock()
	var err error
	if g := s.current.Load(); g != nil {
		for _, e := range g.environments {
			err = errors.Join(err, e.resources.close())
		}
	}
	s.trust.close()
	s.upstream.CloseIdleConnections()
	if s.demo != nil {
		s.demo.close()
	}
	return err
}

func (g *generation) resources(name string) *resources {
	if g == nil {
		return nil
	}
	for _, e := range g.environments {
		if e.Name == name {
			return e.resources
		}
	}
	return nil
}

// without returns the resources that the next generation does not use.
func (g *generation) without(next *generation) []*resources {
	if g == nil {
		return nil
	}
	var gone []*resources
	for _, e := range g.environments {
		if next.resources(e.Name) == nil {
			gone = append(gone, e.resources)
		}
	}
	return gone
}
