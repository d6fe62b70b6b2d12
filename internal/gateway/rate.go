package gateway

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/resource"
)

// ratesOf makes the limiters of an environment: one for each API with a rate.
// They begin anew with each reading of the catalogue.
func ratesOf(e *catalogue.Environment, now func() time.Time) map[string]*limit.Rates {
	rates := map[string]*limit.Rates{}
	for _, api := range e.APIs {
		if api.Rate.Requests > 0 {
			rates[api.Name] = limit.NewRates(limit.RateConfig{Events: api.Rate.Requests, Per: api.Rate.Per, Now: now})
		}
	}
	return rates
}

// An allowance is what a client has left at an API after a request.
type allowance struct {
	api   *catalogue.API
	left  int
	full  time.Duration // until it has everything again
	retry time.Duration // until it has one; zero while it has some
}

// spend takes one request from what the caller may send. The allowance is nil
// where there is no limit. The key is the proven client, or, on a public route,
// the address of the peer or of the hop that a trusted proxy saw (row S23):
// nothing that a caller can choose.
func (g *Gateway) spend(r *http.Request, api *catalogue.API, t *resource.Token) (*allowance, error) {
	rates := g.rates[api.Name]
	if rates == nil {
		return nil, nil
	}
	key := "address " + limit.AddressKey(limit.ClientAddress(r, g.settings.Trusted))
	if t != nil {
		key = "client " + t.ClientID
	}
	ok, retry := rates.Spend(key)
	a := &allowance{api: api}
	a.left, a.full = rates.Left(key)
	if ok {
		return a, nil
	}
	a.left, a.retry = 0, retry
	return a, refusal.RateLimited
}

// tell writes what is left (draft-ietf-httpapi-ratelimit-headers-10): the policy
// with its quota and window, then what remains and when all is there again. API
// names need no escapes in a structured field.
func (a *allowance) tell(h http.Header) {
	if a == nil {
		return
	}
	h.Set("RateLimit-Policy", fmt.Sprintf(`"%s";q=%d;w=%d`, a.api.Name, a.api.Rate.Requests, seconds(a.api.Rate.Per)))
	h.Set("RateLimit", fmt.Sprintf(`"%s";r=%d;t=%d`, a.api.Name, a.left, seconds(a.full)))
	if a.retry > 0 {
		h.Set("Retry-After", strconv.FormatInt(seconds(a.retry), 10))
	}
}

// seconds rounds up: who waits that long has waited long enough.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
