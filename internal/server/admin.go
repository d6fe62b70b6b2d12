package server

import (
	"errors"
	"net/http"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/oauth"
)

// Admin returns the admin API for callers that the operating system has let in:
// over the socket of the data folder, or in the same process.
func (s *Server) Admin() http.Handler { return s.observe(timed(s.local)) }

// administration makes the admin API under a path, for callers on the server's own
// machine or others, with a rule that tells them apart.
func (s *Server) administration(under string, onMachine bool, authorize func(*http.Request, string) (string, error)) (http.Handler, error) {
	return admin.New(admin.Options{
		Issuers: s.otherIssuers, APITokens: s.apiTokens, People: s.accounts,

		Environments: s.partners, Keys: s.rings, Denials: s.denials, Audited: s.audited, TokenID: s.tokenID, Activity: s.activity,
		Partners: func() *partner.Partners { return s.current.Load().partners }, Remembered: s.remembered,
		Under: under, OnMachine: onMachine, Authorize: authorize, Now: s.options.Now, Random: s.options.Random,
	})
}

// trustLocal is the rule of the admin socket, to which only the user that the
// server runs as can connect.
func trustLocal(*http.Request, string) (string, error) { return "command line", nil }

// remote is the admin API on home's host, where a token of home says who is
// asking and what they may.
func (s *Server) remote(home *environment) (http.Handler, error) {
	checker, err := home.checker(s.options.Now, home.API(catalogue.AdminAPI))
	if err != nil {
		return nil, err
	}
	return s.administration(home.Base.Path, false, func(r *http.Request, permission string) (string, error) {
		token, err := checker.Authenticate(r)
		switch {
		case errors.Is(err, oauth.InvalidToken), errors.Is(err, oauth.InvalidRequest):
			return "", errors.Join(admin.ErrUnauthenticated, err)
		case err != nil:
			return "", err
		case !token.Has(permission):
			return "", admin.ErrForbidden
		}
		return token.ClientID, nil
	})
}

// remembered is what the store of an environment remembers of what was done to it.
func (s *Server) remembered(environment string) *admin.Remembered {
	if r := s.current.Load().resources(environment); r != nil {
		return &admin.Remembered{History: r.store.History(), Replays: r.store.Replays()}
	}
	return nil
}

// partners are the operations on each environment's clients, home's included.
func (s *Server) partners() []*partner.Clients {
	var all []*partner.Clients
	for _, e := range s.current.Load().environments {
		all = append(all, e.partners)
	}
	return all
}
