package gateway

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
)

// A quota counts what each caller sends to an API, or on one of its routes.
type quota struct {
	name   string // as answers call it, a string of RFC 9651 §3.3.3
	policy []string
	rates  *limit.Rates
}

const (
	callers      = 100_000 // counted at a time by the quotas of all routes of an environment
	routeCallers = 1_000   // at least by each
)

// count gives the rules of an environment their quotas. They begin anew with
// each reading of the catalogue.
func count(e *catalogue.Environment, rules []*rule, now func() time.Time) {
	apis, limited := map[string]*quota{}, 0
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
		for _, q := range []*quota{of, apis[u.api.Name]} {
			if q != nil {
				u.quotas = append(u.quotas, q)
			}
		}
	}
}

// newQuota returns nil for no rate.
func newQuota(name string, r catalogue.Rate, capacity int, now func() time.Time) *quota {
	if r.Requests == 0 {
		return nil
	}
	name = `"` + name + `"`
	return &quota{
		name:   name,
		policy: []string{name + ";q=" + strconv.Itoa(r.Requests) + ";w=" + strconv.FormatInt(seconds(r.Per), 10)},
		rates:  limit.NewRates(limit.RateConfig{Events: r.Requests, Per: r.Per, Capacity: capacity, Now: now}),
	}
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

// An allowance is what a caller has left after a request, where it has least.
type allowance struct {
	of    *quota
	left  int
	full  time.Duration // until it has everything again
	retry time.Duration // until it has one; zero while it has some
}

// spend takes one request from what the caller may send on the route and to the
// API. Where one of the two has none left, neither is charged. The allowance is
// the tighter one's, and nil where there is no limit. The key is the proven
// API token or client, or, on a public route, the address of the peer or of the hop
// that a trusted proxy saw (row S23): nothing that a caller can choose.
func (g *Gateway) spend(r *http.Request, c *call) (*allowance, error) {
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
	for i, q := range u.quotas {
		if ok, _ := q.rates.Spend(key); !ok {
			for _, charged := range u.quotas[:i] {
				charged.rates.Refund(key)
			}
			return refused(u.quotas, key), refusal.RateLimited
		}
	}
	tightest := &allowance{}
	for _, q := range u.quotas {
		left, full := q.rates.Left(key)
		if tightest.of == nil || left < tightest.left || left == tightest.left && full > tightest.full {
			tightest = &allowance{of: q, left: left, full: full}
		}
	}
	return tightest, nil
}

// refused is the allowance of a caller that has to wait: of the quota for which
// it has to wait longest, so that who waits that long has waited long enough.
func refused(quotas []*quota, key string) *allowance {
	longest := &allowance{of: quotas[0], retry: 1} // if all have some again by now
	for _, q := range quotas {
		if ok, retry := q.rates.Peek(key); !ok && retry > longest.retry {
			longest = &allowance{of: q, retry: retry}
		}
	}
	_, longest.full = longest.of.rates.Left(key)
	return longest
}

// tell writes what is left (draft-ietf-httpapi-ratelimit-headers-10): the policy
// with its quota and window, then what remains and when all is there again.
func (a *allowance) tell(h http.Header) {
	if a == nil {
		return
	}
	h["Ratelimit-Policy"] = a.of.policy
	h["Ratelimit"] = []string{a.of.name + ";r=" + strconv.Itoa(a.left) + ";t=" + strconv.FormatInt(seconds(a.full), 10)}
	if a.retry > 0 {
		h["Retry-After"] = []string{strconv.FormatInt(seconds(a.retry), 10)}
	}
}

// seconds rounds up: who waits that long has waited long enough.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
