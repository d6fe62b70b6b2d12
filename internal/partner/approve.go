package partner

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// An Approval is what came of approving a request.
type Approval struct {
	Request   store.AccessRequest
	Partner   store.Partner
	AccountID string        // of who asked
	Link      secret.Secret // as of Invitation
}

// Approve decides that a request is granted and makes what it needs: a stranger's
// partner and account, and the client, without a secret. Scopes nil: everything
// that was asked for; else a part of it: names of scopes, and of APIs that have
// none. It can be repeated with the same words after a crash, or left to Resume.
func (p *Partners) Approve(ctx context.Context, id string, scopes []string, reason string, by store.By) (Approval, error) {
	by = p.stamp(by)
	r, err := p.Access.Find(ctx, id)
	if err != nil {
		return Approval{}, err
	}
	if r.Decision != "" && r.Decision != store.DecisionApproved {
		return Approval{}, store.ErrConflict
	}
	d, err := p.decision(ctx, &r, scopes, reason)
	if err != nil {
		return Approval{}, err
	}
	if r.AccountID == "" {
		asker, err := p.person(ctx, r.Email, r.Person, by)
		if err == nil {
			err = enabled(&asker)
		}
		if err != nil {
			return Approval{}, err
		}
		d.AccountID = asker.ID
	}
	if r.PartnerID == "" {
		if d.PartnerID, err = secret.NewID(p.Random, partnerID); err != nil {
			return Approval{}, err
		}
	}
	if err := p.Access.Decide(ctx, id, d, by); err != nil {
		return Approval{}, err
	}
	if r, err = p.Access.Find(ctx, id); err != nil {
		return Approval{}, err
	}
	return p.finish(ctx, r, by)
}

// decision looks at everything that could keep the client from being made, before
// it is said that it will be.
func (p *Partners) decision(ctx context.Context, r *store.AccessRequest, scopes []string, reason string) (store.Decision, error) {
	reason, faults := reasoned(reason)
	c := p.environment(r.Environment)
	if c == nil {
		faults.add("environment", quote(r.Environment)+" is no environment any more", "refuse the request")
		return store.Decision{}, faults
	}
	d := store.Decision{Decision: store.DecisionApproved, Reason: reason}
	d.Allowed = c.narrowed(r.Wanted, scopes, &faults)
	owner := store.Partner{Name: r.Organised}
	if r.PartnerID != "" && r.Decision == "" {
		var err error
		if owner, err = p.Store.Find(ctx, r.PartnerID); err != nil {
			return store.Decision{}, err
		}
		if owner.Disabled() {
			faults.add("partner", "is disabled", "enable it first, or refuse the request")
		}
	}
	if len(faults) == 0 && r.Decision == "" {
		_, faults = c.approved(r, d.Allowed, owner)
	}
	if len(faults) > 0 {
		return store.Decision{}, faults
	}
	return d, nil
}

// finish makes what an approved request needs, under the ids that were decided
// with it, and whatever of it is there already.
func (p *Partners) finish(ctx context.Context, r store.AccessRequest, by store.By) (Approval, error) {
	done := Approval{Request: r, AccountID: r.AccountID}
	var err error
	if done.Partner, err = p.owner(ctx, &r, by); err != nil || !r.DoneAt.IsZero() {
		return done, err
	}
	c := p.environment(r.Environment)
	if c == nil {
		return done, Faults{{Field: "environment", Problem: quote(r.Environment) + " is no environment any more"}}
	}
	client, faults := c.approved(&r, c.remaining(r.Allowed), done.Partner)
	if len(faults) > 0 {
		return done, faults
	}
	if _, err := c.enter(ctx, client, by); err != nil {
		return done, err
	}
	asker, err := p.Accounts.Find(ctx, r.AccountID)
	if err != nil {
		return done, err
	}
	err = p.tell(ctx, NoticeApproved, r.ID, said{
		Environment: r.Environment, Client: r.ClientID, Request: r.ID, Reason: r.Reason,
	}, p.whoAsked(ctx, r))
	if err != nil {
		return done, err
	}
	if err := p.Access.Done(ctx, r.ID, by); err != nil {
		return done, err
	}
	if done.Request, err = p.Access.Find(ctx, r.ID); err != nil {
		return done, err
	}
	// Last, since it cannot be done twice: who gets none is invited again.
	if done.Link, err = p.welcome(ctx, asker); errors.Is(err, account.ErrTooMany) {
		err = nil // three were sent within the hour
	}
	return done, err
}

// owner is the partner of an approved request, which is made where it is new.
func (p *Partners) owner(ctx context.Context, r *store.AccessRequest, by store.By) (store.Partner, error) {
	is, err := p.Store.Find(ctx, r.PartnerID)
	if !errors.Is(err, store.ErrNotFound) || !r.DoneAt.IsZero() {
		return is, err
	}
	made := store.Partner{
		ID: r.PartnerID, Name: r.Organised, Email: r.Email, CreatedAt: by.At,
		Members: []store.Member{{AccountID: r.AccountID, Role: store.MemberAdmin, Since: by.At}},
	}
	err = p.Store.Create(ctx, made, by)
	if errors.Is(err, store.ErrConflict) { // another node makes it, or it was deleted
		return p.Store.Find(ctx, r.PartnerID)
	}
	return made, err
}

// approved is the client of a request, judged as it would be registered now.
func (c *Clients) approved(r *store.AccessRequest, allowed map[string][]string, owner store.Partner) (store.Client, Faults) {
	n := New{ID: r.ClientID, Name: r.Application, Type: r.Type, SignIn: store.SignIn{Redirects: r.Redirects}}
	n.Own(&owner)
	client := drafted(n, r.AskedAt)
	client.Allotted = allowed
	var faults Faults
	c.known(&client, &faults)
	c.judge(&client, &faults)
	return client, faults
}

// known looks at whether there is everything that a client is allotted by name.
func (c *Clients) known(client *store.Client, faults *Faults) {
	if len(client.Allotted) == 0 {
		faults.add("scopes", "the client may use no API", "")
	}
	for _, name := range slices.Sorted(maps.Keys(client.Allotted)) {
		api := c.api(name, client.Type)
		if api == nil {
			faults.add("apis", quote(name)+" is not an API of "+c.Environment.Name, "")
			continue
		}
		for _, scope := range client.Allotted[name] {
			if found := api.Scope(scope); found == nil || found.Name != scope {
				faults.add("scopes", quote(scope)+" is not a scope of "+name+" in "+c.Environment.Name, "")
			}
		}
		if client.Type != store.TypeResource && len(api.Scopes) > 0 && len(client.Allotted[name]) == 0 {
			faults.add("scopes", "no scope of "+name+" is allotted", "")
		}
	}
}

// api is the API of that name, with OpenID Connect's own for those who act for
// people; nil where there is none.
func (c *Clients) api(name, kind string) *catalogue.API {
	if id := c.Environment.OpenID; id != nil && id.Name == name && forPeople(kind) {
		return id
	}
	return c.Environment.API(name)
}

// remaining is what there still is of an allotment: a scope may have gone from the
// catalogue between the decision and the client.
func (c *Clients) remaining(allotted map[string][]string) map[string][]string {
	is := map[string][]string{}
	for name, scopes := range allotted {
		api := c.api(name, store.TypeWeb)
		if api == nil {
			continue
		}
		left := slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return api.Scope(s) == nil || api.Scope(s).Name != s })
		if len(left) > 0 || len(scopes) == 0 {
			is[name] = left
		}
	}
	return is
}

// enter registers a client that was judged, without a secret, unless it is there
// already. An id that is or was another's returns store.ErrConflict.
func (c *Clients) enter(ctx context.Context, client store.Client, by store.By) (Result, error) {
	by = c.stamp(by)
	client.CreatedAt = by.At
	err := c.Store.Create(ctx, client, by)
	if errors.Is(err, store.ErrConflict) {
		there, failed := c.Store.Find(ctx, client.ID)
		if failed == nil && there.Partner == client.Partner && there.Type == client.Type {
			return Result{Client: shown(there)}, nil
		}
	}
	if err != nil {
		return Result{}, err
	}
	result := Result{Client: shown(client), Warnings: risks(&client)}
	c.settle(ctx, &result)
	return result, nil
}
