package gateway

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/oauth"
	"github.com/grantway/grantway/resource"
)

// Headers under which an API learns who is calling. Nobody else can send them:
// every spelling that a server could take for one of them is dropped from every
// request.
const (
	identityPrefix    = "grantway-"
	headerClient      = "Grantway-Client"
	headerSubject     = "Grantway-Subject"
	headerScope       = "Grantway-Scope"
	headerEnvironment = "Grantway-Environment"
	headerTrace       = "Grantway-Trace"
)

// strip removes what must not reach the API: the credentials, which were for us,
// and what only a gateway may say (rows S04, S06, S18).
func strip(h http.Header) {
	for name := range h {
		if spoken := normal(name); strings.HasPrefix(spoken, identityPrefix) ||
			strings.HasPrefix(spoken, "x-forwarded-") || slices.Contains(gatewayOnly, spoken) {
			delete(h, name)
		}
	}
}

var gatewayOnly = []string{
	"authorization", "proxy-authorization", "cookie", "forwarded", "x-forwarded", "x-real-ip", "x-client-ip",
	"true-client-ip", "x-original-url", "x-original-uri", "x-rewrite-url", "x-original-host", "x-host", "via",
	"x-http-method-override", "x-http-method", "x-method-override", // the rule was about the request's own method
	"proxy", // a program run by CGI takes it for its own proxy
}

// normal is a header name as the loosest server reads it: without regard to
// case, every character but letters and digits the same.
func normal(name string) string {
	spoken := []byte(strings.TrimSpace(name))
	for i, c := range spoken {
		switch {
		case 'A' <= c && c <= 'Z':
			spoken[i] = c + 'a' - 'A'
		case !('a' <= c && c <= 'z' || '0' <= c && c <= '9'):
			spoken[i] = '-'
		}
	}
	return string(spoken)
}

// forwarded says where the request came from. What a trusted proxy says is
// believed; what anybody else says was dropped.
func (g *Gateway) forwarded(p *httputil.ProxyRequest) {
	client := limit.ClientAddress(p.In, g.settings.Trusted)
	scheme, host := "http", p.In.Host
	if p.In.TLS != nil {
		scheme = "https"
	}
	if fromTrusted(p.In, g.settings.Trusted) {
		if said := p.In.Header.Get("X-Forwarded-Proto"); said == "http" || said == "https" {
			scheme = said
		}
		if said := p.In.Header.Get("X-Forwarded-Host"); said != "" && !strings.ContainsAny(said, ", \t") {
			host = said
		}
	}
	if client.IsValid() {
		p.Out.Header.Set("X-Forwarded-For", client.String())
	}
	if prefix := g.settings.Environment.Base.EscapedPath(); prefix != "" {
		p.Out.Header.Set("X-Forwarded-Prefix", prefix) // ours, never the sender's: links in answers need it
	}
	p.Out.Header.Set("X-Forwarded-Proto", scheme)
	p.Out.Header.Set("X-Forwarded-Host", host)
}

func fromTrusted(r *http.Request, trusted []netip.Prefix) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	peer, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(peer.Unmap()) })
}

// identify tells the API who is calling.
func identify(h http.Header, environment string, t *resource.Token, trace string) {
	h.Set(headerEnvironment, environment)
	h.Set(headerTrace, trace)
	if t == nil {
		return
	}
	h.Set(headerClient, t.ClientID)
	h.Set(headerSubject, t.Subject)
	h.Set(headerScope, oauth.FormatScope(t.Scope))
}

// unescape returns a path in the two forms of url.URL, so that it is sent byte
// for byte as it was matched.
func unescape(escaped string) (path, raw string) {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return escaped, "" // cannot be: the path was checked
	}
	return path, escaped
}
