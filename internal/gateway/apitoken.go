package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/resource"
)

// A Directory knows the API tokens of an environment and the people whom tokens
// are about. It is asked at every call and should answer from memory.
type Directory interface {
	// APIToken returns the API token with this hash, good or not. There being
	// none is store.ErrNotFound.
	APIToken(ctx context.Context, hash [32]byte) (*store.APIToken, error)

	// Person returns the account with this id, Named the one with this user name;
	// store.ErrNotFound if there is none. They return disabled ones too.
	Person(ctx context.Context, id string) (*store.Account, error)
	Named(ctx context.Context, name string) (*store.Account, error)

	// Used notes when an API token was used. It does not wait for the store.
	Used(id string, at time.Time)

	// ActedFor records that an elevated API token was used for a person, before
	// the call is passed on: what cannot be recorded does not happen.
	ActedFor(ctx context.Context, id, account string, by store.By) error
}

// operator is the role of people for whom no API token acts.
const operator = "operator"

// prove finds out who is calling: which application by its API token, and which
// client, for which person, by an access token. It takes what the rule asks for,
// and refuses whatever is presented and not good.
func (g *Gateway) prove(r *http.Request, c *call) error {
	u := c.rule
	if err := g.application(r, c); err != nil {
		return err
	}
	if u.Access == catalogue.Public && u.api.Open == catalogue.OpenAPIToken && c.application == nil {
		return refusal.APITokenRequired
	}
	needed := u.Access == catalogue.Bearer || u.api.Open == catalogue.OpenToken
	with := c.application != nil && c.application.NeedsUser
	if c.acts && !with {
		needed = len(r.Header["Authorization"]) > 0 // an elevated token stands for one, and is held against one that is there
	}
	if needed || with {
		good, err := u.checker.Authenticate(r)
		if with && (errors.Is(err, refusal.TokenMissing) || errors.Is(err, refusal.TokenScheme)) {
			return refusal.APITokenAlone
		}
		if err != nil {
			return err
		}
		c.token, c.fact.Client, c.fact.Secret = good, good.ClientID, token.ID(good.ID).Secret()
		if c.person, err = g.person(r.Context(), good); err != nil {
			return err
		}
		c.scope = u.carried(c, good.Scope)
	}
	if c.acts {
		return g.act(r.Context(), c)
	}
	return nil
}

// application finds the API token of a request, and whom it names.
func (g *Gateway) application(r *http.Request, c *call) error {
	u := c.rule
	if u.tokenHeader == "" {
		return nil
	}
	presented := r.Header[u.tokenHeader]
	var names []string
	if u.forHeader != "" {
		names = r.Header[u.forHeader]
	}
	switch {
	case len(presented) > 1 || len(names) > 1:
		return refusal.TokenTwice
	case len(presented) == 0 && len(names) > 0:
		return refusal.APITokenRequired
	case len(presented) == 0:
		return nil
	}
	found, err := g.find(r, u, presented[0])
	if err != nil {
		return err
	}
	c.application, c.fact.Client = found, ApplicationPrefix+found.ID
	if len(names) == 0 {
		return nil
	}
	if !found.Elevated || !u.api.Tokens.Elevated {
		return refusal.APITokenPlain.From(errors.New("API token " + found.ID))
	}
	c.acts, c.named = true, names[0]
	return nil
}

// ApplicationPrefix stands before the id of an API token where otherwise a
// client's id stands: in facts, and in what is counted.
const ApplicationPrefix = "api-token:"

// find returns an API token that is good here and now.
func (g *Gateway) find(r *http.Request, u *rule, presented string) (*store.APIToken, error) {
	if g.settings.Directory == nil {
		return nil, refusal.Unavailable.From(errors.New("API tokens are known beside the store only"))
	}
	found, err := g.settings.Directory.APIToken(r.Context(), secret.HashOf(presented))
	if errors.Is(err, store.ErrNotFound) {
		return nil, refusal.APITokenInvalid.From(errors.New("it is unknown"))
	}
	if err != nil {
		return nil, refusal.Unavailable.From(err)
	}
	now, why := g.settings.Now(), ""
	switch {
	case !found.RevokedAt.IsZero():
		why = "is revoked"
	case found.Elevated && found.ApprovedAt.IsZero():
		why = "waits for a second operator"
	case !found.Good(now):
		why = "has ended"
	case !slices.Contains(found.APIs, u.api.Name):
		why = "is for another API"
	case found.Elevated && !within(found.Addresses, limit.ClientAddress(r, g.settings.Trusted)):
		why = "is not for this address"
	default:
		g.settings.Directory.Used(found.ID, now)
		return found, nil
	}
	return nil, refusal.APITokenInvalid.From(fmt.Errorf("API token %s %s", found.ID, why))
}

// within reports whether an address is in one of the networks.
func within(networks []string, address netip.Addr) bool {
	return slices.ContainsFunc(networks, func(text string) bool {
		network, err := netip.ParsePrefix(text)
		return err == nil && network.Contains(address)
	})
}

// act lets an elevated API token stand for the person whom the request names. An
// access token that is there too must be that person's, and then it decides.
func (g *Gateway) act(ctx context.Context, c *call) error {
	person, err := g.settings.Directory.Named(ctx, c.named)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && person.Disabled():
		return refusal.PersonUnknown
	case err != nil:
		return refusal.Unavailable.From(err)
	case c.token != nil && (c.person == nil || c.person.ID != person.ID):
		return refusal.PersonDiffers
	case c.token != nil:
		c.acts = false
		return nil
	case slices.Contains(person.Roles, operator):
		return refusal.PersonProtected
	}
	c.person = person
	c.token = &resource.Token{Subject: person.ID, ExpiresAt: c.application.EndsAt}
	c.scope = c.rule.carried(c, c.application.Scope)
	return nil
}

// person is whom a token is about; nil where it is the client's own, or where
// people are not known. That somebody is gone or disabled is known here as soon
// as anywhere.
func (g *Gateway) person(ctx context.Context, t *resource.Token) (*store.Account, error) {
	if g.settings.Directory == nil || token.ID(t.ID).Grant() == "" {
		return nil, nil
	}
	person, err := g.settings.Directory.Person(ctx, t.Subject)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && person.Disabled():
		return nil, refusal.TokenRevoked
	case err != nil:
		return nil, refusal.Unavailable.From(err)
	}
	return person, nil
}

// carried is what scopes are worth in this call: without those that the person
// has no right to, without those that a query string does not carry, and, where
// an API token brings them, without those of other APIs.
func (u *rule) carried(c *call, scopes []string) []string {
	if !c.queried && !c.acts && (c.person == nil || !u.roles) {
		return scopes
	}
	carried := make([]string, 0, len(scopes))
	for _, name := range scopes {
		i := slices.IndexFunc(u.api.Scopes, func(s *catalogue.Scope) bool { return s.Name == name })
		if i < 0 {
			if !c.acts {
				carried = append(carried, name) // OpenID Connect's own
			}
			continue
		}
		s := u.api.Scopes[i]
		lacking := c.person != nil && len(s.Roles) > 0 &&
			!slices.ContainsFunc(s.Roles, func(role string) bool { return slices.Contains(c.person.Roles, role) })
		if !lacking && !(c.queried && s.Write) {
			carried = append(carried, name)
		}
	}
	return carried
}

// record writes down that an elevated API token is about to act for a person.
func (g *Gateway) record(ctx context.Context, c *call) error {
	by := store.By{Actor: ApplicationPrefix + c.application.ID, Trace: c.fact.Trace, At: g.settings.Now()}
	if err := g.settings.Directory.ActedFor(ctx, c.application.ID, c.person.ID, by); err != nil {
		return refusal.Unavailable.From(fmt.Errorf("record that API token %s acts: %w", c.application.ID, err))
	}
	return nil
}

// private are the headers of an environment's APIs that carry API tokens or name
// people: none of them reaches an API, whichever it belongs to.
func private(e *catalogue.Environment) []string {
	var names []string
	for _, api := range e.APIs {
		for _, name := range []string{api.Tokens.Header, api.Tokens.For} {
			if name != "" && !slices.ContainsFunc(names, func(known string) bool { return strings.EqualFold(known, name) }) {
				names = append(names, name)
			}
		}
	}
	return names
}

// conceal removes those headers, in every spelling that a server could take for
// one of them (row S04).
func (g *Gateway) conceal(h http.Header) {
	if len(g.private) == 0 {
		return
	}
	for sent := range h {
		if slices.ContainsFunc(g.private, func(name string) bool { return alike(strings.TrimSpace(sent), name) }) {
			delete(h, sent)
		}
	}
}

// alike compares the names of two headers as the loosest server does; see normal.
func alike(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if loose(a[i]) != loose(b[i]) {
			return false
		}
	}
	return true
}

func loose(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
		return c
	}
	return '-'
}
