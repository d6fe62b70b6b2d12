package partner

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
)

// Promote registers a client of one environment in another, under the same id and
// without a secret: a member generates it there. Scopes nil: all that it has; else a
// part of it, as when a request is approved. A client that is there gets what it
// lacks, and nothing is taken from it, so that promoting can be repeated: what is so
// already changes nothing. An id that is another partner's there is a fault, one that
// was deleted there store.ErrConflict.
func Promote(ctx context.Context, from, to *Clients, clientID string, scopes []string, by store.By) (Result, error) {
	source, err := from.Find(ctx, clientID)
	if err != nil {
		return Result{}, err
	}
	var faults Faults
	switch {
	case source.Own || from.Environment.Name == catalogue.HomeName || to.Environment.Name == catalogue.HomeName:
		faults.add("to", "nothing is promoted from home or to it", "")
	case from.Environment == to.Environment:
		faults.add("to", "is the environment that the client is in", "name another one")
	case source.Disabled():
		faults.add("client", "is disabled in "+from.Environment.Name, "enable it first")
	case to.declared(clientID) != nil:
		return Result{}, ErrDeclared
	}
	target := promoted(&source)
	target.Allotted = from.narrowed(source.Allotted, scopes, &faults)
	if len(faults) > 0 {
		return Result{}, faults
	}
	there, err := to.Store.Find(ctx, clientID)
	if errors.Is(err, store.ErrNotFound) {
		to.known(&target, &faults)
		to.judgeID(target.ID, &faults)
		if to.judge(&target, &faults); len(faults) > 0 {
			return Result{}, faults
		}
		return to.enter(ctx, target, by)
	}
	if err != nil {
		return Result{}, err
	}
	if there.Partner != target.Partner || there.Type != target.Type {
		faults.add("client", "the id is another client's in "+to.Environment.Name, "register one there under another id")
		return Result{}, faults
	}
	return to.alter(ctx, clientID, by, func(is store.Client, _ time.Time) (store.ClientChange, Faults) {
		var faults Faults
		more := lacking(is, &target)
		to.known(&more, &faults)
		to.judge(&more, &faults)
		return stepFrom(is, more), faults
	})
}

// promoted is what a client takes along: all but its secrets, its times and what it
// has for a while only.
func promoted(source *store.Client) store.Client {
	grants := slices.DeleteFunc(slices.Clone(source.Grants), func(grant string) bool { _, ends := source.GrantsEnd[grant]; return ends })
	return store.Client{
		ID: source.ID, Name: source.Name, Partner: source.Partner, Type: source.Type, Grants: grants,
		AuthMethods: slices.Clone(source.AuthMethods), SignIn: source.SignIn,
	}
}

// lacking is a client with what another one has beside it.
func lacking(is store.Client, other *store.Client) store.Client {
	is.Grants = together(is.Grants, other.Grants)
	is.SignIn.Redirects = together(is.SignIn.Redirects, other.SignIn.Redirects)
	is.SignIn.LogoutRedirects = together(is.SignIn.LogoutRedirects, other.SignIn.LogoutRedirects)
	is.Allotted = maps.Clone(is.Allotted)
	for api, scopes := range other.Allotted {
		is.Allotted[api] = together(is.Allotted[api], scopes)
		if is.Allotted[api] == nil {
			is.Allotted[api] = []string{}
		}
	}
	return is
}

// together are the members of both lists, those of the first one first.
func together(one, other []string) []string {
	return append(slices.Clone(one), missing(other, one)...)
}
