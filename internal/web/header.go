package web

import "net/http"

// policy allows a page its style sheet and pictures and nothing else: no script,
// no frame, no form that posts elsewhere (CSP Level 3 §6).
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

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
