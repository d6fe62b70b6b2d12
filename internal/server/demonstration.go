package server

import (
	"context"
	"errors"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
	"github.com/grantway/grantway/oauth"
)

// A Persona is a person of a demonstration, and what the demonstration's client
// needs to act for people.
type Persona struct {
	Name     string
	Password secret.Secret
	Roles    []string
	FullName string
	Email    string // known to be theirs: a new password can be asked for

	Redirects []string // of the client, which is from before PKCE
	APIToken  string   // a plain one for the APIs that know them; empty: none
}

// A Membership is a partner of a demonstration, whose the demonstration's clients
// are, and its one person.
type Membership struct {
	ID, Name string
	Person   Persona
}

// demonstrate makes what a demonstration has: a client with everything allotted,
// a person, an API token. What exists from an earlier run stays as it is.
func (s *Server) demonstrate(ctx context.Context, e *catalogue.Environment, db *sqlstore.Store) error {
	persona, acts := s.options.Personas[e.Name]
	if m := s.options.Member; m != nil && e.Name == catalogue.HomeName {
		if err := s.join(ctx, db, m); err != nil {
			return err
		}
	}
	if c, ok := s.options.Demonstration[e.Name]; ok {
		return s.demonstrateClient(ctx, e, db, c, persona, acts)
	}
	if acts {
		return s.enrol(ctx, db, persona)
	}
	return nil
}

// demonstrateClient makes a client and, where it acts for people, the person.
func (s *Server) demonstrateClient(ctx context.Context, e *catalogue.Environment, db *sqlstore.Store, c Credentials, persona Persona, acts bool) error {
	verifier, err := s.secrets.FromChosen(ctx, c.Secret, s.options.Random)
	if err != nil {
		return err
	}
	id, err := secret.NewID(s.options.Random, 10)
	if err != nil {
		return err
	}
	client := store.Client{
		ID: c.ClientID, Name: "Demonstration", Type: store.TypeMachine, Grants: []string{oauth.GrantClientCredentials},
		Allotted: map[string][]string{}, CreatedAt: s.options.Now(),
		Secrets: []store.Secret{{ID: id, ClientID: c.ClientID, Verifier: verifier.Encoded(), CreatedAt: s.options.Now()}},
	}
	if s.options.Member != nil {
		client.Partner = s.options.Member.ID
	}
	if acts {
		client.Type, client.Grants = store.TypeWeb, []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}
		client.SignIn = store.SignIn{Redirects: persona.Redirects, Legacy: true}
	}
	for _, api := range e.APIs {
		client.Allotted[api.Name] = []string{}
		for _, scope := range api.Scopes {
			client.Allotted[api.Name] = append(client.Allotted[api.Name], scope.Name)
		}
	}
	if err := already(db.Clients().Create(ctx, client, s.by())); err != nil || !acts {
		return err
	}
	if err := s.enrol(ctx, db, persona); err != nil {
		return err
	}
	return s.hand(ctx, e, db, persona.APIToken)
}

// already: a conflict says that it was made in an earlier run.
func already(err error) error {
	if errors.Is(err, store.ErrConflict) || errors.Is(err, account.ErrTaken) {
		return nil
	}
	return err
}

// enrol makes the account.
func (s *Server) enrol(ctx context.Context, db *sqlstore.Store, p Persona) error {
	people := &account.People{
		Accounts:  db.Accounts(),
		Passwords: &account.Passwords{Accounts: db.Accounts(), Factors: db.Factors(), Checker: s.persons, Random: s.options.Random, Now: s.options.Now},
		Random:    s.options.Random, Now: s.options.Now,
	}
	_, err := people.Create(ctx, account.New{
		Name: p.Name, Password: p.Password, Roles: p.Roles, Profile: store.Profile{
			FullName: p.FullName, Email: p.Email, EmailVerified: p.Email != "",
		},
	}, s.by())
	return already(err)
}

// join makes a partner and its person.
func (s *Server) join(ctx context.Context, db *sqlstore.Store, m *Membership) error {
	if err := s.enrol(ctx, db, m.Person); err != nil {
		return err
	}
	a, err := db.Accounts().FindBy(ctx, m.Person.Name)
	if err != nil {
		return err
	}
	return already(db.Partners().Create(ctx, store.Partner{
		ID: m.ID, Name: m.Name, Email: m.Person.Email, Verified: true, CreatedAt: s.by().At,
		Members: []store.Member{{AccountID: a.ID, Role: store.MemberAdmin, Since: s.by().At}},
	}, s.by()))
}

// hand makes the API token.
func (s *Server) hand(ctx context.Context, e *catalogue.Environment, db *sqlstore.Store, text string) error {
	if text == "" {
		return nil
	}
	id, err := secret.NewID(s.options.Random, 10)
	if err != nil {
		return err
	}
	made := store.APIToken{
		ID: id, Hash: secret.HashOf(text), Hint: secret.Of(text).Hint(), Name: "Demonstration", CreatedAt: s.options.Now(), CreatedBy: s.by().Actor,
	}
	for _, api := range e.APIs {
		if api.Tokens.Header != "" {
			made.APIs = append(made.APIs, api.Name)
		}
	}
	return already(db.APITokens().Create(ctx, made, s.by()))
}
