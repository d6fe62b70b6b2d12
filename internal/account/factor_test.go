package account

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// P15: nobody takes a factor away from a session that is old or weak, and nobody
// locks themselves out.
func TestFactorRemove(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	password := w.factor(a, store.FactorPassword).ID
	w.is(w.factors.Remove(t.Context(), w.signed(a, Password), password, w.by()), ErrLastFactor)
	w.is(w.factors.Remove(t.Context(), w.signed(a, Password), "none", w.by()), store.ErrNotFound)
	w.app(w.signed(a, Password))
	app := w.factor(a, store.FactorTOTP).ID
	remove := func(who Signed) error { return w.factors.Remove(t.Context(), who, app, w.by()) }
	w.is(remove(Signed{AccountID: a.ID}), ErrStepUp)
	w.is(remove(w.signed(a, Password)), ErrStepUp)
	w.is(remove(w.signed(a, TOTP)), ErrStepUp)
	old := w.signed(a, Password, TOTP)
	w.wait(fresh + time.Second)
	w.is(remove(old), ErrStepUp)
	w.is(w.factors.Remove(t.Context(), w.signed(a, Password, TOTP), password, w.by()), ErrLastFactor)
	other := w.person("piet")
	w.is(w.factors.Remove(t.Context(), w.signed(other, Password), app, w.by()), store.ErrNotFound)
	w.strength.Required = true
	w.is(remove(w.signed(a, Password, TOTP)), ErrSecondRequired)
	w.strength.Required = false
	if err := remove(w.signed(a, Password, TOTP)); err != nil {
		t.Error(err)
	}
	all, err := w.factors.List(t.Context(), a.ID)
	if err != nil || len(all) != 1 || all[0].Method != Password {
		t.Error(all, err)
	}
}

// Who must have a second factor can set one up with the first alone, once.
func TestFactorRequiredIsSetUp(t *testing.T) {
	w := newWorld(t)
	w.strength.Required = true
	a := w.person("jan")
	w.app(w.signed(a, Password))
	_, err := w.codes.Begin(t.Context(), w.signed(a, Password), "jan")
	w.is(err, ErrStepUp)
	_, _, err = w.passkeys.BeginRegister(t.Context(), w.signed(a, Password), "s")
	w.is(err, ErrStepUp)
	_, err = w.codes.Begin(t.Context(), w.signed(a, Password, TOTP), "jan")
	w.is(err, nil)
}

// P15: two browsers that each remove the one of two second factors that the other
// leaves do not both succeed.
func TestFactorRemoveAtOnce(t *testing.T) {
	w := newWorld(t)
	w.strength.Required = true
	a := w.person("jan")
	w.app(w.signed(a, Password))
	for round := range 5 {
		if _, err := w.passkey(w.signed(a, Password, TOTP, Passkey), newAuthenticator(t)); err != nil {
			t.Fatal(err)
		}
		password := w.factor(a, store.FactorPassword).ID
		who := w.signed(a, Password, TOTP, Passkey)
		all, err := w.store.Factors().Of(t.Context(), a.ID)
		if err != nil || len(all) != 3 {
			t.Fatalf("round %d: %d factors, %v", round, len(all), err)
		}
		errs := make([]error, len(all))
		var done sync.WaitGroup
		for i, one := range all {
			if one.ID != password {
				done.Go(func() { errs[i] = w.factors.Remove(t.Context(), who, one.ID, w.by()) })
			}
		}
		done.Wait()
		refused := 0
		for _, err := range errs {
			if err != nil {
				w.is(err, ErrSecondRequired)
				refused++
			}
		}
		if all, _ := w.factors.List(t.Context(), a.ID); refused != 1 || len(all) != 2 {
			t.Fatalf("round %d: %d refused, left %+v", round, refused, all)
		}
	}
}

func TestFactorStrip(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	w.app(w.signed(a, Password))
	if _, err := w.passkey(w.signed(a, Password, TOTP), newAuthenticator(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.recovery.Make(t.Context(), w.signed(a, Password, TOTP), w.by()); err != nil {
		t.Fatal(err)
	}
	if err := w.factors.Strip(t.Context(), a.ID, w.by()); err != nil {
		t.Fatal(err)
	}
	if all, _ := w.factors.List(t.Context(), a.ID); len(all) != 1 || all[0].Method != Password {
		t.Error(all)
	}
}

// A person with nothing but a passkey that checks who holds it has two factors; one
// whose key does not is not asked for what they cannot have.
func TestFactorPasskeyAlone(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	plain := newAuthenticator(t)
	plain.flags = flagUP
	if _, err := w.passkey(w.signed(a, Password), plain); err != nil {
		t.Fatal(err)
	}
	password := w.factor(a, store.FactorPassword).ID
	if err := w.factors.Remove(t.Context(), w.signed(a, Password, Passkey), password, w.by()); err != nil {
		t.Fatal(err)
	}
	v, err := w.strength.Judge(t.Context(), w.signed(a, Passkey), false, Wish{})
	if err != nil || !v.Enough || v.ACR != ACROne {
		t.Errorf("%+v, %v", v, err)
	}
	w.is(w.factors.Strip(t.Context(), a.ID, w.by()), ErrLastFactor)
	if err := w.passwords.First(t.Context(), w.signed(a, Passkey), good, w.by()); err != nil {
		t.Error(err)
	}
}

// P18: an identity is linked by somebody who is signed in, to nobody else's account.
func TestFactorLink(t *testing.T) {
	w := newWorld(t)
	a, b := w.person("jan"), w.person("piet")
	i := store.Identity{Issuer: "https://idp.example", Subject: "1"}
	w.is(w.factors.Link(t.Context(), Signed{AccountID: a.ID}, i, w.by()), ErrStepUp)
	if err := w.factors.Link(t.Context(), w.signed(a, Password), i, w.by()); err != nil {
		t.Fatal(err)
	}
	w.is(w.factors.Link(t.Context(), w.signed(b, Password), i, w.by()), store.ErrConflict)
	w.is(w.factors.Unlink(t.Context(), w.signed(b, Password), i, w.by()), store.ErrNotFound)
	// With the identity the password is not the last way in.
	if err := w.factors.Remove(t.Context(), w.signed(a, Password), w.factor(a, store.FactorPassword).ID, w.by()); err != nil {
		t.Fatal(err)
	}
	w.is(w.factors.Unlink(t.Context(), w.signed(a, Provider), i, w.by()), ErrLastFactor)
}

// TestRenew: whoever could sign in before, or had half done it, cannot any more, also
// once a password is chosen anew.
func TestRenew(t *testing.T) {
	w := newWorld(t)
	a := w.person("jan")
	i := store.Identity{AccountID: a.ID, Issuer: "https://idp.example", Subject: "1"}
	if err := w.factors.Link(t.Context(), w.signed(a, Password), i, w.by()); err != nil {
		t.Fatal(err)
	}
	w.app(w.signed(a, Password))
	w.wait(time.Minute)
	half := w.signed(a, Password, Provider)
	if v, err := w.factors.Strength.Judge(t.Context(), half, false, Wish{}); err != nil || len(v.Methods) == 0 {
		t.Fatalf("half a sign-in counts for nothing: %+v %v", v, err)
	}
	if err := w.people.Renew(t.Context(), a.ID, w.factors, w.by()); err != nil {
		t.Fatal(err)
	}
	_, _, err := w.passwords.Check(t.Context(), "jan", good, Source{})
	w.is(err, ErrWrong)
	if all, identities, err := w.factors.of(t.Context(), a.ID); err != nil || len(all)+len(identities) != 0 {
		t.Errorf("left are %v and %v: %v", all, identities, err)
	}
	if found, err := w.store.Accounts().Find(t.Context(), a.ID); err != nil || found.Disabled() {
		t.Errorf("the account is %+v: %v", found, err)
	}
	w.wait(time.Minute)
	fresh := store.Factor{ID: "fresh", AccountID: a.ID, Kind: store.FactorPassword, Data: "another", CreatedAt: w.now()}
	if err := w.store.Factors().Add(t.Context(), fresh, w.by()); err != nil {
		t.Fatal(err)
	}
	if v, err := w.factors.Strength.Judge(t.Context(), half, false, Wish{}); err != nil || v.Enough || len(v.Methods) != 0 {
		t.Errorf("half a sign-in of before is %+v: %v", v, err)
	}
	if v, err := w.factors.Strength.Judge(t.Context(), w.signed(a, Password), false, Wish{}); err != nil || !v.Enough {
		t.Errorf("the new password is %+v: %v", v, err)
	}
}

func TestFactorNames(t *testing.T) {
	for name, want := range map[string]string{
		" phone ": "phone", "a\x00b\nc": "abc", strings.Repeat("é", 65): strings.Repeat("é", 64), "": "",
	} {
		if got := short(name); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}
