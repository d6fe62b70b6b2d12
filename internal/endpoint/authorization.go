package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
)

// Authorization is the authorization endpoint (RFC 6749 §3.1). It checks what an
// application asks for, keeps it, and sends the person's browser to the pages; when
// they have decided, Done answers the application. It shows no page of its own.
//
// As long as client and redirect URI are not proven, nothing is sent anywhere:
// what is wrong is shown on a page (row A15).
type Authorization struct {
	Environment string
	Issuer      string // under which the pages are
	Name        string // the issuer as tokens say it: iss (RFC 9207)
	Secure      bool   // the browser comes by TLS
	Allotment   grant.Allotment
	Life        catalogue.RefreshLife
	Limit       int64 // of a body, in bytes

	Clients interface {
		Find(ctx context.Context, id string) (*store.Client, error)
	}
	Requests store.Requests
	Grants   interface {
		Start(ctx context.Context, request [32]byte, g store.Grant, c *store.Consent, by store.By) error
	}
	Hints  *token.Hints
	Pages  Pages
	Now    func() time.Time
	Random io.Reader
}

// Pages are what the endpoint shows where it does not redirect.
type Pages interface {
	// Refuse says what is wrong to the person, who alone is known to be there.
	Refuse(w http.ResponseWriter, r *http.Request, refused *refusal.Refusal)

	// Post lets the browser post an answer to an application (OAuth 2.0 Form Post
	// Response Mode §2).
	Post(w http.ResponseWriter, r *http.Request, to, application string, members [][2]string)
}

// requestLife is how long a request waits for its person.
const requestLife = 15 * time.Minute

// ServeHTTP answers with a redirect to the pages, with one to the application, or
// with a page.
func (a *Authorization) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost { // rows B25, B32
		w.Header().Set("Allow", "GET, POST")
		a.page(w, r, refusal.AuthorizationMethod)
		return
	}
	q, err := a.read(r)
	if err != nil {
		a.page(w, r, err)
		return
	}
	browser, known, err := a.browser(w, r)
	if err != nil {
		a.page(w, r, err)
		return
	}
	if err := q.check(); err != nil {
		a.refuse(w, r, &q.asked, err)
		return
	}
	if !known && r.Method == http.MethodGet && slices.Contains(q.asked.Prompt, "none") {
		// Nobody is signed in in a browser that sends no cookie, and a frame of another
		// site keeps none: the pages, which never stand in a frame, could not find the
		// request again (OpenID Connect Core §3.1.2.6). With a POST from another site the
		// cookies stay behind; the pages get them.
		a.refuse(w, r, &q.asked, refusal.LoginRequired)
		return
	}
	handle, err := a.save(r.Context(), q, browser)
	if err != nil {
		a.refuse(w, r, &q.asked, err)
		return
	}
	activity.Of(r.Context()).Event = "authorization.asked"
	h := w.Header()
	noStore(h)
	h.Set("Referrer-Policy", "no-referrer") // the handle is in the URL
	h.Set("Location", a.Issuer+"/login?request="+handle)
	w.WriteHeader(http.StatusFound)
}

// save keeps a good request and returns its handle.
func (a *Authorization) save(ctx context.Context, q *asking, browser [32]byte) (string, error) {
	handle, err := secret.NewOpaque(a.Random)
	if err != nil {
		return "", err
	}
	encoded, err := json.Marshal(&q.asked)
	if err != nil {
		return "", err
	}
	return handle.Reveal(), a.Requests.Save(ctx, store.Request{
		Hash: secret.HashOf(handle.Reveal()), Browser: browser, ClientID: q.client.ID, Asked: encoded,
		CreatedAt: q.asked.AskedAt, EndsAt: q.asked.AskedAt.Add(requestLife),
	})
}

// BrowserCookie is the name of the cookie that binds requests to the browser that
// brought them. Without TLS it cannot have the prefix that keeps other hosts from
// setting it.
func BrowserCookie(environment string, secure bool) string {
	if secure {
		return "__Host-grantway-" + environment + "-browser"
	}
	return "grantway-" + environment + "-browser"
}

// browser returns the hash of the browser's cookie, and whether it sent one. A
// browser that has none gets one; what it holds means nothing to anybody (row B34).
func (a *Authorization) browser(w http.ResponseWriter, r *http.Request) (_ [32]byte, known bool, _ error) {
	name := BrowserCookie(a.Environment, a.Secure)
	sent := r.CookiesNamed(name)
	if len(sent) > 1 {
		return [32]byte{}, false, refusal.CookieTwice // row P10
	}
	if len(sent) == 1 {
		if hash, ok := secret.ParseOpaque(sent[0].Value); ok {
			return hash, true, nil
		}
	}
	made, err := secret.NewOpaque(a.Random)
	if err != nil {
		return [32]byte{}, false, err
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: made.Reveal(), Path: "/", Secure: a.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return secret.HashOf(made.Reveal()), false, nil
}

// page shows what is wrong to the person, who alone is known to be there.
func (a *Authorization) page(w http.ResponseWriter, r *http.Request, err error) {
	refused := refusal.Of(waiting(err))
	activity.Of(r.Context()).Refusal = refused
	noStore(w.Header())
	a.Pages.Refuse(w, r, refused)
}

// found finds a client that may be used.
func (a *Authorization) found(ctx context.Context, id string) (*store.Client, error) {
	client, err := a.Clients.Find(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, refusal.ApplicationUnknown.From(err)
	case err != nil:
		return nil, err
	case client.Disabled():
		return nil, refusal.ApplicationUnknown // row B16: the same text
	}
	return client, nil
}
