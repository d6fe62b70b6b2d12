// Package console is the publisher's console: what operators see and steer of the
// deployment in their browser. There is one file for each noun, which reads what
// is asked for, calls the operation below, and hands plain values to a page.
//
// It decides nothing: clients, partners and API tokens are package partner's,
// people package account's, keys package keys'. The admin API calls the same
// operations, and neither knows the other. Who is there is asked of package home,
// and what their roles let them; what pages look like is package web's, and where
// they are mounted package server's.
//
// Everything is a page or a form of HTML, and works without JavaScript. Forms are
// POST, bound to the visit, and only from pages of ours (row R02); what ends or
// destroys something asks first, on a page of its own, and wants a sign-in that is
// not old.
package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// Recent is how old a sign-in may be for what ends or destroys something, or makes a
// secret (row P15).
const Recent = 10 * time.Minute

// maxForm is the longest form that is read, in bytes.
const maxForm = 64 << 10

// Options are what a Console is made of.
type Options struct {
	Door   *home.Door
	Pages  *web.Pages
	Assets http.Handler

	// Environments are those of the deployment, home among them as the last.
	Environments []*Environment
	Partners     *partner.Partners

	// Latency is how long the busiest routes of an environment take to answer, the
	// busiest first. Nil: it is not known.
	Latency func(environment string) []Latency

	Now func() time.Time
}

// An Environment is what the console reaches of one environment.
type Environment struct {
	*catalogue.Environment
	Clients   *partner.Clients
	APITokens *partner.APITokens
	Activity  store.Activity
	LastHour  func() activity.Hour // as this server saw it
	History   store.History
	Keys      []Ring
	People    *People // nil: nobody signs in here
}

// A Ring is the signing keys of one purpose.
type Ring struct {
	Purpose string // as keys are stored under
	*keys.Ring
}

// People are the operations on the people of one environment.
type People struct {
	*account.People
	Factors  *account.Factors
	Links    *account.Links // its Mailer may be nil: no mail is sent
	Sessions *account.Sessions
	Consents store.Consents
}

// A Console answers operators. It is safe for concurrent use.
type Console struct {
	Options
	routes    map[string]*route
	figures   figures
	elsewhere string // the origin where operators sign in; empty: the console's own
}

// New returns the console. Its paths begin at the root; whoever mounts it takes
// the path off before, and tells Options.Pages of it.
func New(o Options) *Console {
	c := &Console{Options: o, routes: map[string]*route{}}
	for _, r := range routes() {
		c.routes[r.path] = &r
	}
	if at, err := url.Parse(o.Door.Issuer); err == nil && (at.Host != o.Door.URL.Host || at.Scheme != o.Door.URL.Scheme) {
		c.elsewhere = at.Scheme + "://" + at.Host
	}
	return c
}

// A visit is one request for one page.
type visit struct {
	w    http.ResponseWriter
	r    *http.Request
	c    *Console
	at   *route
	who  *home.Visitor // nil: nobody is signed in
	sent url.Values    // of the query, or of the form

	waits string // how many requests wait, where that was asked
}

// ServeHTTP answers one request.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := &visit{w: w, r: r, c: c}
	if strings.HasPrefix(r.URL.Path, web.ConsoleAssets) {
		activity.Of(r.Context()).Route = "console-asset"
		c.Assets.ServeHTTP(w, r)
		return
	}
	if v.at = c.routes[r.URL.Path]; v.at == nil {
		v.at = &route{name: "console-unknown", get: func(*visit) error { return store.ErrNotFound }}
	}
	activity.Of(r.Context()).Route = v.at.name
	if err := v.answer(); err != nil {
		v.failed(err)
	}
}

// answer finds out who is there and what they may, and does what the route says.
func (v *visit) answer() error {
	do, allow := v.at.get, "GET, HEAD"
	switch {
	case v.at.get == nil:
		allow = "POST"
	case v.at.post != nil:
		allow += ", POST"
	}
	post := v.r.Method == http.MethodPost
	if post {
		do = v.at.post
	} else if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		do = nil
	}
	if do == nil {
		v.w.Header().Set("Allow", allow)
		return errMethod
	}
	if v.at.open {
		return do(v)
	}
	var err error
	if v.who, err = v.c.Door.Visitor(v.r); err != nil {
		return err
	}
	if v.who == nil && v.r.Header.Get("Sec-Fetch-Dest") == "empty" {
		return errSignedOut // a script read the page again: signing in is for a person
	}
	if v.who == nil {
		return v.c.Door.SignIn(v.w, v.r, 0)
	}
	if v.sent = v.r.URL.Query(); post {
		v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
		if err := v.c.Pages.Check(v.r, v.who.Handle); err != nil { // row R02
			return err
		}
		v.sent = v.r.PostForm
	}
	switch {
	case v.at.anybody:
	case !home.IsOperator(v.who.Account.Roles):
		return errStranger
	case v.at.may != "" && !v.may(v.at.may):
		return errForbidden
	}
	if v.at.sharp && v.c.Now().Sub(v.who.Session.AuthenticatedAt) > Recent {
		return v.again(post)
	}
	return do(v)
}

// again lets somebody prove anew who they are, and brings them back to the page
// that asks. What a form held is typed again, but for what it is about.
func (v *visit) again(post bool) error {
	if !post {
		return v.c.Door.SignIn(v.w, v.r, Recent)
	}
	about := []string{}
	for _, name := range []string{"environment", "id", "secret", "purpose", "session", "client", "member", "algorithm"} {
		if value := v.field(name); value != "" {
			about = append(about, name, value)
		}
	}
	v.to(to(v.r.URL.Path, about...))
	return nil
}

var (
	errMethod    = errors.New("the page does not know this method")
	errForbidden = errors.New("the roles of the operator do not let them do this")
	errStranger  = errors.New("the account is no operator's")
	errSignedOut = errors.New("nobody is signed in any more")
	errHome      = errors.New("only an owner changes what administers the deployment")
	errAsked     = errors.New("the question is not well formed")
)

// may reports whether the operator has a permission.
func (v *visit) may(permission string) bool { return home.May(v.who.Account.Roles, permission) }

// field is what was sent under a name, without white space around it.
func (v *visit) field(name string) string { return strings.TrimSpace(v.sent.Get(name)) }

// has reports whether a value was sent under a name, among others.
func (v *visit) has(name, value string) bool { return slices.Contains(v.sent[name], value) }

// by says who changes something. The account's id says nothing of the person.
func (v *visit) by() store.By {
	return store.By{Actor: v.who.Account.ID, Trace: activity.Of(v.r.Context()).Trace, At: v.c.Now().UTC().Truncate(time.Microsecond)}
}

// environment is the one that is asked for; where none is, the first.
func (v *visit) environment() (*Environment, error) {
	name := v.field("environment")
	for _, e := range v.c.Environments {
		if name == "" || e.Name == name {
			return e, nil
		}
	}
	return nil, store.ErrNotFound // row U01
}

// writable is the environment, where the operator may change it: what is home's
// administers the deployment, and only who says who is an operator may say who or
// what else does.
func (v *visit) writable() (*Environment, error) {
	e, err := v.environment()
	if err == nil && e.Name == catalogue.HomeName && !v.may("operators:write") {
		return nil, errHome
	}
	return e, err
}

// failed shows why there is no page.
func (v *visit) failed(err error) {
	reason, status := refusal.PageFailed, http.StatusInternalServerError
	page := web.ConsolePage{ConsoleFrame: web.ConsoleFrame{Title: "This did not work", Lead: "The server failed. What was to be changed may not have been: look before you try again."}}
	say := func(code int, title, lead string) { status, page.Title, page.Lead = code, title, lead }
	faults, wrong := errors.AsType[partner.Faults](err)
	soon, early := errors.AsType[*keys.TooSoonError](err)
	both, shared := home.Explain(err)
	switch {
	case wrong:
		say(http.StatusUnprocessableEntity, "This cannot be done as it is", faults.Error())
	case early:
		say(http.StatusConflict, "Too soon", soon.Error()+". In an emergency, say so on the form.")
	case errors.Is(err, errMethod):
		say(http.StatusMethodNotAllowed, "This address is not for that", "The page does not answer this method. Nothing was changed.")
	case errors.Is(err, errSignedOut):
		say(http.StatusForbidden, "You are signed out", "Load the page again to sign in.")
	case errors.Is(err, errStranger):
		say(http.StatusForbidden, "This console is for operators", "Your account is none of theirs. An owner can give it a role, on the page Operators.")
		page.Sign = true
	case errors.Is(err, errHome):
		say(http.StatusForbidden, "Only an owner may do this", "It would change what administers the deployment itself. Nothing was changed.")
	case errors.Is(err, errForbidden):
		say(http.StatusForbidden, "Your role does not include this", "It wants the permission "+v.at.may+". An owner can give you a role that has it. Nothing was changed.")
	case errors.Is(err, errAsked):
		say(http.StatusBadRequest, "This address is not well formed", "A link was cut short, perhaps. Go back to where it stood.")
	case shared:
		reason = both.Reason
		say(both.Status, both.Title, both.Lead)
	case errors.Is(err, partner.ErrDeclared):
		say(http.StatusConflict, "It stands in grantway.yaml", "What the file declares is changed there. Nothing was changed.")
	case errors.Is(err, partner.ErrSameOperator):
		say(http.StatusConflict, "Somebody else has to approve it", "Who made an elevated API token cannot approve it. Ask another operator.")
	case errors.Is(err, store.ErrConflict), errors.Is(err, partner.ErrRaced), errors.Is(err, store.ErrMoved):
		say(http.StatusConflict, "It is not as it was any more", "Somebody else changed it meanwhile, or it was done already. Look at it again.")
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, secret.ErrBusy):
		reason = refusal.Unavailable
		v.w.Header().Set("Retry-After", "1")
		say(http.StatusServiceUnavailable, "The server is busy", "The store did not answer in time. Wait a moment and look before you try again.")
	}
	if status >= http.StatusInternalServerError && reason == refusal.PageFailed {
		reason = refusal.Ours
	}
	fact := activity.Of(v.r.Context())
	fact.Refusal = reason.From(err)
	page.Sections = []web.ConsoleSection{{
		Name: "trace", Heading: "For your notes", Facts: []web.ConsoleFact{told("Trace id", code(fact.Trace))},
		Actions: []web.ConsoleLink{{Text: "To the overview", To: "/"}},
	}}
	v.show(status, &page)
}
