package partner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// An elevated API token acts for people who were not asked, so that it ends
// within a year and is approved by somebody else than it was made by.
const longestElevated = 366 * 24 * time.Hour

// mostNetworks is from how many networks one may come.
const mostNetworks = 20

// apiTokenID is the length of an API token's id.
const apiTokenID = 12

// ErrSameOperator says that who made an elevated API token cannot approve it.
var ErrSameOperator = errors.New("a second operator has to approve it: who made an elevated API token cannot")

// APITokens are the operations on the API tokens of one environment. They may be
// called concurrently. The errors of all of them are Faults, ErrSameOperator, and
// those of package store: ErrNotFound for a token that there is not, ErrConflict
// for one that was approved or revoked already, ErrUnavailable.
type APITokens struct {
	Environment *catalogue.Environment
	Store       store.APITokens
	Now         func() time.Time
	Random      io.Reader
	Sync        func(context.Context) error // as Clients has it
}

// NewAPIToken is an API token to make.
type NewAPIToken struct {
	Name      string   // the application's
	APIs      []string // by name; empty: the one that knows API tokens, where there is one
	NeedsUser bool     // good only together with an access token
	EndsAt    time.Time

	Elevated  bool
	Scopes    []string // what an elevated one may do: names, aliases or unique endings; "all" is every scope of its APIs
	Addresses []string // that an elevated one may come from: networks as CIDR, or single addresses
}

// An APITokenResult is what an operation on an API token did.
type APITokenResult struct {
	Token    store.APIToken // as it is now; without its hash
	Text     secret.Secret  // of one that was made; nobody can have it a second time
	Warnings []string       // what the caller should know although it was done
}

// Create makes an API token. An elevated one is good once somebody else approves
// it. Every fault is reported at once.
func (a *APITokens) Create(ctx context.Context, n NewAPIToken, by store.By) (APITokenResult, error) {
	by.At = a.Now().UTC().Truncate(time.Microsecond)
	made := store.APIToken{
		Name: normalised(n.Name), Elevated: n.Elevated, NeedsUser: n.NeedsUser, CreatedAt: by.At, CreatedBy: by.Actor,
	}
	var faults Faults
	judgeName("name", made.Name, &faults)
	made.APIs = a.apis(n, &faults)
	made.EndsAt = endOf(n, by.At, &faults)
	a.raise(&made, n, &faults)
	if len(faults) > 0 {
		return APITokenResult{}, faults
	}
	text, err := secret.NewAPIToken(a.Environment.Name, a.Random)
	if err != nil {
		return APITokenResult{}, err
	}
	if made.ID, err = secret.NewID(a.Random, apiTokenID); err != nil {
		return APITokenResult{}, err
	}
	made.Hash, made.Hint = secret.HashOf(text.Reveal()), text.Hint()
	if err := a.Store.Create(ctx, made, by); err != nil {
		return APITokenResult{}, err
	}
	made.Hash = [32]byte{}
	result := APITokenResult{Token: made, Text: text}
	if made.Elevated {
		result.Warnings = append(result.Warnings, "it is not good until another operator approves it")
		for _, name := range made.APIs {
			if !a.Environment.API(name).Tokens.Elevated {
				result.Warnings = append(result.Warnings, "the API "+name+" takes no elevated tokens: grantway.yaml does not say elevated: true")
			}
		}
	}
	a.settle(ctx, &result)
	return result, nil
}

// apis are the names of the APIs that a token is for.
func (a *APITokens) apis(n NewAPIToken, faults *Faults) []string {
	var knowing []string
	for _, api := range a.Environment.APIs {
		if api.Tokens.Header != "" {
			knowing = append(knowing, api.Name)
		}
	}
	if len(n.APIs) == 0 {
		switch len(knowing) {
		case 0:
			faults.add("apis", "no API of this environment knows API tokens", "name their header in grantway.yaml, under api_tokens")
		case 1:
			return knowing
		default:
			faults.add("apis", "several APIs know API tokens", "name those that it is for")
		}
		return nil
	}
	var names []string
	for i, name := range n.APIs {
		switch api := a.Environment.API(name); {
		case api == nil:
			faults.add(fmt.Sprintf("apis[%d]", i), "is no API of this environment", "")
		case api.Tokens.Header == "":
			faults.add(fmt.Sprintf("apis[%d]", i), "knows no API tokens", "name their header in grantway.yaml, under api_tokens")
		case !slices.Contains(names, name):
			names = append(names, name)
		}
	}
	return names
}

func endOf(n NewAPIToken, now time.Time, faults *Faults) time.Time {
	at := n.EndsAt.UTC().Truncate(time.Microsecond)
	switch {
	case n.EndsAt.IsZero() && n.Elevated:
		faults.add("ends_at", "is missing", "an elevated token ends within a year")
	case n.EndsAt.IsZero():
		return time.Time{}
	case !at.After(now):
		faults.add("ends_at", "lies in the past", "")
	case n.Elevated && at.Sub(now) > longestElevated:
		faults.add("ends_at", "lies more than a year ahead", "an elevated token ends within a year")
	case at.Sub(now) > latestExpiry:
		faults.add("ends_at", "lies more than ten years ahead", "leave it away for a token that does not end")
	}
	return at
}

// raise gives an elevated token what it may do, and where it may come from.
func (a *APITokens) raise(made *store.APIToken, n NewAPIToken, faults *Faults) {
	if !n.Elevated {
		if len(n.Scopes) > 0 {
			faults.add("scopes", "are for elevated tokens", "a plain one opens what needs no person's rights")
		}
		if len(n.Addresses) > 0 {
			faults.add("addresses", "are for elevated tokens", "")
		}
		return
	}
	if len(n.Scopes) == 0 {
		faults.add("scopes", "are missing", "say what the token may do for people")
	} else if len(made.APIs) > 0 {
		clients := &Clients{Environment: a.Environment}
		for _, scopes := range clients.allotted(store.TypeMachine, made.APIs, n.Scopes, faults) {
			made.Scope = append(made.Scope, scopes...)
		}
		slices.Sort(made.Scope)
		made.Scope = slices.Compact(made.Scope)
	}
	switch {
	case len(n.Addresses) == 0:
		faults.add("addresses", "are missing", "say from which servers the token comes")
	case len(n.Addresses) > mostNetworks:
		faults.add("addresses", fmt.Sprintf("are more than %d", mostNetworks), "")
	}
	for i, text := range n.Addresses {
		network, problem := networkOf(text)
		if problem != "" {
			faults.add(fmt.Sprintf("addresses[%d]", i), problem, "write 192.0.2.7, 192.0.2.0/28 or 2001:db8::/48")
			continue
		}
		made.Addresses = append(made.Addresses, network.String())
	}
}

// networkOf reads a network. One that holds half of all addresses or more binds
// nothing.
func networkOf(text string) (network netip.Prefix, problem string) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), ""
	}
	network, err := netip.ParsePrefix(text)
	if err != nil || network.Addr().Is4In6() {
		return netip.Prefix{}, "is no address and no network"
	}
	if network.Bits() < 8 {
		return netip.Prefix{}, "holds too many addresses"
	}
	return network.Masked(), ""
}

// Approve makes an elevated API token good. The operator must be another one than
// who made it.
func (a *APITokens) Approve(ctx context.Context, id string, by store.By) (APITokenResult, error) {
	found, err := a.Find(ctx, id)
	if err != nil {
		return APITokenResult{}, err
	}
	if found.Elevated && found.CreatedBy == by.Actor {
		return APITokenResult{}, ErrSameOperator
	}
	return a.change(ctx, id, func(by store.By) error { return a.Store.Approve(ctx, id, by) }, by)
}

// Revoke ends an API token, within a second everywhere. Revoking a revoked one
// changes nothing.
func (a *APITokens) Revoke(ctx context.Context, id string, by store.By) (APITokenResult, error) {
	return a.change(ctx, id, func(by store.By) error { return a.Store.Revoke(ctx, id, by) }, by)
}

func (a *APITokens) change(ctx context.Context, id string, step func(store.By) error, by store.By) (APITokenResult, error) {
	by.At = a.Now().UTC().Truncate(time.Microsecond)
	if err := step(by); err != nil {
		return APITokenResult{}, err
	}
	found, err := a.Find(ctx, id)
	if err != nil {
		return APITokenResult{}, err
	}
	result := APITokenResult{Token: found}
	a.settle(ctx, &result)
	return result, nil
}

// Find returns the API token, good or not, without its hash.
func (a *APITokens) Find(ctx context.Context, id string) (store.APIToken, error) {
	// There are few, and nothing waits for it.
	for after := ""; ; {
		some, more, err := a.List(ctx, after, 200)
		if err != nil {
			return store.APIToken{}, err
		}
		if i := slices.IndexFunc(some, func(t store.APIToken) bool { return t.ID == id }); i >= 0 {
			return some[i], nil
		}
		if !more || len(some) == 0 {
			return store.APIToken{}, fmt.Errorf("find API token: %w", store.ErrNotFound)
		}
		after = some[len(some)-1].ID
	}
}

// List returns at most limit API tokens whose ids sort after the given one, in
// the order of their ids, revoked ones too and without their hashes. More says
// whether there are further ones.
func (a *APITokens) List(ctx context.Context, after string, limit int) (tokens []store.APIToken, more bool, err error) {
	tokens, err = a.Store.List(ctx, after, limit+1)
	if err != nil {
		return nil, false, err
	}
	for i := range tokens {
		tokens[i].Hash = [32]byte{}
	}
	if len(tokens) > limit {
		return tokens[:limit], true, nil
	}
	return tokens, false, nil
}

func (a *APITokens) settle(ctx context.Context, result *APITokenResult) {
	if a.Sync == nil {
		return
	}
	if err := a.Sync(ctx); err != nil {
		result.Warnings = append(result.Warnings, warnUnseen)
	}
}
