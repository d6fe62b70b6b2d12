package main

import (
	"net/http"
	"slices"

	"github.com/grantway/grantway/internal/admin"
)

// unused are the lines about scopes that a client in use has never needed.
func (s *session) unused(c *admin.Client) [][2]string {
	if !slices.ContainsFunc(c.Secrets, func(one admin.ShownSecret) bool { return !one.LastUsedAt.IsZero() }) {
		return nil
	}
	list, err := ask[admin.ScopeUseList](s.Context(), s.to, http.MethodGet, s.client(c.ID)+"/scopes", nil)
	if err != nil {
		return nil // what is asked for is shown all the same
	}
	var fields [][2]string
	name := "never used"
	for _, use := range list.Scopes {
		if use.LastUsed.IsZero() {
			fields, name = append(fields, [2]string{name, use.Scope}), ""
		}
	}
	return fields
}
