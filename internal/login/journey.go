package login

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/internal/web"
)

// A Journey answers with the pages of one environment. It is safe for concurrent
// use.
type Journey struct {
	Environment string
	Issuer      *url.URL
	Settings    *catalogue.Login
	APIs        []*catalogue.API // that something can be allowed at
	Trusted     []netip.Prefix   // proxies in front of us

	Pages     *web.Pages
	Languages *web.Languages
	People    People
	Requests  store.Requests
	Accounts  store.Accounts
	Consents  store.Consents
	Clients   interface {
		Find(ctx context.Context, id string) (*store.Client, error)
	}
	Providers *Providers // nil: there are none
	Seal      *keys.Seal

	// Done tells the application what the person decided and answers the browser.
	Done func(w http.ResponseWriter, r *http.Request, request [32]byte, d grant.Decision)

	Hints *token.Hints // ID tokens that come back

	// SignInAgain is the URL of the authorization endpoint where the dialect's
	// /logout is Amazon Cognito's, which can send people there; else empty.
	SignInAgain string

	Mails func() []web.Mail // that would have been sent; nil: no page shows them

	Now    func() time.Time
	Random io.Reader
}

// People are the operations of package account that the pages call.
type People struct {
	Passwords *account.Passwords
	Codes     *account.OneTimeCodes
	Recovery  *account.RecoveryCodes
	Passkeys  *account.Passkeys // nil: the site can have none
	Factors   *account.Factors
	Sessions  *account.Sessions
	Devices   *account.Devices
	Links     *account.Links
	Posts     bool // mail can be sent
	Records   *account.Record
	Accounts  *account.People
	Strength  *account.Strength

	Tokens    store.APITokens // elevated ones act for people who are not asked
	TokenUses store.APITokenUses

	// Parts are the URLs of portal and console that somebody with these roles may open,
	// empty where there is none. Nil: these people open neither.
	Parts func(roles []string) (portal, console string)
}

// A Page is one of the journey's handlers and where it answers.
type Page struct {
	Path    string // below the issuer
	Route   string // as logs call it
	Handler http.Handler
}

// Handlers are the pages, each for its path below the issuer.
func (j *Journey) Handlers() []Page {
	pages := []Page{
		j.page(web.PathLogin, "login", (*visit).getSignIn, (*visit).postSignIn),
		j.page(web.PathOther, "login-other", (*visit).getOther, nil),
		j.page(web.PathSecond, "login-second", (*visit).getSecond, (*visit).postSecond),
		j.page(web.PathRecovery, "login-recovery", (*visit).getRecovery, (*visit).postRecovery),
		j.page(web.PathPasskey, "login-passkey", nil, (*visit).postPasskey),
		j.page(web.PathConsent, "consent", (*visit).getConsent, (*visit).postConsent),
		j.page(web.PathReset, "reset", (*visit).getForgotten, (*visit).postForgotten),
		j.page(web.PathPassword, "reset-password", (*visit).getReset, (*visit).postReset),
		j.page(web.PathVerify, "verify", (*visit).getVerify, (*visit).postVerify),
		j.logout(),
	}
	for _, p := range j.Settings.Providers {
		pages = append(pages, j.outward(p.Name), j.inward(p.Name))
	}
	if j.Mails != nil {
		pages = append(pages, j.page(web.PathMails, "mails", (*visit).getMails, nil))
	}
	return append(pages, j.accountPages()...)
}

// mostForm is the longest form that is read, in bytes.
const mostForm = 64 << 10

// page makes a handler of what answers GET and what answers POST; nil answers 405.
func (j *Journey) page(path, route string, get, post func(*visit)) Page {
	return Page{path, route, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		do, allow := get, "GET, HEAD"
		switch {
		case get == nil:
			allow = "POST"
		case post != nil:
			allow = "GET, HEAD, POST"
		}
		if r.Method == http.MethodPost {
			do = post
		} else if r.Method != http.MethodGet && r.Method != http.MethodHead {
			do = nil
		}
		if do == nil {
			w.Header().Set("Allow", allow)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostForm)
		v := &visit{w: w, r: r, j: j}
		if v.open() {
			do(v)
		}
	})}
}

// A visit is one request for one page.
type visit struct {
	w http.ResponseWriter
	r *http.Request
	j *Journey

	language string
	browser  string         // the handle in the browser's cookie
	session  *store.Session // nil: nobody is signed in
	progress progress       // what was proven since
	pending  *pending       // nil: the person came by themselves
}

// A pending is the authorization request that a person is in.
type pending struct {
	handle string
	hash   [32]byte
	asked  grant.Asked
	client *store.Client
}

// open finds out who is there, and for a form whether it is ours. Where something
// is wrong it has answered.
func (v *visit) open() bool {
	var err error
	v.language = v.j.Languages.Choose(v.r)
	if v.browser, err = v.bind(); err != nil {
		return v.failed(web.FailedCookies, err)
	}
	v.r = v.r.WithContext(context.WithValue(v.r.Context(), browserKey{}, v.browser))
	if v.r.Method == http.MethodPost {
		if err := v.j.Pages.Check(v.r, v.browser); err != nil {
			return v.failed(web.FailedForm, err) // rows B20, R02
		}
	}
	if err := v.findSession(); err != nil {
		return v.failedBy(err)
	}
	if v.progress, err = v.readProgress(); err != nil {
		return v.failed(web.FailedCookies, err)
	}
	return v.findRequest()
}

// findSession reads the session's cookie. One that leads nowhere is as good as none.
func (v *visit) findSession() error {
	handle, err := v.cookie(sessionCookie)
	if err != nil || handle == "" {
		return err
	}
	found, err := v.j.People.Sessions.Find(v.r.Context(), handle)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		v.session = &found
	}
	return err
}

// findRequest reads the authorization request, where the person is in one. It is
// this browser's or nobody's (rows B20, B23).
func (v *visit) findRequest() bool {
	handle := v.r.URL.Query().Get(web.FieldRequest)
	if v.r.Method == http.MethodPost {
		handle = v.r.PostForm.Get(web.FieldRequest)
	}
	return v.within(handle)
}

// within puts the visit into the authorization request of a handle, if there is one.
func (v *visit) within(handle string) bool {
	if handle == "" {
		v.speak()
		return true
	}
	hash, ok := secret.ParseOpaque(handle)
	if !ok {
		return v.failed(web.FailedExpired, errors.New("not the handle of a request"))
	}
	found, err := v.j.Requests.Find(v.r.Context(), hash, v.j.Now())
	if errors.Is(err, store.ErrNotFound) {
		return v.failed(web.FailedExpired, err)
	}
	if err != nil {
		return v.failedBy(err)
	}
	if found.Browser != secret.HashOf(v.browser) {
		return v.failed(web.FailedForm, errors.New("the request is another browser's"))
	}
	p := &pending{handle: handle, hash: hash}
	if err := json.Unmarshal(found.Asked, &p.asked); err != nil {
		return v.failedBy(err)
	}
	if p.client, err = v.j.Clients.Find(v.r.Context(), found.ClientID); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return v.failed(web.FailedExpired, err)
		}
		return v.failedBy(err)
	}
	activity.Of(v.r.Context()).Client = p.client.ID
	v.pending = p
	v.speak()
	return true
}

// showing is what every page needs.
func (v *visit) showing() web.Showing {
	s := web.Showing{Language: v.language, Browser: v.browser, Now: v.j.Now()}
	if v.pending != nil {
		s.Request = v.pending.handle
		s.To = v.pending.asked.Redirect
	}
	return s
}

// show answers with a page.
func (v *visit) show(screen web.Screen) { v.showWith(http.StatusOK, v.showing(), screen) }

// page shows a page that was made, or says that it could not be.
func (v *visit) page(screen web.Screen, err error) {
	if err != nil {
		v.failedBy(err)
		return
	}
	v.show(screen)
}

func (v *visit) showWith(status int, with web.Showing, screen web.Screen) {
	v.j.Pages.Show(v.w, v.r, status, with, screen)
}

// wrong shows a page again with what was wrong with the form. The status is the
// same for everything that a stranger must not tell apart (row P01).
func (v *visit) wrong(p web.Problem, screen web.Screen) {
	with := v.showing()
	with.Problem = p
	v.showWith(http.StatusForbidden, with, screen)
}

// tooMany shows a page again and says how long to wait.
func (v *visit) tooMany(err error, screen web.Screen) {
	with := v.showing()
	with.Problem, with.Wait = web.ProblemMany, time.Minute
	if many, ok := errors.AsType[*account.TooManyError](err); ok {
		with.Wait = many.After
	}
	v.note(refusal.TooManyAttempts, err)
	v.showWith(http.StatusTooManyRequests, with, screen)
}

// failed shows the error page. It returns false, so that callers can pass it on.
func (v *visit) failed(reason web.Reason, err error) bool {
	v.note(refusal.PageFailed, err)
	with := v.showing()
	v.showWith(reason.Status(), with, web.Failure{Reason: reason, Trace: activity.Of(v.r.Context()).Trace})
	return false
}

// failedBy shows the error page for what is no fault of the person's.
func (v *visit) failedBy(err error) bool {
	if errors.Is(err, errTwice) {
		return v.failed(web.FailedCookies, err)
	}
	with := v.showing()
	waits := errors.Is(err, store.ErrUnavailable) || errors.Is(err, secret.ErrBusy)
	reason, status := refusal.Ours, http.StatusInternalServerError
	if waits {
		reason, status = refusal.Unavailable, http.StatusServiceUnavailable
		with.Wait = time.Second
	}
	v.note(reason, err)
	v.showWith(status, with, web.Failure{Reason: web.FailedServer, Trace: activity.Of(v.r.Context()).Trace})
	return false
}

// note tells the log why.
func (v *visit) note(reason *refusal.Reason, err error) {
	activity.Of(v.r.Context()).Refusal = reason.From(err)
}

// to sends the browser on to another page; the authorization request goes along.
func (v *visit) to(path string) {
	at := v.j.Issuer.Path + path
	if v.pending != nil {
		at += "?" + url.Values{web.FieldRequest: {v.pending.handle}}.Encode()
	}
	v.redirect(at)
}

// redirect never repeats a POST (row A17).
func (v *visit) redirect(location string) {
	h := v.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // a handle may be in the URL
	h.Set("Location", location)
	v.w.WriteHeader(http.StatusSeeOther)
}

// refuse tells the application that there will be no code.
func (v *visit) refuse(reason *refusal.Reason) {
	v.j.Done(v.w, v.r, v.pending.hash, grant.Decision{Refused: reason})
}

// by says that a person changes something.
func (v *visit) by(accountID string) store.By {
	return store.By{Actor: accountID, Trace: activity.Of(v.r.Context()).Trace, At: v.j.Now()}
}

// field is a field of the form, without white space around it.
func (v *visit) field(name string) string { return strings.TrimSpace(v.r.PostForm.Get(name)) }
