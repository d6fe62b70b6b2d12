package grant

import (
	"errors"
	"slices"
	"testing"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
)

// TestScopesDoNotCross is row E20 for APIs whose scopes have the same names: what a
// client may do at one of them it cannot take along to another.
func TestScopesDoNotCross(t *testing.T) {
	a := &catalogue.API{Name: "a", Audience: "https://a", Scopes: scopes("read", "write")}
	b := &catalogue.API{Name: "b", Audience: "https://b", Scopes: scopes("read", "write", "only-b")}
	allotment := Allotment{APIs: []*catalogue.API{a, b}}
	client := &store.Client{ID: "c", Allotted: map[string][]string{"a": {"read"}, "b": {"write", "only-b"}}}
	for query, refused := range map[string]bool{
		"":                                      true,
		"scope=read+write":                      true,
		"resource=https://a&resource=https://b": true,
		"scope=write+only-b":                    false,
		"scope=read":                            false,
		"scope=read&resource=https://a":         false,
		"resource=https://a":                    false,
		"scope=read&resource=https://a&resource=https://b": true,
	} {
		sent, err := wire.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := allotment.Of(client, sent)
		if errors.Is(err, refusal.AudienceMixed) != refused || (err == nil) == refused {
			t.Errorf("%q: %v at %v, %v", query, got.Scope, audiences(got.APIs), err)
		}
	}
	client.Allotted["a"], client.Allotted["b"] = []string{"read", "write"}, []string{"read", "write"}
	if got, err := allotment.Of(client, wire.Parameters{}); err != nil || len(got.APIs) != 2 {
		t.Errorf("all of both: %+v, %v", got, err)
	}
}

// TestRightsDoNotCross is the same for what a person may pass on: a scope that their
// roles, or a narrowed allotment, leave them at one API does not come along to another.
func TestRightsDoNotCross(t *testing.T) {
	for name, row := range map[string]struct {
		roles      []string
		allottedB  []string
		asked      []string
		passed, at []string
	}{
		"both":                     {[]string{"teacher"}, []string{"read", "write"}, []string{"read", "write"}, []string{"read", "write"}, []string{"a", "b"}},
		"by role":                  {nil, []string{"read", "write"}, []string{"read", "write"}, []string{"read"}, []string{"a", "b"}},
		"by role, nothing else":    {nil, []string{"read", "write"}, []string{"write"}, []string{"write"}, []string{"a"}},
		"by allotment":             {[]string{"teacher"}, []string{"write"}, []string{"read", "write"}, []string{"write"}, []string{"a", "b"}},
		"one that is not allotted": {[]string{"teacher"}, nil, []string{"read", "write"}, []string{"read", "write"}, []string{"a"}},
	} {
		a := &catalogue.API{Name: "a", Scopes: scopes("read", "write")}
		b := &catalogue.API{Name: "b", Scopes: scopes("read", "write")}
		b.Scopes[1].Roles = []string{"teacher"}
		client := &store.Client{ID: "c", Allotted: map[string][]string{"a": {"read", "write"}, "b": row.allottedB}}
		passed, apis := Rights(row.asked, []*catalogue.API{a, b}, client, row.roles)
		var at []string
		for _, api := range apis {
			at = append(at, api.Name)
		}
		if !slices.Equal(passed, row.passed) || !slices.Equal(at, row.at) {
			t.Errorf("%s: %q at %q", name, passed, at)
		}
	}
}
