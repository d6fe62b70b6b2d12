package proxy

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/forward"
	"github.com/grantway/grantway/internal/limit"
)

// Where people sign in and out, and the issuer tells of it.
const (
	loginPath    = "/auth/login"
	callbackPath = "/auth/callback"
	mePath       = "/auth/me"
	logoutPath   = "/auth/logout"
	noticePath   = "/auth/backchannel"
)

// own returns what answers a path of the proxy's own; nil: the path is none.
func (p *Proxy) own(path string) http.HandlerFunc {
	for _, row := range []struct {
		path, method string
		answer       http.HandlerFunc
	}{
		{loginPath, http.MethodGet, p.login},
		{callbackPath, http.MethodGet, p.callback},
		{mePath, http.MethodGet, p.me},
		{logoutPath, http.MethodPost, p.logout},
	} {
		if path == row.path {
			return func(w http.ResponseWriter, r *http.Request) {
				activity.Of(r.Context()).Route = row.path
				w.Header().Set("Cache-Control", "no-store")
				w.Header().Set("Referrer-Policy", "no-referrer")
				if r.Method != row.method {
					w.Header().Set("Allow", row.method)
					p.refuse(w, r, methodWrong)
					return
				}
				row.answer(w, r)
			}
		}
	}
	return nil
}

const (
	awayFor   = 10 * time.Minute // that a person may take at the issuer
	maxReturn = 2000             // bytes: a browser keeps 4096 of a cookie, and this one is sealed
)

// attempt bounds how often one address begins to sign in, and how often it has a code
// exchanged: the issuer counts that as ours.
func (p *Proxy) attempt(w http.ResponseWriter, r *http.Request, what string) bool {
	ok, retry := p.attempts.Spend(what + limit.AddressKey(limit.ClientAddress(r, p.config.Listen.Trusted)))
	if !ok {
		p.refuse(w, r, slower(w, retry))
	}
	return ok
}

// login sends the browser to the issuer.
func (p *Proxy) login(w http.ResponseWriter, r *http.Request) {
	if !p.attempt(w, r, "begin ") {
		return
	}
	to, err := p.away(w, r)
	if err != nil {
		p.refuse(w, r, p.why(w, r, err))
		return
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

func (p *Proxy) away(w http.ResponseWriter, r *http.Request) (string, error) {
	there, err := p.people.discover(r.Context())
	if err != nil {
		return "", err
	}
	c, err := p.people.client(there)
	if err != nil {
		return "", err
	}
	nonce, err := p.handle()
	if err != nil {
		return "", err
	}
	in, err := c.SignIn(r.Context(), p.config.Public.String()+callbackPath, url.Values{"nonce": {nonce}})
	if err != nil {
		return "", err
	}
	back := r.URL.Query().Get("return")
	if !catalogue.LocalPath(back) || len(back) > maxReturn {
		back = p.config.SignIn.After // row A22
	}
	sealed, err := p.people.close(trip{State: in.State, Verifier: in.Verifier, Nonce: nonce, Return: back, Until: p.now().Add(awayFor).Unix()})
	if err != nil {
		return "", err
	}
	// Lax, since the browser comes back from another site.
	p.setCookie(w, signInCookie, sealed, http.SameSiteLaxMode, awayFor)
	return in.URL, nil
}

// handle is 256 random bits.
func (p *Proxy) handle() (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(p.random, b[:]); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// callback is where the browser comes back from the issuer.
func (p *Proxy) callback(w http.ResponseWriter, r *http.Request) {
	if !p.attempt(w, r, "end ") {
		return
	}
	to, err := p.arrive(w, r)
	if err != nil {
		if busy := new(client.BusyError); errors.As(err, &busy) {
			p.refuse(w, r, p.why(w, r, err))
			return
		}
		p.refuse(w, r, signInFailed.From(err))
		return
	}
	activity.Of(r.Context()).Event = "signed.in"
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

func (p *Proxy) arrive(w http.ResponseWriter, r *http.Request) (string, error) {
	sealed, err := p.cookie(r, signInCookie)
	if err != nil || sealed == "" {
		return "", errors.Join(errors.New("this browser was not sent away to sign in"), err)
	}
	t, err := p.people.open(sealed)
	if err != nil {
		p.dropCookie(w, signInCookie)
		return "", err
	}
	there, err := p.people.discover(r.Context())
	if err != nil {
		return "", err
	}
	c, err := p.people.client(there)
	if err != nil {
		return "", err
	}
	answer := r.URL.Query()
	if there.NamesItself && !answer.Has("iss") {
		return "", client.ErrIssuer // RFC 9207 §2.4
	}
	in := &client.SignIn{RedirectURI: p.config.Public.String() + callbackPath, State: t.State, Verifier: t.Verifier}
	got, err := c.Exchange(r.Context(), in, answer)
	if errors.Is(err, client.ErrState) {
		return "", err // the answer that is waited for may still come
	}
	p.dropCookie(w, signInCookie) // good once
	if err != nil {
		return "", err
	}
	found, err := p.people.verify(r.Context(), there, got, t.Nonce)
	if err != nil {
		return "", err
	}
	if err := p.people.describe(r.Context(), there, c, found); err != nil {
		return "", err
	}
	if old, err := p.cookie(r, sessionCookie); err == nil && old != "" {
		p.sessions.remove(p.sessions.find(old))
	}
	handle, err := p.handle() // a new one, whatever the browser had (session fixation)
	if err != nil {
		return "", err
	}
	p.sessions.add(handle, &session{client: c, calls: c.HTTP().Transport, claims: found.claims, subject: found.Subject, sid: found.Session})
	p.setCookie(w, sessionCookie, handle, http.SameSiteStrictMode, p.config.SignIn.Session)
	return t.Return, nil
}

// signedIn returns the session of a request.
func (p *Proxy) signedIn(r *http.Request) (*session, error) {
	handle, err := p.cookie(r, sessionCookie)
	if err != nil {
		return nil, err
	}
	if handle == "" {
		return nil, signInNeeded
	}
	if s := p.sessions.find(handle); s != nil {
		return s, nil
	}
	return nil, signInNeeded.From(errors.New("the session has ended"))
}

// me tells the page who is signed in. That nobody is, is an answer as well.
func (p *Proxy) me(w http.ResponseWriter, r *http.Request) {
	s, err := p.signedIn(r)
	if err != nil && !errors.Is(err, signInNeeded) {
		p.refuse(w, r, err)
		return
	}
	told := struct {
		SignedIn bool           `json:"signed_in"`
		Claims   map[string]any `json:"claims"`
		Expires  int            `json:"expires_in,omitempty"` // seconds, if the session is not used
		Login    string         `json:"login,omitempty"`
		Logout   string         `json:"logout,omitempty"`
	}{}
	if s != nil {
		told.SignedIn, told.Claims, told.Logout = true, s.claims, p.config.Public.String()+logoutPath
		told.Expires = int(p.sessions.left(s) / time.Second)
	} else {
		told.Login = p.config.Public.String() + loginPath
	}
	p.tell(w, told)
}

func (p *Proxy) tell(w http.ResponseWriter, what any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(what) // a page that has gone is no concern of ours
}

// logout ends the session and says where the issuer's ends (OpenID Connect
// RP-Initiated Logout §2). No ID token goes along as a hint: it would be in the
// browser's history. The issuer asks the person instead.
func (p *Proxy) logout(w http.ResponseWriter, r *http.Request) {
	s, err := p.signedIn(r)
	if err != nil && !errors.Is(err, signInNeeded) {
		p.refuse(w, r, err)
		return
	}
	p.sessions.remove(s)
	p.dropCookie(w, sessionCookie)
	p.revoke(r.Context(), s)
	to := p.config.Public.String() + p.config.SignIn.After
	if there, err := p.people.discover(r.Context()); err == nil && there.EndSession != "" {
		if u, err := url.Parse(there.EndSession); err == nil {
			q := u.Query()
			q.Set("client_id", p.config.SignIn.ID)
			q.Set("post_logout_redirect_uri", to)
			u.RawQuery = q.Encode()
			to = u.String()
		}
	}
	activity.Of(r.Context()).Event = "signed.out"
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		p.tell(w, map[string]string{"url": to})
		return
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// revoke has the issuer end the token of a session that was signed out of, if the
// issuer says where (RFC 7009). The person does not wait for it.
func (p *Proxy) revoke(ctx context.Context, s *session) {
	if s == nil || !p.config.SignIn.Revoke {
		return
	}
	if there, err := p.people.discover(ctx); err != nil || there.Revocation == "" {
		return
	}
	p.ending.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.people.patience)
		defer cancel()
		if err := s.client.Revoke(ctx); err != nil {
			p.log.Warn("the issuer did not end the token of somebody who signed out", "error", err)
		}
	})
}

// The event of a logout token (OpenID Connect Back-Channel Logout §2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// notice takes the issuer's word that a session has ended.
func (p *Proxy) notice(w http.ResponseWriter, r *http.Request) {
	activity.Of(r.Context()).Route = noticePath
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		p.refuse(w, r, methodWrong)
		return
	}
	r.Body = forward.Patiently(w, r.Body, 32<<10)
	subject, sid, err := p.people.noticed(r.Context(), r.PostFormValue("logout_token"))
	if err != nil {
		p.refuse(w, r, signInFailed.From(err)) // §2.8: 400
		return
	}
	ended := p.sessions.end(subject, sid)
	activity.Of(r.Context()).Event = "signed.out"
	activity.Of(r.Context()).Note(fmt.Sprintf("sessions-ended-%d", ended))
}

// noticed checks a logout token (§2.6). One that comes twice ends nothing twice.
func (o *people) noticed(ctx context.Context, raw string) (subject, sid string, err error) {
	there, err := o.discover(ctx)
	if err != nil {
		return "", "", err
	}
	p := o.proxy
	token, err := there.provider.Verifier(&oidc.Config{ClientID: p.config.SignIn.ID, Now: p.now, SkipExpiryCheck: true}).Verify(ctx, raw)
	if err != nil {
		return "", "", fmt.Errorf("logout token: %w", err)
	}
	var said struct {
		Subject string                     `json:"sub"`
		Session string                     `json:"sid"`
		Nonce   *string                    `json:"nonce"`
		Events  map[string]json.RawMessage `json:"events"`
	}
	if err := token.Claims(&said); err != nil {
		return "", "", fmt.Errorf("logout token: %w", err)
	}
	switch {
	case said.Events[logoutEvent] == nil, said.Nonce != nil:
		return "", "", errors.New("logout token: it is another kind of token")
	case said.Subject == "" && said.Session == "":
		return "", "", errors.New("logout token: it names nobody")
	case token.IssuedAt.After(p.now().Add(leeway)) || token.IssuedAt.Before(p.now().Add(-maxAge)):
		return "", "", errors.New("logout token: it was not issued now")
	}
	return said.Subject, said.Session, nil
}
