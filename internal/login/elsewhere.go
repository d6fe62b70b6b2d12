package login

import (
	"errors"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/web"
)

// outward is the page that sends people to a provider.
func (j *Journey) outward(name string) Page {
	return j.page("/login/to/"+name, "login-to", func(v *visit) {
		intent := Intent{Since: v.wish().From(v.j.Now())}
		if v.pending != nil {
			intent.Request = v.pending.handle
		}
		if err := v.j.Providers.Begin(v.w, v.r, name, intent); err != nil {
			v.turnedBack(err)
		}
	}, nil)
}

// inward is the page that a provider sends people back to.
func (j *Journey) inward(name string) Page {
	return j.page("/login/from/"+name, "login-from", func(v *visit) {
		var who account.Signed
		if v.session != nil {
			who = account.SignedIn(*v.session)
		}
		arrival, err := v.j.Providers.Finish(v.r, name, who)
		if !v.within(arrival.Request) {
			return
		}
		switch {
		case arrival.Link != "":
			v.linked(who, err)
			return
		case err != nil:
			v.turnedBack(err)
			return
		}
		v.proceed(arrival.Account.ID, account.Proof{Method: account.Provider, At: arrival.At})
	}, nil)
}

// postLink sends somebody who is signed in to a provider, to be linked to whoever
// they are there (row P18).
func (v *visit) postLink() {
	who, ok := v.trusted(web.PathAccount)
	if !ok {
		return
	}
	if v.j.Providers == nil {
		v.to(web.PathAccount)
		return
	}
	intent := Intent{Link: who.AccountID, Request: v.handle()}
	if err := v.j.Providers.Begin(v.w, v.r, v.field(web.FieldID), intent); err != nil {
		v.turnedBack(err)
	}
}

// linked says on the account page what came of it.
func (v *visit) linked(who account.Signed, err error) {
	switch {
	case errors.Is(err, ErrTaken):
		v.note(refusal.SignInWrong, err)
		v.again(who, err, web.ProblemTaken)
	case errors.Is(err, ErrDeclined):
		v.to(web.PathAccount)
	case errors.Is(err, ErrUpstream), errors.Is(err, ErrReturn):
		v.failed(web.FailedSignIn, err)
	default:
		v.changed(who, err, web.DoneLink)
	}
}

// turnedBack goes on another way after a provider signed nobody in.
func (v *visit) turnedBack(err error) {
	problem := web.Problem("")
	switch {
	case errors.Is(err, ErrNoAccount):
		problem = web.ProblemProvider
	case errors.Is(err, ErrAccountDisabled):
		problem = web.ProblemDisabled
	case errors.Is(err, ErrDeclined):
		v.to(web.PathLogin)
		return
	case errors.Is(err, ErrReturn), errors.Is(err, ErrUpstream), errors.Is(err, ErrTaken), errors.Is(err, ErrProvider):
		v.failed(web.FailedSignIn, err)
		return
	default:
		v.failedBy(err)
		return
	}
	v.note(refusal.SignInWrong, err)
	screen, failure := v.signIn("")
	if failure != nil {
		v.failedBy(failure)
		return
	}
	v.wrong(problem, screen)
}
