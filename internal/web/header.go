package web

import (
	"net/http"
	"net/url"
	"strings"
)

// policy allows a page its style sheet and pictures and nothing else: no script,
// no frame, no form that posts elsewhere (CSP Level 3 §6).
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// protect sets the headers of every answer of this package. Strict-Transport-Security
// is package server's, which knows whether there is TLS.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY") // for what does not read frame-ancestors
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // URLs of pages can hold codes and states
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
}

// protect loosens the headers by what this page needs, and no other page has.
func (s *sheet) protect(h http.Header, screen Screen) {
	protect(h)
	opener := s.Request != ""
	actions, pictures, scripts := "'self'", "'self'", ""
	if s.To != "" {
		actions += " " + leads(s.To)
	}
	switch screen := screen.(type) {
	case SignIn, SecondFactor, SetUpPasskey, RecoveryCodes, ConsoleShown:
		scripts = "; script-src 'self'; require-trusted-types-for 'script'"
	case ConsolePage:
		if screen.Live != nil {
			scripts = "; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'"
		}
	case PortalPage:
		if screen.Once != nil {
			scripts = "; script-src 'self'; require-trusted-types-for 'script'"
		}
	case SetUpTOTP:
		pictures += " data:"
	case FormPost:
		scripts = "; script-src 'self'; require-trusted-types-for 'script'"
		actions = leads(screen.Action)
		opener = true
	case Account:
		for _, there := range screen.Elsewhere { // whose form ends there
			if to := " " + leads(there.URL); !strings.Contains(actions, to) {
				actions += to
			}
		}
	case Onward, Failure:
		opener = true
	}
	if console, ok := screen.(interface{ home() string }); ok && console.home() != "" {
		actions += " " + console.home() // to which signing out leads, and signing in again
	}
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src "+pictures+scripts+
		"; base-uri 'none'; form-action "+actions+"; frame-ancestors 'none'")
	// An application that opened a window for the journey waits for it to come back
	// to a page of its own, which tells its opener. Any value but unsafe-none parts
	// the two for good, same-origin-allow-popups too: that one spares the windows
	// that a page opens, not the page that was opened (HTML §7.1.3).
	if opener {
		h.Set("Cross-Origin-Opener-Policy", "unsafe-none")
	}
}

// leads is what form-action must allow so that a form can end at a redirect URI.
// Chromium holds every redirect that follows a form's post to the directive, the
// application's own ones too, wherever its callback sends the person on to. So an
// https application may lead to any https address, one on this machine to any
// port of it, and one with a scheme of its own to that.
func leads(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil {
		return "'self'"
	}
	const loopback = "http://localhost:* http://127.0.0.1:*"
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme == "https":
		return "https:"
	case scheme == "http":
		switch u.Hostname() {
		case "localhost", "127.0.0.1":
			return "https: " + loopback
		case "::1":
			return "https: http:" // a policy cannot name an address of IPv6 (CSP Level 3 §2.3.1)
		}
		return "https: " + scheme + "://" + u.Host
	case scheme != "" && strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == "":
		return "https: " + scheme + ":"
	}
	return "'self'"
}
