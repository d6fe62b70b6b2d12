package server

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/clientauth"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/endpoint"
	"github.com/grantway/grantway/internal/fetch"
	"github.com/grantway/grantway/internal/gateway"
	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/cached"
	"github.com/grantway/grantway/internal/store/sqlstore"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/resource"
)

// An environment is one issuer as a reading of the catalogue describes it.
type environment struct {
	*catalogue.Environment
	resources     *resources
	dialect       *dialect.Dialect
	grants        []grant.Grant
	declared      map[string]*store.Client
	auth          *clientauth.Authenticator
	token         *endpoint.Token
	introspection *endpoint.Introspection
	revocation    *endpoint.Revocation
	gateway       *gateway.Gateway
	partners      *partner.Clients
	apiTokens     *partner.APITokens
	accounts      *admin.People // for operators; nil where nobody signs in
	admin         http.Handler  // home's only
	issuing       *token.People
	outbound      *fetch.Fetcher
	signIn        *signIn // nil: nobody signs in here
}

// resources are what an environment keeps over reloads.
type resources struct {
	environment string
	dsn, issuer string
	store       *sqlstore.Store
	clients     *cached.Clients
	revoked     *revocation.Set
	asking      sync.Mutex // of a request that asks the store what was revoked
	ring        *keys.Ring
	people      atomic.Pointer[people] // nil until somebody may sign in
	keysChanged chan struct{}          // in the store
	feed        *feed
	activity    *activity.Recorder
	directory   *directory
	audit       *auditing
	failures    *limit.Budget
	now         func() time.Time
	stop        context.CancelFunc
	stopped     chan struct{}
}

// open opens the store of an environment and everything that lives as long.
func (s *Server) open(ctx context.Context, e *catalogue.Environment) (_ *resources, err error) {
	kept := sqlstore.Options{Now: s.options.Now}
	if e.Name == catalogue.HomeName {
		kept.Keep = home.Owner
	}
	db, err := sqlstore.Open(ctx, e.Store, kept)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	claimed, err := db.Abouts().Claim(ctx, store.About{Environment: e.Name, Mark: s.options.Mark})
	if err != nil {
		return nil, foreign(e.Name, s.options.Mark, claimed, err)
	}
	ring, err := s.openKeys(ctx, e, db.Keys())
	if err != nil {
		return nil, err
	}
	feed, err := s.openFeed(ctx, e, db)
	if err != nil {
		return nil, err
	}
	audit, err := s.openAudit(ctx, e, db)
	if err != nil {
		return nil, err
	}
	r := &resources{
		feed:        feed,
		audit:       audit,
		environment: e.Name,
		dsn:         e.Store, issuer: e.Issuer.String(), store: db, ring: ring, now: s.options.Now,
		clients: cached.New(db.Clients(), db.Changes(), cached.Options{Now: s.options.Now}),
		revoked: revocation.New(db.Revocations(), s.options.Now),
		failures: limit.NewBudget(limit.RateConfig{
			Events: s.options.Catalogue.Limits.FailuresPerMinute, Per: time.Minute, Now: s.options.Now,
		}),
		keysChanged: make(chan struct{}, 1),
		stopped:     make(chan struct{}),
	}
	r.activity = s.newRecorder(r)
	r.directory = newDirectory(db.Accounts(), db.APITokens(), r.clients, s.options.Now)
	if err := r.revoked.Refresh(ctx); err != nil {
		return nil, fmt.Errorf("read the revocations: %w", err)
	}
	if feed.denials, err = s.openDenials(e, r); err != nil {
		return nil, err
	}
	if err := s.demonstrate(ctx, e, db); err != nil {
		return nil, fmt.Errorf("make the demonstration: %w", err)
	}
	s.follow(r)
	return r, nil
}

// foreign says why a store is not this environment's.
func foreign(name, mark string, claimed store.About, err error) error {
	switch {
	case !errors.Is(err, store.ErrConflict):
		return err
	case claimed.Environment != name:
		return fmt.Errorf("its store belongs to environment %q: give each environment a store of its own", claimed.Environment)
	case mark == "":
		return errors.New("its store was made by `grantway dev` and holds credentials that are printed in public documents: give it a new one")
	}
	return errors.New("its store was not made by `grantway dev`: run dev in a folder of its own")
}

// by says that the server itself changes something.
func (s *Server) by() store.By { return store.By{Actor: "server", At: s.options.Now()} }

// assemble makes an environment's handlers. Nothing in it outlives a reload.
func (s *Server) assemble(ctx context.Context, g *generation, e *catalogue.Environment, r *resources) (*environment, error) {
	c := g.catalogue
	if r.dsn != e.Store || r.issuer != e.Issuer.String() {
		return nil, errors.New("its store or issuer differs from what it was: restart to change them")
	}
	if err := r.ring.Ensure(ctx, algorithms(e), s.by()); err != nil {
		return nil, err
	}
	env := &environment{Environment: e, resources: r, dialect: dialect.Find(e.Dialect), outbound: g.outbound}
	realm := realmOf(c.Name)
	env.declare(s.options.Now(), s.identity.verifier)
	env.grants = []grant.Grant{
		&grant.ClientCredentials{APIs: e.APIs, NeedsAudience: env.dialect.NeedsAudience},
	}
	if err := s.people(ctx, c, env, realm); err != nil {
		return nil, err
	}
	env.auth = &clientauth.Authenticator{
		Environment: e.Name, Clients: env, Secrets: s.secrets, Failures: r.failures, Key: s.key, Trusted: c.Listen.Trusted, Now: s.options.Now,
		Failing: failing,
	}
	env.token = &endpoint.Token{
		Clients: env.auth,
		Grants:  env.grants,
		Issuer: &token.Issuer{
			Name: env.issuer(), Dialect: env.dialect, Signers: r.ring, Opaque: s.options.Tracing.tokens(r.store.Tokens()), People: env.issuing,
			Reuse: env.reuse(), Now: s.options.Now, Random: s.options.Random,
		},
		Budgets: endpoint.NewBudgets(e.APIs, s.options.Now),
		Answers: &endpoint.Answers{
			Dialect: env.dialect, Issuer: e.Issuer.String(), Realm: realm, Strict: e.Strict, Plain: e.PlainCodes,
		},
		BodyLimit: c.Limits.Body,
		Now:       s.options.Now,
	}
	if err := env.questions(c, realm, s.options.Now); err != nil {
		return nil, err
	}
	var err error
	if env.gateway, err = guard(c, e, s.options.Tracing.calls(s.upstream), s.trust, r.directory, s.options.Now, func(api *catalogue.API) (*resource.Checker, error) {
		return env.checker(s.options.Now, api)
	}); err != nil {
		return nil, err
	}
	env.partners = &partner.Clients{
		Environment: e, Store: r.store.Clients(), Secrets: r.store.Secrets(), Check: s.secrets,
		Partners: r.store.PartnerClients(), ScopeUses: r.store.ScopeUses(),
		Now: s.options.Now, Random: s.options.Random, Sync: r.clients.Sync, Development: s.options.Mark == store.MarkDev,
		Tell: s.tellOwner,
	}
	env.apiTokens = &partner.APITokens{
		Environment: e, Store: r.store.APITokens(), Now: s.options.Now, Random: s.options.Random, Sync: r.clients.Sync,
	}
	if e == c.Home {
		if env.admin, err = s.remote(env); err != nil {
			return nil, err
		}
	}
	return env, nil
}

// reuse remembers the tokens of clients, where an API gives them again; else it
// is nil. What it remembers ends with this reading of the catalogue.
func (e *environment) reuse() *token.Reuse {
	if !slices.ContainsFunc(e.APIs, func(api *catalogue.API) bool { return api.Token.Reuse > 0 }) {
		return nil
	}
	return token.NewReuse(e.resources.revoked.Ended)
}

// realmOf is a name as a challenge can carry it (RFC 9110 §11.5): what it cannot
// is left out, since a realm is for people to recognise and for nothing else.
func realmOf(name string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, strings.ToLower(name))
}

// issuer is the issuer as tokens and metadata say it.
func (e *environment) issuer() string { return issuerOf(e.Environment) }

// declare prepares the clients of the file.
func (e *environment) declare(now time.Time, own string) {
	e.declared = map[string]*store.Client{}
	for _, c := range e.Clients {
		client := &store.Client{
			ID: c.ID, Name: c.Name, Type: c.Type, Grants: c.Grants, AuthMethods: c.Methods, Allotted: c.Allotted,
			SignIn: signInOf(&c), CreatedAt: now, Declared: true, Own: c.Own,
		}
		verifier := c.Verifier
		if c.Own {
			verifier = own
		}
		if verifier != "" {
			client.Secrets = []store.Secret{{ID: partner.DeclaredSecret, ClientID: c.ID, Verifier: verifier, CreatedAt: now}}
		}
		e.declared[c.ID] = client
	}
}

// Find returns a client of the file or of the store.
func (e *environment) Find(ctx context.Context, id string) (*store.Client, error) {
	if c, ok := e.declared[id]; ok {
		return c, nil
	}
	found, err := e.resources.clients.Find(ctx, id)
	if err == nil && found.Declared {
		return nil, store.ErrNotFound // it stood in the file once, and has no more than its grants here
	}
	return found, err
}

// checker decides about tokens for APIs of this environment.
func (e *environment) checker(now func() time.Time, apis ...*catalogue.API) (*resource.Checker, error) {
	config := checks(e.Environment, now, apis...)
	heard := e.resources.heard(now, apis)
	config.Key = func(ctx context.Context, id string) (crypto.PublicKey, string, error) {
		if err := heard(ctx); err != nil {
			return nil, "", err
		}
		for _, k := range e.resources.ring.Public() {
			if k.KeyID == id && !e.resources.revoked.KeyEnded(id) {
				return k.Key, string(k.Algorithm), nil
			}
		}
		return nil, "", errors.New("no key of this environment has this kid")
	}
	config.Opaque = func(ctx context.Context, presented string) (resource.Token, error) {
		if err := heard(ctx); err != nil {
			return resource.Token{}, err
		}
		return e.opaque(ctx, presented)
	}
	config.Ended = func(t *resource.Token) bool {
		return e.resources.revoked.Ended(revocation.Token{
			ID: t.ID, GrantID: token.ID(t.ID).Grant(), SecretID: token.ID(t.ID).Secret(), ClientID: t.ClientID, Subject: t.Subject, IssuedAt: t.IssuedAt,
		})
	}
	return resource.New(config)
}

func (e *environment) opaque(ctx context.Context, presented string) (resource.Token, error) {
	hash, ok := token.HashOf(presented)
	if !ok {
		return resource.Token{}, resource.ErrUnknown
	}
	stored, err := e.resources.store.Tokens().Find(ctx, hash, e.resources.now())
	if errors.Is(err, store.ErrNotFound) {
		return resource.Token{}, resource.ErrUnknown
	}
	if err != nil {
		return resource.Token{}, err
	}
	return resource.Token{
		ID: stored.ID, Issuer: e.issuer(), Subject: stored.Subject, ClientID: stored.ClientID,
		Audience: stored.Audience, Scope: stored.Scope, IssuedAt: stored.IssuedAt, ExpiresAt: stored.ExpiresAt,
	}, nil
}

// failing is how long an answer takes to a client that does not prove itself: longer
// than a store takes to say whether there is such a client.
const failing = 10 * time.Millisecond

// elsewhere lets the environment notice that credentials are another one's.
func (e *environment) elsewhere(all []*environment) {
	others := slices.DeleteFunc(slices.Clone(all), func(o *environment) bool { return o == e })
	e.auth.Elsewhere = func(ctx context.Context, clientID string, s secret.Secret) string {
		tag, made := secret.Environment(s.Reveal())
		for _, o := range others {
			if made && secret.Tag(o.Name) == tag {
				return o.Name
			}
		}
		for _, o := range others {
			if _, err := o.Find(ctx, clientID); err == nil {
				return o.Name
			}
		}
		return ""
	}
}
