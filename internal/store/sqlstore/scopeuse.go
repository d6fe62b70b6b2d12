package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/store"
)

type scopeUses struct{ *Store }

// ScopeUses returns which of their scopes clients use.
func (s *Store) ScopeUses() store.ScopeUses { return scopeUses{s} }

var (
	noteScope = sentence(`INSERT INTO {}scope_use AS u (client_id, api, scope, day)
		SELECT $1, $2, $3, CAST($4 AS BIGINT) WHERE EXISTS (SELECT 1 FROM {}client WHERE id = $1 AND deleted_at = 0)
		ON CONFLICT (client_id, api, scope) DO UPDATE SET day = excluded.day WHERE u.day < excluded.day`)
	scopesOf     = sentence(`SELECT api, scope, day FROM {}scope_use WHERE client_id = $1 ORDER BY api, scope`)
	forgetScopes = sentence(`DELETE FROM {}scope_use WHERE client_id = $1`)
)

// Used implements store.ScopeUses.
func (s scopeUses) Used(ctx context.Context, uses []store.ScopeUse) error {
	// In one order everywhere, so that two nodes cannot wait for each other.
	uses = slices.SortedFunc(slices.Values(uses), func(a, b store.ScopeUse) int {
		return cmp.Or(cmp.Compare(a.ClientID, b.ClientID), cmp.Compare(a.API, b.API), cmp.Compare(a.Scope, b.Scope))
	})
	var rows [][]any
	for _, u := range uses {
		if err := checkTimes(u.Day); err != nil {
			return fmt.Errorf("record use of scopes: %w", err)
		}
		if storable(u.ClientID) && storable(u.API) && storable(u.Scope) {
			rows = append(rows, []any{u.ClientID, u.API, u.Scope, u.Day.Unix() / secondsOfDay})
		}
	}
	return s.each(ctx, "record use of scopes", noteScope, rows)
}

// Of implements store.ScopeUses.
func (s scopeUses) Of(ctx context.Context, clientID string) ([]store.ScopeUse, error) {
	if !storable(clientID) {
		return nil, nil
	}
	all, err := gather(ctx, s.db, func(scan scanFunc) (store.ScopeUse, error) {
		one := store.ScopeUse{ClientID: clientID}
		var day int64
		err := scan(&one.API, &one.Scope, &day)
		one.Day = time.Unix(day*secondsOfDay, 0).UTC()
		return one, err
	}, scopesOf, clientID)
	if err != nil {
		return nil, fmt.Errorf("read use of scopes: %w", err)
	}
	return all, nil
}
