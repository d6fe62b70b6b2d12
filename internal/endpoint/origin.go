package endpoint

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/grantway/grantway/internal/store"
)

// allowOrigin lets the page of an application that runs in the browser read the
// answer, if the page is where the application is registered (row E29). No cookie
// has to do with it, so there are no credentials to allow.
func allowOrigin(w http.ResponseWriter, r *http.Request, client *store.Client) {
	origin := first(r.Header["Origin"])
	if client.Type != store.TypeBrowser || origin == "" {
		return
	}
	w.Header().Add("Vary", "Origin")
	if slices.ContainsFunc(client.SignIn.Redirects, func(uri string) bool { return originOf(uri) == origin }) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
	}
}

// originOf is the origin of a URL as browsers write it (RFC 6454 §6.2), empty when
// it has none.
func originOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
