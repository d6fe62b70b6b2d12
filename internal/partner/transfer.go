package partner

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
)

// An Exported is a client as it travels between environments and deployments: never
// with a secret. As JSON it is one line of `grantway export`.
type Exported struct {
	ID          string               `json:"id"`
	Name        string               `json:"name"`
	Partner     string               `json:"partner,omitempty"`
	Type        string               `json:"type"`
	Grants      []string             `json:"grants,omitempty"`
	GrantsEnd   map[string]time.Time `json:"grants_end,omitempty"`
	AuthMethods []string             `json:"auth_methods,omitempty"`
	Allotted    map[string][]string  `json:"allotted,omitempty"`
	SignIn      store.SignIn         `json:"sign_in,omitzero"`
	Disabled    bool                 `json:"disabled,omitempty"`
}

// What importing a client did.
const (
	ImportCreated = "created"
	ImportChanged = "changed"
	ImportSame    = "same"
)

// ExportedFrom is what travels of a client.
func ExportedFrom(c *store.Client) Exported {
	return Exported{
		ID: c.ID, Name: c.Name, Partner: c.Partner, Type: c.Type, Grants: c.Grants, GrantsEnd: c.GrantsEnd, AuthMethods: c.AuthMethods,
		Allotted: c.Allotted, SignIn: c.SignIn, Disabled: c.Disabled(),
	}
}

// Export returns the clients of an environment in the order of their ids, those of
// grantway.yaml left out. It ends with the first error.
func Export(ctx context.Context, c *Clients) iter.Seq2[Exported, error] {
	return func(yield func(Exported, error) bool) {
		after, more := "", true
		for more {
			clients, err := c.Store.List(ctx, after, page)
			if err != nil {
				yield(Exported{}, err)
				return
			}
			for i := range clients {
				after = clients[i].ID
				if clients[i].Declared || c.declared(after) != nil {
					continue
				}
				if !yield(ExportedFrom(&clients[i]), nil) {
					return
				}
			}
			more = len(clients) == page
		}
	}
}

// Import makes a client what an Exported says: it is created, without a secret,
// changed, or the same already. What it is not to have any more is taken away, as by
// Change. Dry: only said, not done. A client keeps its type.
func (c *Clients) Import(ctx context.Context, e Exported, dry bool, by store.By) (what string, err error) {
	if c.Environment.Name == catalogue.HomeName {
		return "", Faults{{Field: "environment", Problem: "nothing is imported into home"}}
	}
	if c.declared(e.ID) != nil {
		return "", ErrDeclared
	}
	target := drafted(New{
		ID: e.ID, Name: e.Name, Partner: e.Partner, Type: e.Type, Grants: e.Grants, AuthMethods: e.AuthMethods, SignIn: e.SignIn,
	}, time.Time{})
	target.Allotted, target.GrantsEnd = e.Allotted, e.GrantsEnd
	var faults Faults
	c.judgeID(target.ID, &faults)
	c.known(&target, &faults)
	c.judge(&target, &faults)
	for grant := range e.GrantsEnd {
		if !slices.Contains(e.Grants, grant) {
			faults.add("grants_end", quote(grant)+" is not among the grants", "")
		}
	}
	is, err := c.Store.Find(ctx, e.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	there := err == nil
	if there && is.Type != target.Type {
		faults.add("type", "the client is a "+is.Type+" there", "delete it and give the new one another id")
	}
	if len(faults) > 0 {
		return "", faults
	}
	switch {
	case !there:
		what = ImportCreated
	case len(Differ([]Exported{ExportedFrom(&is)}, []Exported{exportedAs(&target, e.Disabled)})) == 0:
		return ImportSame, nil
	default:
		what = ImportChanged
	}
	if dry {
		return what, nil
	}
	return what, c.impose(ctx, target, there, e.Disabled, by)
}

// exportedAs is what travels of a client that is to be.
func exportedAs(c *store.Client, disabled bool) Exported {
	e := ExportedFrom(c)
	e.Disabled = disabled
	return e
}

// impose creates the client or makes it what it is to be. One without a secret gets
// no tokens before it is disabled.
func (c *Clients) impose(ctx context.Context, target store.Client, there, disabled bool, by store.By) (err error) {
	if there {
		_, err = c.alter(ctx, target.ID, by, func(is store.Client, _ time.Time) (store.ClientChange, Faults) {
			to := is
			to.Name, to.Partner, to.Grants, to.GrantsEnd, to.AuthMethods = target.Name, target.Partner, target.Grants, target.GrantsEnd, target.AuthMethods
			to.Allotted, to.SignIn = target.Allotted, target.SignIn
			return stepFrom(is, to), nil
		})
	} else {
		_, err = c.enter(ctx, target, by)
	}
	switch {
	case err != nil:
	case disabled:
		_, err = c.Disable(ctx, target.ID, by)
	default:
		_, err = c.Enable(ctx, target.ID, by)
	}
	return err
}

// A Difference is one member in which two environments say something else of a
// client.
type Difference struct {
	Client string `json:"client"`
	Member string `json:"member"` // empty: the client itself
	A      string `json:"a"`      // empty: nothing
	B      string `json:"b"`
}

// Differ compares two lists of clients by their ids, in the order of these. The order
// of what is in a list says nothing.
func Differ(a, b []Exported) []Difference {
	one, other := byID(a), byID(b)
	ids := slices.Sorted(maps.Keys(one))
	for _, id := range slices.Sorted(maps.Keys(other)) {
		if _, ok := one[id]; !ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	var all []Difference
	for _, id := range ids {
		x, inA := one[id]
		y, inB := other[id]
		switch {
		case !inB:
			all = append(all, Difference{Client: id, A: x.Name})
		case !inA:
			all = append(all, Difference{Client: id, B: y.Name})
		default:
			all = append(all, x.differs(&y)...)
		}
	}
	return all
}

func byID(list []Exported) map[string]Exported {
	is := map[string]Exported{}
	for _, e := range list {
		is[e.ID] = e
	}
	return is
}

// differs compares two clients member by member.
func (e *Exported) differs(other *Exported) []Difference {
	one, two := e.members(), other.members()
	names := map[string]bool{}
	for name := range one {
		names[name] = true
	}
	for name := range two {
		names[name] = true
	}
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if one[name] != two[name] {
			all = append(all, Difference{Client: e.ID, Member: name, A: one[name], B: two[name]})
		}
	}
	return all
}

// members are what a client is, each as one text under the name that the admin API has for it.
func (e *Exported) members() map[string]string {
	is := map[string]string{
		"name": e.Name, "partner": e.Partner, "type": e.Type, "grants": sorted(e.Grants), "auth_methods": sorted(e.AuthMethods),
		"disabled": strconv.FormatBool(e.Disabled),
	}
	for grant, end := range e.GrantsEnd {
		is["grants_end."+grant] = end.UTC().Format(time.RFC3339Nano)
	}
	for api, scopes := range e.Allotted {
		is["allotted."+api] = cmp.Or(sorted(scopes), "-")
	}
	in := &e.SignIn
	maps.Copy(is, map[string]string{
		"redirect_uris": sorted(in.Redirects), "post_logout_redirect_uris": sorted(in.LogoutRedirects), "backchannel_logout_uri": in.LogoutNotice,
		"id_token_alg": in.IDTokenAlg, "owner": in.Owner, "homepage": in.Homepage,
		"verified": strconv.FormatBool(in.Verified), "legacy": strconv.FormatBool(in.Legacy),
	})
	return is
}

func sorted(list []string) string { return strings.Join(slices.Sorted(slices.Values(list)), " ") }
