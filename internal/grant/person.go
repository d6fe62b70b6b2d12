package grant

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/oauth"
)

// Kept is what of an authorization request matters when its code is redeemed, as
// store.Grant.Asked keeps it.
type Kept struct {
	RedirectURI string   `json:"redirect_uri,omitempty"` // as it was sent
	Challenge   string   `json:"challenge,omitempty"`    // S256; empty for a legacy client
	Nonce       string   `json:"nonce,omitempty"`
	ACR         string   `json:"acr,omitempty"`    // how strong the sign-in was
	Claims      []string `json:"claims,omitempty"` // that the ID token was asked to hold, by name
}

// Encode is how a grant keeps it.
func (k *Kept) Encode() []byte {
	encoded, err := json.Marshal(k)
	if err != nil {
		panic(err) // strings can be encoded
	}
	return encoded
}

func kept(g *store.Grant) (*Kept, error) {
	var k Kept
	if err := json.Unmarshal(g.Asked, &k); err != nil {
		return nil, fmt.Errorf("read what grant %s keeps: %w", g.ID, err)
	}
	return &k, nil
}

// Rights are the scopes that a person can pass on, of those that were asked for,
// and the APIs that the token is for then: what a client may do for a person is
// never more than what the person may do (mission U53), nor than what the client
// was allotted by now. An API without scopes is for everybody. A scope that holds at
// one of the APIs and not at another that has it too is dropped: in a token it would
// count at both.
func Rights(scope []string, apis []*catalogue.API, client *store.Client, roles []string) ([]string, []*catalogue.API) {
	held := map[*catalogue.API][]string{}
	var reached []*catalogue.API
	for _, api := range apis {
		allotted, ok := client.Allotted[api.Name]
		if !ok {
			continue
		}
		for _, name := range scope {
			if s := api.Scope(name); s != nil && holds(api, allotted, s) && permits(s, roles) {
				held[api] = append(held[api], name)
			}
		}
		if len(api.Scopes) == 0 || len(held[api]) > 0 {
			reached = append(reached, api)
		}
	}
	passed := slices.DeleteFunc(slices.Clone(scope), func(name string) bool {
		has := func(api *catalogue.API) bool { return slices.Contains(held[api], name) }
		return !slices.ContainsFunc(reached, has) || !everywhere(reached, name, has)
	})
	reached = slices.DeleteFunc(reached, func(api *catalogue.API) bool {
		return len(api.Scopes) > 0 && !slices.ContainsFunc(held[api], func(name string) bool { return slices.Contains(passed, name) })
	})
	return passed, reached
}

// permits reports whether a person with these roles has the right.
func permits(s *catalogue.Scope, roles []string) bool {
	return len(s.Roles) == 0 || slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(s.Roles, role) })
}

// named are the APIs with these names, in the order of the catalogue. One that is
// gone is gone.
func named(apis []*catalogue.API, names []string) []*catalogue.API {
	return slices.DeleteFunc(slices.Clone(apis), func(api *catalogue.API) bool { return !slices.Contains(names, api.Name) })
}

// gone reports whether whom a grant is of cannot sign in any more.
func gone(account *store.Account) bool { return account == nil || account.Disabled() }

// authorized is what a good proof of a grant authorizes.
func authorized(req *Request, g *store.Grant, k *Kept, account *store.Account, scope []string, apis []*catalogue.API, now time.Time) token.Authorization {
	p := &token.Person{
		Account: account, GrantID: g.ID, SessionID: g.SessionID,
		SignedIn: token.SignedIn{At: g.AuthenticatedAt, Methods: g.Methods, ACR: k.ACR},
	}
	if slices.Contains(scope, oauth.ScopeOpenID) { // row B18
		p.IDToken = &token.IDToken{
			Algorithm: jose.Algorithm(cmp.Or(req.Client.SignIn.IDTokenAlg, string(jose.RS256))),
			Nonce:     k.Nonce, Claims: k.Claims,
		}
	}
	return token.Authorization{
		ClientID: req.Client.ID, SecretID: req.SecretID(), APIs: apis, Scope: scope, Person: p,
		Spend: &token.Spend{
			GrantID: g.ID, EndsAt: g.EndsAt,
			// Row F15: none for a client that may not use it.
			Refresh: req.Client.MayUse(oauth.GrantRefreshToken) && !req.Client.Ended(oauth.GrantRefreshToken, now),
		},
	}
}
