package login

import (
	"errors"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// prompts reports whether the application asked for a prompt (OpenID Connect Core
// §3.1.2.1).
func (p *pending) prompts(value string) bool {
	return p != nil && slices.Contains(p.asked.Prompt, value)
}

// wish is what is asked of the sign-in. Choosing an account is signing in again: who
// sits there is not for the last one's session to say.
func (v *visit) wish() account.Wish {
	var w account.Wish
	if v.pending != nil {
		a := &v.pending.asked
		again := v.pending.prompts("login") || v.pending.prompts("select_account")
		w = account.WishOf(a.ACR, a.NeedsACR, a.MaxAge, again, a.AskedAt, v.j.Now())
	}
	w.Sensitive = v.steppingUp()
	return w
}

// judge asks whether what was proven here is enough.
func (v *visit) judge(who account.Signed, w account.Wish) (account.Verdict, error) {
	known, err := v.j.People.Devices.Known(v.r.Context(), who.AccountID, v.device())
	if err != nil {
		return account.Verdict{}, err
	}
	return v.j.People.Strength.Judge(v.r.Context(), who, known != "", w)
}

// signedIn returns who is signed in, strongly enough for what is asked. Where nobody
// is, it has sent the browser to where that is mended.
func (v *visit) signedIn() (account.Verdict, bool) {
	if v.session == nil || v.stranger(v.session.AccountID) {
		v.to(web.PathLogin)
		return account.Verdict{}, false
	}
	verdict, err := v.judge(account.SignedIn(*v.session), v.wish())
	if err != nil {
		return verdict, v.failedBy(err)
	}
	if !verdict.Enough {
		v.to(web.PathLogin)
		return verdict, false
	}
	return verdict, true
}

// stranger reports whether the application means somebody else (id_token_hint).
func (v *visit) stranger(accountID string) bool {
	return v.pending != nil && v.pending.asked.Hinted != "" && v.pending.asked.Hinted != accountID
}

// next sends the person to what is to be done next. It is the one place that knows
// the order; every page comes back to it.
func (v *visit) next() {
	who, known := v.who()
	if !known || v.stranger(who.AccountID) {
		if v.pending.prompts("none") {
			v.refuse(refusal.LoginRequired) // row B09
			return
		}
		v.askSignIn("")
		return
	}
	verdict, err := v.judge(who, v.wish())
	switch {
	case err != nil:
		v.failedBy(err)
	case verdict.Enough && v.session != nil && len(v.progress.Proven) == 0:
		v.arrive(v.returning())
	case verdict.Enough && !v.pending.prompts("none"):
		v.start(who, verdict)
	case verdict.Impossible && v.pending != nil:
		v.refuse(refusal.SignInTooWeak) // row B13
	case v.pending.prompts("none"):
		v.refuse(refusal.LoginRequired)
	case len(verdict.SetUp) > 0 && len(verdict.Next) == 0:
		v.to(setUpAt(verdict))
	case second(verdict):
		v.to(web.PathSecond)
	default:
		name := ""
		if a, err := v.j.Accounts.Find(v.r.Context(), who.AccountID); err == nil {
			name = a.Name
		}
		v.askSignIn(name)
	}
}

// second reports whether what is missing stands on the page of the second factor.
func second(v account.Verdict) bool {
	return !slices.Contains(v.Next, account.Password) && !slices.Contains(v.Next, account.Provider) && len(v.Next) > 0
}

// arrive goes on with who is signed in: with what the application asked for, else
// at the page that they came from.
func (v *visit) arrive(page string) {
	switch {
	case v.pending != nil:
		v.to(web.PathConsent)
	case page != "":
		v.to(page)
	default:
		v.to(web.PathAccount)
	}
}

// start begins the session of somebody who has proven enough, and goes on.
func (v *visit) start(who account.Signed, verdict account.Verdict) {
	page := v.returning()
	if v.begin(who, verdict) {
		v.arrive(page)
	}
}

// begin begins a session, a new one also for whoever had one (row P08). Where it
// cannot, it has answered.
func (v *visit) begin(who account.Signed, verdict account.Verdict) bool {
	handle, session, err := v.j.People.Sessions.Start(v.r.Context(), account.Start{
		AccountID: who.AccountID, Verdict: verdict, Agent: account.AgentName(v.r.UserAgent()), Current: v.session,
	}, v.by(who.AccountID))
	if errors.Is(err, store.ErrNotFound) {
		v.dropCookie(progressCookie)
		return v.failed(web.FailedExpired, err) // disabled meanwhile
	}
	if errors.Is(err, store.ErrConflict) { // two windows at once: the other's session it is
		v.dropCookie(progressCookie)
		v.to(web.PathLogin)
		return false
	}
	if err != nil {
		return v.failedBy(err)
	}
	v.setCookie(sessionCookie, handle.Reveal(), time.Time{})
	v.dropCookie(progressCookie)
	v.session, v.progress = &session, progress{}
	return true
}
