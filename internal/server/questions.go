package server

import (
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/endpoint"
	"github.com/grantway/grantway/internal/limit"
)

// questions makes the endpoints that ask about a token or end it. They answer in
// the plain dialect everywhere: no product's clients expect another.
func (e *environment) questions(c *catalogue.Catalogue, realm string, now func() time.Time) error {
	anywhere, err := e.checker(now, e.Grantable()...)
	if err != nil {
		return err
	}
	answers := &endpoint.Answers{Dialect: dialect.RFC, Issuer: e.Issuer.String(), Realm: realm}
	e.introspection = &endpoint.Introspection{
		Clients: e.auth, Tokens: anywhere, APIs: e.APIs, Answers: answers, Limit: c.Limits.Body,
		Misses: limit.NewRates(limit.RateConfig{Events: missesPerMinute, Per: time.Minute, Now: now}),
	}
	e.revocation = &endpoint.Revocation{
		Clients: e.auth, Tokens: anywhere, Store: e.resources.store.Revocations(), Seen: e.resources.clients.Sync,
		Answers: answers, Limit: c.Limits.Body, Now: now, Grants: e.resources.store.Grants(), Longest: longestLife(e.Environment),
	}
	if e.issuing != nil {
		e.revocation.Refresh = e.issuing.Refresh
	}
	return nil
}

// missesPerMinute is how often a client may ask about tokens that are not active.
// An API behind a busy gateway meets expired tokens; a guesser needs far more.
const missesPerMinute = 600
