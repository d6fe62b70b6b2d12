package account

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"time"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// ResetLife is how long a link to set a new password is good.
const ResetLife = 30 * time.Minute

// How long a link that shows that an address is theirs is good, and how many of a
// kind an account gets in an hour.
const (
	verifyLife = 24 * time.Hour
	mostLinks  = 3
)

// Links sends people handles that prove that they read mail at an address: to set
// a new password, and to show that an address is theirs. A handle is 262 random
// bits of which only the hash is kept, good once, for one purpose, account and
// address; each step after opening it needs the handle again, and nothing else
// leads to that step (row P12).
type Links struct {
	Store     store.Links
	Accounts  store.Accounts
	Passwords *Passwords
	Mailer    Mailer
	Publisher string                     // as messages name it
	Reset     func(handle string) string // the address of the page that takes a handle
	Verify    func(handle string) string

	// Beside runs what [Links.SendReset] does for whoever is there beside the answer,
	// since the time that it takes would say so; it is bounded, and logs the error.
	// Its error is that there is no room. Nil: before the answer (the command line).
	Beside func(work func(context.Context) error) error

	Random io.Reader
	Now    func() time.Time
}

// SendReset mails a link to whoever goes by the name or address that was typed, if
// there is such a person and their address is verified. What it returns does not
// say whether (row P01): nil, or ErrTooMany for whoever asks too often, or that the
// store or the mailer failed. Language is a BCP 47 tag.
func (l *Links) SendReset(ctx context.Context, typed, language string, from netip.Addr) error {
	key, possible := sought(typed)
	// Never given back: asking is what is counted.
	if _, err := l.Passwords.Attempts.reserve("reset "+unknownID(typed, key), from, ""); err != nil {
		return err
	}
	work := func(ctx context.Context) error {
		if !possible {
			return nil
		}
		return l.sendReset(ctx, key, language)
	}
	if l.Beside != nil {
		return l.Beside(work)
	}
	return work(ctx)
}

func (l *Links) sendReset(ctx context.Context, key, language string) error {
	a, err := l.Accounts.FindBy(ctx, key)
	if errors.Is(err, store.ErrNotFound) || err == nil && (a.Disabled() || !a.Profile.EmailVerified) {
		return nil
	}
	if err != nil {
		return err
	}
	handle, err := l.issue(ctx, a, store.LinkReset, ResetLife)
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return nil // three within the hour, or disabled meanwhile: the same page
	}
	if err != nil {
		return err
	}
	return l.Mailer.Send(ctx, message(resetTexts, a.Profile.Email, language, l.Publisher, l.Reset(handle.Reveal())))
}

// MakeReset makes a link for an operator to hand to a person whom they know, and
// returns its address. Errors: store.ErrNotFound for an account that is unknown or
// disabled, ErrTooMany after three within an hour.
func (l *Links) MakeReset(ctx context.Context, accountID string) (secret.Secret, error) {
	return l.MakeLink(ctx, accountID, ResetLife)
}

// MakeLink is MakeReset with a life of its own.
func (l *Links) MakeLink(ctx context.Context, accountID string, life time.Duration) (secret.Secret, error) {
	a, err := l.Accounts.Find(ctx, accountID)
	if err != nil {
		return secret.Secret{}, err
	}
	handle, err := l.issue(ctx, a, store.LinkReset, life)
	if errors.Is(err, store.ErrConflict) {
		err = &TooManyError{After: time.Hour}
	}
	if err != nil {
		return secret.Secret{}, err
	}
	return secret.Of(l.Reset(handle.Reveal())), nil
}

// OpenReset returns whose link it is, and spends nothing: mail scanners open links
// too. One that is not good any more is ErrExpired.
func (l *Links) OpenReset(ctx context.Context, handle string) (store.Account, error) {
	_, a, err := l.find(ctx, handle, store.LinkReset)
	return a, err
}

// FinishReset sets the password that was chosen on the page of a link, and spends
// it. Every session, remembered device, grant and token of the person ends; they
// sign in with the new password and, if they have one, the second factor, which a
// link does not stand in for. A password that cannot be chosen spends nothing.
// Errors: ErrExpired, those of [Passwords.Judge], secret.ErrBusy.
func (l *Links) FinishReset(ctx context.Context, handle, chosen string, by store.By) (store.Account, error) {
	hash, a, err := l.find(ctx, handle, store.LinkReset)
	if err != nil {
		return store.Account{}, err
	}
	f, err := l.Passwords.factor(ctx, a, chosen)
	if err != nil {
		return store.Account{}, err
	}
	spent, err := l.spend(ctx, hash, store.LinkReset)
	if err != nil {
		return store.Account{}, err
	}
	err = l.Passwords.Factors.Replace(ctx, spent.AccountID, store.FactorPassword, []store.Factor{f}, "", by.At.Add(l.Passwords.Forget), by)
	return a, err
}

// SendVerify mails a link to the address that the account has. An account without
// one returns ErrEmail; the fourth within an hour ErrTooMany.
func (l *Links) SendVerify(ctx context.Context, accountID, language string) error {
	a, err := l.Accounts.Find(ctx, accountID)
	if err != nil {
		return err
	}
	if a.Profile.Email == "" {
		return ErrEmail
	}
	handle, err := l.issue(ctx, a, store.LinkVerify, verifyLife)
	if errors.Is(err, store.ErrConflict) {
		return &TooManyError{After: time.Hour}
	}
	if err != nil {
		return err
	}
	return l.Mailer.Send(ctx, message(verifyTexts, a.Profile.Email, language, l.Publisher, l.Verify(handle.Reveal())))
}

// OpenVerify returns the account and the address that a link is to show. One that
// is not good any more, or was sent to an address that the account no longer has,
// is ErrExpired.
func (l *Links) OpenVerify(ctx context.Context, handle string) (store.Account, error) {
	_, a, err := l.find(ctx, handle, store.LinkVerify)
	return a, err
}

// FinishVerify spends the link and writes down that the address is the person's
// (row P14: nothing else does). Errors: ErrExpired; ErrTaken where another account
// has verified the same address.
func (l *Links) FinishVerify(ctx context.Context, handle string, by store.By) (store.Account, error) {
	hash, a, err := l.find(ctx, handle, store.LinkVerify)
	if err != nil {
		return store.Account{}, err
	}
	if other, err := l.Accounts.FindBy(ctx, a.Profile.Email); err == nil && other.ID != a.ID {
		return store.Account{}, ErrTaken // verified by them, or their name
	} else if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Account{}, err
	}
	err = l.Store.Confirm(ctx, hash, by)
	if errors.Is(err, store.ErrConflict) {
		return store.Account{}, ErrTaken
	}
	if err != nil {
		return store.Account{}, expired(err)
	}
	a.Profile.EmailVerified = true
	return a, nil
}

func (l *Links) issue(ctx context.Context, a store.Account, purpose string, life time.Duration) (secret.Secret, error) {
	handle, err := secret.NewOpaque(l.Random)
	if err != nil {
		return secret.Secret{}, err
	}
	now := l.Now()
	link := store.Link{
		Hash: handle.Hash(), Purpose: purpose, AccountID: a.ID, Email: a.Profile.Email, CreatedAt: now, EndsAt: now.Add(life),
	}
	return handle, l.Store.Issue(ctx, link, now.Add(-time.Hour), mostLinks)
}

// find returns a good link's hash and account.
func (l *Links) find(ctx context.Context, handle, purpose string) (secret.Hash, store.Account, error) {
	hash, ok := secret.ParseOpaque(handle)
	if !ok {
		return hash, store.Account{}, ErrExpired
	}
	link, err := l.Store.Find(ctx, hash, purpose, l.Now())
	if err != nil {
		return hash, store.Account{}, expired(err)
	}
	a, err := l.Accounts.Find(ctx, link.AccountID)
	if err != nil {
		return hash, store.Account{}, expired(err)
	}
	if a.Disabled() || a.Profile.Email != link.Email {
		return hash, store.Account{}, ErrExpired
	}
	return hash, a, nil
}

func (l *Links) spend(ctx context.Context, hash secret.Hash, purpose string) (store.Link, error) {
	link, err := l.Store.Spend(ctx, hash, purpose, l.Now())
	return link, expired(err)
}

// expired is ErrExpired for what is gone.
func expired(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrSpent) {
		return ErrExpired
	}
	return err
}
