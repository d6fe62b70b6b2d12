package partner

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// What a member of a partner may be let do.
const (
	MaySee     = "see"     // the partner, its clients and their activity
	MayTry     = "try"     // call the API with a token of its clients
	MaySecrets = "secrets" // make, rotate and replace secrets
	MayAsk     = "ask"     // for access to more
	MayMembers = "members" // say who is a member
	MayDelete  = "delete"  // secrets and clients, and disable and enable these
)

// MemberMay reports whether a member with that role may do what the word says. An
// admin may everything; who has no role may nothing.
func MemberMay(role, what string) bool {
	switch role {
	case store.MemberAdmin:
		return true
	case store.MemberDeveloper:
		return what == MaySee || what == MayTry || what == MaySecrets || what == MayAsk
	}
	return false
}

// mostMembers is how many people a partner may have.
const mostMembers = 100

// invitationLife is how long the link is good with which somebody chooses their
// first password: whoever is invited on a Friday reads it on a Monday. There is no
// password that it could be used to replace.
const invitationLife = 72 * time.Hour

// mostInvitations is how many such links an account gets in an hour.
const mostInvitations = 3

// An Invitation is what came of inviting somebody.
type Invitation struct {
	AccountID string
	Link      secret.Secret // where they choose a password, for an operator to hand on; empty when it was mailed, or they have one
}

// Invite makes somebody a member of a partner. Who has no account at home gets one
// under the e-mail address, and a link to choose a password. To invite again sends
// another link, as long as there is no password.
func (p *Partners) Invite(ctx context.Context, id, email, name, role string, by store.By) (Invitation, error) {
	return p.invite(ctx, id, email, name, role, false, by)
}

// InviteBlind is Invite for somebody who is not to learn who has an account: what it
// returns is the same, whether there is one, and whether it is disabled or has a
// password.
func (p *Partners) InviteBlind(ctx context.Context, id, email, name, role string, by store.By) error {
	_, err := p.invite(ctx, id, email, name, role, true, by)
	return err
}

func (p *Partners) invite(ctx context.Context, id, email, name, role string, blind bool, by store.By) (Invitation, error) {
	by = p.stamp(by)
	is, err := p.Store.Find(ctx, id)
	if err != nil {
		return Invitation{}, err
	}
	var faults Faults
	judgeRole(role, &faults)
	address := judgeAddress(email, &faults)
	if name = normalised(name); name != "" {
		judgeName("name", name, &faults)
	}
	if len(is.Members) >= mostMembers {
		faults.add("email", "the partner has 100 members already", "take somebody away first")
	}
	if len(faults) > 0 {
		return Invitation{}, faults
	}
	a, err := p.person(ctx, address, name, by)
	if err == nil && !blind {
		err = enabled(&a)
	}
	if err != nil {
		return Invitation{}, err
	}
	greet := p.welcome
	if blind {
		greet = p.greet
	}
	if is.Role(a.ID) == "" { // to invite an admin again takes nothing away
		if err := p.Store.SetMember(ctx, id, a.ID, role, by); err != nil {
			return Invitation{}, err
		}
	}
	link, err := greet(ctx, a)
	if err != nil {
		return Invitation{}, err
	}
	to := []addressee{{a.ID, address, a.Profile.Locale}}
	return Invitation{AccountID: a.ID, Link: link}, p.tell(ctx, NoticeInvited, id+"/"+a.ID, said{Partner: is.Name}, to)
}

// SetMember gives an account a role at a partner, or none with an empty one. The
// last admin stays: store.ErrConflict.
func (p *Partners) SetMember(ctx context.Context, id, accountID, role string, by store.By) error {
	if role != "" {
		var faults Faults
		if judgeRole(role, &faults); len(faults) > 0 {
			return faults
		}
		is, err := p.Store.Find(ctx, id)
		if err != nil {
			return err
		}
		if is.Role(accountID) == "" && len(is.Members) >= mostMembers {
			return Faults{{Field: "account", Problem: "the partner has 100 members already", Hint: "take somebody away first"}}
		}
	}
	return p.Store.SetMember(ctx, id, accountID, role, p.stamp(by))
}

func judgeRole(role string, faults *Faults) {
	if role != store.MemberAdmin && role != store.MemberDeveloper {
		faults.add("role", quote(role)+" is not a role", "known are "+store.MemberAdmin+", "+store.MemberDeveloper)
	}
}

// judgeAddress looks at an address that is to be the name of an account, and
// returns its one spelling.
func judgeAddress(email string, faults *Faults) string {
	address, err := account.Email(email)
	if err == nil {
		_, err = account.NameKey(address)
	}
	if err != nil {
		faults.add("email", quote(email)+" is not an e-mail address that somebody can sign in with", "")
	}
	return address
}

// person returns the account of an e-mail address, which is made where there is
// none. Nobody has shown yet that the address is theirs, and the account says so.
func (p *Partners) person(ctx context.Context, address, name string, by store.By) (store.Account, error) {
	key, err := account.NameKey(address)
	if err != nil {
		return store.Account{}, err
	}
	for range 2 { // somebody else may make it meanwhile
		a, err := p.Accounts.FindBy(ctx, key)
		switch {
		case err == nil && !strings.EqualFold(a.Profile.Email, address):
			return store.Account{}, Faults{{Field: "email", Problem: "an account goes by this name that has another address now", Hint: "invite that address"}}
		case !errors.Is(err, store.ErrNotFound):
			return a, err
		}
		a, err = p.People.Create(ctx, account.New{Name: address, Profile: store.Profile{FullName: name, Email: address}}, by)
		if !errors.Is(err, account.ErrTaken) {
			return a, err
		}
	}
	return store.Account{}, store.ErrConflict
}

// enabled is the fault in an account that is not.
func enabled(a *store.Account) error {
	if a.Disabled() {
		return Faults{{Field: "email", Problem: "the account is disabled", Hint: "enable it first"}}
	}
	return nil
}

// greet is welcome as if nothing could come of it: whoever invites learns nothing.
func (p *Partners) greet(ctx context.Context, a store.Account) (secret.Secret, error) {
	work := func(ctx context.Context) error {
		if a.Disabled() || p.Links.Mailer == nil { // the link would open nothing, or reach nobody
			return nil
		}
		_, err := p.welcome(ctx, a)
		return err
	}
	if p.Beside != nil {
		return secret.Secret{}, p.Beside(work)
	}
	err := work(ctx)
	if _, many := errors.AsType[*account.TooManyError](err); many {
		err = nil
	}
	return secret.Secret{}, err
}

// welcome gives a person who cannot sign in yet a link to choose a password: by
// mail, or where there is none as its result, which is for operators alone: whoever
// has it has the account. It is in no notice and no change.
func (p *Partners) welcome(ctx context.Context, a store.Account) (secret.Secret, error) {
	if may, err := p.welcomed(ctx, a); err != nil || !may {
		return secret.Secret{}, err
	}
	handle, err := secret.NewOpaque(p.Random)
	if err != nil {
		return secret.Secret{}, err
	}
	now := p.Now().UTC().Truncate(time.Microsecond)
	err = p.Links.Store.Issue(ctx, store.Link{
		Hash: handle.Hash(), Purpose: store.LinkReset, AccountID: a.ID, Email: a.Profile.Email, CreatedAt: now, EndsAt: now.Add(invitationLife),
	}, now.Add(-time.Hour), mostInvitations)
	if errors.Is(err, store.ErrConflict) {
		return secret.Secret{}, &account.TooManyError{After: time.Hour}
	}
	if err != nil {
		return secret.Secret{}, err
	}
	link := secret.Of(p.Links.Reset(handle.Reveal()))
	if p.Links.Mailer == nil {
		return link, nil
	}
	return secret.Secret{}, p.Links.Mailer.Send(ctx, p.invitation(a, link))
}

// welcomed reports whether a person gets a link: one who has nothing to sign in
// with. What is not mailed is handed out for nobody who is an operator, or has
// another partner's confidence: it reaches others than the person first.
func (p *Partners) welcomed(ctx context.Context, a store.Account) (bool, error) {
	factors, err := p.Links.Passwords.Factors.Of(ctx, a.ID)
	if err != nil || len(factors) > 0 {
		return false, err
	}
	if p.Links.Mailer != nil {
		return true, nil
	}
	of, err := p.Store.List(ctx, store.PartnerQuery{Member: a.ID, Limit: 2})
	return len(a.Roles) == 0 && len(of) < 2, err
}
