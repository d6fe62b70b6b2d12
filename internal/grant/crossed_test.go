package grant

import (
	"errors"
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
