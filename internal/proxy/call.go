package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/forward"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
)

// call passes a request on to the API, with a token.
func (p *Proxy) call(w http.ResponseWriter, r *http.Request, found *place, path string) {
	fact := activity.Of(r.Context())
	fact.Route = found.rules[0].Path
	u := found.rule(r.Method)
	if u == nil && r.Method == http.MethodOptions && !p.config.Inject {
		p.preflight(w, r, found)
		return
	}
	if u == nil {
		w.Header().Set("Allow", strings.Join(found.methods(), ", "))
		p.refuse(w, r, refusal.MethodClosed)
		return
	}
	query, err := u.query(r.URL.RawQuery)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	through, s, err := p.who(w, r, u)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	if r.ContentLength > p.config.Limits.Body {
		p.refuse(w, r, refusal.BodyTooLarge)
		return
	}
	ctx := r.Context()
	if s != nil {
		var done func()
		ctx, done = p.sessions.during(ctx, s)
		defer done()
	}
	out, err := p.request(ctx, w, r, path, query)
	if err != nil {
		p.refuse(w, r, p.why(w, r, err))
		return
	}
	if r.Body != nil {
		defer r.Body.Close() // the transport may read on after it has answered; not beyond this
	}
	answer, err := through.RoundTrip(out)
	if err == nil && answer.StatusCode == http.StatusUnauthorized && s != nil && through == s.calls {
		// The client has tried another token. Where there is none to be had any more,
		// the API's 401 is the session's end.
		if _, over := s.client.Token(r.Context()); errors.Is(over, client.ErrSignIn) {
			answer.Body.Close()
			err = over
		}
	}
	if err == nil && answer.StatusCode == http.StatusSwitchingProtocols {
		answer.Body.Close()
		err = errors.New("the API changes the protocol unasked")
	}
	if err != nil {
		// The cookie stays: it may be that of the next session by now.
		switch {
		case s != nil && s.over.Err() != nil:
			err = errors.Join(client.ErrSignIn, err)
		case s != nil && errors.Is(err, client.ErrSignIn):
			p.sessions.remove(s) // what cannot be renewed is over
		}
		p.refuse(w, r, p.why(w, r, err))
		return
	}
	defer answer.Body.Close()
	if err := p.clean(answer, s != nil); err != nil {
		p.refuse(w, r, err)
		return
	}
	fact.Event = "call.passed"
	forward.Answer(w, answer)
}

// who decides whose token a call carries, and whether there may be one more.
func (p *Proxy) who(w http.ResponseWriter, r *http.Request, u *rule) (http.RoundTripper, *session, error) {
	through := p.calls
	var s *session
	var key string
	if p.people != nil {
		var err error
		if s, err = p.signedIn(r); err != nil {
			return nil, nil, err
		}
		if through == nil {
			through = s.calls
		}
		key = s.key
		if p.session != nil {
			if ok, retry := p.session.Spend(key); !ok {
				return nil, nil, slower(w, retry)
			}
		}
	}
	if u.rates != nil {
		if key == "" {
			key = limit.AddressKey(limit.ClientAddress(r, p.config.Listen.Trusted))
		}
		if ok, retry := u.rates.Spend(key); !ok {
			return nil, nil, slower(w, retry)
		}
	}
	return through, s, nil
}

// repeatable is how many bytes a body may have that is read before it is sent, so
// that it can be sent again with another token.
const repeatable = 64 << 10

// request is what the API sees: the path as it was matched, the query as it was
// looked at, and headers without what is for us.
func (p *Proxy) request(ctx context.Context, w http.ResponseWriter, r *http.Request, path, query string) (*http.Request, error) {
	target := url.URL{Scheme: p.config.API.Scheme, Host: p.config.API.Host, RawQuery: query}
	target.Path, target.RawPath = forward.Unescape(p.prefix + path)
	out := (&http.Request{
		Method: r.Method, URL: &target, Host: target.Host, Header: r.Header, ContentLength: r.ContentLength,
	}).WithContext(ctx)
	forward.EndHop(out.Header)
	forward.Strip(out.Header)
	for name := range out.Header {
		if name == "Origin" || name == "Referer" || name == "Expect" || strings.HasPrefix(name, "Sec-") || strings.HasPrefix(name, "Access-Control-") {
			delete(out.Header, name) // about the page, which is no concern of the API
		}
	}
	if out.Header["User-Agent"] == nil {
		out.Header["User-Agent"] = nobody
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	switch {
	case r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody:
		r.Body = nil
	case r.ContentLength > 0 && r.ContentLength <= repeatable:
		read, err := io.ReadAll(forward.Patiently(w, r.Body, p.config.Limits.Body))
		if err != nil {
			return nil, err
		}
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(read)), nil }
		out.Body, _ = out.GetBody()
	default:
		r.Body = forward.Patiently(w, r.Body, p.config.Limits.Body)
		out.Body = r.Body
	}
	return out, nil
}

var nobody = []string{""} // keeps the transport from naming itself

// clean takes out of an answer what is not for who called: credentials, what the
// API says to browsers about itself as a site, and where it is.
func (p *Proxy) clean(answer *http.Response, personal bool) error {
	h := answer.Header
	forward.EndHop(h)
	for name := range h {
		switch name {
		case "Set-Cookie", "Set-Cookie2", "Authorization", "Authentication-Info", "Proxy-Authentication-Info", "Www-Authenticate",
			"Clear-Site-Data", "Alt-Svc", "Strict-Transport-Security", "Public-Key-Pins", "Refresh", "Content-Location",
			"Service-Worker-Allowed", "Sourcemap", "X-Sourcemap", "X-Request-Id", "X-Content-Type-Options",
			"Report-To", "Reporting-Endpoints", "Nel", "Content-Security-Policy-Report-Only", "Server", "X-Powered-By",
			"X-Accel-Redirect", "X-Sendfile", "X-Lighttpd-Send-File", "X-Reproxy-Url": // to servers in front: send another file
			if p.config.Inject && name == "Www-Authenticate" {
				continue // a program may act on it, and it holds no token
			}
			delete(h, name)
		default:
			if strings.HasPrefix(name, "Access-Control-") {
				delete(h, name) // ours are about us
			}
		}
	}
	if at := h.Get("Location"); at != "" {
		here, ours := p.here(answer.Request.URL, at)
		if ours {
			h["Location"] = []string{here}
		} else {
			delete(h, "Location")
			if answer.StatusCode >= 300 && answer.StatusCode < 400 {
				return redirectsAway
			}
		}
	}
	if p.config.Inject {
		return nil
	}
	// What the API writes is data here, never a page of ours.
	h["Content-Security-Policy"] = sandboxed
	if personal {
		keepPrivate(h)
	}
	return nil
}

// keepPrivate keeps an answer to one person out of caches that others use, also of
// those that take another header's word before Cache-Control's (RFC 9213).
func keepPrivate(h http.Header) {
	for name := range h {
		if strings.HasSuffix(name, "Cdn-Cache-Control") || name == "Surrogate-Control" || name == "Edge-Control" || name == "X-Accel-Expires" {
			delete(h, name)
		}
	}
	if !strings.Contains(strings.ToLower(strings.Join(h["Cache-Control"], ",")), "no-store") {
		h["Cache-Control"] = private
		h["Vary"] = append(h["Vary"], "Cookie")
	}
}

var (
	sandboxed = []string{"default-src 'none'; sandbox; frame-ancestors 'none'"}
	private   = []string{"private, no-cache"}
)

// here is an address within the API as callers reach it, which is a route or is
// not. What is relative is so to the request.
func (p *Proxy) here(from *url.URL, at string) (string, bool) {
	u, err := from.Parse(at)
	if err != nil || u.User != nil || u.Opaque != "" || u.Scheme != p.config.API.Scheme || !strings.EqualFold(u.Host, p.config.API.Host) {
		return "", false
	}
	rest, ok := strings.CutPrefix(u.EscapedPath(), p.prefix)
	if !ok || !strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "//") {
		return "", false
	}
	here := p.config.Path + rest
	if u.RawQuery != "" {
		here += "?" + u.RawQuery
	}
	return here, true
}
