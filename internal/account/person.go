package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

const (
	mostRoles   = 50
	mostProfile = 512 // bytes of each member
)

// ErrProfile: a member of a profile, or a role, that cannot be kept. The error it
// comes in says which.
var ErrProfile = errors.New("not a possible profile")

// People creates accounts, and changes and ends them.
type People struct {
	Accounts  store.Accounts
	Strength  *Strength
	Passwords *Passwords
	Forget    time.Duration // how long the longest access token lives
	Random    io.Reader
	Now       func() time.Time
}

// A New is an account to be created.
type New struct {
	Name     string
	Profile  store.Profile
	Roles    []string
	Password secret.Secret // empty: none; a link lets the person choose one
	Identity *store.Identity
}

// Create creates an account and returns it. Errors: ErrName, ErrEmail, ErrProfile,
// ErrTaken, those of [Passwords.Judge], secret.ErrBusy.
func (p *People) Create(ctx context.Context, n New, by store.By) (store.Account, error) {
	a, err := p.resulting(n.Name, n.Profile, n.Roles)
	if err != nil {
		return store.Account{}, err
	}
	if err := p.free(ctx, a); err != nil {
		return store.Account{}, err
	}
	var factors []store.Factor
	if !n.Password.IsEmpty() {
		f, err := p.Passwords.factor(ctx, a, n.Password.Reveal())
		if err != nil {
			return store.Account{}, err
		}
		factors = append(factors, f)
	}
	if err := taken(p.Accounts.Create(ctx, a, factors, by)); err != nil {
		return store.Account{}, err
	}
	if n.Identity != nil {
		n.Identity.AccountID = a.ID
		if err := p.Strength.Identities.Link(ctx, *n.Identity, by); err != nil {
			// Nobody could sign in to it: two signed in at once with one identity.
			return store.Account{}, errors.Join(err, p.Accounts.Delete(ctx, a.ID, by.At.Add(p.Forget), by))
		}
	}
	return a, nil
}

// resulting is the account as it would be stored. Create and import both take this
// path.
func (p *People) resulting(name string, profile store.Profile, roles []string) (store.Account, error) {
	key, err := NameKey(name)
	if err != nil {
		return store.Account{}, err
	}
	if err := judgeProfile(&profile, roles); err != nil {
		return store.Account{}, err
	}
	id, err := secret.NewID(p.Random, idLength)
	if err != nil {
		return store.Account{}, err
	}
	return store.Account{ID: id, Name: name, Key: key, Roles: roles, Profile: profile, CreatedAt: p.Now()}, nil
}

// free returns ErrTaken where the name is another's verified address, or the
// address another's name: whoever types it means one of them.
func (p *People) free(ctx context.Context, a store.Account) error {
	for _, text := range []string{a.Key, a.Profile.Email} {
		if text == "" || text == a.Profile.Email && !a.Profile.EmailVerified {
			continue
		}
		other, err := p.Accounts.FindBy(ctx, text)
		if err == nil && other.ID != a.ID {
			return ErrTaken
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

// Describe replaces profile and roles, by an operator or a program that may.
// Errors: ErrEmail, ErrProfile, ErrTaken, store.ErrNotFound.
func (p *People) Describe(ctx context.Context, accountID string, profile store.Profile, roles []string, by store.By) error {
	if err := judgeProfile(&profile, roles); err != nil {
		return err
	}
	a, err := p.Accounts.Find(ctx, accountID)
	if err != nil {
		return err
	}
	a.Profile = profile
	if err := p.free(ctx, a); err != nil {
		return err
	}
	return taken(p.Accounts.Describe(ctx, accountID, profile, roles, by.At.Add(p.Forget), by))
}

// DescribeOwn replaces the profile that a person changes themselves; their roles
// stay. What they say of verified does not count: an address or number that is
// another is not verified any more, one that stays is what it was (row P14). To
// change the address, to which new passwords go, needs a recent sign-in. Errors:
// ErrStepUp and those of Describe.
func (p *People) DescribeOwn(ctx context.Context, who Signed, profile store.Profile, by store.By) error {
	a, err := p.Accounts.Find(ctx, who.AccountID)
	if err != nil {
		return err
	}
	if err := judgeProfile(&profile, a.Roles); err != nil {
		return err
	}
	if profile.Email != a.Profile.Email {
		if err := p.Strength.sensitive(ctx, who, false); err != nil {
			return err
		}
	}
	profile.EmailVerified = a.Profile.EmailVerified && profile.Email == a.Profile.Email
	profile.PhoneVerified = a.Profile.PhoneVerified && profile.Phone == a.Profile.Phone
	return taken(p.Accounts.Describe(ctx, a.ID, profile, a.Roles, by.At.Add(p.Forget), by))
}

// Disable lets a person sign in no more and ends all that they have open; Enable
// lets them again. An unknown account returns store.ErrNotFound.
func (p *People) Disable(ctx context.Context, accountID string, by store.By) error {
	return p.Accounts.SetDisabled(ctx, accountID, true, by.At.Add(p.Forget), by)
}

// Renew ends all that somebody has open at an account, and each link to choose its
// password, and forgets all that anybody signs in with there, before the account is
// trusted with more: whoever had one of these is not to have that too. The person
// chooses a password anew, by a link. Where a crash cuts it off, the account is left
// disabled.
func (p *People) Renew(ctx context.Context, accountID string, factors *Factors, by store.By) error {
	if err := p.Disable(ctx, accountID, by); err != nil {
		return err
	}
	if err := factors.clear(ctx, accountID, by); err != nil {
		return err
	}
	return p.Enable(ctx, accountID, by)
}

// Enable undoes Disable, and brings nothing back that it ended.
func (p *People) Enable(ctx context.Context, accountID string, by store.By) error {
	return p.Accounts.SetDisabled(ctx, accountID, false, by.At.Add(p.Forget), by)
}

// Delete erases a person. Their id stays, so that nobody ever gets it again.
func (p *People) Delete(ctx context.Context, accountID string, by store.By) error {
	return p.Accounts.Delete(ctx, accountID, by.At.Add(p.Forget), by)
}

// DeleteOwn erases the account of somebody who asks for it themselves. Error:
// ErrStepUp.
func (p *People) DeleteOwn(ctx context.Context, who Signed, by store.By) error {
	if err := p.Strength.sensitive(ctx, who, false); err != nil {
		return err
	}
	return p.Delete(ctx, who.AccountID, by)
}

// judgeProfile judges a profile, and puts the address into its one spelling.
func judgeProfile(profile *store.Profile, roles []string) error {
	if profile.Email == "" {
		profile.EmailVerified = false
	} else {
		email, err := Email(profile.Email)
		if err != nil {
			return err
		}
		profile.Email = email
	}
	for name, text := range map[string]string{
		"name": profile.FullName, "given name": profile.GivenName, "family name": profile.FamilyName,
		"telephone number": profile.Phone, "address": profile.Address, "locale": profile.Locale, "time zone": profile.Zone,
	} {
		control := strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && (r != '\n' || name != "address") || r == 0x7f })
		if len(text) > mostProfile || !utf8.ValidString(text) || control {
			return fmt.Errorf("%w: the %s", ErrProfile, name)
		}
	}
	if len(roles) > mostRoles {
		return fmt.Errorf("%w: more than %d roles", ErrProfile, mostRoles)
	}
	for i, role := range roles {
		if role == "" || len(role) > 64 || strings.ContainsFunc(role, func(r rune) bool { return r <= ' ' || r >= 0x7f }) || slices.Contains(roles[:i], role) {
			return fmt.Errorf("%w: roles are different words of printable ASCII", ErrProfile)
		}
	}
	return nil
}

func taken(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%w: %w", ErrTaken, err)
	}
	return err
}
