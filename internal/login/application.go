package login

import (
	"errors"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// applications are those that may do something for a person: by what was
// remembered, and by what was allowed once and still works.
func (v *visit) applications(accountID string) ([]web.Application, error) {
	consents, err := v.j.Consents.List(v.r.Context(), accountID)
	grants, err2 := v.j.People.Records.Grants.List(v.r.Context(), accountID, v.j.Now())
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	var all []web.Application
	scopes := map[string][]string{}
	find := func(id string) *web.Application {
		at := slices.IndexFunc(all, func(a web.Application) bool { return a.ID == id })
		if at < 0 {
			at, all = len(all), append(all, web.Application{ID: id})
		}
		return &all[at]
	}
	for _, c := range consents {
		a := find(c.ClientID)
		a.GivenAt, a.UsedAt = c.GivenAt, c.UsedAt
		scopes[c.ClientID] = c.Scope()
	}
	for _, g := range grants {
		a := find(g.ClientID)
		if a.GivenAt.IsZero() || g.CreatedAt.Before(a.GivenAt) {
			a.GivenAt = g.CreatedAt
		}
		for _, at := range []time.Time{g.Code.SpentAt, g.Refresh.RotatedAt} {
			if at.After(a.UsedAt) {
				a.UsedAt = at
			}
		}
		a.Away = a.Away || g.Offline && g.Refresh.Generation > 0
		for _, s := range g.Scope {
			if !slices.Contains(scopes[g.ClientID], s) {
				scopes[g.ClientID] = append(scopes[g.ClientID], s)
			}
		}
	}
	for i := range all {
		if err := v.describe(&all[i], scopes[all[i].ID]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// describe adds who an application is and what it may do.
func (v *visit) describe(a *web.Application, scopes []string) error {
	a.Name = a.ID
	client, err := v.j.Clients.Find(v.r.Context(), a.ID)
	switch {
	case err == nil:
		a.Name, a.Owner, a.Verified = client.Name, client.SignIn.Owner, client.SignIn.Verified
		if a.Verified { // of others, only consent shows it, in full
			a.Homepage = client.SignIn.Homepage
		}
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	a.Rights = v.rights(scopes, func(*catalogue.API) bool { return true })
	return nil
}

// rights describes scopes of some of the APIs, each once.
func (v *visit) rights(scopes []string, of func(*catalogue.API) bool) (all []web.Right) {
	for _, api := range v.j.APIs {
		if !of(api) {
			continue
		}
		for _, s := range api.Scopes {
			if slices.Contains(scopes, s.Name) && !slices.ContainsFunc(all, func(r web.Right) bool { return r.Scope == s.Name }) {
				all = append(all, web.Right{Scope: s.Name, Text: s.Describe(v.language), Write: s.Write})
			}
		}
	}
	return all
}

// servers are those that read what is the person's without asking them: every
// elevated API token that is good, whether or not it was used for this person.
func (v *visit) servers(accountID string) ([]web.Server, error) {
	const some = 100
	used, err := v.j.People.TokenUses.ActedForOf(v.r.Context(), accountID)
	if err != nil {
		return nil, err
	}
	var all []web.Server
	for after := ""; ; {
		tokens, err := v.j.People.Tokens.List(v.r.Context(), after, some)
		if err != nil {
			return nil, err
		}
		for _, t := range tokens {
			if after = t.ID; t.Elevated && t.Good(v.j.Now()) {
				rights := v.rights(t.Scope, func(a *catalogue.API) bool { return slices.Contains(t.APIs, a.Name) })
				all = append(all, web.Server{Name: t.Name, Rights: rights, UsedAt: used[t.ID], EndsAt: t.EndsAt})
			}
		}
		if len(tokens) < some {
			return all, nil
		}
	}
}

// postApplication takes back what an application may do.
func (v *visit) postApplication() {
	who, ok := v.person()
	if !ok {
		return
	}
	by := v.by(who.AccountID)
	err := v.j.Consents.Withdraw(v.r.Context(), who.AccountID, v.field(web.FieldID), by.At.Add(v.j.People.Sessions.Forget), by)
	v.changed(who, err, web.DoneApplication)
}
