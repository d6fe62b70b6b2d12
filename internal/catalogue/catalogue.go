// Package catalogue is the model of the APIs that a deployment publishes: which
// environments there are, which APIs, scopes and routes, and how each behaves.
// It loads the model from grantway.yaml, checks it as a whole, and reloads it.
//
// The file is File and what it holds, the shape that people write. A Catalogue
// is what the checked file means: every reference resolved, every default
// applied, one view for each environment. The rest of the server sees only
// views, each package the part it needs.
//
// What people and programs create at run time is not here but in package store.
// How an environment answers on the wire is package dialect's.
package catalogue

//go:generate go test -run TestGenerated -update .

import (
	"crypto/sha256"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/jose"
)

// A Catalogue is a checked file. It is immutable and safe for concurrent use.
type Catalogue struct {
	Name         string
	Contact      string
	Environments []*Environment // in the order of the file
	Home         *Environment   // of the deployment itself; nil: there is none
	Console      *Console       // nil where there is no home
	Portal       *Portal        // nil: there is none
	Webhook      *Webhook       // that is told of everything; nil: there is none
	Audit        Audit
	Retention    Retention
	Listen       Listen
	Outbound     Outbound
	Limits       Limits
	SealingKey   string // where the key comes from that seals signing keys: file:PATH or env:NAME
	Data         string // folder of what has no other place: the admin socket, certificates

	places places            // of the file, for CheckServe
	sum    [sha256.Size]byte // of the file, for Watch
	beside []*beside         // files that it names, for Watch
}

// HomeName is the name of the environment of the deployment itself.
const HomeName = "home"

// All returns the environments and, where there is one, home.
func (c *Catalogue) All() []*Environment {
	if c.Home == nil {
		return c.Environments
	}
	return append(slices.Clip(c.Environments), c.Home)
}

// Find returns the environment of that name, home included, or nil.
func (c *Catalogue) Find(environment string) *Environment {
	for _, e := range c.All() {
		if e.Name == environment {
			return e
		}
	}
	return nil
}

// Listen says where a production server answers.
type Listen struct {
	Address string // host:port of the public listener
	TLS     TLS
	Metrics string         // host:port of /metrics, /healthz and /readyz; empty: only on the public listener's loopback peers
	Verify  string         // host:port of /verify; empty: it does not answer
	Trusted []netip.Prefix // proxies whose X-Forwarded-For, -Proto and -Host are believed
}

// TLS says where certificates come from. The zero value is plain HTTP, which
// serve accepts on loopback and behind trusted proxies only.
type TLS struct {
	Certificate, Key string   // PEM files, read again when they change
	ACME             string   // e-mail address for the account at the ACME directory; empty: none
	Directory        string   // the ACME directory; empty: Let's Encrypt
	Hosts            []string // host names that ACME may ask certificates for: those of all issuers and APIs
}

// Outbound says where requests may go that the server makes by itself, to
// addresses that somebody else supplied, beside the public internet.
type Outbound struct {
	Networks []netip.Prefix // private ones
	CA       string         // PEM file with a certification authority to believe beside the machine's; empty: none
}

// Limits are the limits that a deployment may set, within hard ceilings.
type Limits struct {
	Body                 int64 // bytes of a token request's body
	FailuresPerMinute    int   // failed client authentications for one client from one address
	ConnectionsPerClient int   // open connections of one address
	Connections          int   // open connections
	GatewayBody          int64 // bytes of a body that the gateway passes on
}

// An Environment is an isolated issuer with its own store, keys and clients.
type Environment struct {
	Name       string
	Title      string
	Use        string   // "development" or "live"
	Issuer     *url.URL // what tokens say, exactly; no trailing slash
	Base       *url.URL // where the gateway answers; may be the issuer
	Dialect    string
	Store      string // sqlite:PATH or postgres://…#schema
	APIs       []*API // in the order of the file
	Clients    []Client
	Strict     bool   // the dialect's bare answers, without the members that we add to help
	PlainCodes bool   // the error codes of RFC 6749 where the dialect has others
	Version    string // of the software that the APIs run here: scopes that came later do not exist; empty: all do
	Login      *Login // nil: nobody signs in here
	OpenID     *API   // OpenID Connect's own scopes, where people sign in; not among APIs
}

// API returns the API of that name, or nil.
func (e *Environment) API(name string) *API {
	for _, a := range e.APIs {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Target returns the API that an audience parameter or a resource indicator
// (RFC 8707 §2) names, or nil. The match is exact: a trailing slash matters.
func (e *Environment) Target(identifier string) *API {
	for _, a := range e.APIs {
		if a.Audience == identifier || a.Resource == identifier {
			return a
		}
	}
	return nil
}

// Algorithms returns every algorithm that the environment's APIs sign with, each once.
func (e *Environment) Algorithms() []jose.Algorithm {
	var algorithms []jose.Algorithm
	for _, a := range e.APIs {
		if a.Token.Format == JWT && !slices.Contains(algorithms, a.Token.Algorithm) {
			algorithms = append(algorithms, a.Token.Algorithm)
		}
	}
	return algorithms
}

// An API is a protected resource as one environment publishes it.
type API struct {
	Name     string
	Title    string
	Audience string        // the aud of its tokens
	Resource string        // its identifier in RFC 9728: a URL on the environment's base
	Upstream *url.URL      // where requests go on, their path after its path; Demo: the built-in API
	Envelope string        // of the gateway's own 401, 403, 404 and 429: "rfc", "imsx" or "spring"
	Rate     Rate          // of each client; the zero value: no limit
	MaxStale time.Duration // how long tokens are accepted while nothing is heard of what was revoked; 0: DefaultMaxStale
	Token    Token
	Scopes   []*Scope
	Routes   []Route
	Query    bool   // GET requests may carry the token as access_token in the query (RFC 6750 §2.3)
	Open     string // what a public route asks for here: one of the Open words
	Tokens   APITokens
	Issuers  []*Issuer // others than the environment, whose tokens are good for a time
	Document *OpenAPI  // what its OpenAPI document says; nil: it has none
}

// DefaultMaxStale is API.MaxStale where nothing else is said.
const DefaultMaxStale = 5 * time.Minute

// Scope returns the API's scope of that name or alias, or nil.
func (a *API) Scope(name string) *Scope {
	for _, s := range a.Scopes {
		if s.Name == name || slices.Contains(s.Aliases, name) {
			return s
		}
	}
	return nil
}

// Token says how tokens for an API are made.
type Token struct {
	Lifetime  time.Duration // whole seconds
	Algorithm jose.Algorithm
	Format    Format
	Dashed    bool // an opaque token is written in groups with dashes between them

	Reuse  time.Duration // what must be left of a client's own token to be given to it again, whole seconds; 0: it never is
	Budget Rate          // of tokens that each client may obtain for itself; the zero value: no limit
}

// A Format is what an access token looks like.
type Format string

// The formats.
const (
	JWT    Format = "jwt"
	Opaque Format = "opaque"
)

// A Scope is a right at an API.
type Scope struct {
	Name        string
	Category    string
	Description string
	Aliases     []string // other spellings that clients ask for; tokens carry the name
	Since       string

	Descriptions map[string]string // by language, where there are several; English among them
	Write        bool              // it alters something: consent shows it first, and no query string carries it
	Roles        []string          // a person needs one of them to have the right; empty: everybody has it
}

// Demo is the scheme of an Upstream that stands for the built-in demonstration
// API. It has no host.
const Demo = "demo"

// A Route says which requests reach an API, and what their token must carry.
//
// A path continues the path of the environment's Base. It has no slash at its
// end (but for "/" alone), and a request matches with a slash at its end or
// without. Of the routes that match a request's method and path, over all APIs
// of the environment, the one counts that is more literal where they first
// differ: a literal before {name}, {name} before …. No two are equal.
type Route struct {
	Methods []string   // upper case; GET includes HEAD
	Path    string     // literal segments as wire.CanonicalPath writes them, {name} for one segment, a last … for one or more
	AnyOf   [][]string // alternatives: a token needs all scopes of one of them; names, resolved; empty: none is needed
	Access  Access
	Rate    Rate // of each client on this route, beside the API's own; the zero value: no limit
}

// Access is what a route asks for before scopes are looked at.
type Access string

// The kinds of access.
const (
	Public Access = "public" // no token is looked at
	Bearer Access = "token"  // a good token for the API
)

// Allows reports whether the route is open for the method.
func (r *Route) Allows(method string) bool {
	return slices.Contains(r.Methods, method) || method == http.MethodHead && slices.Contains(r.Methods, http.MethodGet)
}

// Permits reports whether scopes are enough for the route, and which of them are
// needed: an alternative of AnyOf, not to be changed. It says nothing about the
// token that they come from.
func (r *Route) Permits(scopes []string) (needed []string, ok bool) {
	for _, needed := range r.AnyOf {
		if !slices.ContainsFunc(needed, func(s string) bool { return !slices.Contains(scopes, s) }) {
			return needed, true
		}
	}
	return nil, len(r.AnyOf) == 0
}

// A Client is one that the file declares. Its secret is a verifier already.
type Client struct {
	ID       string
	Name     string
	Type     string // machine, resource, web, native or browser
	Grants   []string
	Methods  []string            // client authentication methods; empty: every one that takes a secret
	Allotted map[string][]string // by API name: the scopes it may ask for; an API without scopes has an empty list
	Verifier string              // as secret.Parse reads it; empty: the client has no secret yet
	SignIn   SignIn
	Own      bool // a part of this server: nobody is asked whether it may
}

// Origin returns the scheme and host of a URL, which is what browsers keep apart.
func Origin(u *url.URL) string { return strings.ToLower(u.Scheme + "://" + u.Host) }
