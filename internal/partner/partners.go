package partner

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
)

// Partners are the operations on partners, their people and what they ask for.
// They are home's, and reach the clients of every environment. They may be called
// concurrently.
//
// The errors of all of them are Faults and those of package store: ErrNotFound for
// a partner, request or account that there is not, ErrConflict for what was decided
// otherwise already or would leave a partner without an admin, ErrUnavailable.
type Partners struct {
	Store    store.Partners
	Access   store.AccessRequests
	Accounts store.Accounts  // home's
	People   *account.People // makes accounts for people who are approved or invited
	Links    *account.Links  // with which they choose a password; without a Mailer they are handed out

	Unconfirmed store.UnconfirmedRequests // needed where Links has a Mailer

	// Environments are the published ones: never home, whose scopes administer.
	Environments func() []*Clients

	// Notify queues notices. Nil: nobody is told.
	Notify func(ctx context.Context, notices ...store.Notice) error

	Contact string // the publisher's own address for notices; empty: none
	Webhook string // that is told of everything that anybody is told, by a URL that need not be its whole one; empty: none

	PortalURL  string // where partners help themselves; empty: there is no portal
	ConsoleURL string // where requests are decided; empty: by command line

	// Beside runs what an answer does not wait for, since the time that it takes would
	// say what was done; it is bounded, and logs the error. Nil: before the answer.
	Beside func(work func(context.Context) error) error

	Now    func() time.Time
	Random io.Reader

	asking sync.Mutex // between counting open requests and adding one
}

// NewPartner is a partner to make.
type NewPartner struct {
	ID       string // empty: one is made
	Name     string
	Email    string   // where notices go; empty: to its admins
	Homepage string   // URL; may be empty
	Verified bool     // we know that it is who it says
	Admins   []string // ids of accounts of home
}

// PartnerChange is what becomes different of a partner. What is nil stays.
type PartnerChange struct {
	Name, Email, Homepage *string
	Verified              *bool
}

// A ClientOf is a client of a partner, and where it lies.
type ClientOf struct {
	Environment string
	store.Client
}

// partnerID is the length of a partner's id.
const partnerID = 12

// mostAdmins is how many a partner is made with.
const mostAdmins = 100

// page is how many records are read at a time.
const page = 100

// stamp says when, as home's clock has it.
func (p *Partners) stamp(by store.By) store.By {
	by.At = p.Now().UTC().Truncate(time.Microsecond)
	return by
}

// Create makes a partner.
func (p *Partners) Create(ctx context.Context, n NewPartner, by store.By) (store.Partner, error) {
	by = p.stamp(by)
	made := store.Partner{
		ID: n.ID, Name: normalised(n.Name), Email: n.Email, Homepage: n.Homepage, Verified: n.Verified, CreatedAt: by.At,
	}
	var faults Faults
	if n.ID != "" {
		if problem, hint := wire.CheckClientID(n.ID); problem != "" {
			faults.add("id", problem, hint)
		}
	} else {
		id, err := secret.NewID(p.Random, partnerID)
		if err != nil {
			return store.Partner{}, err
		}
		made.ID = id
	}
	judgePartner(&made, &faults)
	if len(n.Admins) > mostAdmins {
		faults.add("admins", "are too many", "invite the others afterwards")
		return store.Partner{}, faults
	}
	for i, id := range n.Admins {
		_, err := p.Accounts.Find(ctx, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			faults.add(at("admins", i), quote(id)+" is not an account of home", "invite them by their e-mail address afterwards")
		case err != nil:
			return store.Partner{}, err
		case slices.Contains(n.Admins[:i], id):
			faults.add(at("admins", i), quote(id)+" stands twice", "")
		}
		made.Members = append(made.Members, store.Member{AccountID: id, Role: store.MemberAdmin, Since: by.At})
	}
	if len(faults) > 0 {
		return store.Partner{}, faults
	}
	if err := p.Store.Create(ctx, made, by); err != nil {
		return store.Partner{}, err
	}
	return made, nil
}

// judgePartner looks at what people are shown of a partner, and puts its address
// into its one spelling.
func judgePartner(is *store.Partner, faults *Faults) {
	judgeName("name", is.Name, faults)
	if is.Email != "" {
		email, err := account.Email(is.Email)
		if err != nil {
			faults.add("email", quote(is.Email)+" is not an e-mail address", "")
		}
		is.Email = email
	}
	if is.Homepage != "" {
		problem, hint := wire.CheckHomepage(is.Homepage)
		judged("homepage", is.Homepage, problem, hint, faults)
	}
}

// Find returns a partner with its members, disabled or not.
func (p *Partners) Find(ctx context.Context, id string) (store.Partner, error) {
	return p.Store.Find(ctx, id)
}

// List returns the partners that q asks for, in the order of their ids. More says
// whether there are further ones.
func (p *Partners) List(ctx context.Context, q store.PartnerQuery) (partners []store.Partner, more bool, err error) {
	limit := q.Limit
	q.Limit++
	partners, err = p.Store.List(ctx, q)
	return partners[:min(len(partners), limit)], len(partners) > limit, err
}

// Describe changes what is known of a partner. Its clients that are shown under its
// name follow, in every environment; and none is shown as verified whose partner is
// not any more. Where an error came between, it can be repeated.
func (p *Partners) Describe(ctx context.Context, id string, change PartnerChange, by store.By) (store.Partner, error) {
	is, err := p.Store.Find(ctx, id)
	if err != nil {
		return store.Partner{}, err
	}
	was := is
	for _, member := range []struct{ of, sent *string }{{&is.Name, change.Name}, {&is.Email, change.Email}, {&is.Homepage, change.Homepage}} {
		if member.sent != nil {
			*member.of = *member.sent
		}
	}
	if change.Verified != nil {
		is.Verified = *change.Verified
	}
	is.Name = normalised(is.Name)
	var faults Faults
	if judgePartner(&is, &faults); len(faults) > 0 {
		return store.Partner{}, faults
	}
	if err := p.follow(ctx, &was, &is, by); err != nil {
		return store.Partner{}, err
	}
	return is, p.Store.Describe(ctx, is, p.stamp(by))
}

// SetDisabled disables a partner and its clients in every environment, or enables
// it and those of them that were disabled with it: one that somebody had disabled
// before, or the partner itself, stays disabled. It can be repeated after a crash; what a crash cut off of
// disabling, Resume finishes.
func (p *Partners) SetDisabled(ctx context.Context, id string, disabled bool, by store.By) (store.Partner, error) {
	by = p.stamp(by)
	is, err := p.Store.Find(ctx, id)
	if err != nil {
		return store.Partner{}, err
	}
	switch {
	case disabled:
		err = p.disable(ctx, is, by)
	case is.Disabled():
		err = p.enable(ctx, is, by)
	}
	if err != nil {
		return store.Partner{}, err
	}
	return p.Store.Find(ctx, id)
}

// disable keeps the people out first: from then on Resume finishes what is left.
func (p *Partners) disable(ctx context.Context, is store.Partner, by store.By) error {
	if err := p.Store.SetDisabled(ctx, is.ID, true, by); err != nil {
		return err
	}
	now, err := p.Store.Find(ctx, is.ID)
	if err != nil {
		return err
	}
	if err := p.suspend(ctx, now, by); err != nil || is.Disabled() {
		return err
	}
	return p.tell(ctx, NoticeDisabled, now.ID+"/"+stampOf(now.DisabledAt), said{Partner: now.Name}, p.people(ctx, now))
}

// suspend disables what is enabled of a disabled partner's clients. None is disabled
// before its partner, whatever this node's clock says, so that enable knows them.
func (p *Partners) suspend(ctx context.Context, is store.Partner, by store.By) error {
	return p.each(ctx, is.ID, func(c *Clients, client *store.Client) error {
		if client.Disabled() {
			return nil
		}
		by := c.stamp(by)
		if by.At.Before(is.DisabledAt) {
			by.At = is.DisabledAt
		}
		_, err := c.change(ctx, client.ID, func() error { return c.Store.Disable(ctx, client.ID, c.forget(by.At), by) })
		return gone(err)
	})
}

// enable lets the people in last: as long as it is not done, the partner says since
// when it was disabled.
func (p *Partners) enable(ctx context.Context, is store.Partner, by store.By) error {
	type one struct {
		c  *Clients
		id string
	}
	var with []one
	err := p.each(ctx, is.ID, func(c *Clients, client *store.Client) error {
		if !client.Disabled() || client.DisabledBy != "" || client.DisabledAt.Before(is.DisabledAt) {
			return nil
		}
		with = append(with, one{c, client.ID})
		_, err := c.Enable(ctx, client.ID, by)
		return gone(err)
	})
	if err == nil {
		err = p.Store.SetDisabled(ctx, is.ID, false, by)
	}
	if err != nil {
		return err
	}
	for _, w := range with { // Resume of another node may have been there meanwhile
		_, failed := w.c.Enable(ctx, w.id, by)
		err = errors.Join(err, gone(failed))
	}
	return err
}

// Delete forgets a partner with its clients in every environment, for ever. It can
// be repeated after a crash; until it is done the partner is disabled.
func (p *Partners) Delete(ctx context.Context, id string, by store.By) error {
	by = p.stamp(by)
	if err := p.Store.SetDisabled(ctx, id, true, by); err != nil {
		return err
	}
	err := p.each(ctx, id, func(c *Clients, client *store.Client) error {
		_, err := c.Delete(ctx, client.ID, by)
		return gone(err)
	})
	if err != nil {
		return err
	}
	return p.Store.Delete(ctx, id, by)
}

// gone: what is there no more needs nothing done to it.
func gone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// Clients returns the clients of a partner in every environment, without verifiers.
func (p *Partners) Clients(ctx context.Context, id string) ([]ClientOf, error) {
	if _, err := p.Store.Find(ctx, id); err != nil {
		return nil, err
	}
	var all []ClientOf
	err := p.each(ctx, id, func(c *Clients, client *store.Client) error {
		all = append(all, ClientOf{Environment: c.Environment.Name, Client: *client})
		return nil
	})
	return all, err
}

// each does something with every client of a partner, also with those after one
// that it fails with.
func (p *Partners) each(ctx context.Context, id string, do func(*Clients, *store.Client) error) (err error) {
	for _, c := range p.Environments() {
		after, more := "", true
		for more {
			clients, further, failed := c.Of(ctx, id, after, page)
			if failed != nil {
				err = errors.Join(err, failed)
				break
			}
			for i := range clients {
				err = errors.Join(err, do(c, &clients[i]))
				after = clients[i].ID
			}
			more = further && len(clients) > 0
		}
	}
	return err
}

// environment returns the operations on the clients of a published environment, or
// nil. Home is none, also where it is among them.
func (p *Partners) environment(name string) *Clients {
	for _, c := range p.Environments() {
		if c.Environment.Name == name && name != catalogue.HomeName {
			return c
		}
	}
	return nil
}

// Resume finishes what a crash cut off: approvals, and the disabling of partners.
// Call it at start and each minute.
func (p *Partners) Resume(ctx context.Context) error {
	by := p.stamp(store.By{Actor: "server"})
	var failed error
	for q, more := (store.AccessQuery{Open: true, Limit: page}), true; more; {
		requests, further, err := p.Requests(ctx, q)
		if err != nil {
			return err
		}
		for i := range requests {
			if requests[i].Decision == store.DecisionApproved {
				_, err := p.finish(ctx, requests[i], by)
				failed = errors.Join(failed, err)
			}
			q.Before = requests[i].ID
		}
		more = further
	}
	for q, more := (store.PartnerQuery{Limit: page}), true; more; {
		partners, further, err := p.List(ctx, q)
		if err != nil {
			return errors.Join(failed, err)
		}
		for i := range partners {
			if partners[i].Disabled() {
				failed = errors.Join(failed, p.suspend(ctx, partners[i], by))
			}
			q.After = partners[i].ID
		}
		more = further
	}
	return failed
}
