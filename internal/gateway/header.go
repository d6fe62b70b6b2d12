package gateway

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/forward"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/oauth"
)

// Headers under which an API learns who is calling. Nobody else can send them:
// every spelling that a server could take for one of them is dropped from every
// request.
const (
	headerClient      = "Grantway-Client"
	headerSubject     = "Grantway-Subject"
	headerScope       = "Grantway-Scope"
	headerEnvironment = "Grantway-Environment"
	headerTrace       = "Grantway-Trace"

	// Of whom a token is about: the account's id, the name that the person signs in
	// with, and the roles, separated by spaces. Name and roles are percent-encoded
	// (RFC 3986 §2.1), since a header holds ASCII only.
	headerAccount = "Grantway-Account"
	headerUser    = "Grantway-User"
	headerRoles   = "Grantway-Roles"

	headerAPIToken = "Grantway-Api-Token" // id of the API token that the call came with
)

// An origin is where a request came from.
type origin struct {
	client netip.Addr
	scheme []string
	host   string
}

var overHTTP, overHTTPS = []string{"http"}, []string{"https"}

// originOf says where a request came from. What a trusted proxy says is believed.
func (g *Gateway) originOf(r *http.Request) origin {
	from := origin{scheme: overHTTP, host: r.Host}
	if r.TLS != nil {
		from.scheme = overHTTPS
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	from.client = peer.Addr().Unmap().WithZone("")
	if err == nil && !slices.ContainsFunc(g.settings.Trusted, func(p netip.Prefix) bool { return p.Contains(from.client) }) {
		return from
	}
	from.client = limit.ClientAddress(r, g.settings.Trusted)
	if err != nil {
		return from
	}
	switch once(r.Header["X-Forwarded-Proto"]) {
	case "http":
		from.scheme = overHTTP
	case "https":
		from.scheme = overHTTPS
	}
	if said := once(r.Header["X-Forwarded-Host"]); said != "" {
		from.host = said
	}
	return from
}

// once is what a proxy says in a header. Of two values the caller may have sent one,
// and the proxy added the other: then it is empty.
func once(lines []string) string {
	if len(lines) != 1 || strings.ContainsAny(lines[0], ", \t") {
		return ""
	}
	return lines[0]
}

// introduce makes the headers of a request those that the API sees: without what
// only we may say, and with what we say.
func (g *Gateway) introduce(h http.Header, c *call, from origin) {
	forward.Strip(h)
	g.conceal(h)
	if from.client.IsValid() {
		c.say(h, "X-Forwarded-For", from.client.String())
	}
	if g.prefix != nil {
		h["X-Forwarded-Prefix"] = g.prefix // ours, never the sender's: links in answers need it
	}
	h["X-Forwarded-Proto"] = from.scheme
	c.say(h, "X-Forwarded-Host", from.host)
	if h["User-Agent"] == nil {
		h["User-Agent"] = nobody
	}
	g.identify(h, c)
}

// nobody keeps the transport from naming itself.
var nobody = []string{""}

// identify says who is calling.
func (g *Gateway) identify(h http.Header, c *call) {
	h[headerEnvironment] = g.name
	c.say(h, headerTrace, c.fact.Trace)
	if c.application != nil {
		c.say(h, headerAPIToken, c.application.ID)
	}
	if c.token == nil {
		return
	}
	if c.token.ClientID != "" { // an API token is no client
		c.say(h, headerClient, c.token.ClientID)
	}
	c.say(h, headerSubject, c.token.Subject)
	c.say(h, headerScope, oauth.FormatScope(c.scope))
	if c.person != nil {
		c.say(h, headerAccount, c.person.ID)
		c.say(h, headerUser, url.PathEscape(c.person.Name))
		roles := make([]string, len(c.person.Roles))
		for i, role := range c.person.Roles {
			roles[i] = url.PathEscape(role)
		}
		c.say(h, headerRoles, strings.Join(roles, " "))
	}
}
