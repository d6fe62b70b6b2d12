package token

import (
	"encoding/json"
	"slices"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/oauth"
)

// A claim about a person, and the scope that gives it (OpenID Connect Core §5.4).
type profileClaim struct {
	name, scope string
	value       func(*store.Account) any // nil, false or "": not known
}

var profileClaims = []profileClaim{
	{"name", oauth.ScopeProfile, func(a *store.Account) any { return a.Profile.FullName }},
	{"given_name", oauth.ScopeProfile, func(a *store.Account) any { return a.Profile.GivenName }},
	{"family_name", oauth.ScopeProfile, func(a *store.Account) any { return a.Profile.FamilyName }},
	{"preferred_username", oauth.ScopeProfile, func(a *store.Account) any { return a.Name }},
	{"locale", oauth.ScopeProfile, func(a *store.Account) any { return a.Profile.Locale }},
	{"zoneinfo", oauth.ScopeProfile, func(a *store.Account) any { return a.Profile.Zone }},
	{"email", oauth.ScopeEmail, func(a *store.Account) any { return a.Profile.Email }},
	{"email_verified", oauth.ScopeEmail, func(a *store.Account) any { return verified(a.Profile.Email, a.Profile.EmailVerified) }},
	{"phone_number", oauth.ScopePhone, func(a *store.Account) any { return a.Profile.Phone }},
	{"phone_number_verified", oauth.ScopePhone, func(a *store.Account) any { return verified(a.Profile.Phone, a.Profile.PhoneVerified) }},
	{"address", oauth.ScopeAddress, func(a *store.Account) any {
		if a.Profile.Address == "" {
			return nil
		}
		return map[string]string{"formatted": a.Profile.Address}
	}},
}

// verified is nil where there is nothing that could be.
func verified(of string, is bool) any {
	if of == "" {
		return nil
	}
	return is
}

// ClaimNames are the names of the claims about people that there are.
func ClaimNames() []string {
	names := []string{"sub"}
	for _, c := range profileClaims {
		names = append(names, c.name)
	}
	return names
}

// Profile returns what may be told of a person under the scopes, as members of a
// JSON object with a comma before each. Where named is not nil, only the claims of
// these names are among them: asking by name gives nothing that no scope gives.
func Profile(a *store.Account, scope, named []string) []byte {
	var b []byte
	for _, c := range profileClaims {
		if !slices.Contains(scope, c.scope) || named != nil && !slices.Contains(named, c.name) {
			continue
		}
		value := c.value(a)
		if value == nil || value == "" {
			continue
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			continue // cannot be: these are strings and truth values
		}
		b = append(b, `,"`+c.name+`":`...)
		b = append(b, encoded...)
	}
	return b
}
