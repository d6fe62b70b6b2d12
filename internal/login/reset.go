package login

import (
	"errors"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// errNoMail: an environment that sends no mail does not offer to. Links that lead
// here are opened all the same: operators hand them over.
var errNoMail = errors.New("no mail can be sent")

// posted reports whether mail can be sent; else it has answered.
func (v *visit) posted() bool {
	return v.j.People.Posts || v.failed(web.FailedMissing, errNoMail)
}

// getForgotten asks whose password was forgotten.
func (v *visit) getForgotten() {
	if v.posted() {
		v.show(web.Forgotten{})
	}
}

// postForgotten mails a link, if there is whom to mail it to. The answer is the same
// (row P01).
func (v *visit) postForgotten() {
	if !v.posted() {
		return
	}
	typed := v.field(web.FieldName)
	err := v.j.People.Links.SendReset(v.r.Context(), typed, v.language, limit.ClientAddress(v.r, v.j.Trusted))
	switch {
	case err == nil:
		v.show(web.Sent{For: account.ResetLife})
	case errors.Is(err, account.ErrTooMany):
		v.tooMany(err, web.Forgotten{Name: typed})
	default:
		v.failedBy(err)
	}
}

// getReset asks for a new password. It spends nothing: mail scanners follow links,
// too.
func (v *visit) getReset() {
	link := v.r.URL.Query().Get(web.FieldLink)
	if a, ok := v.opened(v.j.People.Links.OpenReset(v.r.Context(), link)); ok {
		v.show(web.Reset{Link: link, Name: a.Name, Least: account.LeastPassword})
	}
}

// opened is whose link it is; where it is nobody's any more, it has answered.
func (v *visit) opened(a store.Account, err error) (store.Account, bool) {
	if errors.Is(err, account.ErrExpired) || errors.Is(err, account.ErrTaken) {
		return a, v.failed(web.FailedLink, err)
	}
	if err != nil {
		return a, v.failedBy(err)
	}
	v.speakTo(a)
	return a, true
}

// postReset sets the password. The form carries the link again, and nothing but that
// leads here (row P12). It signs nobody in: who has a second factor proves it.
func (v *visit) postReset() {
	links, link := v.j.People.Links, v.r.PostForm.Get(web.FieldLink)
	a, ok := v.opened(links.OpenReset(v.r.Context(), link))
	if !ok {
		return
	}
	screen := web.Reset{Link: link, Name: a.Name, Least: account.LeastPassword}
	chosen := v.r.PostForm.Get(web.FieldPassword)
	if chosen != v.r.PostForm.Get(web.FieldAgain) {
		v.wrong(web.ProblemDiffer, screen)
		return
	}
	_, err := links.FinishReset(v.r.Context(), link, chosen, v.by(a.ID))
	if problem := problemOf(err); problem != "" {
		v.wrong(problem, screen)
		return
	}
	if _, ok := v.opened(a, err); ok {
		v.goodbye(web.DoneReset)
	}
}

// goodbye says on the page that signs people in what was done. What was proven
// before does not count any more.
func (v *visit) goodbye(what web.Done) {
	v.progress = progress{Done: what}
	if err := v.keep(); err != nil {
		v.failedBy(err)
		return
	}
	v.to(web.PathLogin)
}

// problemOf is what a page says of a password that cannot be chosen; empty for any
// other error.
func problemOf(err error) web.Problem {
	switch {
	case errors.Is(err, account.ErrShort):
		return web.ProblemShort
	case errors.Is(err, account.ErrLong):
		return web.ProblemLong
	case errors.Is(err, account.ErrCommon), errors.Is(err, account.ErrIsName), errors.Is(err, account.ErrText):
		return web.ProblemCommon
	}
	return ""
}

// getVerify asks to confirm an address. It spends nothing.
func (v *visit) getVerify() {
	link := v.r.URL.Query().Get(web.FieldLink)
	if a, ok := v.opened(v.j.People.Links.OpenVerify(v.r.Context(), link)); ok {
		v.show(web.Verify{Link: link, Email: a.Profile.Email})
	}
}

// postVerify writes down that an address is the person's (row P14).
func (v *visit) postVerify() {
	links, link := v.j.People.Links, v.r.PostForm.Get(web.FieldLink)
	a, ok := v.opened(links.OpenVerify(v.r.Context(), link))
	if !ok {
		return
	}
	if a, ok = v.opened(links.FinishVerify(v.r.Context(), link, v.by(a.ID))); ok {
		v.show(web.Verified{Email: a.Profile.Email})
	}
}

// getMails shows, in development, the mails that would have been sent: to this
// machine alone, for whoever reads a mail can set a password.
func (v *visit) getMails() {
	if !limit.ClientAddress(v.r, v.j.Trusted).Unmap().IsLoopback() {
		v.failed(web.FailedMissing, errors.New("mails are shown to this machine alone"))
		return
	}
	v.show(web.Mails{List: v.j.Mails()})
}
