package admin

import (
	"maps"
	"slices"
	"time"
)

// A ScopeUse is a scope that a client was allotted, and when it last needed it.
type ScopeUse struct {
	API      string    `json:"api" doc:"The API's name."`
	Scope    string    `json:"scope" doc:"The scope."`
	LastUsed time.Time `json:"last_used,omitzero" doc:"The day of the last call that needed it; absent: never."`
}

// ScopeUseList is the scopes of a client.
type ScopeUseList struct {
	Scopes []ScopeUse `json:"scopes" doc:"In the order of the APIs' names. What was never used may not be needed."`
}

func listScopeUses(c *call) (ScopeUseList, error) {
	found, err := c.clients.Find(c.Context(), c.id())
	if err != nil {
		return ScopeUseList{}, err
	}
	used := map[[2]string]time.Time{}
	if c.clients.ScopeUses != nil {
		uses, err := c.clients.ScopeUses.Of(c.Context(), found.ID)
		if err != nil {
			return ScopeUseList{}, err
		}
		for _, u := range uses {
			used[[2]string{u.API, u.Scope}] = u.Day
		}
	}
	list := ScopeUseList{Scopes: []ScopeUse{}}
	for _, api := range slices.Sorted(maps.Keys(found.Allotted)) {
		for _, scope := range found.Allotted[api] {
			list.Scopes = append(list.Scopes, ScopeUse{API: api, Scope: scope, LastUsed: used[[2]string{api, scope}]})
		}
	}
	return list, nil
}
