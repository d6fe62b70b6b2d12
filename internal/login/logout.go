package login

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/internal/web"
	"github.com/grantway/grantway/internal/wire"
)

// Parameters of a logout request: those of OpenID Connect RP-Initiated Logout §2,
// and those of Amazon Cognito.
const (
	logoutHint     = "id_token_hint"
	logoutClient   = "client_id"
	logoutRedirect = "post_logout_redirect_uri"
	logoutState    = "state"
	cognitoURI     = "logout_uri"
	cognitoAgain   = "redirect_uri"
)

// cognitoAsks are the parameters that Cognito's /logout hands to the sign-in that
// follows.
var cognitoAsks = []string{
	logoutClient, cognitoAgain, logoutState, "response_type", "scope", "nonce", "code_challenge", "code_challenge_method", "lang",
}

// logout is where people sign out. An application may send people there by GET or by
// POST (RP-Initiated Logout §2); a POST that is not our own form proves no more than a
// GET, and its cookies stayed behind, so it becomes one.
func (j *Journey) logout() Page {
	p := j.page(web.PathLogout, "logout", (*visit).getLogout, (*visit).postLogout)
	ours := p.Handler
	p.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, mostForm)
			if r.ParseForm() == nil && !r.PostForm.Has(web.FieldToken) {
				sent := url.Values{}
				for _, name := range []string{logoutHint, logoutClient, logoutRedirect, logoutState, cognitoURI} {
					if r.PostForm.Has(name) {
						sent[name] = r.PostForm[name]
					}
				}
				(&visit{w: w, r: r, j: j}).redirect(j.Issuer.Path + web.PathLogout + "?" + sent.Encode())
				return
			}
		}
		ours.ServeHTTP(w, r)
	})
	return p
}

// A leaving is a request to sign out.
type leaving struct {
	page  web.SignOut // what the confirming page says and sends again
	to    string      // where the browser may go then: registered, byte for byte (row Q01); empty: nowhere
	meant bool        // an ID token says that this very session is meant
	ours  bool        // the redirect needs no ID token
}

// leave reads a request to sign out. What of it is wrong leads nowhere.
func (v *visit) leave(get func(string) string) (leaving, error) {
	l := leaving{page: web.SignOut{Hint: get(logoutHint), Redirect: get(logoutRedirect), State: get(logoutState), ClientID: get(logoutClient)}}
	if again := v.j.SignInAgain; again != "" && l.page.Redirect == "" {
		l.page.Redirect = get(cognitoURI)
		if l.page.Redirect == "" && get(cognitoAgain) != "" {
			ask := url.Values{}
			for _, name := range cognitoAsks {
				if value := get(name); value != "" {
					ask.Set(name, value)
				}
			}
			l.page.Redirect = again + "?" + ask.Encode()
		}
	}
	id := l.page.ClientID
	if l.page.Hint != "" {
		hint, err := v.j.Hints.Read(l.page.Hint)
		if errors.Is(err, token.ErrHint) || err == nil && id != "" && id != hint.ClientID {
			l.page.Hint, l.page.Redirect, l.page.ClientID = "", "", "" // row Q02
			return l, nil
		}
		if err != nil {
			return l, err
		}
		id = hint.ClientID
		l.meant = v.session != nil && hint.Subject == v.session.AccountID && (hint.SessionID == "" || hint.SessionID == v.session.ID)
		l.ours = l.meant || v.session == nil
	}
	if id == "" {
		return l, nil
	}
	client, err := v.j.Clients.Find(v.r.Context(), id)
	if errors.Is(err, store.ErrNotFound) || err == nil && !client.DisabledAt.IsZero() {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	l.page.Application = client.Name
	again := v.j.SignInAgain
	switch redirect := l.page.Redirect; {
	case again != "" && strings.HasPrefix(redirect, again+"?"):
		l.to, l.ours = redirect, true // our own endpoint, which checks what it is asked
	case slices.Contains(client.SignIn.LogoutRedirects, redirect):
		l.to, l.ours = withState(redirect, l.page.State), l.ours || again != ""
	}
	return l, nil
}

// withState adds the state that an application sent (RP-Initiated Logout §3).
func withState(redirect, state string) string {
	if state == "" {
		return redirect
	}
	mark := "?"
	if strings.Contains(redirect, "?") {
		mark = "&"
	}
	return redirect + mark + "state=" + url.QueryEscape(state)
}

// getLogout signs out whoever an ID token names, and asks everybody else: a picture
// in a page can send a browser here, too (row Q03).
func (v *visit) getLogout() {
	sent, err := wire.ParseQuery(v.r.URL.RawQuery)
	if err != nil {
		v.failed(web.FailedRequest, err)
		return
	}
	l, err := v.leave(sent.Get)
	if err != nil {
		v.failedBy(err)
		return
	}
	if v.session == nil || l.meant {
		v.signOut(l)
		return
	}
	a, err := v.j.Accounts.Find(v.r.Context(), v.session.AccountID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		v.failedBy(err)
		return
	}
	l.page.Name = a.Name
	with := v.showing()
	with.To = l.to
	v.showWith(http.StatusOK, with, l.page)
}

// postLogout signs out a person who wants it.
func (v *visit) postLogout() {
	l, err := v.leave(v.r.PostForm.Get)
	if err != nil {
		v.failedBy(err)
		return
	}
	v.signOut(l)
}

// signOut ends the session with what was allowed in it and does not outlive it (row
// Q07), and goes where the application wants, if it may say so.
func (v *visit) signOut(l leaving) {
	if v.session != nil {
		err := v.j.People.Sessions.End(v.r.Context(), v.session.AccountID, v.session.ID, v.by(v.session.AccountID))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			v.failedBy(err)
			return
		}
	}
	v.dropCookie(sessionCookie)
	v.dropCookie(progressCookie)
	v.session, v.progress = nil, progress{}
	if l.to != "" && l.ours {
		v.redirect(l.to)
		return
	}
	page := web.SignedOut{URL: l.to}
	if l.to != "" {
		page.Application = l.page.Application
	}
	v.show(page)
}
