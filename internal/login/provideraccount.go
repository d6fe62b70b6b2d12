package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// resolve finds, links or makes the account of a person there. Issuer and subject
// decide, and nothing else (rows P18, V06).
func (p *Providers) resolve(ctx context.Context, up *upstream, a Arrival, who account.Signed, found person) (Arrival, error) {
	known, err := p.Identities.Find(ctx, a.Identity.Issuer, a.Identity.Subject)
	switch {
	case err == nil && a.Link != "" && known.AccountID != a.Link:
		return a, ErrTaken
	case err == nil:
		return p.welcome(ctx, a, known.AccountID)
	case !errors.Is(err, store.ErrNotFound):
		return a, err
	case a.Link != "":
		return p.link(ctx, a, who)
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
	made, err := p.create(ctx, up.Name, a.Identity, found)
	if errors.Is(err, store.ErrConflict) { // the same person came twice at once
		if known, err := p.Identities.Find(ctx, a.Identity.Issuer, a.Identity.Subject); err == nil {
			return p.welcome(ctx, a, known.AccountID)
		}
	}
	if err != nil {
		return a, err
	}
	a.Created, a.Linked = true, true
	a.Identity.AccountID, a.Account = made.ID, made
	return a, nil
}

func (p *Providers) link(ctx context.Context, a Arrival, who account.Signed) (Arrival, error) {
	err := p.Link(ctx, who, a.Identity, p.by(who.AccountID))
	if errors.Is(err, store.ErrConflict) {
		return a, ErrTaken
	}
	if err != nil {
		return a, err
	}
	a.Linked = true
	return p.welcome(ctx, a, who.AccountID)
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
// verified here: only a message that is sent there does that (row P14). A name that
// somebody else has here is not taken.
func (p *Providers) create(ctx context.Context, provider string, identity store.Identity, found person) (store.Account, error) {
	profile := store.Profile{
		FullName: oneLine(found.Name), GivenName: oneLine(found.Given), FamilyName: oneLine(found.Family),
		Locale: oneLine(found.Locale), Zone: oneLine(found.Zone),
	}
	if email, err := account.Email(found.Email); err == nil {
		profile.Email = email
	}
	random, err := secret.NewID(p.Random, 10)
	if err != nil {
		return store.Account{}, err
	}
	names := []string{provider + "-" + random}
	// What somebody is called there must not look like somebody else's name here.
	if wanted, _, _ := strings.Cut(found.Username, "@"); wanted != "" {
		names = slices.Insert(names, 0, wanted+"-"+provider)
	}
	for _, name := range names {
		made, err := p.Create(ctx, account.New{Name: name, Profile: profile, Identity: &identity}, p.by("provider "+provider))
		if errors.Is(err, account.ErrProfile) { // it says something that cannot be kept
			made, err = p.Create(ctx, account.New{Name: name, Identity: &identity}, p.by("provider "+provider))
		}
		if err == nil || !errors.Is(err, account.ErrTaken) && !errors.Is(err, account.ErrName) {
			return made, err
		}
	}
	return store.Account{}, fmt.Errorf("make an account: %w", account.ErrTaken)
}

// oneLine returns a text that can stand on one line of a page, else none.
func oneLine(text string) string {
	if len(text) > 256 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return strings.TrimSpace(text)
}
