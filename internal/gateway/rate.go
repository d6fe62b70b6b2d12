package gateway

import (
	"net/http"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
)

const (
	callers      = 100_000 // counted at a time by the quotas of all routes of an environment
	routeCallers = 1_000   // at least by each
)

// count gives the rules of an environment their quotas. They begin anew with
// each reading of the catalogue.
func count(e *catalogue.Environment, rules []*rule, now func() time.Time) {
	apis, limited := map[string]*limit.Quota{}, 0
	for _, api := range e.APIs {
		apis[api.Name] = newQuota(api.Name, api.Rate, 0, now)
	}
	for _, u := range rules {
		if u.Rate.Requests > 0 {
			limited++
		}
	}
	for _, u := range rules {
		of := newQuota(nameOf(u.Route), u.Rate, max(callers/max(limited, 1), routeCallers), now)
		for _, q := range []*limit.Quota{of, apis[u.api.Name]} {
			if q != nil {
				u.quotas = append(u.quotas, q)
			}
		}
	}
}

// newQuota returns nil for no rate.
func newQuota(name string, r catalogue.Rate, capacity int, now func() time.Time) *limit.Quota {
	if r.Requests == 0 {
		return nil
	}
	return limit.NewQuota(name, limit.RateConfig{Events: r.Requests, Per: r.Per, Capacity: capacity, Now: now})
}

// nameOf is a route as its quota is called: in ASCII, and without what would
// need an escape, as paths of the catalogue are but for the last segment.
func nameOf(r *catalogue.Route) string {
	path, rest := strings.CutSuffix(r.Path, catalogue.Rest)
	if rest {
		path += "..."
	}
	return strings.Join(r.Methods, "|") + " " + path
}

// spend takes one request from what the caller may send on the route and to the
// API. The key is the proven API token or client, or, on a public route, the
// address of the peer or of the hop that a trusted proxy saw (row S23): nothing
// that a caller can choose.
func (g *Gateway) spend(r *http.Request, c *call) (*limit.Allowance, error) {
	u := c.rule
	if len(u.quotas) == 0 {
		return nil, nil
	}
	var key string
	switch {
	case c.application != nil:
		key = ApplicationPrefix + c.application.ID
	case c.token != nil:
		key = "client " + c.token.ClientID
	default:
		key = "address " + limit.AddressKey(limit.ClientAddress(r, g.settings.Trusted))
	}
	left, ok := u.quotas.Spend(key)
	if !ok {
		return left, refusal.RateLimited
	}
	return left, nil
}
