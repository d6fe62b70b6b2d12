package partner

import (
	"context"
	"iter"

	"github.com/grantway/grantway/internal/store"
)

// An Exported is a client as it travels between environments and deployments: never
// with a secret. As JSON it is one line of `grantway export`.
type Exported struct {
	ID          string              `json:"id"`
	Name        string              `json:"name"`
	Partner     string              `json:"partner,omitempty"`
	Type        string              `json:"type"`
	Grants      []string            `json:"grants,omitempty"`
	AuthMethods []string            `json:"auth_methods,omitempty"`
	Allotted    map[string][]string `json:"allotted,omitempty"`
	SignIn      store.SignIn        `json:"sign_in,omitzero"`
	Disabled    bool                `json:"disabled,omitempty"`
}

// What importing a client did.
const (
	ImportCreated = "created"
	ImportChanged = "changed"
	ImportSame    = "same"
)

// A Difference is one member in which two environments say something else of a
// client.
type Difference struct {
	Client string `json:"client"`
	Member string `json:"member"` // empty: the client itself
	A      string `json:"a"`      // empty: nothing
	B      string `json:"b"`
}

// Export returns the clients of an environment in the order of their ids, those of
// grantway.yaml left out.
func Export(ctx context.Context, c *Clients) iter.Seq2[Exported, error] {
	return func(yield func(Exported, error) bool) { yield(Exported{}, errNotYet) }
}

// Import makes a client what an Exported says: it is created, without a secret,
// changed, or the same already. Dry: only said, not done.
func (c *Clients) Import(ctx context.Context, e Exported, dry bool, by store.By) (what string, err error) {
	return "", errNotYet
}

// Differ compares two lists of clients by their ids.
func Differ(a, b []Exported) []Difference { return nil }
