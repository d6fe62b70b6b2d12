package login

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// resolve finds, links or makes the account of a person there. Issuer and subject
// decide, and nothing else (rows P18, V06).
func (p *Providers) resolve(ctx context.Context, up *upstream, a Arrival, found person) (Arrival, error) {
	known, err := p.Identities.Find(ctx, a.Identity.Issuer, a.Identity.Subject)
	switch {
	case err == nil && a.Link != "" && known.AccountID != a.Link:
		return a, ErrTaken
	case err == nil:
		return p.welcome(ctx, a, known.AccountID)
	case !errors.Is(err, store.ErrNotFound):
		return a, err
	case a.Link != "":
		a.Linked = true
		return p.link(ctx, a, a.Link)
	case !up.Create:
		return a, ErrNoAccount
	}
	there, err := up.discover(ctx, p)
	if err != nil {
		return a, err
	}
	if found, err = there.describe(ctx, p, found); err != nil {
		return a, err
	}
	made, err := p.create(ctx, up.Name, found)
	if err != nil {
		return a, err
	}
	a.Created, a.Linked = true, true
	linked, err := p.link(ctx, a, made.ID)
	if err == nil {
		return linked, nil
	}
	// Nobody can sign in to it: it is not left behind.
	now := p.Now()
	if gone := p.Accounts.Delete(context.WithoutCancel(ctx), made.ID, now, p.by("provider "+up.Name)); gone != nil {
		return a, errors.Join(err, gone)
	}
	a.Created, a.Linked = false, false
	if errors.Is(err, ErrTaken) { // the same person came twice at once
		if known, err := p.Identities.Find(ctx, a.Identity.Issuer, a.Identity.Subject); err == nil {
			return p.welcome(ctx, a, known.AccountID)
		}
	}
	return a, err
}

func (p *Providers) link(ctx context.Context, a Arrival, to string) (Arrival, error) {
	identity := a.Identity
	identity.AccountID = to
	err := p.Identities.Link(ctx, identity, p.by(to))
	if errors.Is(err, store.ErrConflict) {
		return a, ErrTaken
	}
	if err != nil {
		return a, err
	}
	return p.welcome(ctx, a, to)
}

// welcome returns the arrival with its account, unless that is disabled (row P22).
func (p *Providers) welcome(ctx context.Context, a Arrival, id string) (Arrival, error) {
	found, err := p.Accounts.Find(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return a, ErrNoAccount // it was deleted just now
	}
	if err != nil {
		return a, err
	}
	if found.Disabled() {
		return a, ErrAccountDisabled
	}
	a.Identity.AccountID, a.Account = id, found
	return a, nil
}

// create makes an account of what a provider says. Its e-mail address is not
// verified here: only a message that is sent there does that (row P14).
func (p *Providers) create(ctx context.Context, provider string, found person) (store.Account, error) {
	id, err := secret.NewID(p.Random, 22)
	if err != nil {
		return store.Account{}, err
	}
	made := store.Account{
		ID: id, CreatedAt: p.Now(),
		Profile: store.Profile{
			FullName: oneLine(found.Name), GivenName: oneLine(found.Given), FamilyName: oneLine(found.Family),
			Locale: oneLine(found.Locale), Zone: oneLine(found.Zone),
		},
	}
	if email, err := account.Email(found.Email); err == nil {
		made.Profile.Email = email
	}
	random, err := secret.NewID(p.Random, 10)
	if err != nil {
		return store.Account{}, err
	}
	// What somebody is called there must not look like somebody else's name here.
	wanted, _, _ := strings.Cut(found.Username, "@")
	for _, name := range []string{wanted + "-" + provider, provider + "-" + random} {
		key, err := account.NameKey(name)
		if err != nil || strings.HasPrefix(name, "-") {
			continue
		}
		made.Name, made.Key = name, key
		err = p.Accounts.Create(ctx, made, nil, p.by("provider "+provider))
		if err == nil || !errors.Is(err, store.ErrConflict) {
			return made, err
		}
	}
	return store.Account{}, fmt.Errorf("make an account: %w", store.ErrConflict)
}

// oneLine returns a text that can stand on one line of a page, else none.
func oneLine(text string) string {
	if len(text) > 256 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return strings.TrimSpace(text)
}
