package portal

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// Recent is how old a sign-in may be for what makes or ends a secret, ends or enables
// an application, or changes who is a member.
const Recent = 30 * time.Minute

// maxForm is the longest form that is read, in bytes.
const maxForm = 64 << 10

// Self is where a partner's people help themselves: they ask for access, make and
// replace secrets, see what their clients do and why they were refused, try the API,
// and say who else may. Everything else it leaves to the documentation.
//
// It is mounted as Docs is. Whatever belongs to another partner is answered like
// what there is not. Nothing of it is kept by anybody on the way, and every form is
// POST, bound to the visit, and only from pages of ours (row R02). Its fields are not
// changed after the first request; it is then safe for concurrent use.
type Self struct {
	Docs     *Docs
	Door     *home.Door
	Pages    *web.Pages
	Partners *partner.Partners

	Environments []*Published
	Closed       bool                       // strangers do not ask for access
	Address      func(*http.Request) string // what a caller shares with nobody else
	Network      func(*http.Request) string // from which they come, as far as it is remembered; empty: unknown
	Asking       *limit.Rates               // of strangers by address, of others by account
	Inviting     *limit.Rates               // by account
	Trying       *limit.Rates               // by account
	Now          func() time.Time
	Random       io.Reader

	once      sync.Once
	root      string // URL path
	elsewhere string // the origin where people sign in; empty: this one
	routes    map[string]*selfRoute
}

// Published is what is reached of one environment.
type Published struct {
	*catalogue.Environment
	Clients  *partner.Clients
	Activity store.Activity

	// Settle writes what is known and not in Activity yet.
	Settle func(context.Context) error

	// Mint makes a short-lived token for a client, marked as made here. Call sends a
	// request through the gateway of the environment, and nowhere else.
	Mint func(ctx context.Context, clientID string, api *catalogue.API, scope []string) (secret.Secret, error)
	Call func(*http.Request) *http.Response
}

// A selfRoute is one page.
type selfRoute struct {
	path  string
	name  string // as logs call it
	may   string // what a member must be let do somewhere; empty: nothing
	open  bool   // answers without anybody signed in
	sharp bool   // wants a recent sign-in
	get   func(*self) error
	post  func(*self) error
}

// selfRoutes are all pages with what they want: what is not here is not there
// (row U02). Which partner they are about, and whether the member may there, their
// objects say.
func selfRoutes() []*selfRoute {
	return []*selfRoute{
		{path: catalogue.SignedInPath, name: "portal-signed-in", open: true, get: func(v *self) error { return v.s.Door.SignedIn(v.w, v.r) }},
		{path: web.ConsoleSignOut, name: "portal-sign-out", post: (*self).signOut},
		{path: "/ask", name: "portal-ask", open: true, get: (*self).ask, post: (*self).asked},
		{path: "/ask/mail", name: "portal-mail", open: true, get: (*self).mail},
		{path: partner.ConfirmPath, name: "portal-confirm", open: true, get: (*self).confirmForm, post: (*self).confirm},
		{path: "/ask/thanks", name: "portal-thanks", open: true, get: (*self).thanks},
		{path: "/ask/withdraw", name: "portal-withdraw", get: (*self).withdrawForm, post: (*self).withdraw},

		{path: "/applications", name: "portal-applications", get: (*self).applications},
		{path: "/application", name: "portal-application", may: partner.MaySee, get: (*self).application},
		{path: "/application/secret", name: "portal-secret", may: partner.MaySecrets, sharp: true, get: (*self).secretForm, post: (*self).makeSecret},
		{path: "/application/revoke", name: "portal-revoke", may: partner.MayDelete, sharp: true, get: (*self).revokeForm, post: (*self).revoke},
		{path: "/application/disable", name: "portal-disable", may: partner.MayDelete, sharp: true, get: (*self).disableForm, post: (*self).disable},
		{path: "/application/enable", name: "portal-enable", may: partner.MayDelete, sharp: true, get: (*self).enableForm, post: (*self).enable},
		{path: "/application/delete", name: "portal-delete", may: partner.MayDelete, sharp: true, get: (*self).deleteForm, post: (*self).delete},
		{path: "/application/leaked", name: "portal-leaked", may: partner.MaySecrets, sharp: true, get: (*self).leakedForm, post: (*self).leaked},

		{path: "/why", name: "portal-why", may: partner.MaySee, get: (*self).why},
		{path: "/try", name: "portal-try", may: partner.MayTry, get: (*self).try, post: (*self).tried},

		{path: "/members", name: "portal-members", may: partner.MaySee, get: (*self).members},
		{path: "/members/invite", name: "portal-invite", may: partner.MayMembers, sharp: true, get: (*self).inviteForm, post: (*self).invite},
		{path: "/members/role", name: "portal-role", may: partner.MayMembers, sharp: true, get: (*self).roleForm, post: (*self).setRole},
		{path: "/members/remove", name: "portal-remove", may: partner.MayMembers, sharp: true, get: (*self).removeForm, post: (*self).remove},
	}
}

// A self is one request for one page.
type self struct {
	w     http.ResponseWriter
	r     *http.Request
	s     *Self
	at    *selfRoute
	who   *home.Visitor // nil: nobody is signed in
	guest string        // what forms of nobody are bound to
	of    []store.Partner
	sent  url.Values // of the query, or of the form
}

// ServeHTTP answers one request.
func (s *Self) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.once.Do(s.build)
	at := s.routes[r.URL.Path]
	if at == nil {
		s.Docs.ServeHTTP(w, r)
		return
	}
	activity.Of(r.Context()).Route = at.name
	v := &self{w: w, r: r, s: s, at: at}
	if err := v.answer(); err != nil {
		v.failed(err)
	}
}

func (s *Self) build() {
	s.Docs.once.Do(s.Docs.build)
	s.root = pathOf(s.Docs.URL.String())
	s.routes = map[string]*selfRoute{}
	for _, r := range selfRoutes() {
		s.routes[r.path] = r
	}
	if at, err := url.Parse(s.Door.Issuer); err == nil && catalogue.Origin(at) != catalogue.Origin(s.Docs.URL) {
		s.elsewhere = catalogue.Origin(at)
	}
}

var (
	errSelfMethod = errors.New("the page does not know this method")
	errSelfMay    = errors.New("the member's role does not include this")
	errNoMember   = errors.New("the account is no partner's member")
	errKeptOut    = errors.New("the partner is disabled")
	errMany       = errors.New("too many in a short time")
)

// answer finds out who is there and does what the route says.
func (v *self) answer() error {
	post := v.r.Method == http.MethodPost
	do := v.at.get
	if post {
		do = v.at.post
	} else if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		do = nil
	}
	if do == nil {
		allow := []string{}
		if v.at.get != nil {
			allow = append(allow, "GET, HEAD")
		}
		if v.at.post != nil {
			allow = append(allow, "POST")
		}
		v.w.Header().Set("Allow", strings.Join(allow, ", "))
		return errSelfMethod
	}
	if err := v.recognise(); err != nil {
		return err
	}
	if v.who == nil && !v.at.open {
		return v.enter(post)
	}
	if v.sent = v.r.URL.Query(); post {
		v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
		if err := v.s.Pages.Check(v.r, v.browser()); err != nil { // row R02
			return err
		}
		v.sent = v.r.PostForm
	}
	if v.at.may != "" {
		if err := v.admitted(); err != nil {
			return err
		}
	}
	if v.at.sharp && v.s.Now().Sub(v.who.Session.AuthenticatedAt) > Recent {
		return v.again(post)
	}
	return do(v)
}

// recognise finds out who is there, and whose member they are.
func (v *self) recognise() (err error) {
	if v.at.path == catalogue.SignedInPath {
		return nil
	}
	if v.who, err = v.s.Door.Visitor(v.r); err != nil {
		return err
	}
	if v.who == nil {
		v.guest = v.guestOf()
		return nil
	}
	v.of, _, err = v.s.Partners.List(v.r.Context(), store.PartnerQuery{Member: v.who.Account.ID, Limit: 100})
	return err
}

// admitted keeps out who is nobody's member, and who may not at any of them. What a
// page is about says more: see mine.
func (v *self) admitted() error {
	switch {
	case len(v.of) == 0:
		return errNoMember
	case !slices.ContainsFunc(v.of, func(p store.Partner) bool { return !p.Disabled() }):
		return errKeptOut
	}
	return nil
}

// enter lets somebody sign in. Where a visit ended over a form, its page is asked for
// again, by what the form said that it is about: nothing else of it is believed.
func (v *self) enter(post bool) error {
	if !post || v.at.get == nil {
		return v.s.Door.SignIn(v.w, v.r, 0)
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if v.r.ParseForm() != nil {
		return web.ErrForm
	}
	v.sent = v.r.PostForm
	return v.again(post)
}

// again lets somebody prove anew who they are, and brings them back to the page
// that asks.
func (v *self) again(post bool) error {
	if !post {
		return v.s.Door.SignIn(v.w, v.r, Recent)
	}
	about := []string{}
	for _, name := range []string{"environment", "id", "secret", "partner", "account"} {
		if value := v.field(name); value != "" {
			about = append(about, name, value)
		}
	}
	return v.to(v.at.path, about...)
}

// guestCookie binds the forms of somebody who is not signed in to their browser.
const guestCookie = "grantway-portal-guest"

// guestOf is what a stranger's forms are bound to; one who has nothing gets it.
func (v *self) guestOf() string {
	name := guestCookie
	secure := v.s.Docs.URL.Scheme == "https"
	if secure {
		name = "__Host-" + name
	}
	if sent := v.r.CookiesNamed(name); len(sent) == 1 && len(sent[0].Value) == 22 {
		return sent[0].Value
	}
	made := make([]byte, 16)
	if _, err := io.ReadFull(v.s.Random, made); err != nil {
		return ""
	}
	handle := base64.RawURLEncoding.EncodeToString(made)
	http.SetCookie(v.w, &http.Cookie{Name: name, Value: handle, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode})
	return handle
}

// browser is what forms are bound to.
func (v *self) browser() string {
	if v.who != nil {
		return v.who.Handle
	}
	return v.guest
}

// field is what was sent under a name, without white space around it.
func (v *self) field(name string) string { return strings.TrimSpace(v.sent.Get(name)) }

// by says who changes something. The account's id says nothing of the person.
func (v *self) by() store.By {
	who := "stranger"
	if v.who != nil {
		who = v.who.Account.ID
	}
	return store.By{Actor: who, Trace: activity.Of(v.r.Context()).Trace, At: v.s.Now().UTC().Truncate(time.Microsecond)}
}

func (v *self) signOut() error { return v.s.Door.SignOut(v.w, v.r) }

// published is the environment of that name, or nil.
func (s *Self) published(name string) *Published {
	for _, e := range s.Environments {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// partner is one of the visitor's own, in which they may do what the route wants.
// With an empty id it is the first in which they may.
func (v *self) partner(id string) (*store.Partner, error) {
	var out error = store.ErrNotFound
	for i := range v.of {
		p := &v.of[i]
		if id != "" && p.ID != id {
			continue
		}
		switch {
		case p.Disabled():
			out = errKeptOut
		case !partner.MemberMay(p.Role(v.who.Account.ID), v.at.may):
			out = errSelfMay
		default:
			return p, nil
		}
	}
	return nil, out
}

// mine is the client that is asked for. Another partner's is answered like one that
// there is not (row U01).
func (v *self) mine() (*Published, store.Client, error) {
	e := v.s.published(v.field("environment"))
	if e == nil {
		return nil, store.Client{}, store.ErrNotFound
	}
	c, err := e.Clients.Find(v.r.Context(), v.field("id"))
	if err != nil {
		return nil, store.Client{}, err
	}
	if c.Partner == "" {
		return nil, store.Client{}, store.ErrNotFound
	}
	if _, err := v.partner(c.Partner); err != nil {
		return nil, store.Client{}, err
	}
	return e, c, nil
}

// Visitor says who reads the documentation, with their clients for its examples.
func (s *Self) Visitor(r *http.Request) *Visitor {
	who, err := s.Door.Visitor(r)
	if who == nil || err != nil {
		return nil
	}
	shown := &Visitor{Name: who.Account.Name, Clients: map[string]string{}, Applications: map[string][]Application{}}
	of, _, err := s.Partners.List(r.Context(), store.PartnerQuery{Member: who.Account.ID, Limit: 10})
	if err != nil {
		return shown
	}
	for i := range of {
		if of[i].Disabled() {
			continue
		}
		for _, e := range s.Environments {
			clients, _, err := e.Clients.Of(r.Context(), of[i].ID, "", 20)
			if err != nil {
				continue
			}
			for k := range clients {
				if c := &clients[k]; !c.Disabled() {
					shown.Clients[e.Name] = cmp.Or(shown.Clients[e.Name], c.ID)
					shown.Applications[e.Name] = append(shown.Applications[e.Name], Application{ID: c.ID, Name: c.Name, Scopes: c.Allotted})
				}
			}
		}
	}
	return shown
}
