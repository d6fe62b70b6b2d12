package partner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/oauth"
)

// ErrRaced says that others changed the client again and again meanwhile.
var ErrRaced = errors.New("others are changing the client at the same time")

// An Edit adds to a list and removes from it. To add what is there already changes
// nothing; what is to be removed has to be there.
type Edit struct {
	Add, Remove []string
}

func (e *Edit) empty() bool { return len(e.Add) == 0 && len(e.Remove) == 0 }

// A Change is what becomes different of a client. What is nil or empty stays.
type Change struct {
	Name            *string
	Partner         *string // whose it is, by id; empty: the publisher's own. Its secrets stay as they are
	Owner           *string // empty: unknown, as with the three below
	Homepage        *string
	LogoutNotice    *string
	IDTokenAlg      *string
	Verified        *bool
	Legacy          *bool
	Redirects       Edit
	LogoutRedirects Edit
	APIs            Edit
	Scopes          Edit // names, aliases or unique endings of them; what was allotted and is in no API any more can be removed
	Grants          Edit
	Until           time.Time // when the grants end that are added, also those that it had; zero: they do not

	Allotted map[string][]string  // all that it may use from now on, by API, in place of APIs and Scopes; nil: as these say
	Ends     map[string]time.Time // by grant: all the ends of grants from now on, in place of Until; nil: as this says

	// If is asked about the client that is about to change, in the same step: false is
	// store.ErrMoved. Nil: it is changed whatever it is.
	If func(is *store.Client) bool
}

// Change changes a client in one step. Where a scope, an API or a grant is taken
// away, everything ends in the same step that may have been given under it: the
// client's access tokens, and, unless it was only client_credentials, also what
// people allowed it, with codes and refresh tokens; they are asked again.
func (c *Clients) Change(ctx context.Context, id string, change Change, by store.By) (Result, error) {
	moved := false
	result, err := c.alter(ctx, id, by, func(from store.Client, now time.Time) (store.ClientChange, Faults) {
		if change.If != nil {
			is := shown(from)
			if moved = !change.If(&is); moved {
				return store.ClientChange{}, Faults{{}} // to go no further
			}
		}
		return c.changed(from, change, now)
	})
	if moved {
		return Result{}, store.ErrMoved
	}
	return result, err
}

// alter changes a client as it is, however often others change it meanwhile.
func (c *Clients) alter(ctx context.Context, id string, by store.By, to func(store.Client, time.Time) (store.ClientChange, Faults)) (Result, error) {
	const tries = 8
	for range tries {
		from, err := c.own(ctx, id)
		if err != nil {
			return Result{}, err
		}
		by = c.stamp(by)
		step, faults := to(from, by.At)
		if len(faults) > 0 {
			return Result{}, faults
		}
		step.Forget = c.forget(by.At)
		result, err := c.change(ctx, id, func() error { return c.Store.Change(ctx, id, step, by) })
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return Result{}, err
		}
		result.Warnings = slices.Concat(missing(risks(&result.Client), risks(&from)), ended(&step), result.Warnings)
		return result, nil
	}
	return Result{}, ErrRaced
}

// ended says what a change ended.
func ended(step *store.ClientChange) []string {
	switch {
	case step.EndGrants && forPeople(step.To.Type):
		return []string{"the tokens of the client have ended, and people are asked again"}
	case step.EndGrants, step.EndTokens:
		return []string{"the tokens of the client have ended"}
	}
	return nil
}

// changed is the client as it is to be, judged, and what ends with it.
func (c *Clients) changed(from store.Client, change Change, now time.Time) (store.ClientChange, Faults) {
	var faults Faults
	to := from
	for _, member := range []struct {
		of   *string
		sent *string
	}{
		{&to.Name, change.Name},
		{&to.Partner, change.Partner},
		{&to.SignIn.Owner, change.Owner},
		{&to.SignIn.Homepage, change.Homepage},
		{&to.SignIn.LogoutNotice, change.LogoutNotice},
		{&to.SignIn.IDTokenAlg, change.IDTokenAlg},
	} {
		if member.sent != nil {
			*member.of = *member.sent
		}
	}
	to.Name, to.SignIn.Owner = normalised(to.Name), normalised(to.SignIn.Owner)
	if change.Verified != nil {
		to.SignIn.Verified = *change.Verified
	}
	if change.Legacy != nil {
		to.SignIn.Legacy = *change.Legacy
	}
	to.SignIn.Redirects = edited("redirect_uris", to.SignIn.Redirects, change.Redirects, &faults)
	to.SignIn.LogoutRedirects = edited("post_logout_redirect_uris", to.SignIn.LogoutRedirects, change.LogoutRedirects, &faults)
	to.Grants = edited("grants", to.Grants, change.Grants, &faults)
	if change.Ends != nil {
		to.GrantsEnd = ends(&to, change.Ends, now, &faults)
	} else {
		to.GrantsEnd = grantEnds(&from, &change, now, &faults)
	}
	if change.Allotted != nil {
		to.Allotted = c.allottedAnew(&from, change.Allotted, &faults)
	} else {
		to.Allotted = c.reallotted(&from, change.APIs, change.Scopes, &faults)
	}
	if len(faults) == 0 {
		c.judge(&to, &faults) // else it is not what was meant
		if len(to.Grants) == 0 && to.Type != store.TypeResource {
			faults.add("grants", "none is left", "disable the client instead")
		}
	}
	return stepFrom(from, to), faults
}

// stepFrom is a change with what has to end with it.
func stepFrom(from, to store.Client) store.ClientChange {
	step := store.ClientChange{From: from, To: to}
	switch lost := missing(from.Grants, to.Grants); {
	case to.Type == store.TypeResource: // it has no tokens
	case withdrawn(from.Allotted, to.Allotted), slices.Contains(lost, oauth.GrantAuthorizationCode), slices.Contains(lost, oauth.GrantRefreshToken):
		step.EndGrants = true
	case len(lost) > 0:
		step.EndTokens = true
	}
	return step
}

// edited is a list after an edit.
func edited(field string, list []string, edit Edit, faults *Faults) []string {
	if edit.empty() {
		return list
	}
	if len(edit.Add) > maxScopes || len(edit.Remove) > maxScopes {
		faults.add(field, fmt.Sprintf("more than %d are named", maxScopes), "")
		return list
	}
	is := slices.Clone(list)
	for i, one := range edit.Remove {
		found := slices.Index(is, one)
		if found < 0 {
			faults.add(at(field+".remove", i), "the client does not have "+quote(one), several("it has ", is))
			continue
		}
		is = slices.Delete(is, found, found+1)
	}
	for i, one := range edit.Add {
		if slices.Contains(edit.Remove, one) {
			faults.add(at(field+".add", i), quote(one)+" is also to be removed", "")
		} else if !slices.Contains(is, one) {
			is = append(is, one)
		}
	}
	return is
}

// grantEnds is when the grants of a client end, after a change.
func grantEnds(from *store.Client, change *Change, now time.Time, faults *Faults) map[string]time.Time {
	if change.Grants.empty() {
		if !change.Until.IsZero() {
			faults.add("until", "there is no grant that would end then", "name it under grants.add")
		}
		return from.GrantsEnd
	}
	is := maps.Clone(from.GrantsEnd)
	if is == nil {
		is = map[string]time.Time{}
	}
	for _, grant := range change.Grants.Remove {
		delete(is, grant)
	}
	until := change.Until.UTC().Truncate(time.Microsecond)
	switch {
	case change.Until.IsZero():
	case len(change.Grants.Add) == 0:
		faults.add("until", "there is no grant that would end then", "name it under grants.add")
	default:
		judgeGrantEnd("until", until, now, faults)
	}
	for _, grant := range change.Grants.Add {
		if delete(is, grant); !change.Until.IsZero() {
			is[grant] = until
		}
	}
	return is
}

func judgeGrantEnd(field string, at, now time.Time, faults *Faults) {
	switch {
	case !at.After(now):
		faults.add(field, "has passed", "name a moment to come")
	case at.Sub(now) > latestExpiry:
		faults.add(field, "is more than ten years ahead", "leave it away for a grant that does not end")
	}
}

// ends is when the grants of a client end from now on. An end that it has may have
// passed.
func ends(to *store.Client, sent map[string]time.Time, now time.Time, faults *Faults) map[string]time.Time {
	is := map[string]time.Time{}
	for _, grant := range slices.Sorted(maps.Keys(sent)) {
		at := sent[grant].UTC().Truncate(time.Microsecond)
		if !slices.Contains(to.Grants, grant) {
			faults.add("ends."+grant, "the client does not have this grant", "leave its end away")
		} else if had, ok := to.GrantsEnd[grant]; !ok || !had.Equal(at) {
			judgeGrantEnd("ends."+grant, at, now, faults)
		}
		is[grant] = at
	}
	return is
}

// allottedAnew is what a client may use when it is told all of that. What it had may
// be in no API any more; what is new has to be in one.
func (c *Clients) allottedAnew(from *store.Client, sent map[string][]string, faults *Faults) map[string][]string {
	more := store.Client{Type: from.Type, Allotted: map[string][]string{}}
	is := map[string][]string{}
	for api, scopes := range sent {
		if from.Type == store.TypeResource && len(scopes) > 0 {
			faults.add("scopes", "a resource has no scopes", "leave them away")
			return from.Allotted
		}
		had, ok := from.Allotted[api]
		added := slices.Compact(slices.Sorted(slices.Values(missing(scopes, had))))
		is[api] = append(append([]string{}, missing(had, missing(had, scopes))...), added...) // in the order that they had
		if !ok || len(added) > 0 || len(scopes) == 0 && len(had) > 0 {
			more.Allotted[api] = added
		}
	}
	if len(sent) == 0 {
		faults.add("scopes", "the client could use no API any more", "disable it instead")
	} else if len(more.Allotted) > 0 {
		c.known(&more, faults)
	}
	return is
}

// reallotted is what a client may use after a change.
func (c *Clients) reallotted(from *store.Client, apis, scopes Edit, faults *Faults) map[string][]string {
	if apis.empty() && scopes.empty() {
		return from.Allotted
	}
	if from.Type == store.TypeResource && !scopes.empty() {
		faults.add("scopes", "a resource has no scopes", "leave them away")
		return from.Allotted
	}
	if max(len(apis.Add), len(apis.Remove)) > maxNamed || max(len(scopes.Add), len(scopes.Remove)) > maxScopes {
		faults.add("scopes", fmt.Sprintf("more than %d APIs or %d scopes are named", maxNamed, maxScopes), "write "+AllScopes)
		return from.Allotted
	}
	before := len(*faults)
	a := c.allotment(from.Type, faults)
	for api, names := range from.Allotted {
		a.of[api] = slices.Clone(names)
	}
	for i, name := range apis.Remove {
		if _, ok := a.of[name]; !ok {
			faults.add(at("apis.remove", i), "the client does not have "+quote(name), several("it has ", slices.Sorted(maps.Keys(a.of))))
		}
		delete(a.of, name)
	}
	for i, text := range scopes.Remove {
		c.withdraw(a, at("scopes.remove", i), text)
	}
	if len(apis.Add) > 0 {
		a.choose("apis.add", apis.Add)
	}
	for i, text := range scopes.Add {
		a.allot(at("scopes.add", i), text)
	}
	for _, name := range apis.Add {
		if api := c.Environment.API(name); api != nil && len(api.Scopes) > 0 && len(a.of[name]) == 0 && from.Type != store.TypeResource {
			faults.add("scopes.add", "no scope of "+name+" is allotted", "write "+AllScopes+", or those that the client needs")
		}
	}
	if len(a.of) == 0 && len(*faults) == before {
		faults.add("scopes", "the client could use no API any more", "disable it instead")
	}
	return a.of
}

// fitting are the scopes of an allotment, each after its API, that a text means, which
// may be "API SCOPE". One that is named as it is allotted may be in no API any more.
func (c *Clients) fitting(allotted map[string][]string, text string) [][2]string {
	if api, scope, _ := strings.Cut(text, " "); slices.Contains(allotted[api], scope) {
		return [][2]string{{api, scope}}
	}
	for _, is := range []func(api, scope string) bool{
		func(_, scope string) bool { return scope == text },
		func(name, scope string) bool {
			api := c.Environment.API(name)
			return api != nil && api.Scope(text) != nil && api.Scope(text).Name == scope
		},
		func(_, scope string) bool { return catalogue.Ends(scope, text) },
	} {
		var fit [][2]string
		for _, api := range slices.Sorted(maps.Keys(allotted)) {
			for _, scope := range allotted[api] {
				if len(fit) < maxScopes && is(api, scope) {
					fit = append(fit, [2]string{api, scope})
				}
			}
		}
		if len(fit) > 0 {
			return fit
		}
	}
	return nil
}

// withdraw takes a scope away.
func (c *Clients) withdraw(a *allotment, field, text string) {
	fit := c.fitting(a.of, text)
	switch len(fit) {
	case 0:
		var has []string
		for _, api := range slices.Sorted(maps.Keys(a.of)) {
			has = append(has, a.of[api]...)
		}
		a.faults.add(field, "the client does not have "+quote(text), several("it has ", has))
	case 1:
		api, scope := fit[0][0], fit[0][1]
		a.of[api] = slices.DeleteFunc(a.of[api], func(s string) bool { return s == scope })
		if len(a.of[api]) == 0 {
			delete(a.of, api) // else it would be one without scopes
		}
	default:
		names := make([]string, len(fit))
		for i, f := range fit {
			names[i] = f[1] + " of " + f[0]
		}
		a.faults.add(field, fmt.Sprintf("%s fits %d scopes of the client", quote(text), len(fit)), "it has "+strings.Join(names, ", "))
	}
}

// withdrawn reports whether something is allotted no more.
func withdrawn(from, to map[string][]string) bool {
	for api, names := range from {
		is, ok := to[api]
		if !ok || len(missing(names, is)) > 0 {
			return true
		}
	}
	return false
}

// missing are those of a list that are not in another.
func missing(from, to []string) []string {
	return slices.DeleteFunc(slices.Clone(from), func(one string) bool { return slices.Contains(to, one) })
}
