package partner

import (
	"context"
	"slices"

	"github.com/grantway/grantway/internal/store"
)

// Unused returns what a client is allotted and has never used, by API: scopes that
// no call of its needed which the gateway let pass. What the gateway does not see,
// and OpenID Connect's own scopes, are not in it. An API of which nothing is unused
// is absent.
func (c *Clients) Unused(ctx context.Context, clientID string) (map[string][]string, error) {
	client, err := c.Find(ctx, clientID)
	if err != nil {
		return nil, err
	}
	used, err := c.ScopeUses.Of(ctx, clientID)
	if err != nil {
		return nil, err
	}
	unused := map[string][]string{}
	if client.Type == store.TypeResource {
		return unused, nil
	}
	for api, scopes := range client.Allotted {
		if id := c.Environment.OpenID; id != nil && api == id.Name {
			continue
		}
		left := slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool {
			return slices.ContainsFunc(used, func(u store.ScopeUse) bool { return u.API == api && u.Scope == scope })
		})
		if len(left) > 0 {
			unused[api] = left
		}
	}
	return unused, nil
}
