package login

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// accountPages are the pages where a person sees and changes what is theirs.
func (j *Journey) accountPages() []Page {
	return []Page{
		j.page(web.PathAccount, "account", (*visit).getAccount, nil),
		j.page(web.PathChange, "account-password", (*visit).getChange, (*visit).postChange),
		j.page(web.PathEmail, "account-email", nil, (*visit).postEmail),
		j.page(web.PathTOTP, "account-totp", (*visit).getTOTP, (*visit).postTOTP),
		j.page(web.PathAddPasskey, "account-passkey", (*visit).getAddPasskey, (*visit).postAddPasskey),
		j.page(web.PathCodes, "account-recovery", nil, (*visit).postCodes),
		j.page(web.PathFactor, "account-factor", nil, (*visit).postFactor),
		j.page(web.PathSession, "account-session", nil, (*visit).postSession),
		j.page(web.PathDevice, "account-device", nil, (*visit).postDevice),
		j.page(web.PathApplication, "account-application", nil, (*visit).postApplication),
		j.page(web.PathIdentity, "account-identity", nil, (*visit).postIdentity),
		j.page(web.PathLink, "account-link", nil, (*visit).postLink),
		j.page(web.PathExport, "account-export", nil, (*visit).postExport),
		j.page(web.PathErase, "account-delete", (*visit).getErase, (*visit).postErase),
	}
}

// getAccount shows everything about the account, and what was just changed.
func (v *visit) getAccount() {
	who, ok := v.person()
	if !ok {
		return
	}
	with := v.showing()
	with.Done = v.progress.Done
	if v.progress.Done != "" || v.steppingUp() {
		v.progress.Done, v.progress.Return, v.progress.Within = "", "", ""
		if err := v.keep(); err != nil {
			v.failedBy(err)
			return
		}
	}
	screen, err := v.overview(who)
	if err != nil {
		v.failedBy(err)
		return
	}
	v.showWith(http.StatusOK, with, screen)
}

// overview is the account page.
func (v *visit) overview(who account.Signed) (web.Account, error) {
	ctx, people := v.r.Context(), v.j.People
	a, err := v.j.Accounts.Find(ctx, who.AccountID)
	if err != nil {
		return web.Account{}, err
	}
	s := web.Account{
		Name: a.Name, FullName: a.Profile.FullName, Email: a.Profile.Email, EmailVerified: a.Profile.EmailVerified, Mails: people.Posts,
	}
	if people.Parts != nil {
		s.Portal, s.Console = people.Parts(a.Roles)
	}
	factors, err := people.Factors.List(ctx, a.ID)
	sessions, err2 := people.Sessions.List(ctx, a.ID)
	devices, err3 := people.Devices.List(ctx, a.ID)
	identities, err4 := people.Factors.Identities.Of(ctx, a.ID)
	applications, err5 := v.applications(a.ID)
	servers, err6 := v.servers(a.ID)
	if err := errors.Join(err, err2, err3, err4, err5, err6); err != nil {
		return s, err
	}
	for _, f := range factors {
		shown := web.Factor{ID: f.ID, Name: f.Name, AddedAt: f.CreatedAt, UsedAt: f.LastUsedAt}
		switch f.Method {
		case account.Password:
			s.Password = f.CreatedAt
		case account.TOTP:
			s.TOTP = &shown
		case account.Passkey:
			s.Passkeys = append(s.Passkeys, shown)
		case account.Recovery:
			s.Codes++
		}
	}
	for _, one := range sessions {
		s.Sessions = append(s.Sessions, web.Session{
			ID: one.ID, Agent: one.Agent, StartedAt: one.CreatedAt, SeenAt: one.SeenAt, Here: one.ID == who.SessionID,
		})
	}
	for _, one := range devices {
		s.Devices = append(s.Devices, web.Device{ID: one.ID, Name: one.Name, EndsAt: one.EndsAt})
	}
	for _, one := range identities {
		s.Identities = append(s.Identities, web.Identity{ID: identityID(one), Provider: v.j.titleOf(one.Issuer)})
	}
	for _, p := range v.j.Settings.Providers {
		if !slices.ContainsFunc(identities, func(i store.Identity) bool { return i.Issuer == p.Issuer }) {
			s.Elsewhere = append(s.Elsewhere, web.Elsewhere{ID: p.Name, Provider: p.Title, URL: p.Issuer})
		}
	}
	s.Applications, s.Servers, s.NoPasskeys = applications, servers, people.Passkeys == nil
	return s, nil
}

// titleOf is how people know a provider.
func (j *Journey) titleOf(issuer string) string {
	for _, p := range j.Settings.Providers {
		if p.Issuer == issuer {
			return p.Title
		}
	}
	return issuer
}

// identityID is what the form that unlinks an identity calls it.
func identityID(i store.Identity) string {
	sum := sha256.Sum256([]byte(i.Issuer + "\x00" + i.Subject))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// again shows the account page with what was wrong.
func (v *visit) again(who account.Signed, err error, problem web.Problem) {
	screen, failure := v.overview(who)
	switch {
	case failure != nil:
		v.failedBy(failure)
	case errors.Is(err, account.ErrTooMany):
		v.tooMany(err, screen)
	default:
		v.wrong(problem, screen)
	}
}

// changed says what was done; what is gone already is done, too.
func (v *visit) changed(who account.Signed, err error, what web.Done) {
	switch {
	case err == nil, errors.Is(err, store.ErrNotFound):
		v.done(what)
	case errors.Is(err, account.ErrStepUp):
		v.stepUp(who, web.PathAccount)
	case errors.Is(err, account.ErrLastFactor), errors.Is(err, account.ErrSecondRequired):
		v.again(who, err, web.ProblemLast)
	default:
		v.failedBy(err)
	}
}

// postFactor removes a factor.
func (v *visit) postFactor() {
	if who, ok := v.trusted(web.PathAccount); ok {
		v.changed(who, v.j.People.Factors.Remove(v.r.Context(), who, v.field(web.FieldID), v.by(who.AccountID)), web.DoneFactor)
	}
}

// postIdentity unlinks an upstream identity.
func (v *visit) postIdentity() {
	who, ok := v.trusted(web.PathAccount)
	if !ok {
		return
	}
	identities, err := v.j.People.Factors.Identities.Of(v.r.Context(), who.AccountID)
	if err != nil {
		v.failedBy(err)
		return
	}
	for _, one := range identities {
		if identityID(one) == v.field(web.FieldID) {
			v.changed(who, v.j.People.Factors.Unlink(v.r.Context(), who, one, v.by(who.AccountID)), web.DoneIdentity)
			return
		}
	}
	v.done(web.DoneIdentity)
}

// postSession ends one session, or all but this one.
func (v *visit) postSession() {
	who, ok := v.person()
	if !ok {
		return
	}
	sessions, by := v.j.People.Sessions, v.by(who.AccountID)
	if v.field(web.FieldOthers) == "1" {
		v.changed(who, sessions.EndOthers(v.r.Context(), who.AccountID, who.SessionID, by), web.DoneSessions)
		return
	}
	id := v.field(web.FieldID)
	if id == who.SessionID { // that is signing out, which has a page
		v.to(web.PathLogout)
		return
	}
	v.changed(who, sessions.End(v.r.Context(), who.AccountID, id, by), web.DoneSession)
}

// postDevice forgets a remembered browser. Without an id that would be all of them.
func (v *visit) postDevice() {
	who, ok := v.person()
	if !ok {
		return
	}
	id := v.field(web.FieldID)
	if id == "" {
		v.to(web.PathAccount)
		return
	}
	v.changed(who, v.j.People.Devices.Forget(v.r.Context(), who.AccountID, id, v.by(who.AccountID)), web.DoneDevice)
}

// postEmail mails a link that verifies the address.
func (v *visit) postEmail() {
	who, ok := v.person()
	if !ok || !v.posted() {
		return
	}
	err := v.j.People.Links.SendVerify(v.r.Context(), who.AccountID, v.language)
	switch {
	case errors.Is(err, account.ErrTooMany):
		v.again(who, err, web.ProblemMany)
	case errors.Is(err, account.ErrEmail):
		v.to(web.PathAccount)
	default:
		v.changed(who, err, web.DoneMail)
	}
}
