package home

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/oauth"
)

var (
	// ErrAnswer says that a browser came back with an answer that belongs to no
	// sign-in of its own: it began too long ago, or somebody else did.
	ErrAnswer = errors.New("the answer belongs to no sign-in that this browser began here")

	// ErrRefused says that a person came back without having signed in.
	ErrRefused = errors.New("the sign-in was not finished")

	// ErrTwice says that a browser sent a cookie of a door twice: somebody else set it
	// too, and nobody knows which is the person's.
	ErrTwice = errors.New("a cookie came twice: somebody else set it too")
)

// How long things last.
const (
	goingFor = 15 * time.Minute // between leaving for home and coming back
	seenEach = time.Minute      // a session's use is written so often
)

// A Door lets people of home in at one part of this server. Its fields are not
// changed after the first request; it is then safe for concurrent use.
type Door struct {
	Part     string   // "console" or "portal"; it names the cookies
	URL      *url.URL // of the part
	ClientID string
	Secret   func(context.Context) (client.Secret, error)

	Issuer    string            // home's
	Transport http.RoundTripper // to its endpoints
	Hints     *token.Hints      // its ID tokens

	Accounts   Accounts
	Sessions   Sessions
	Idle       time.Duration // as home's pages have it
	TwoFactors bool          // nobody is let in with one

	// End ends a session of home with what was allowed in it; see account.Sessions.
	End func(ctx context.Context, accountID, sessionID string, by store.By) error

	Seal *keys.Seal
	Now  func() time.Time
}

// Accounts finds people, disabled or not.
type Accounts interface {
	Find(ctx context.Context, id string) (store.Account, error)
}

// Sessions finds home's sessions.
type Sessions interface {
	FindByID(ctx context.Context, id string, idle time.Duration, now time.Time) (store.Session, error)
	Seen(ctx context.Context, hash [32]byte, at time.Time) error
}

// A Visitor is a person who is signed in.
type Visitor struct {
	Account store.Account
	Session store.Session
	Handle  string // of this visit, which forms are bound to; never empty
}

// visit is what the cookie holds.
type visit struct {
	SessionID string `json:"sid"`
	AccountID string `json:"sub"`
	ACR       string `json:"acr"`
	Handle    string `json:"handle"`
}

// going is what the browser keeps between leaving and coming back.
type going struct {
	State    string    `json:"state"`
	Verifier string    `json:"verifier"`
	Back     string    `json:"back"` // a path of the part
	EndsAt   time.Time `json:"ends_at"`
}

// Visitor returns who is signed in, nil when nobody is. An error is the store's,
// or ErrTwice.
func (d *Door) Visitor(r *http.Request) (*Visitor, error) {
	var v visit
	if ok, err := d.open(r, "visit", &v); !ok || err != nil {
		return nil, err
	}
	if d.TwoFactors && v.ACR != account.ACRTwo {
		return nil, nil
	}
	now := d.Now()
	session, err := d.Sessions.FindByID(r.Context(), v.SessionID, d.Idle, now)
	if err == nil && session.AccountID != v.AccountID {
		err = store.ErrNotFound
	}
	var who store.Account
	if err == nil {
		who, err = d.Accounts.Find(r.Context(), v.AccountID)
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && who.Disabled() {
		return nil, nil
	}
	if err == nil && now.Sub(session.SeenAt) >= seenEach {
		err = d.Sessions.Seen(r.Context(), session.Hash, now)
	}
	if err != nil {
		return nil, err
	}
	return &Visitor{Account: who, Session: session, Handle: v.Handle}, nil
}

// SignIn sends the browser to home. It comes back to the page that was asked for,
// where that can be read again. With recent, the person proves anew who they are,
// unless they did so within that time.
func (d *Door) SignIn(w http.ResponseWriter, r *http.Request, recent time.Duration) error {
	extra := url.Values{}
	if d.TwoFactors {
		extra.Set("claims", `{"id_token":{"acr":{"essential":true,"values":["`+account.ACRTwo+`"]}}}`)
	}
	if recent > 0 {
		extra.Set("max_age", strconv.Itoa(int(recent/time.Second)))
	}
	c, err := d.client()
	if err != nil {
		return err
	}
	in, err := c.SignIn(r.Context(), d.redirect(), extra)
	if err != nil {
		return err
	}
	back := r.URL.RequestURI()
	if r.Method != http.MethodGet || !catalogue.LocalPath(d.URL.Path+back) { // row A22
		back = "/"
	}
	d.keep(w, "going", fitting(append(d.underWay(r), going{
		State: in.State.Reveal(), Verifier: in.Verifier.Reveal(), Back: back, EndsAt: d.Now().Add(goingFor),
	})))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", in.URL)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// underWay is what a browser began and did not finish: each of its windows may have
// been sent to sign in. A cookie that came twice is nobody's.
func (d *Door) underWay(r *http.Request) (all []going) {
	if ok, err := d.open(r, "going", &all); !ok || err != nil {
		return nil
	}
	now := d.Now()
	return slices.DeleteFunc(all, func(g going) bool { return !now.Before(g.EndsAt) })
}

// fitting is the newest of what was begun, as many as a browser keeps in one cookie.
func fitting(all []going) []going {
	const (
		most = 4
		room = 2500 // bytes; sealed and encoded it is a third longer, and a browser keeps 4096
		each = 200  // bytes of one beside its way back
	)
	first, size := len(all)-1, each+len(all[len(all)-1].Back)
	for first > 0 && len(all)-first < most {
		if size += each + len(all[first-1].Back); size > room {
			break
		}
		first--
	}
	return all[first:]
}

// SignedIn takes what a browser came back with, and sends it to where it wanted
// to go. Errors are ErrAnswer, ErrRefused, and those of package client; nothing has
// been answered then.
func (d *Door) SignedIn(w http.ResponseWriter, r *http.Request) error {
	var all []going
	ok, err := d.open(r, "going", &all)
	if err != nil {
		return err
	}
	state, now := r.URL.Query().Get("state"), d.Now()
	i := slices.IndexFunc(all, func(g going) bool { return g.State == state && now.Before(g.EndsAt) })
	if !ok || i < 0 {
		return ErrAnswer
	}
	g := all[i]
	c, err := d.client()
	if err != nil {
		return err
	}
	in := &client.SignIn{RedirectURI: d.redirect(), State: client.Secret(g.State), Verifier: client.Secret(g.Verifier)}
	got, err := c.Exchange(r.Context(), in, r.URL.Query())
	var refused *client.RefusedError
	switch {
	case errors.Is(err, client.ErrState), errors.Is(err, client.ErrIssuer):
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	case errors.As(err, &refused):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	case err != nil:
		return err
	}
	said, err := d.Hints.Read(got.ID.Reveal())
	if err != nil || said.ClientID != d.ClientID || said.SessionID == "" {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if all = slices.Delete(all, i, i+1); len(all) > 0 {
		d.keep(w, "going", all)
	} else {
		d.drop(w, "going")
	}
	d.keep(w, "visit", &visit{SessionID: said.SessionID, AccountID: said.Subject, ACR: said.ACR, Handle: g.State})
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", d.URL.Path+g.Back)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// SignOut ends the session that the visit is in, at every part and application, and
// sends the browser to home, where its cookie ends too (OpenID Connect RP-Initiated
// Logout §2). To forget the visit alone would leave whoever has a copy of the cookie
// signed in (row P24). An error is the store's; nothing has been answered then.
func (d *Door) SignOut(w http.ResponseWriter, r *http.Request) error {
	var v visit
	there, err := d.open(r, "visit", &v)
	if there {
		by := store.By{Actor: v.AccountID, Trace: activity.Of(r.Context()).Trace, At: d.Now().UTC().Truncate(time.Microsecond)}
		err = d.End(r.Context(), v.AccountID, v.SessionID, by)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	d.drop(w, "visit")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", d.Issuer+"/logout?"+url.Values{
		"client_id": {d.ClientID}, "post_logout_redirect_uri": {d.URL.String() + "/"},
	}.Encode())
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

func (d *Door) redirect() string { return d.URL.String() + catalogue.SignedInPath }

// client is made anew for each sign-in: a client keeps the tokens of one person,
// and these are wanted by nobody.
func (d *Door) client() (*client.Client, error) {
	return client.New(client.Config{
		Issuer: d.Issuer, ClientID: d.ClientID, Secret: d.Secret,
		Grant: oauth.GrantAuthorizationCode, Target: client.Target{Scopes: []string{oauth.ScopeOpenID}}, Transport: d.Transport,
	})
}

// cookie is what a cookie of this door is called. Over TLS it has the prefix that
// keeps other hosts from setting it.
func (d *Door) cookie(which string) string {
	name := "grantway-" + d.Part + "-" + which
	if d.URL.Scheme == "https" {
		return "__Host-" + name
	}
	return name
}

func (d *Door) context(which string) []byte { return []byte("door\x00" + d.Part + "\x00" + which) }

// open reads a cookie that this door sealed. One that it did not is none.
func (d *Door) open(r *http.Request, which string, into any) (bool, error) {
	sent := r.CookiesNamed(d.cookie(which))
	if len(sent) == 0 {
		return false, nil
	}
	if len(sent) > 1 {
		return false, fmt.Errorf("%w: %s, %d times", ErrTwice, d.cookie(which), len(sent))
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(sent[0].Value)
	if err != nil {
		return false, nil
	}
	text, err := d.Seal.Open(sealed, d.context(which))
	if err != nil {
		return false, nil
	}
	return json.Unmarshal(text, into) == nil, nil
}

func (d *Door) keep(w http.ResponseWriter, which string, what any) {
	text, err := json.Marshal(what)
	if err != nil {
		panic(err) // only this package's types are given to it
	}
	d.set(w, which, base64.RawURLEncoding.EncodeToString(d.Seal.Close(text, d.context(which))), 0)
}

func (d *Door) drop(w http.ResponseWriter, which string) { d.set(w, which, "", -1) }

func (d *Door) set(w http.ResponseWriter, which, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: d.cookie(which), Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.EqualFold(d.URL.Scheme, "https"),
	})
}
