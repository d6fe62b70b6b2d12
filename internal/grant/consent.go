package grant

import (
	"slices"

	"github.com/grantway/grantway/internal/catalogue"
)

// Given are the scopes that a person has allowed before, by store.Consent.Allowed, at
// every one of the APIs that has them, and whether that is all that is asked for
// there: what was given at one API is nothing given at another, whatever both call it
// (row B22).
func Given(allowed map[string][]string, apis []*catalogue.API, scope []string) (given []string, all bool) {
	all = !slices.ContainsFunc(apis, func(api *catalogue.API) bool {
		_, ok := allowed[api.Name]
		return len(api.Scopes) == 0 && !ok
	})
	for _, name := range scope {
		if everywhere(apis, name, func(api *catalogue.API) bool { return slices.Contains(allowed[api.Name], name) }) {
			given = append(given, name)
		} else {
			all = false
		}
	}
	return given, all
}

// Allow is what a person has allowed after a decision: these scopes at these APIs, and
// what was allowed before and not asked about now. What was asked for and not allowed
// is taken back.
func Allow(before map[string][]string, asked *Asked, apis []*catalogue.API, scope []string) map[string][]string {
	after := map[string][]string{}
	for name, given := range before {
		about := slices.Contains(asked.APIs, name)
		kept := slices.DeleteFunc(slices.Clone(given), func(s string) bool { return about && slices.Contains(asked.Scope, s) })
		if len(kept) > 0 || len(given) == 0 {
			after[name] = kept
		}
	}
	for _, api := range apis {
		if after[api.Name] == nil {
			after[api.Name] = []string{}
		}
		for _, name := range scope {
			if api.Scope(name) != nil {
				after[api.Name] = append(after[api.Name], name)
			}
		}
	}
	return after
}
