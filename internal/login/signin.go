package login

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// getSignIn is where the authorization endpoint sends people.
func (v *visit) getSignIn() { v.next() }

// getOther asks for a sign-in whoever is signed in.
func (v *visit) getOther() {
	if v.pending.prompts("none") {
		v.refuse(refusal.LoginRequired)
		return
	}
	v.progress = progress{}
	v.askSignIn("")
}

// askSignIn shows the page that asks for name and password. A name that is given is
// to be confirmed, not chosen.
func (v *visit) askSignIn(name string) {
	with := v.showing()
	with.Done, v.progress.Done = v.progress.Done, ""
	screen, err := v.signIn(name)
	if err != nil {
		v.failedBy(err)
		return
	}
	v.showWith(http.StatusOK, with, screen)
}

func (v *visit) signIn(name string) (web.SignIn, error) {
	s := web.SignIn{Name: name, Fixed: name != "", Forgotten: v.j.People.Posts}
	if v.pending != nil {
		s.Application = v.pending.client.Name
		if name == "" {
			s.Name = v.pending.asked.LoginHint
		}
	}
	query := url.Values{}
	if v.pending != nil {
		query.Set(web.FieldRequest, v.pending.handle)
	}
	for _, p := range v.j.Settings.Providers {
		at := v.j.Issuer.Path + "/login/to/" + p.Name
		if len(query) > 0 {
			at += "?" + query.Encode()
		}
		s.Providers = append(s.Providers, web.Provider{Title: p.Title, URL: at})
	}
	if v.j.People.Passkeys != nil {
		options, state, err := v.j.People.Passkeys.BeginSignIn(v.browser, v.wish().Must)
		if err != nil {
			return s, err
		}
		s.Passkey, v.progress.Passkey = string(options), state
	}
	return s, v.keep()
}

// postSignIn checks name and password.
func (v *visit) postSignIn() {
	typed := v.field(web.FieldName)
	found, proof, err := v.j.People.Passwords.Check(v.r.Context(), typed, v.r.PostForm.Get(web.FieldPassword), v.source())
	switch {
	case err == nil:
		v.proceed(found.ID, proof)
	case errors.Is(err, account.ErrWrong), errors.Is(err, account.ErrTooMany):
		screen, failure := v.signIn("")
		if failure != nil {
			v.failedBy(failure)
			return
		}
		screen.Name = typed
		if errors.Is(err, account.ErrTooMany) {
			v.tooMany(err, screen)
			return
		}
		v.note(refusal.SignInWrong, err)
		v.wrong(web.ProblemCredentials, screen)
	default:
		v.failedBy(err)
	}
}

// proceed counts a proof and goes on.
func (v *visit) proceed(accountID string, proof account.Proof) {
	if v.stranger(accountID) {
		v.refuse(refusal.LoginRequired) // row B12: the application asked for somebody else
		return
	}
	v.proved(accountID, proof)
	who, _ := v.who()
	verdict, err := v.judge(who, v.wish())
	if err == nil && verdict.Enough {
		// The browser is not told what was proven: it would be good for another session.
		v.remember(who, verdict)
		v.start(who, verdict)
		return
	}
	if failure := v.keep(); err == nil {
		err = failure
	}
	if err != nil {
		v.failedBy(err)
		return
	}
	v.to(web.PathLogin)
}

// remember remembers the browser where the form asks for it.
func (v *visit) remember(who account.Signed, verdict account.Verdict) {
	if v.field(web.FieldRemember) != "1" || v.j.Settings.Remember <= 0 {
		return
	}
	handle, until, err := v.j.People.Devices.Remember(v.r.Context(), who.AccountID, verdict, account.AgentName(v.r.UserAgent()), v.by(who.AccountID))
	if err == nil { // else it is asked for again next time
		v.setCookie(deviceCookie, handle.Reveal(), until)
	}
}

// getSecond asks for the second factor.
func (v *visit) getSecond() {
	who, verdict, ok := v.half()
	if !ok {
		return
	}
	v.page(v.second(who, verdict))
}

// half returns who has proven a part of what is needed, and what is missing. Where
// nobody has, or nothing is, it has sent the browser on.
func (v *visit) half() (account.Signed, account.Verdict, bool) {
	who, known := v.who()
	if !known {
		v.to(web.PathLogin)
		return who, account.Verdict{}, false
	}
	verdict, err := v.judge(who, v.wish())
	if err != nil {
		return who, verdict, v.failedBy(err)
	}
	if verdict.Enough || !second(verdict) {
		v.to(web.PathLogin)
		return who, verdict, false
	}
	return who, verdict, true
}

func (v *visit) second(who account.Signed, verdict account.Verdict) (web.SecondFactor, error) {
	a, err := v.j.Accounts.Find(v.r.Context(), who.AccountID)
	if err != nil {
		return web.SecondFactor{}, err
	}
	s := web.SecondFactor{
		Name: a.Name, TOTP: slices.Contains(verdict.Next, account.TOTP), Codes: slices.Contains(verdict.Next, account.Recovery),
	}
	if w := v.wish(); !w.Two && !w.Must && !w.Sensitive && w.Since.IsZero() {
		s.Remember = v.j.Settings.Remember
	}
	if v.j.People.Passkeys != nil && slices.Contains(verdict.Next, account.Passkey) {
		options, state, err := v.j.People.Passkeys.BeginSecond(v.r.Context(), who, v.browser)
		if err != nil {
			return s, err
		}
		s.Passkey, v.progress.Passkey = string(options), state
		if v.progress.AccountID == "" {
			v.progress.AccountID = who.AccountID
		}
	}
	return s, v.keep()
}

// postSecond checks a one-time code.
func (v *visit) postSecond() {
	who, verdict, ok := v.half()
	if !ok {
		return
	}
	proof, err := v.j.People.Codes.Check(v.r.Context(), who.AccountID, v.field(web.FieldCode), limit.ClientAddress(v.r, v.j.Trusted))
	v.checked(who, proof, err, web.ProblemCode, func() (web.Screen, error) { return v.second(who, verdict) })
}

// getRecovery asks for a recovery code.
func (v *visit) getRecovery() {
	who, verdict, ok := v.half()
	if !ok {
		return
	}
	if !slices.Contains(verdict.Next, account.Recovery) {
		v.to(web.PathSecond)
		return
	}
	screen, err := v.recovery(who)
	if err != nil {
		v.failedBy(err)
		return
	}
	v.show(screen)
}

func (v *visit) recovery(who account.Signed) (web.Recovery, error) {
	a, err := v.j.Accounts.Find(v.r.Context(), who.AccountID)
	return web.Recovery{Name: a.Name}, err
}

// postRecovery checks a recovery code.
func (v *visit) postRecovery() {
	who, _, ok := v.half()
	if !ok {
		return
	}
	proof, err := v.j.People.Recovery.Check(v.r.Context(), who.AccountID, v.field(web.FieldCode), limit.ClientAddress(v.r, v.j.Trusted))
	v.checked(who, proof, err, web.ProblemRecovery, func() (web.Screen, error) { return v.recovery(who) })
}

// checked goes on after a second proof, or shows the page again.
func (v *visit) checked(who account.Signed, proof account.Proof, err error, problem web.Problem, again func() (web.Screen, error)) {
	if err == nil {
		v.proceed(who.AccountID, proof)
		return
	}
	if !errors.Is(err, account.ErrWrong) && !errors.Is(err, account.ErrTooMany) {
		v.failedBy(err)
		return
	}
	screen, failure := again()
	switch {
	case failure != nil:
		v.failedBy(failure)
	case errors.Is(err, account.ErrTooMany):
		v.tooMany(err, screen)
	default:
		v.note(refusal.SignInWrong, err)
		v.wrong(problem, screen)
	}
}

// postPasskey checks a passkey, as the first factor or as the second.
func (v *visit) postPasskey() {
	if v.j.People.Passkeys == nil {
		v.to(web.PathLogin)
		return
	}
	found, proof, err := v.j.People.Passkeys.SignIn(v.r.Context(), v.browser, v.progress.Passkey, []byte(v.r.PostForm.Get(web.FieldCredential)))
	switch {
	case err == nil:
		v.proceed(found.ID, proof)
	case errors.Is(err, account.ErrPasskey), errors.Is(err, account.ErrExpired), errors.Is(err, account.ErrWrong):
		v.note(refusal.SignInWrong, err)
		screen, failure := v.signIn("")
		if failure != nil {
			v.failedBy(failure)
			return
		}
		v.wrong(web.ProblemPasskey, screen)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, secret.ErrBusy):
		v.failedBy(err)
	default:
		v.failedBy(err)
	}
}
