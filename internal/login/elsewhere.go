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
		var intent Intent
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
		if err != nil {
			v.turnedBack(err)
			return
		}
		v.proceed(arrival.Account.ID, account.Proof{Method: account.Provider, At: v.j.Now()})
	}, nil)
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
