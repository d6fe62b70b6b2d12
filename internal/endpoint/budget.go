package endpoint

import (
	"net/http"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/clientauth"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/token"
)

// Budgets say how many tokens each client may obtain for itself, by API. They
// count in memory, for one process. Tokens about people are not counted: a refresh
// that is refused would sign a person out for what others did.
type Budgets struct {
	of map[*catalogue.API]*limit.Quota
}

// NewBudgets returns nil where none of the APIs has one.
func NewBudgets(apis []*catalogue.API, now func() time.Time) *Budgets {
	var b *Budgets
	for _, api := range apis {
		rate := api.Token.Budget
		if rate.Requests == 0 {
			continue
		}
		if b == nil {
			b = &Budgets{of: map[*catalogue.API]*limit.Quota{}}
		}
		b.of[api] = limit.NewQuota("tokens of "+api.Name, limit.RateConfig{Events: rate.Requests, Per: rate.Per, Now: now})
	}
	return b
}

// quotas are those that a token counts towards.
func (b *Budgets) quotas(a *token.Authorization) limit.Quotas {
	if b == nil || a.Person != nil {
		return nil
	}
	var all limit.Quotas
	for _, api := range a.APIs {
		if q := b.of[api]; q != nil {
			all = append(all, q)
		}
	}
	return all
}

// spend takes a token from the budgets of a client that has proven itself, so
// that nobody else can use them up, and says in the answer's header what is left.
func (b *Budgets) spend(h http.Header, a *token.Authorization) error {
	left, ok := b.quotas(a).Spend(a.ClientID)
	left.Tell(h)
	if !ok {
		return &clientauth.RetryAfter{Err: refusal.TooManyTokens, Wait: left.Wait()}
	}
	return nil
}

// refund gives back what spend took for a token that was not made.
func (b *Budgets) refund(a *token.Authorization) { b.quotas(a).Refund(a.ClientID) }
