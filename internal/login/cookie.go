package login

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/secret"
)

// The cookies of an environment. Those that matter after this page hold a random
// handle and nothing else.
const (
	browserCookie  = "browser"  // what requests, forms and ceremonies are bound to
	sessionCookie  = "session"  // who is signed in
	deviceCookie   = "device"   // a remembered browser
	progressCookie = "progress" // what was proven on the way, sealed
)

// CookieName is what a cookie of an environment is called. Over TLS it has the
// prefix that keeps other hosts from setting it (row P10).
func CookieName(environment, which string, secure bool) string {
	name := "grantway-" + environment + "-" + which
	if secure {
		return "__Host-" + name
	}
	return name
}

func (j *Journey) secure() bool { return j.Issuer.Scheme == "https" }

// cookie returns a cookie's value, empty where there is none. A name that comes
// twice was set by somebody else, too, and is an error (row P10).
func (v *visit) cookie(which string) (string, error) {
	sent := v.r.CookiesNamed(CookieName(v.j.Environment, which, v.j.secure()))
	switch len(sent) {
	case 0:
		return "", nil
	case 1:
		return sent[0].Value, nil
	}
	return "", fmt.Errorf("%w: %s, %d times", errTwice, which, len(sent))
}

// errTwice: somebody else set a cookie of ours, too.
var errTwice = errors.New("a cookie came more than once")

// setCookie keeps a value in the browser until the given time; zero: until the
// browser is closed.
func (v *visit) setCookie(which, value string, until time.Time) {
	c := &http.Cookie{
		Name: CookieName(v.j.Environment, which, v.j.secure()), Value: value, Path: "/",
		Secure: v.j.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if !until.IsZero() {
		c.MaxAge = max(1, int(until.Sub(v.j.Now())/time.Second))
	}
	http.SetCookie(v.w, c)
}

func (v *visit) dropCookie(which string) {
	http.SetCookie(v.w, &http.Cookie{
		Name: CookieName(v.j.Environment, which, v.j.secure()), Path: "/", MaxAge: -1,
		Secure: v.j.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// bind returns the handle that stands for the browser and gives it one where it has
// none.
func (v *visit) bind() (string, error) {
	sent, err := v.cookie(browserCookie)
	if err != nil {
		return "", err
	}
	if _, ok := secret.ParseOpaque(sent); ok {
		return sent, nil
	}
	made, err := secret.NewOpaque(v.j.Random)
	if err != nil {
		return "", err
	}
	v.setCookie(browserCookie, made.Reveal(), time.Time{})
	return made.Reveal(), nil
}

// source is where the request comes from, to whoever counts attempts.
func (v *visit) source() account.Source {
	return account.Source{Address: limit.ClientAddress(v.r, v.j.Trusted), Device: v.device()}
}

// device is the handle of a remembered browser, or empty.
func (v *visit) device() string {
	handle, err := v.cookie(deviceCookie)
	if err != nil {
		return ""
	}
	return handle
}
