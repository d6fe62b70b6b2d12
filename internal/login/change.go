package login

import (
	"errors"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// changing returns who may set their password, and what the page asks for. Who has
// none yet may have to set one up before there is a session.
func (v *visit) changing() (who account.Signed, screen web.ChangePassword, ok bool) {
	known := false
	if who, known = v.who(); !known {
		v.to(web.PathLogin)
		return who, screen, false
	}
	means, err := v.j.People.Strength.Means(v.r.Context(), who.AccountID)
	if err != nil {
		return who, screen, v.failedBy(err)
	}
	if means.Password {
		who, ok = v.trusted(web.PathChange)
	} else {
		who, _, ok = v.adding(web.PathChange)
	}
	if !ok {
		return who, screen, false
	}
	a, err := v.j.Accounts.Find(v.r.Context(), who.AccountID)
	if err != nil {
		return who, screen, v.failedBy(err)
	}
	return who, web.ChangePassword{Name: a.Name, First: !means.Password, Least: account.LeastPassword}, true
}

// getChange asks for the old and a new password.
func (v *visit) getChange() {
	if _, screen, ok := v.changing(); ok {
		v.show(screen)
	}
}

// postChange sets a new password, or the first.
func (v *visit) postChange() {
	who, screen, ok := v.changing()
	if !ok {
		return
	}
	form := v.r.PostForm
	current, chosen := form.Get(web.FieldCurrent), form.Get(web.FieldPassword)
	if chosen != form.Get(web.FieldAgain) {
		v.wrong(web.ProblemDiffer, screen)
		return
	}
	if !screen.First && chosen == current {
		v.wrong(web.ProblemSame, screen)
		return
	}
	var err error
	if screen.First {
		err = v.j.People.Passwords.First(v.r.Context(), who, chosen, v.by(who.AccountID))
	} else {
		err = v.j.People.Passwords.Change(v.r.Context(), who, current, chosen, v.source(), v.by(who.AccountID))
	}
	switch {
	case err == nil && v.session == nil, errors.Is(err, store.ErrConflict):
		v.to(web.PathLogin) // it is to be typed once
	case err == nil:
		v.done(web.DonePassword)
	case problemOf(err) != "":
		v.wrong(problemOf(err), screen)
	default:
		v.unchanged(err, who, web.PathChange, screen)
	}
}

// unchanged says why who is signed in could not change their account on the page that
// asks for the password.
func (v *visit) unchanged(err error, who account.Signed, path string, screen web.Screen) {
	switch {
	case errors.Is(err, account.ErrStepUp):
		v.stepUp(who, path)
	case errors.Is(err, account.ErrTooMany):
		v.tooMany(err, screen)
	case errors.Is(err, account.ErrWrong):
		v.note(refusal.SignInWrong, err)
		v.wrong(web.ProblemCurrent, screen)
	default:
		v.failedBy(err)
	}
}
