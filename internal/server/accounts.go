package server

import (
	"net/url"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/mail"
	"github.com/grantway/grantway/internal/web"
)

// accounts are the operations on the people of an environment, nil where nobody
// signs in.
func (s *Server) accounts(environment string) *admin.People {
	for _, e := range s.current.Load().environments {
		if e.Name == environment {
			return e.accounts
		}
	}
	return nil
}

// passwords makes what knows the passwords of an environment, and with them how strong
// a sign-in is and which browsers are remembered. They are hashed by the checker of
// people, so that an import does not keep clients from their tokens.
func (s *Server) passwords(e *environment, attempts *account.Attempts) *account.Passwords {
	db, now, random := e.resources.store, s.options.Now, s.options.Random
	return &account.Passwords{
		Accounts: db.Accounts(), Factors: db.Factors(), Checker: s.persons, Attempts: attempts, Rehash: db.Factors(),
		Strength: &account.Strength{Factors: db.Factors(), Identities: db.Identities(), Required: e.Login.SecondFactor, Now: now},
		Devices:  &account.Devices{Store: db.Devices(), Life: e.Login.Remember, Random: random, Now: now},
		Forget:   longestLife(e.Environment) + time.Minute, Random: random, Now: now,
	}
}

// administered makes them; mailer nil: there is no mail. Attempts are counted apart from
// those at the pages: whoever asks there for too many links keeps no operator out.
func (s *Server) administered(e *environment, mailer account.Mailer) *admin.People {
	if m, ok := mailer.(mailed); ok {
		if _, none := m.to.(mail.Unsent); none {
			mailer = nil // so that operators are told at once
		}
	}
	db, now, random := e.resources.store, s.options.Now, s.options.Random
	passwords := s.passwords(e, account.NewAttempts(now))
	issuer, publisher := e.Issuer.String(), e.Login.Theme.Name
	if publisher == "" {
		publisher = e.Title
	}
	page := func(path string) func(string) string {
		return func(handle string) string { return issuer + path + "?link=" + url.QueryEscape(handle) }
	}
	return &admin.People{
		People: &account.People{
			Accounts: db.Accounts(), Strength: passwords.Strength, Passwords: passwords, Forget: passwords.Forget, Random: random, Now: now,
		},
		Factors: &account.Factors{Store: db.Factors(), Identities: db.Identities(), Strength: passwords.Strength},
		Links: &account.Links{
			Store: db.Links(), Accounts: db.Accounts(), Passwords: passwords, Mailer: mailer, Publisher: publisher,
			Reset: page(web.PathPassword), Verify: page(web.PathVerify), Random: random, Now: now,
		},
		Record: &account.Record{
			Accounts: db.Accounts(), Factors: db.Factors(), Identities: db.Identities(), Sessions: db.Sessions(), Devices: db.Devices(),
			Consents: db.Consents(), Grants: db.Grants(), Partners: db.Partners(), Access: db.AccessRequests(), Now: now,
		},
	}
}
