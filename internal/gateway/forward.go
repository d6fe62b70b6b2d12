package gateway

import (
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/url"

	"github.com/grantway/grantway/internal/forward"
)

// forward passes a request on and the answer back, as a gateway of RFC 9110 §7.
// It does what httputil.ReverseProxy does, for half of what that costs: the
// request's own headers are rewritten instead of a copy, parts of the answer are
// sent together, and buffers are used again. What changes its protocol goes
// through the library; see switched.
func (g *Gateway) forward(w http.ResponseWriter, r *http.Request, c *call) {
	if r.Body != nil {
		// The transport may read on after it has answered; not beyond this.
		defer r.Body.Close()
	}
	c.early.Begin(w, r)
	c.trace.Got1xxResponse = c.early.Pass
	target := g.target(r, c)
	out := (&http.Request{
		Method: r.Method, URL: &target, Host: target.Host, Header: r.Header, Body: r.Body, ContentLength: r.ContentLength,
	}).WithContext(httptrace.WithClientTrace(r.Context(), &c.trace))
	origin := g.originOf(r)
	forward.EndHop(out.Header)
	g.introduce(out.Header, c, origin)

	answer, err := g.settings.Transport.RoundTrip(out)
	c.early.End()
	if err == nil && answer.StatusCode == http.StatusSwitchingProtocols {
		answer.Body.Close()
		err = errors.New("the API changes the protocol unasked")
	}
	if err != nil {
		g.failed(w, r, c, err)
		return
	}
	g.pass(w, c, answer)
}

// target is where a request goes on: the path byte for byte as it was matched,
// the query as it came, since rules are about paths only.
func (g *Gateway) target(r *http.Request, c *call) url.URL {
	to := url.URL{Scheme: c.rule.upstream.Scheme, Host: c.rule.upstream.Host, RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery}
	to.Path, to.RawPath = forward.Unescape(c.rule.prefix + c.path)
	return to
}

// pass writes the API's answer. It panics with http.ErrAbortHandler where the
// answer breaks off, so that what the client got looks broken off.
func (g *Gateway) pass(w http.ResponseWriter, c *call, answer *http.Response) {
	defer answer.Body.Close()
	forward.EndHop(answer.Header)
	g.returned(answer, c)
	forward.Answer(w, answer)
}
