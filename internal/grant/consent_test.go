package grant

import (
	"reflect"
	"slices"
	"testing"

	"github.com/grantway/grantway/internal/catalogue"
)

// TestConsent: what was allowed at one API says nothing of another, what is asked for
// again is decided anew, and what is not asked about stays as it was.
func TestConsent(t *testing.T) {
	notes := &catalogue.API{Name: "notes", Scopes: scopes("read", "write")}
	grades := &catalogue.API{Name: "grades", Scopes: scopes("read")}
	bare := &catalogue.API{Name: "bare"}
	type allowed = map[string][]string
	for name, row := range map[string]struct {
		before allowed
		apis   []*catalogue.API // that are asked for
		asked  []string
		given  []string // of it, before
		all    bool
		scope  []string // that is allowed now
		after  allowed
	}{
		"the first":             {nil, []*catalogue.API{notes}, []string{"read", "write"}, nil, false, []string{"read"}, allowed{"notes": {"read"}}},
		"the same":              {allowed{"notes": {"read"}}, []*catalogue.API{notes}, []string{"read"}, []string{"read"}, true, []string{"read"}, allowed{"notes": {"read"}}},
		"something else":        {allowed{"notes": {"read"}}, []*catalogue.API{notes}, []string{"write"}, nil, false, []string{"write"}, allowed{"notes": {"read", "write"}}},
		"more, and taken back":  {allowed{"notes": {"read"}}, []*catalogue.API{notes}, []string{"read", "write"}, []string{"read"}, false, []string{"write"}, allowed{"notes": {"write"}}},
		"at another API":        {allowed{"notes": {"read"}}, []*catalogue.API{grades}, []string{"read"}, nil, false, []string{"read"}, allowed{"notes": {"read"}, "grades": {"read"}}},
		"at both":               {allowed{"notes": {"read"}}, []*catalogue.API{notes, grades}, []string{"read"}, nil, false, []string{"read"}, allowed{"notes": {"read"}, "grades": {"read"}}},
		"none left of an API":   {allowed{"notes": {"read"}, "grades": {"read"}}, []*catalogue.API{grades}, []string{"read"}, []string{"read"}, true, nil, allowed{"notes": {"read"}}},
		"one without scopes":    {allowed{"notes": {"read"}}, []*catalogue.API{bare}, nil, nil, false, nil, allowed{"notes": {"read"}, "bare": {}}},
		"that one again":        {allowed{"bare": {}}, []*catalogue.API{bare}, nil, nil, true, nil, allowed{"bare": {}}},
		"that one, and another": {allowed{"bare": {}}, []*catalogue.API{notes}, []string{"read"}, nil, false, []string{"read"}, allowed{"bare": {}, "notes": {"read"}}},
	} {
		given, all := Given(row.before, row.apis, row.asked)
		if !slices.Equal(given, row.given) || all != row.all {
			t.Errorf("%s: %q was given before, all: %t", name, given, all)
		}
		asked := &Asked{Scope: row.asked}
		var reached []*catalogue.API // Rights drops an API of which nothing is left
		for _, api := range row.apis {
			asked.APIs = append(asked.APIs, api.Name)
			if len(api.Scopes) == 0 || slices.ContainsFunc(row.scope, func(s string) bool { return api.Scope(s) != nil }) {
				reached = append(reached, api)
			}
		}
		if after := Allow(row.before, asked, reached, row.scope); !reflect.DeepEqual(after, row.after) {
			t.Errorf("%s: after it, %v is allowed", name, after)
		}
	}
}
