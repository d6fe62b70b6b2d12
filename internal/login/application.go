package login

import (
	"errors"
	"slices"
	"time"

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
		scopes[c.ClientID] = c.Scope
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
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	for _, api := range v.j.APIs {
		for _, s := range api.Scopes {
			if slices.Contains(scopes, s.Name) && !slices.ContainsFunc(a.Rights, func(r web.Right) bool { return r.Scope == s.Name }) {
				a.Rights = append(a.Rights, web.Right{Scope: s.Name, Text: s.Describe(v.language), Write: s.Write})
			}
		}
	}
	return nil
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
