package login

import (
	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/web"
)

// stepUp asks for a recent sign-in and comes back to a page (row P15). Where it comes
// back to is one of our own paths, kept sealed: nothing from outside says it (row
// A22).
func (v *visit) stepUp(who account.Signed, page string) {
	if v.progress.AccountID != who.AccountID {
		v.progress = progress{AccountID: who.AccountID}
	}
	v.progress.Return, v.progress.Within = page, v.handle()
	if err := v.keep(); err != nil {
		v.failedBy(err)
		return
	}
	v.to(web.PathLogin)
}

// steppingUp reports whether a page asked for a recent sign-in here. One that was
// left does not trouble other requests.
func (v *visit) steppingUp() bool {
	return v.progress.Return != "" && v.progress.Within == v.handle()
}

// handle is the handle of the authorization request, or empty.
func (v *visit) handle() string {
	if v.pending == nil {
		return ""
	}
	return v.pending.handle
}

// returning is the page that asked for a recent sign-in, or empty.
func (v *visit) returning() string {
	if !v.steppingUp() {
		return ""
	}
	return v.progress.Return
}

// arrived forgets that a page asked for a recent sign-in: the person is there, or
// went elsewhere.
func (v *visit) arrived() error {
	if !v.steppingUp() {
		return nil
	}
	v.progress.Return, v.progress.Within = "", ""
	return v.keep()
}

// done says on the account page what was changed.
func (v *visit) done(what web.Done) {
	v.progress.Done = what
	if err := v.keep(); err != nil {
		v.failedBy(err)
		return
	}
	v.to(web.PathAccount)
}

// person returns who is signed in, for pages that need nothing more. Where nobody
// is, it has sent the browser to where that is mended.
func (v *visit) person() (account.Signed, bool) {
	if v.session == nil {
		v.to(web.PathLogin)
		return account.Signed{}, false
	}
	who := account.SignedIn(*v.session)
	verdict, err := v.judge(who, account.Wish{})
	if err != nil {
		return who, v.failedBy(err)
	}
	if !verdict.Enough {
		v.to(web.PathLogin)
		return who, false
	}
	return who, true
}

// trusted returns who has just proven all that they can, for a sensitive change;
// else it has sent the browser to sign in, and back to the page.
func (v *visit) trusted(page string) (account.Signed, bool) {
	who, ok := v.person()
	if !ok {
		return who, false
	}
	verdict, err := v.judge(who, account.Wish{Sensitive: true})
	switch {
	case err != nil:
		return who, v.failedBy(err)
	case !verdict.Enough:
		v.stepUp(who, page)
		return who, false
	}
	if err := v.arrived(); err != nil {
		return who, v.failedBy(err)
	}
	return who, true
}

// adding is trusted for who adds a factor, also on the way to a session: somebody
// who must set up a second factor has none that they could prove. Required says that
// they must.
func (v *visit) adding(page string) (who account.Signed, required, ok bool) {
	who, known := v.who()
	if !known {
		v.to(web.PathLogin)
		return who, false, false
	}
	verdict, err := v.judge(who, account.Wish{Sensitive: true})
	switch {
	case err != nil:
		return who, false, v.failedBy(err)
	case !verdict.Enough && (len(verdict.SetUp) == 0 || len(verdict.Next) > 0):
		v.stepUp(who, page)
		return who, false, false
	}
	if err := v.arrived(); err != nil {
		return who, false, v.failedBy(err)
	}
	wanted, err := v.judge(who, v.wish())
	if err != nil {
		return who, false, v.failedBy(err)
	}
	return who, len(wanted.SetUp) > 0, true
}
