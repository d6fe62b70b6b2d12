package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// The length of a password: at least so many characters, each a code point of Unicode
// (NIST SP 800-63B-4 §3.1.1.2), and at most so many bytes, which is what there is to
// hash.
const (
	LeastPassword = 12
	MostPassword  = secret.MaxPresented
)

// Why a password cannot be chosen.
var (
	ErrShort  = fmt.Errorf("a password needs at least %d characters", LeastPassword)
	ErrLong   = fmt.Errorf("a password has at most %d bytes", MostPassword)
	ErrCommon = errors.New("the password is among those that are tried first")
	ErrIsName = errors.New("the password is little more than the name")
	ErrText   = errors.New("a password is text without control characters")
)

// Passwords checks and sets people's passwords.
type Passwords struct {
	Accounts store.Accounts
	Factors  store.Factors
	Rehash   Rehasher // nil: imported hashes stay as they are
	Strength *Strength
	Devices  *Devices

	// Checker is people's own: however many sign in, the secrets of clients are
	// checked beside them.
	Checker  *secret.Checker
	Attempts *Attempts

	Forget time.Duration // how long the longest access token lives
	Random io.Reader
	Now    func() time.Time
}

// A Rehasher puts a hash of the same password in place of the one that a factor
// has, and ends nothing by it: store.Factors.Replace is for another password.
type Rehasher interface {
	// Rehash replaces was by now. A factor that is gone, or has another hash by now,
	// stays as it is, and that is no error.
	Rehash(ctx context.Context, factorID, was, now string) error
}

// ours is how the hashes begin that are made here. What begins otherwise was
// imported: it was made of the password as it was typed, and becomes ours at the
// next good login.
const ours = "$argon2id$v=19$m=19456,t=2,p=1$"

// nobody is the verifier of a password that nobody has, as expensive as any of
// ours.
var nobody = func() secret.Verifier {
	v, err := secret.Parse(ours + strings.Repeat("A", 22) + "$" + strings.Repeat("A", 43))
	if err != nil {
		panic("account: " + err.Error()) // a constant, tested
	}
	return v
}()

// Check checks a password of whoever goes by the name or the verified e-mail
// address that was typed. An unknown name, a person without a password, one who is
// disabled, and a wrong password are one and the same ErrWrong, after one slow hash
// each (row P01); of an imported hash only the time differs, until its person
// signs in. Other errors: ErrTooMany, before anything is hashed; secret.ErrBusy.
func (p *Passwords) Check(ctx context.Context, typed, password string, from Source) (store.Account, Proof, error) {
	a, known := store.Account{}, false
	key, possible := sought(typed)
	if possible {
		found, err := p.Accounts.FindBy(ctx, key)
		switch {
		case err == nil:
			a, known = found, true
		case !errors.Is(err, store.ErrNotFound):
			return store.Account{}, Proof{}, err
		}
	}
	said := unknownID(typed, key)
	if !known {
		a.ID = said
	}
	if err := p.check(ctx, a, said, password, from); err != nil {
		return store.Account{}, Proof{}, err
	}
	return a, Proof{Method: Password, At: p.Now()}, nil
}

// unknownID is what attempts at a name that nobody has are counted under. No account
// has such an id.
func unknownID(typed, key string) string {
	return "name " + secret.HashOf(cmp.Or(key, typed)).Hex()
}

// check checks a password of one account. That there were too many attempts is only
// said of what was typed, here named by said: were it said of an e-mail address since
// somebody tried the name, everybody would learn that the two are one account's (row
// P01). Attempts at the account beyond its own are wrong, whatever the password.
func (p *Passwords) check(ctx context.Context, a store.Account, said, password string, from Source) error {
	device, err := p.Devices.Known(ctx, a.ID, from.Device)
	if err != nil {
		return err
	}
	right, err := p.Attempts.reserve("password "+said, from.Address, device)
	if err != nil {
		return err
	}
	beyond := false
	if device == "" && said != a.ID {
		typed := right
		account, err := p.Attempts.step("password " + a.ID)
		if beyond = err != nil; !beyond {
			right = func() { typed(); account() }
		}
	}
	factors, err := p.Factors.Of(ctx, a.ID)
	if err != nil {
		right()
		return err
	}
	id, verifier, presented := "", nobody, prepared(password)
	for _, f := range factors {
		if f.Kind != store.FactorPassword {
			continue
		}
		if verifier, err = secret.Parse(f.Data); err != nil {
			return fmt.Errorf("read the password of account %s: %w", a.ID, err)
		}
		if id = f.ID; !strings.HasPrefix(f.Data, ours) {
			presented = password
		}
	}
	if beyond {
		id, verifier = "", nobody
	}
	good, err := p.Checker.Check(ctx, "account "+id, verifier, presented)
	// People sign in seldom: nothing to recognise them by stays in memory.
	p.Checker.Forget("account " + id)
	if errors.Is(err, secret.ErrBusy) {
		right()
	}
	if err != nil {
		return err
	}
	if !good || id == "" || a.Disabled() {
		return ErrWrong
	}
	right()
	if err := p.Factors.Use(ctx, id, 0, p.Now()); err != nil {
		if errors.Is(err, store.ErrSpent) {
			err = ErrWrong // it was replaced meanwhile
		}
		return err
	}
	return p.upgrade(ctx, id, verifier.Encoded(), password)
}

// upgrade puts one of our hashes in place of one that was imported.
func (p *Passwords) upgrade(ctx context.Context, factorID, was, password string) error {
	text := prepared(password)
	if p.Rehash == nil || strings.HasPrefix(was, ours) || text == "" {
		return nil
	}
	v, err := p.Checker.FromChosen(ctx, secret.Of(text), p.Random)
	if errors.Is(err, secret.ErrBusy) {
		return nil // the next login is as good
	}
	if err != nil {
		return err
	}
	return p.Rehash.Rehash(ctx, factorID, was, v.Encoded())
}

// Change sets a new password for somebody who knows the one they have. It ends
// every other session of theirs, and what applications may do for them. Errors:
// ErrStepUp, ErrWrong for the current one, those of [Passwords.Judge], ErrTooMany,
// secret.ErrBusy.
func (p *Passwords) Change(ctx context.Context, who Signed, current, chosen string, from Source, by store.By) error {
	if err := p.Strength.sensitive(ctx, who, false); err != nil {
		return err
	}
	a, err := p.Accounts.Find(ctx, who.AccountID)
	if err != nil {
		return err
	}
	if err := p.Judge(a, chosen); err != nil {
		return err
	}
	if err := p.check(ctx, a, a.ID, current, from); err != nil {
		return err
	}
	return p.set(ctx, a, chosen, who.SessionID, by)
}

// First sets the first password of somebody who signs in otherwise. An account
// that has one returns store.ErrConflict. Other errors: ErrStepUp, those of
// [Passwords.Judge], secret.ErrBusy.
func (p *Passwords) First(ctx context.Context, who Signed, chosen string, by store.By) error {
	if err := p.Strength.sensitive(ctx, who, true); err != nil {
		return err
	}
	a, err := p.Accounts.Find(ctx, who.AccountID)
	if err != nil {
		return err
	}
	f, err := p.factor(ctx, a, chosen)
	if err != nil {
		return err
	}
	return p.Factors.Add(ctx, f, by)
}

// set replaces the password and ends everything but the session named by keep.
func (p *Passwords) set(ctx context.Context, a store.Account, chosen, keep string, by store.By) error {
	f, err := p.factor(ctx, a, chosen)
	if err != nil {
		return err
	}
	return p.Factors.Replace(ctx, a.ID, store.FactorPassword, []store.Factor{f}, keep, by.At.Add(p.Forget), by)
}

// factor makes the factor of a chosen password.
func (p *Passwords) factor(ctx context.Context, a store.Account, chosen string) (store.Factor, error) {
	if err := p.Judge(a, chosen); err != nil {
		return store.Factor{}, err
	}
	v, err := p.Checker.FromChosen(ctx, secret.Of(prepared(chosen)), p.Random)
	if err != nil {
		return store.Factor{}, err
	}
	return newFactor(p.Random, p.Now(), a.ID, store.FactorPassword, "", v.Encoded())
}

// Judge says whether a person may choose a password: ErrShort, ErrLong, ErrText,
// ErrCommon, ErrIsName, or nil.
func (p *Passwords) Judge(a store.Account, chosen string) error {
	switch text := prepared(chosen); {
	case len(chosen) > MostPassword || len(text) > MostPassword:
		return ErrLong
	case !utf8.ValidString(chosen) || text == "" && chosen != "":
		return ErrText
	case utf8.RuneCountInString(text) < LeastPassword:
		return ErrShort
	case isCommon(text):
		return ErrCommon
	case isName(text, a.Key), isName(text, a.Profile.Email):
		return ErrIsName
	default:
		return nil
	}
}

// prepared returns a password in its one spelling (RFC 8265 §4.2, OpaqueString), so
// that two keyboards type the same one; "" for a text that cannot be a password.
func prepared(password string) string {
	if password == "" || len(password) > MostPassword {
		return ""
	}
	text, err := precis.OpaqueString.String(password)
	if err != nil {
		return ""
	}
	return text
}

// newFactor makes a factor with a new id.
func newFactor(random io.Reader, now time.Time, accountID, kind, name, data string) (store.Factor, error) {
	id, err := secret.NewID(random, idLength)
	if err != nil {
		return store.Factor{}, err
	}
	return store.Factor{ID: id, AccountID: accountID, Kind: kind, Name: name, Data: data, CreatedAt: now}, nil
}
