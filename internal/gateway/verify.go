package gateway

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/wire"
)

// headerStatus carries the status of a refusal to a proxy that only understands
// 401 and 403.
const headerStatus = "Grantway-Status"

// Verify answers another proxy's question: may this request pass to the API of
// that name? The request in question is not r but the one that r describes; see
// original. It is judged as the gateway judges its own, and nothing is forwarded.
//
// The answer is 200 with the identity headers for the API, or the refusal. nginx
// takes every status but 401 and 403 for a failure, so that it gets 403 for all
// refusals of the caller's making, and the real status in Grantway-Status.
func (g *Gateway) Verify(w http.ResponseWriter, r *http.Request, api, rest string) {
	if _, nginx := r.Header["X-Original-Uri"]; nginx {
		w = narrow{w}
	}
	asked, err := g.original(r, rest)
	call := &call{}
	if err == nil {
		call, err = g.admit(asked, api)
	}
	call.allowance.Tell(w.Header())
	if err != nil {
		g.refuse(w, r, call.rule, err)
		return
	}
	h := w.Header()
	for _, name := range []string{headerClient, headerSubject, headerScope, headerAccount, headerUser, headerRoles, headerAPIToken} {
		// Said on public routes too, with nothing: a proxy that is told to copy a
		// header which does not come may leave the caller's, or its own placeholder.
		h.Set(name, "")
	}
	g.identify(h, call)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}

// originals are the headers in which proxies describe a request. nginx sends the
// first two by our configuration, Caddy and Traefik the others by themselves.
var originals = [][2]string{
	{"X-Original-Method", "X-Original-Uri"},
	{"X-Forwarded-Method", "X-Forwarded-Uri"},
}

// original returns the request that a proxy asks about. It is said once: by one
// of the pairs of headers, or, as Envoy does, by the method of the question and
// the path behind the API's name. Two descriptions are a contradiction even when
// they agree: one of them is the caller's.
//
// The path must be in its canonical spelling, since the proxy forwards what was
// sent and not what was judged.
func (g *Gateway) original(r *http.Request, rest string) (*http.Request, error) {
	method, target, said := r.Method, rest, 0
	if rest != "" {
		said = 1
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
	}
	for _, pair := range originals {
		methods, targets := r.Header[pair[0]], r.Header[pair[1]]
		if len(methods)+len(targets) == 0 {
			continue
		}
		if said++; len(methods) != 1 || len(targets) != 1 {
			return nil, refusal.OriginalUnclear
		}
		method, target = methods[0], targets[0]
	}
	if said != 1 || method == "" {
		return nil, refusal.OriginalUnclear
	}
	path, query, _ := strings.Cut(target, "?")
	canonical, err := wire.CanonicalPath(path)
	if err != nil {
		return nil, refusal.PathMalformed.From(err)
	}
	if canonical != path {
		return nil, refusal.PathMalformed.From(errors.New("not in its canonical spelling"))
	}
	below, ok := strings.CutPrefix(path, g.settings.Environment.Base.EscapedPath())
	if !ok || below != "" && below[0] != '/' {
		return nil, refusal.RouteClosed
	}
	if below == "" {
		below = "/"
	}
	asked := r.WithContext(r.Context()) // a shallow copy: headers and peer are the question's
	asked.Method = method
	asked.URL = &url.URL{RawPath: below, RawQuery: query}
	return asked, nil
}

// narrow answers refusals as nginx's auth_request can read them.
type narrow struct{ http.ResponseWriter }

// WriteHeader is http.ResponseWriter's.
func (n narrow) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		n.Header().Set(headerStatus, strconv.Itoa(status))
	}
	if status >= http.StatusBadRequest && status < http.StatusInternalServerError && status != http.StatusUnauthorized {
		status = http.StatusForbidden
	}
	n.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (n narrow) Unwrap() http.ResponseWriter { return n.ResponseWriter }
