package login

import (
	"errors"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/web"
)

// postExport answers with all that is known of the person, as a file.
func (v *visit) postExport() {
	who, ok := v.trusted(web.PathAccount)
	if !ok {
		return
	}
	text, err := v.j.People.Records.Export(v.r.Context(), who.AccountID)
	if err != nil {
		v.failedBy(err)
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="account.json"`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	_, _ = v.w.Write(text)
}

// erasing returns who may delete their account, and what the page asks for.
func (v *visit) erasing() (account.Signed, web.Erase, bool) {
	who, ok := v.trusted(web.PathErase)
	if !ok {
		return who, web.Erase{}, false
	}
	a, err := v.j.Accounts.Find(v.r.Context(), who.AccountID)
	means, err2 := v.j.People.Strength.Means(v.r.Context(), who.AccountID)
	applications, err3 := v.applications(who.AccountID)
	if err := errors.Join(err, err2, err3); err != nil {
		return who, web.Erase{}, v.failedBy(err)
	}
	return who, web.Erase{Name: a.Name, Password: means.Password, Applications: len(applications)}, true
}

// getErase asks whether to delete the account.
func (v *visit) getErase() {
	if _, screen, ok := v.erasing(); ok {
		v.show(screen)
	}
}

// postErase deletes the account.
func (v *visit) postErase() {
	who, screen, ok := v.erasing()
	if !ok {
		return
	}
	if v.field(web.FieldSure) != "1" {
		v.wrong(web.ProblemSure, screen)
		return
	}
	var err error
	if screen.Password {
		_, _, err = v.j.People.Passwords.Check(v.r.Context(), screen.Name, v.r.PostForm.Get(web.FieldPassword), v.source())
	}
	if err == nil {
		err = v.j.People.Accounts.DeleteOwn(v.r.Context(), who, v.by(who.AccountID))
	}
	switch {
	case err == nil:
		v.dropCookie(sessionCookie)
		v.dropCookie(deviceCookie)
		v.goodbye(web.DoneErased)
	default:
		v.unchanged(err, who, web.PathErase, screen)
	}
}
