package server

import (
	"context"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// organisations makes the operations on partners; nil where there is no home.
func (s *Server) organisations(g *generation) *partner.Partners {
	home := g.home()
	if home == nil || home.accounts == nil {
		return nil
	}
	db := home.resources.store
	p := &partner.Partners{
		Store: db.Partners(), Access: db.AccessRequests(), Unconfirmed: db.UnconfirmedRequests(), Accounts: db.Accounts(),
		People: home.accounts.People, Links: home.accounts.Links,
		Environments: func() []*partner.Clients { return s.current.Load().published() },
		Notify: func(ctx context.Context, notices ...store.Notice) error {
			_, err := db.Notices().Queue(ctx, notices)
			s.outbox.Load().again()
			return err
		},
		Beside: home.resources.people.Load().pages.beside(s.options.Log.With("environment", home.Name)),
		Now:    s.options.Now, Random: s.options.Random,
	}
	if address, err := account.Email(g.catalogue.Contact); err == nil { // else it is a page, which nobody can tell
		p.Contact = address
	}
	if hook := g.catalogue.Webhook; hook != nil {
		p.Webhook = hookName(hook.URL)
	}
	if at := g.catalogue.Portal; at != nil {
		p.PortalURL = at.URL.String()
	}
	if at := g.catalogue.Console; at != nil {
		p.ConsoleURL = at.URL.String()
	}
	return p
}

// tellOwner tells whose client it is what was done to it; nobody where there is no home.
func (s *Server) tellOwner(ctx context.Context, kind, environment string, client store.Client, secretID string) error {
	g := s.current.Load()
	if g == nil || g.partners == nil {
		return nil
	}
	return g.partners.Tell(ctx, kind, environment, client, secretID)
}

// home is the environment of the deployment itself; nil where there is none.
func (g *generation) home() *environment {
	for _, e := range g.environments {
		if e.Environment == g.catalogue.Home {
			return e
		}
	}
	return nil
}

// published are the operations on the clients of every environment but home.
func (g *generation) published() []*partner.Clients {
	var all []*partner.Clients
	for _, e := range g.environments {
		if e.Name != catalogue.HomeName {
			all = append(all, e.partners)
		}
	}
	return all
}
