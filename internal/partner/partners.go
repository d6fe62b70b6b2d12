package partner

import (
	"context"
	"io"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/store"
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

	// Environments are the published ones: never home, whose scopes administer.
	Environments func() []*Clients

	// Notify queues notices. Nil: nobody is told.
	Notify func(ctx context.Context, notices ...store.Notice) error

	Contact string // the publisher's own address for notices; empty: none
	Webhook string // that is told of everything that the publisher is told; empty: none

	Now    func() time.Time
	Random io.Reader
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

// Create makes a partner.
func (p *Partners) Create(ctx context.Context, n NewPartner, by store.By) (store.Partner, error) {
	return store.Partner{}, errNotYet
}

// Find returns a partner with its members, disabled or not.
func (p *Partners) Find(ctx context.Context, id string) (store.Partner, error) {
	return p.Store.Find(ctx, id)
}

// List returns the partners that q asks for, in the order of their ids. More says
// whether there are further ones.
func (p *Partners) List(ctx context.Context, q store.PartnerQuery) (partners []store.Partner, more bool, err error) {
	return nil, false, errNotYet
}

// Describe changes what is known of a partner.
func (p *Partners) Describe(ctx context.Context, id string, change PartnerChange, by store.By) (store.Partner, error) {
	return store.Partner{}, errNotYet
}

// SetDisabled disables a partner and its clients in every environment, or enables
// it and those of them that were disabled with it. It can be repeated after a crash.
func (p *Partners) SetDisabled(ctx context.Context, id string, disabled bool, by store.By) (store.Partner, error) {
	return store.Partner{}, errNotYet
}

// Delete forgets a partner with its clients in every environment, for ever. It can
// be repeated after a crash.
func (p *Partners) Delete(ctx context.Context, id string, by store.By) error { return errNotYet }

// Clients returns the clients of a partner in every environment, without verifiers.
func (p *Partners) Clients(ctx context.Context, id string) ([]ClientOf, error) { return nil, errNotYet }

// Resume finishes what a crash cut off: approvals, and the disabling of partners.
// Call it at start and each minute.
func (p *Partners) Resume(ctx context.Context) error { return errNotYet }
