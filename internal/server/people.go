package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/endpoint"
	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/login"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/internal/web"
)

// people are what an environment where people sign in keeps over reloads.
type people struct {
	ids     *keys.Ring // sign ID tokens
	refresh token.Refresh
	pages   *pageKeys
}

// A signIn is what an environment where people sign in has beside the others.
type signIn struct {
	authorization *endpoint.Authorization
	userInfo      *endpoint.UserInfo
	hints         *token.Hints
	journey       *login.Journey
	assets        http.Handler // that the pages refer to
}

// openPeople opens what signing in needs, once it is switched on.
func (s *Server) openPeople(ctx context.Context, e *catalogue.Environment, r *resources) (*people, error) {
	if p := r.people.Load(); p != nil {
		return p, nil
	}
	settings := keys.Settings{
		Environment: e.Name, Purpose: keys.ID, Keys: r.store.Keys(), Seal: s.options.Seal, Header: dialect.Find(e.Dialect).IDHeader,
		Now: s.options.Now, Announce: s.options.Announce,
	}
	ids, err := keys.Open(ctx, settings, endpoint.IDTokenAlgorithms(), s.by())
	if err != nil {
		return nil, err
	}
	settings.Purpose = keys.Refresh
	derivation, err := keys.OpenDerivation(ctx, settings, s.options.Random, s.by())
	if err != nil {
		return nil, err
	}
	pages, err := s.openPages(ctx, e, r)
	if err != nil {
		return nil, err
	}
	made := &people{ids: ids, refresh: token.Refresh{Key: derivation}, pages: pages}
	r.people.Store(made)
	for _, d := range r.feed.denials.Pending() { // what an earlier run could not store
		if d.Kind == store.RevokedKey {
			if err := ids.Deny(d.ID); err != nil {
				return nil, err
			}
		}
	}
	// One that was stored between the two is known to the store alone.
	return made, ids.Reload(ctx)
}

// people assembles what there is where people sign in: the grants that act for
// them, and the endpoints that the pages stand between.
func (s *Server) people(ctx context.Context, c *catalogue.Catalogue, e *environment, realm string) error {
	if e.Login == nil {
		return nil
	}
	kept, err := s.openPeople(ctx, e.Environment, e.resources)
	if err != nil {
		return err
	}
	if err := s.declarePeople(ctx, e.Environment, e.resources); err != nil {
		return err
	}
	db, now := e.resources.store, s.options.Now
	grantable := e.Grantable()
	e.grants = append(e.grants,
		&grant.AuthorizationCode{APIs: grantable, Grants: db.Grants(), Now: now},
		&grant.RefreshToken{APIs: grantable, Reads: kept.refresh, Grants: db.Grants(), Now: now},
	)
	e.issuing = &token.People{
		Grants: db.Grants(), IDs: kept.ids, Refresh: kept.refresh, Life: e.Login.Refresh, Longest: longestLife(e.Environment),
		Seen: e.resources.clients.Sync,
	}
	// Any good token is looked at: one without the scope openid is refused for that,
	// with 403, and none with it is for others only (row M10).
	checker, err := e.checker(now, e.Grantable()...)
	if err != nil {
		return fmt.Errorf("the UserInfo endpoint: %w", err)
	}
	hints := &token.Hints{Issuer: e.issuer(), Keys: kept.ids.Public}
	e.signIn = &signIn{
		hints: hints,
		authorization: &endpoint.Authorization{
			Environment: e.Name, Issuer: e.Issuer.String(), Name: e.issuer(), Secure: e.Issuer.Scheme == "https",
			Allotment: grant.Allotment{APIs: e.APIs, OpenID: e.OpenID, NeedsAudience: e.dialect.NeedsAudience},
			Life:      e.Login.Refresh, Limit: c.Limits.Body,
			Clients: e, Requests: db.Requests(), Grants: db.Grants(), Hints: hints, Now: now, Random: s.options.Random,
		},
		userInfo: &endpoint.UserInfo{Tokens: checker, Accounts: db.Accounts(), Clients: e, Realm: realm, Limit: c.Limits.Body},
	}
	e.signIn.journey, err = s.journey(c, e, kept.pages)
	return err
}

// declarePeople gives the clients of the file that act for people a row in the
// store: grants hang on it, and end with it. It holds nothing else that counts.
func (s *Server) declarePeople(ctx context.Context, e *catalogue.Environment, r *resources) error {
	for i := range e.Clients {
		c := &e.Clients[i]
		if c.Type == store.TypeMachine || c.Type == store.TypeResource {
			continue
		}
		_, err := r.store.Clients().Find(ctx, c.ID)
		if errors.Is(err, store.ErrNotFound) {
			err = r.store.Clients().Create(ctx, store.Client{
				ID: c.ID, Name: c.Name, Type: c.Type, CreatedAt: s.options.Now(), Declared: true,
			}, s.by())
		}
		if errors.Is(err, store.ErrConflict) {
			if _, again := r.store.Clients().Find(ctx, c.ID); again == nil {
				continue // another node was first
			}
			err = errors.New("its id was another client's, which was deleted: give it a new one")
		}
		if err != nil {
			return fmt.Errorf("client %s: %w", c.ID, err)
		}
	}
	return nil
}

// people mounts what there is where people sign in.
func (m *mounts) people(e *environment) {
	if e.signIn == nil {
		return
	}
	for _, path := range e.dialect.AuthorizePaths {
		m.at(e.Environment, e.Issuer, path, "authorization", e.signIn.authorization)
	}
	m.at(e.Environment, e.Issuer, catalogue.UserInfoPath, "userinfo", e.signIn.userInfo)
	for _, page := range e.signIn.journey.Handlers() {
		m.at(e.Environment, e.Issuer, page.Path, page.Route, page.Handler)
	}
	m.below(e.Environment, e.Issuer, "/assets", "asset", timed(e.signIn.assets))
}

// offered says in metadata what of the pages' is switched on: what is mounted.
func (e *environment) offered() endpoint.Offered {
	if e.signIn == nil {
		return endpoint.Offered{}
	}
	o := endpoint.Offered{LogoutNotices: true}
	for _, page := range e.signIn.journey.Handlers() {
		if page.Path == web.PathLogout {
			o.LogoutPath = page.Path
		}
	}
	return o
}

// algorithms are those that access tokens of the environment are signed with.
func algorithms(e *catalogue.Environment) []jose.Algorithm {
	all := e.Algorithms()
	if e.OpenID != nil && !slices.Contains(all, e.OpenID.Token.Algorithm) {
		all = append(all, e.OpenID.Token.Algorithm)
	}
	return all
}

// rings are the keys of an environment that are kept while its store is followed.
func (r *resources) rings() []*keys.Ring {
	if p := r.people.Load(); p != nil {
		return []*keys.Ring{r.ring, r.audit.ring, p.ids}
	}
	return []*keys.Ring{r.ring, r.audit.ring}
}

// eachRing does something with all keys, with those that are left when it fails
// with some.
func (r *resources) eachRing(do func(*keys.Ring) error) (err error) {
	for _, ring := range r.rings() {
		if failed := do(ring); failed != nil {
			err = failed
		}
	}
	return err
}

// jwks are the public keys that verify what the environment issues: access tokens,
// and ID tokens, whose keys are others (row G25).
func (r *resources) jwks() []byte {
	p := r.people.Load()
	if p == nil {
		return r.ring.JWKS()
	}
	both, err := jose.MarshalJWKSet(slices.Concat(r.ring.Public(), p.ids.Public()))
	if err != nil {
		return r.ring.JWKS() // cannot be: each of them was published before
	}
	return both
}

// signInOf is what a declared client is registered with.
func signInOf(c *catalogue.Client) store.SignIn { return store.SignIn(c.SignIn) }

// How long what is over is kept.
const (
	keepLinks  = 24 * time.Hour      // store.Links.Issue counts those of an hour
	neverAgain = 31 * 24 * time.Hour // longer than any session lives: where people sign in no more
)

// overForPeople are steps that forget what is over where people sign in. Sessions
// end in theirs, and their applications are told.
func (r *resources) overForPeople(ctx context.Context, now time.Time, some int, idle time.Duration) []func() (int, error) {
	if r.people.Load() == nil {
		return nil
	}
	return []func() (int, error){
		func() (int, error) { return r.store.Requests().Purge(ctx, now, some) },
		func() (int, error) { return r.store.Links().Purge(ctx, now.Add(-keepLinks), some) },
		func() (int, error) { return r.store.Devices().Purge(ctx, now, some) },
		func() (int, error) { return r.store.Grants().Purge(ctx, now, some) },
		func() (int, error) { return r.store.Sessions().Purge(ctx, idle, now, some) },
	}
}

// idle is how long a session lives that is not used, as the catalogue says now.
func (e *environment) idle() time.Duration {
	if e == nil || e.Login == nil {
		return neverAgain
	}
	return e.Login.Idle
}
