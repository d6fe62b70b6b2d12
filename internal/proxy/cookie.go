package proxy

import (
	"net/http"
	"time"
)

// The cookies. The session's holds a random handle; the other one what a browser
// was sent away with, sealed.
const (
	sessionCookie = "grantway-app"
	signInCookie  = "grantway-app-signin"
)

func (p *Proxy) secure() bool { return p.config.Public.Scheme == "https" }

// cookieName has, over TLS, the prefix that keeps other hosts from setting the
// cookie (row P10).
func (p *Proxy) cookieName(which string) string {
	if p.secure() {
		return "__Host-" + which
	}
	return which
}

// cookie returns a cookie's value, empty where there is none.
func (p *Proxy) cookie(r *http.Request, which string) (string, error) {
	sent := r.CookiesNamed(p.cookieName(which))
	switch len(sent) {
	case 0:
		return "", nil
	case 1:
		return sent[0].Value, nil
	}
	return "", cookieTwice // row P10
}

func (p *Proxy) setCookie(w http.ResponseWriter, which, value string, same http.SameSite, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: p.cookieName(which), Value: value, Path: "/", MaxAge: int(life / time.Second),
		Secure: p.secure(), HttpOnly: true, SameSite: same,
	})
}

func (p *Proxy) dropCookie(w http.ResponseWriter, which string) {
	http.SetCookie(w, &http.Cookie{Name: p.cookieName(which), Path: "/", MaxAge: -1, Secure: p.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
