package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/forward"
)

// GatewayOptions are what a Gateway is made of.
type GatewayOptions struct {
	Catalogue    *catalogue.Catalogue
	Environments []string // those to guard; empty: all of the catalogue

	// Credentials are those of the client of type resource with which an
	// environment's issuer is asked: for the feed of revocations, and about opaque
	// tokens.
	Credentials func(environment string) (Credentials, error)

	MaxStale time.Duration // as resource.FeedConfig has it
	Now      func() time.Time
	Random   io.Reader
	Log      *slog.Logger
	Tracing  *Tracing // nil: calls are not traced
}

// A Gateway guards the APIs of a catalogue apart from the servers that issue its
// tokens: it has no store and no signing key, and learns from the issuers over
// the network which keys there are and what was revoked. Until it has learnt
// that, and whenever it has not for MaxStale, it passes nothing. It is safe for
// concurrent use.
type Gateway struct {
	intake
	options  GatewayOptions
	upstream *http.Transport // to the APIs
	issuers  *http.Transport // to the issuers
	trust    *trust

	reload  sync.Mutex // one at a time
	current atomic.Pointer[guarding]
}

// A guarding is what one reading of the catalogue made.
type guarding struct {
	catalogue *catalogue.Catalogue
	followers []*follower
	protected []protected
	mounts    *mounts
}

// NewGateway reads what an earlier run has kept in the catalogue's data folder,
// which must exist, and begins to listen to the issuers. It does not wait for
// them. Close it.
func NewGateway(ctx context.Context, o GatewayOptions) (*Gateway, error) {
	g := &Gateway{
		options: o, intake: newIntake(o.Now, o.Random, o.Log), upstream: forward.Transport(nil), issuers: issuerTransport(),
	}
	g.trust = newTrust(o.Now, o.Log, g.registry)
	g.registry.MustRegister(gatewayGauges{g})
	if err := g.Reload(ctx, o.Catalogue); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// Reload puts another reading of the catalogue in place of the current one. What
// is under way ends under the old one. An environment keeps what was learnt from
// its issuer; one whose issuer differs needs a restart, which is an error that
// changes nothing.
func (g *Gateway) Reload(_ context.Context, c *catalogue.Catalogue) (err error) {
	g.reload.Lock()
	defer g.reload.Unlock()
	old := g.current.Load()
	next := &guarding{catalogue: c, mounts: &mounts{exact: map[string]mounted{}}}
	environments, err := g.chosen(c)
	if err != nil {
		return err
	}
	var opened []*follower
	defer func() {
		if err != nil {
			for _, f := range opened {
				f.close()
			}
		}
	}()
	for _, e := range environments {
		if name := counting(e); name != "" {
			return fmt.Errorf("environment %s: the API %s knows API tokens, which are checked where the store is only: let the server guard it", e.Name, name)
		}
		f := old.follower(e.Name)
		if f == nil {
			if f, err = g.open(e, c.Data); err != nil {
				return fmt.Errorf("environment %s: %w", e.Name, err)
			}
			opened = append(opened, f)
		}
		if f.issuer != issuerOf(e) {
			return fmt.Errorf("environment %s: its issuer differs from what it was: restart to change it", e.Name)
		}
		gateway, err := guard(c, e, g.options.Tracing.calls(g.upstream), g.trust, nil, g.options.Now, f.checker(e, g.options.Now))
		if err != nil {
			return fmt.Errorf("environment %s: %w", e.Name, err)
		}
		next.followers = append(next.followers, f)
		next.protected = append(next.protected, protected{e, gateway})
		next.mounts.resources(e)
		next.mounts.below(e, e.Base, "", "", gateway)
	}
	next.mounts.sort()
	g.current.Store(next)
	g.trust.set(environments)
	for _, f := range opened {
		f.follow(g.logger)
	}
	for _, f := range old.without(next) {
		time.AfterFunc(Grace, f.close)
	}
	return nil
}

// counting is the first API of an environment that knows API tokens; empty: none
// does.
func counting(e *catalogue.Environment) string {
	for _, api := range e.APIs {
		if api.Tokens.Header != "" {
			return api.Name
		}
	}
	return ""
}

// chosen are the environments to guard.
func (g *Gateway) chosen(c *catalogue.Catalogue) ([]*catalogue.Environment, error) {
	if len(g.options.Environments) == 0 {
		return c.Environments, nil // home is not among them: its API is the server itself
	}
	var chosen []*catalogue.Environment
	for _, name := range g.options.Environments {
		i := slices.IndexFunc(c.Environments, func(e *catalogue.Environment) bool { return e.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("the configuration has no environment %q to guard", name)
		}
		if !slices.Contains(chosen, c.Environments[i]) {
			chosen = append(chosen, c.Environments[i])
		}
	}
	return chosen, nil
}

// Handler returns the public handler: the APIs, and their metadata (RFC 9728).
func (g *Gateway) Handler() http.Handler {
	g.trust.begin()
	return g.observe(g.options.Tracing.around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.current.Load().mounts.ServeHTTP(w, r)
	}), func() []netip.Prefix { return g.current.Load().catalogue.Listen.Trusted }))
}

// Operations is Server.Operations; ready means that every environment's issuer
// was heard and is not silent for too long.
func (g *Gateway) Operations() http.Handler {
	return g.operations(func(context.Context) error {
		for _, f := range g.current.Load().followers {
			if err := f.ready(); err != nil {
				return fmt.Errorf("%s: %w", f.environment, err)
			}
		}
		return nil
	})
}

// Serve is Server.Serve.
func (g *Gateway) Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	return serve(ctx, bounded(l, g.current.Load().catalogue), h)
}

// ServeTLS is Server.ServeTLS.
func (g *Gateway) ServeTLS(ctx context.Context, l net.Listener, config *tls.Config, h http.Handler) error {
	return serve(ctx, tls.NewListener(bounded(l, g.current.Load().catalogue), config), sameHost(h))
}

// Close stops listening to the issuers. It returns once what they said last has
// been written to the data folder.
func (g *Gateway) Close() error {
	g.reload.Lock()
	defer g.reload.Unlock()
	if current := g.current.Load(); current != nil {
		for _, f := range current.followers {
			f.close()
		}
	}
	g.trust.close()
	g.upstream.CloseIdleConnections()
	g.issuers.CloseIdleConnections()
	return nil
}

func (g *guarding) follower(environment string) *follower {
	if g == nil {
		return nil
	}
	for _, f := range g.followers {
		if f.environment == environment {
			return f
		}
	}
	return nil
}

// without returns the followers that the next reading does not use.
func (g *guarding) without(next *guarding) []*follower {
	if g == nil {
		return nil
	}
	var gone []*follower
	for _, f := range g.followers {
		if next.follower(f.environment) == nil {
			gone = append(gone, f)
		}
	}
	return gone
}
