package server

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/portal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/internal/web"
)

// portal mounts the developer portal, where there is one. Where there is no home,
// it is documentation alone.
func (s *Server) portal(m *mounts, g *generation) {
	c := g.catalogue
	if c.Portal == nil || c.Portal.URL == nil {
		return
	}
	docs := &portal.Docs{URL: c.Portal.URL, Name: c.Name, Contact: c.Contact, Environments: c.Environments}
	if s.options.Mark == store.MarkDev {
		docs.Samples = c.Portal.URL.Scheme + "://" + c.Portal.URL.Host + "/"
	}
	of := cmp.Or(c.Home, &catalogue.Environment{Name: catalogue.HomeName})
	if self := s.selfService(g, docs); self != nil {
		m.below(of, c.Portal.URL, "", "portal", timed(self))
		return
	}
	m.below(of, c.Portal.URL, "", "portal", timed(docs))
}

// How often people ask for access, invite others, and try the API. All are things
// that a person does by hand.
const (
	askedPerAddress   = 10 // in ten minutes; and by each account
	invitedPerAccount = 30 // in an hour
	triedPerAccount   = 30 // in a minute
)

// selfService is what partners do for themselves; nil where there is no home.
func (s *Server) selfService(g *generation, docs *portal.Docs) *portal.Self {
	h := g.home()
	if h == nil || h.signIn == nil || g.partners == nil {
		return nil
	}
	root := docs.URL.EscapedPath()
	key := h.resources.people.Load().pages.forms.Derive("portal", docs.URL.String())
	pages, err := web.NewPages(web.NewSite(web.Theme{Name: docs.Name}, root), nil, key[:])
	if err != nil {
		panic(err) // a derived key is long enough
	}
	self := &portal.Self{
		Docs: docs, Door: s.door(h, "portal", catalogue.PortalClient, docs.URL, false), Pages: pages, Partners: g.partners,
		Closed: g.catalogue.Portal.Closed,
		Address: func(r *http.Request) string {
			return limit.AddressKey(limit.ClientAddress(r, g.catalogue.Listen.Trusted))
		},
		Network: func(r *http.Request) string {
			if at := limit.CoarseNetwork(limit.ClientAddress(r, g.catalogue.Listen.Trusted)); at.IsValid() {
				return at.String()
			}
			return ""
		},
		Asking:   limit.NewRates(limit.RateConfig{Events: askedPerAddress, Per: 10 * time.Minute, Now: s.options.Now}),
		Inviting: limit.NewRates(limit.RateConfig{Events: invitedPerAccount, Per: time.Hour, Now: s.options.Now}),
		Trying:   limit.NewRates(limit.RateConfig{Events: triedPerAccount, Per: time.Minute, Now: s.options.Now}),
		Now:      s.options.Now, Random: s.options.Random,
	}
	for _, e := range g.environments {
		if e.Name == catalogue.HomeName {
			continue
		}
		self.Environments = append(self.Environments, &portal.Published{
			Environment: e.Environment, Clients: e.partners, Activity: e.resources.store.Activity(), Settle: e.resources.activity.Flush,
			Mint: e.trialToken, Call: func(r *http.Request) *http.Response { return s.trial(e, r) },
		})
	}
	docs.Visitor, docs.Mine = self.Visitor, root+"/applications"
	if !self.Closed {
		docs.Ask = root + "/ask"
	}
	docs.More = []portal.Link{
		{Title: "My applications", Path: root + "/applications"},
		{Title: "Ask for access", Path: root + "/ask"},
		{Title: "Try it", Path: root + "/try"},
		{Title: "Why was I refused?", Path: root + "/why"},
		{Title: "Members", Path: root + "/members"},
	}
	return self
}

// trialToken makes the token of one call that somebody tries in the portal. Its id
// says so where others name a secret.
func (e *environment) trialToken(ctx context.Context, clientID string, api *catalogue.API, scope []string) (secret.Secret, error) {
	short := *api
	short.Token.Lifetime, short.Token.Reuse = min(api.Token.Lifetime, portal.TryLifetime), 0
	made, err := e.token.Issuer.Issue(ctx, token.Authorization{
		ClientID: clientID, SecretID: portal.TryMark, APIs: []*catalogue.API{&short}, Scope: scope,
	})
	return secret.Of(made.AccessToken), err
}

// trialKept is how much of an answer is kept, in bytes.
const trialKept = 64 << 10

// trial sends a request through the gateway of an environment, past the network: no
// path and no name leads to anything else.
func (s *Server) trial(e *environment, r *http.Request) *http.Response {
	sent := r.Clone(r.Context())
	sent.Host, sent.RequestURI, sent.RemoteAddr = r.URL.Host, r.URL.RequestURI(), "127.0.0.1:0"
	got := brief{written{header: http.Header{}}}
	call := s.observe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		activity.Of(r.Context()).Environment = e.Name
		shorten(r, e.Base.Path)
		e.gateway.ServeHTTP(w, r)
	}))
	func() {
		defer func() {
			// An answer that breaks off is shown as far as it came.
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				panic(p)
			}
		}()
		call.ServeHTTP(&got, sent)
	}()
	return &http.Response{StatusCode: max(got.status, http.StatusOK), Header: got.header, Body: io.NopCloser(&got.body), Request: r}
}

// brief keeps the beginning of what a handler writes.
type brief struct{ written }

func (b *brief) Write(p []byte) (int, error) {
	room := max(0, trialKept-b.body.Len())
	if _, err := b.written.Write(p[:min(len(p), room)]); err != nil {
		return 0, err
	}
	return len(p), nil
}
