package catalogue

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// An Issuer is another issuer than the environment, whose tokens are good at an
// API for a time: the one that clients are moving away from.
type Issuer struct {
	URL      string    // what its tokens say as iss, character by character; it has no fragment
	Audience []string  // one of them must be in the aud of its tokens; empty in the shape cognito alone
	Shape    string    // of its tokens: rfc9068, auth0, cognito or plain
	JWKS     string    // where its keys are; empty: where its metadata says
	Until    time.Time // from then on its tokens are refused
}

// Ended reports whether tokens of the issuer are good no more.
func (i *Issuer) Ended(now time.Time) bool { return !now.Before(i.Until) }

// shapeCognito is the shape of tokens that have no audience.
const shapeCognito = "cognito"

// Date is a day, which begins at midnight in UTC: "2027-03-31".
type Date struct{ time.Time }

func (v *Date) decode(d *decoder, n ast.Node, path string) {
	text := scalar(n)
	if _, ok := n.(ast.ScalarNode); !ok || kind(n) == "empty" {
		d.faultAt(n, path, "is "+kind(n)+"; a day is expected", "write 2027-03-31")
		return
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		d.faultAt(n, path, quote(text)+" is not a day", "write 2027-03-31")
		return
	}
	v.Time = day
}

// issuers adds to the APIs of each environment the issuers that are trusted
// there besides the environment itself.
func (r *resolver) issuers(c *Catalogue, plans []*plan) {
	for _, p := range plans {
		for i := range p.entry.Issuers {
			r.issuer(c, p, index(join(p.path, "issuers"), i), &p.entry.Issuers[i])
		}
	}
}

func (r *resolver) issuer(c *Catalogue, p *plan, path string, v *IssuerEntry) {
	before := len(r.faults)
	r.issuerURL(c, join(path, "issuer"), v.Issuer)
	if v.JWKS != "" {
		r.keysURL(join(path, "jwks"), v)
	}
	for i, text := range v.Audience {
		r.audience(index(join(path, "audience"), i), text)
	}
	if v.Shape == shapeCognito && len(v.Audience) > 0 {
		r.report(join(path, "audience"), "tokens of the shape cognito have no audience", "leave it away: their scopes say which API they are for")
	}
	if v.Shape == shapeCognito && len(p.scopes) == 0 {
		r.report(join(path, "shape"), "tokens of the shape cognito have no audience, and the API has no scopes, so that any token would open it", "give the API scopes")
	}
	if len(r.faults) > before || v.Until.IsZero() {
		return // the decoder has said why, or this function
	}
	known := r.file.Environments.Keys()
	for i, name := range v.Environments {
		at := index(join(path, "environments"), i)
		switch e := c.Find(name); {
		case e == nil || e == c.Home:
			r.report(at, quote(name)+" is not an environment", didYouMean(name, known))
		case slices.Contains(v.Environments[:i], name):
			r.report(at, quote(name)+" stands twice", "")
		default:
			if a := e.API(p.name); a != nil {
				r.trust(e, a, path, v)
			}
		}
	}
}

// trust adds an issuer to an API of one environment. What decides which API a
// token without an audience is for must not stand for two (row S03).
func (r *resolver) trust(e *Environment, a *API, path string, v *IssuerEntry) {
	made := &Issuer{
		URL: v.Issuer, Audience: slices.Clone([]string(v.Audience)), Shape: v.Shape, JWKS: v.JWKS, Until: v.Until.Time,
	}
	if len(made.Audience) == 0 && made.Shape != shapeCognito {
		made.Audience = []string{a.Audience}
	}
	for _, other := range e.APIs {
		for _, i := range other.Issuers {
			switch {
			case i.URL != made.URL:
			case other == a:
				r.report(join(path, "issuer"), "stands twice for "+e.Name, "leave one of the two away")
				return
			case i.Shape == shapeCognito || made.Shape == shapeCognito:
				if name := shared(other, a); name != "" {
					r.report(join(path, "shape"), quote(name)+" is a scope of "+other.Name+" too, and this issuer's tokens, which have no audience, would open both",
						"give each API scopes of its own")
					return
				}
			}
		}
	}
	a.Issuers = append(a.Issuers, made)
}

// shared is a spelling of a scope that two APIs have, or empty.
func shared(a, b *API) string {
	for _, s := range a.Scopes {
		for _, name := range append([]string{s.Name}, s.Aliases...) {
			if b.Scope(name) != nil {
				return name
			}
		}
	}
	return ""
}

// issuerURL holds what tokens are compared with to what an issuer can be called
// (RFC 8414 §2, OpenID Connect Discovery §3): it may end in a slash.
func (r *resolver) issuerURL(c *Catalogue, path, text string) {
	if !r.remote(path, text) {
		return
	}
	if strings.Contains(text, "?") {
		r.report(path, quote(text)+" has a query", "write the issuer as its tokens say it")
		return
	}
	for _, e := range c.All() {
		if e.Issuer != nil && strings.TrimSuffix(text, "/") == e.Issuer.String() {
			r.report(path, "is the issuer of "+e.Name+", and what one environment issues is good at no other", "leave it away, or make the client in each environment")
		}
	}
}

// keysURL: keys are as well protected on their way as the issuer is.
func (r *resolver) keysURL(path string, v *IssuerEntry) {
	if r.remote(path, v.JWKS) && strings.HasPrefix(v.Issuer, "https:") && !strings.HasPrefix(v.JWKS, "https:") {
		r.report(path, quote(v.JWKS)+" is http, and the issuer is https", "write https")
	}
}

// remote reports whether a text is a URL that may decide who calls: https, or
// http on loopback, which production refuses.
func (r *resolver) remote(path, text string) bool {
	u, err := url.Parse(text)
	problem, hint := "", "write https://host/path"
	switch {
	case text == "":
		return false // the decoder has said so
	case len(text) > 512 || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }):
		problem, hint = "is not an issuer", "write printable ASCII without spaces, quotes and backslashes, at most 512 characters"
	case err != nil || u.Opaque != "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		problem = "is not a URL with a host"
	case u.User != nil:
		r.report(path, "holds a user name", "leave it away") // without quoting it: it may hold a password
		return false
	case strings.Contains(text, "#"):
		problem, hint = "has a fragment", "leave it away"
	case u.Scheme == "http" && !Loopback(u):
		problem, hint = "is http", "write https; http is for loopback addresses only"
	default:
		return true
	}
	r.report(path, quote(text)+" "+problem, hint)
	return false
}

// issuers holds the other issuers of an API to what is safe in production.
func (s *serveCheck) issuers(a *API) {
	for _, i := range a.Issuers {
		if !strings.HasPrefix(i.URL, "https:") {
			s.refuse(join(join("apis", a.Name), "issuers"), quote(i.URL)+" is http, so that its keys could be exchanged on their way", "write https")
		}
	}
}
