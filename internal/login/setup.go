package login

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// setUpAt is the page where what is missing is set up.
func setUpAt(v account.Verdict) string {
	if slices.Contains(v.SetUp, account.Password) {
		return web.PathChange
	}
	return web.PathTOTP
}

// getTOTP shows an authenticator's new secret. Shown again it is the same one.
func (v *visit) getTOTP() {
	who, required, ok := v.adding(web.PathTOTP)
	if !ok {
		return
	}
	means, err := v.j.People.Strength.Means(v.r.Context(), who.AccountID)
	if err != nil {
		v.failedBy(err)
		return
	}
	if means.TOTP {
		v.to(web.PathAccount) // there is one: it is removed first
		return
	}
	v.page(v.totp(who, required))
}

func (v *visit) totp(who account.Signed, required bool) (web.SetUpTOTP, error) {
	a, err := v.j.Accounts.Find(v.r.Context(), who.AccountID)
	if err != nil {
		return web.SetUpTOTP{}, err
	}
	codes := v.j.People.Codes
	setup, err := codes.Resume(v.r.Context(), who, v.progress.TOTP, a.Name)
	if errors.Is(err, account.ErrExpired) {
		setup, err = codes.Begin(v.r.Context(), who, a.Name)
	}
	if err != nil {
		return web.SetUpTOTP{}, err
	}
	v.progress.TOTP = setup.State
	return web.SetUpTOTP{
		Picture: setup.Code, MediaType: "image/svg+xml", URI: setup.URI, Secret: strings.ReplaceAll(setup.Secret, " ", ""), Required: required,
		Passkey: v.j.People.Passkeys != nil,
	}, v.keep()
}

// postTOTP adds an authenticator whose first code is right.
func (v *visit) postTOTP() {
	who, required, ok := v.adding(web.PathTOTP)
	if !ok {
		return
	}
	means, err := v.j.People.Strength.Means(v.r.Context(), who.AccountID)
	if err == nil && means.TOTP {
		v.to(web.PathAccount) // sent twice
		return
	}
	var proof account.Proof
	if err == nil {
		proof, err = v.j.People.Codes.Confirm(v.r.Context(), who, v.progress.TOTP, v.field(web.FieldCode), "",
			limit.ClientAddress(v.r, v.j.Trusted), v.by(who.AccountID))
	}
	switch {
	case err == nil:
		v.progress.TOTP = ""
		v.added(who, proof, web.DoneTOTP)
	case errors.Is(err, account.ErrStepUp):
		v.stepUp(who, web.PathTOTP)
	case errors.Is(err, account.ErrWrong), errors.Is(err, account.ErrTooMany), errors.Is(err, account.ErrExpired):
		screen, failure := v.totp(who, required)
		switch {
		case failure != nil:
			v.failedBy(failure)
		case errors.Is(err, account.ErrTooMany):
			v.tooMany(err, screen)
		default:
			v.note(refusal.SignInWrong, err)
			v.wrong(web.ProblemCode, screen)
		}
	default:
		v.failedBy(err)
	}
}

// getAddPasskey shows the page that makes a passkey.
func (v *visit) getAddPasskey() {
	who, required, ok := v.addingPasskey()
	if !ok {
		return
	}
	screen, err := v.newPasskey(who, required)
	if errors.Is(err, store.ErrConflict) {
		v.to(web.PathAccount) // there are as many as there may be
		return
	}
	v.page(screen, err)
}

// addingPasskey returns who may add a passkey, and whether they have to.
func (v *visit) addingPasskey() (who account.Signed, required, ok bool) {
	if v.j.People.Passkeys == nil {
		v.failed(web.FailedMissing, errors.New("no passkeys at a bare address"))
		return who, false, false
	}
	return v.adding(web.PathAddPasskey)
}

func (v *visit) newPasskey(who account.Signed, required bool) (web.SetUpPasskey, error) {
	options, state, err := v.j.People.Passkeys.BeginRegister(v.r.Context(), who, v.browser)
	if err != nil {
		return web.SetUpPasskey{}, err
	}
	v.progress.Passkey = state
	return web.SetUpPasskey{Options: string(options), Label: account.AgentName(v.r.UserAgent()), Required: required}, v.keep()
}

// postAddPasskey adds the passkey that the browser made.
func (v *visit) postAddPasskey() {
	who, required, ok := v.addingPasskey()
	if !ok {
		return
	}
	proof, err := v.j.People.Passkeys.Register(v.r.Context(), who, v.browser, v.progress.Passkey,
		[]byte(v.r.PostForm.Get(web.FieldCredential)), v.field(web.FieldLabel), v.by(who.AccountID))
	switch {
	case err == nil:
		v.added(who, proof, web.DonePasskey)
	case errors.Is(err, account.ErrStepUp):
		v.stepUp(who, web.PathAddPasskey)
	case errors.Is(err, account.ErrPasskey), errors.Is(err, account.ErrExpired), errors.Is(err, store.ErrConflict):
		v.note(refusal.SignInWrong, err)
		screen, failure := v.newPasskey(who, required)
		if failure != nil {
			v.failedBy(failure)
			return
		}
		v.wrong(web.ProblemPasskey, screen)
	default:
		v.failedBy(err)
	}
}

// added goes on after a second factor was added, which was proven by that. Whoever
// has no recovery codes is given some, so that losing it does not lock them out.
func (v *visit) added(who account.Signed, proof account.Proof, what web.Done) {
	v.proved(who.AccountID, proof)
	who, _ = v.who()
	wish := v.wish()
	wish.Sensitive = true // it has just been asked for, and dates the session by what is recent
	verdict, err := v.judge(who, wish)
	if err != nil {
		v.failedBy(err)
		return
	}
	if !verdict.Enough {
		if err := v.keep(); err != nil {
			v.failedBy(err)
			return
		}
		v.to(web.PathLogin)
		return
	}
	if !v.begin(who, verdict) { // a new handle: the session is another's worth now (row P08)
		return
	}
	means, err := v.j.People.Strength.Means(v.r.Context(), who.AccountID)
	if err == nil && !means.Recovery {
		var codes []string
		codes, err = v.j.People.Recovery.Make(v.r.Context(), account.SignedIn(*v.session), v.by(who.AccountID))
		if err == nil {
			with := v.showing()
			with.Done = what
			v.showWith(http.StatusOK, with, v.codes(codes))
			return
		}
	}
	switch {
	case err != nil && !errors.Is(err, account.ErrStepUp):
		v.failedBy(err)
	case v.pending != nil:
		v.to(web.PathConsent)
	default:
		v.done(what)
	}
}

// codes shows recovery codes, the only time.
func (v *visit) codes(codes []string) web.RecoveryCodes {
	s := web.RecoveryCodes{Codes: codes}
	if v.pending != nil {
		s.Next = v.j.Pages.URL(web.PathConsent, v.pending.handle)
	}
	return s
}

// postCodes makes recovery codes in place of those that there are.
func (v *visit) postCodes() {
	who, ok := v.trusted(web.PathAccount)
	if !ok {
		return
	}
	codes, err := v.j.People.Recovery.Make(v.r.Context(), who, v.by(who.AccountID))
	switch {
	case err == nil:
		with := v.showing()
		with.Done = web.DoneCodes
		v.showWith(http.StatusOK, with, v.codes(codes))
	case errors.Is(err, account.ErrStepUp):
		v.to(web.PathAccount) // there is no second factor that they would stand in for
	default:
		v.failedBy(err)
	}
}
