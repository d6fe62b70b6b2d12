package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/grantway/grantway/oauth"
)

// Auth is how a client proves who it is at the token endpoint.
type Auth string

// Ways to authenticate (RFC 6749 §2.3.1).
const (
	Basic    Auth = "basic"     // in the header, id and secret form-encoded as the RFC says
	BasicRaw Auth = "basic_raw" // in the header as they are, for servers that do not decode them
	Body     Auth = "body"      // in the form
	JSONBody Auth = "json"      // the whole request is a JSON object
	None     Auth = "none"      // a client without a secret: the id in the form
)

// Config says whom to ask, as who, and for what. Issuer or TokenURL, and ClientID
// are needed; the rest has defaults.
type Config struct {
	Issuer           string // its metadata says where tokens are (RFC 8414, OpenID Connect Discovery)
	TokenURL         string // where tokens are, instead; no metadata is read then
	AuthorizationURL string // where people sign in; empty: what the metadata says
	RevocationURL    string // where Revoke ends tokens; empty: what the metadata says

	ClientID string

	// Secret is asked before each token request, so that a secret can be exchanged
	// while the program runs; Static is one that stays. Nil: a client without one.
	Secret func(context.Context) (Secret, error)
	Auth   Auth // empty: Basic, or None without a Secret

	// Grant is oauth.GrantClientCredentials (or empty); oauth.GrantAuthorizationCode:
	// tokens of one person who signs in, by SignIn and Exchange; or
	// oauth.GrantRefreshToken: RefreshToken is what there is to begin with.
	Grant        string
	RefreshToken Secret
	Account      string // tells persons apart in a Cache that they share; a session's id will do

	Target            // what the tokens are for
	Extra  url.Values // further parameters of the token request; none may be one that is sent anyway

	Cache Cache // nil: tokens are in this client's memory only

	Transport    http.RoundTripper // to the issuer; nil: http.DefaultTransport
	APITransport http.RoundTripper // of HTTP; nil: http.DefaultTransport
	Timeout      time.Duration     // of one renewal with all that belongs to it; 0 means 10 seconds, a minute is the most

	// Any401 renews after every 401, for APIs that do not say invalid_token.
	Any401 bool

	// PlainHTTP allows http beyond this machine, to issuer and API. Whoever sees
	// the traffic then has secret and tokens.
	PlainHTTP bool

	// Report is told what fails without failing a call: a renewal while the token
	// still lives, a cache that cannot be written. Nil: nobody is. It is called
	// from several goroutines.
	Report func(error)
}

// Target is what tokens are for.
type Target struct {
	Scopes   []string // none: what the server gives by default
	Audience string   // Auth0's and others' parameter
	Resource []string // URLs of APIs (RFC 8707)
}

// A Client has one token for each Target that was asked of it. It is safe for
// concurrent use. It starts nothing that needs to be closed.
type Client struct {
	family *family
	source *source
}

// family is what clients for several targets share.
type family struct {
	config   Config
	endpoint *endpoint
	mu       sync.Mutex
	sources  map[string]*source // by key
}

const (
	usualTimeout = 10 * time.Second
	mostTimeout  = time.Minute
)

// New checks the configuration and returns a client. It asks nobody.
func New(c Config) (*Client, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	f := &family{config: c, endpoint: newEndpoint(&c), sources: map[string]*source{}}
	return f.client(c.Target)
}

func (c *Config) complete() error {
	if c.ClientID == "" {
		return errors.New("Config needs a ClientID")
	}
	if c.Issuer == "" && c.TokenURL == "" {
		return errors.New("Config needs an Issuer or a TokenURL")
	}
	for _, u := range []string{c.Issuer, c.TokenURL, c.AuthorizationURL, c.RevocationURL} {
		if u == "" {
			continue
		}
		if _, err := checkURL(u, c.PlainHTTP); err != nil {
			return err
		}
	}
	if c.Auth == "" {
		c.Auth = Basic
		if c.Secret == nil {
			c.Auth = None
		}
	}
	if !slices.Contains([]Auth{Basic, BasicRaw, Body, JSONBody, None}, c.Auth) {
		return fmt.Errorf("Auth %q is not known", c.Auth)
	}
	if c.Secret == nil && c.Auth != None && c.Auth != JSONBody {
		return fmt.Errorf("Auth %q needs a Secret", c.Auth)
	}
	switch c.Grant {
	case "":
		c.Grant = oauth.GrantClientCredentials
	case oauth.GrantClientCredentials, oauth.GrantAuthorizationCode:
	case oauth.GrantRefreshToken:
		if c.RefreshToken == "" {
			return errors.New("the grant refresh_token needs a RefreshToken")
		}
	default:
		return fmt.Errorf("the grant %q is not known", c.Grant)
	}
	if c.Grant == oauth.GrantClientCredentials && c.Secret == nil {
		return errors.New("the grant client_credentials needs a Secret") // RFC 6749 §4.4
	}
	for _, ours := range []string{"grant_type", "client_id", "client_secret", "scope", "audience", "resource", "refresh_token", "code", "code_verifier", "redirect_uri"} {
		if c.Extra.Has(ours) {
			return fmt.Errorf("of Extra, %s has a field of its own", ours)
		}
	}
	if c.Auth == JSONBody {
		for name, values := range c.Extra {
			if len(values) != 1 {
				return fmt.Errorf("of Extra, a JSON body holds %s once", name)
			}
		}
	}
	if c.Timeout < 0 || c.Timeout > mostTimeout {
		return errors.New("a Timeout is from 0 to a minute")
	}
	if c.Timeout == 0 {
		c.Timeout = usualTimeout
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	if c.APITransport == nil {
		c.APITransport = http.DefaultTransport
	}
	if c.Report == nil {
		c.Report = func(error) {}
	}
	return nil
}

// For returns the client for another target of the same server: one API beside
// another, each with a token of its own. The same target is the same token, in
// whatever order scopes are named.
func (c *Client) For(t Target) (*Client, error) { return c.family.client(t) }

func (f *family) client(t Target) (*Client, error) {
	t = Target{slices.Clone(t.Scopes), t.Audience, slices.Clone(t.Resource)}
	for _, s := range t.Scopes {
		if !oauth.ValidScope(s) {
			return nil, fmt.Errorf("client: %q is not one scope", s)
		}
	}
	if f.config.Auth == JSONBody && len(t.Resource) > 1 {
		return nil, errors.New("client: a JSON body holds one Resource")
	}
	key := f.key(t)
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sources[key]
	if s == nil {
		s = newSource(f, key, t)
		f.sources[key] = s
	}
	return &Client{f, s}, nil
}

// key is the name of a token in a cache: what it depends on, and nothing that a
// reader of names could use.
func (f *family) key(t Target) string {
	c := &f.config
	scopes, resources := slices.Sorted(slices.Values(t.Scopes)), slices.Sorted(slices.Values(t.Resource))
	text, err := json.Marshal([]any{
		c.Issuer, c.TokenURL, c.ClientID, c.Grant, c.Account, c.RefreshToken.Reveal(),
		scopes, t.Audience, resources, c.Extra.Encode(),
	})
	if err != nil {
		panic(err) // strings only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Token returns a token that lives. One that is at hand costs no request and no
// lock. Else the call waits for the one request that is under way for all, as
// long as ctx allows; that ctx ends ends nothing for others.
//
// Errors are a *RefusedError (stop), a *BusyError (wait), an *AnswerError (check
// the address), ErrSignIn, ctx's own, or that of Config.Secret.
func (c *Client) Token(ctx context.Context) (Token, error) {
	h, err := c.source.get(ctx)
	if err != nil {
		return Token{}, err
	}
	return h.token, nil
}

// Renew returns a token other than one that an API has called bad, for callers
// who do not use HTTP. However many callers bring the same bad token, it is
// renewed once. Some APIs refuse what every token is; so that they do not become
// a load on the issuer, there are five such renewals at once and one more every
// ten seconds, and beyond that the error is a *BusyError.
func (c *Client) Renew(ctx context.Context, bad Token) (Token, error) {
	h, err := c.source.replace(ctx, bad.Access)
	if err != nil {
		return Token{}, err
	}
	return h.token, nil
}

// Forget drops the token here and in the cache, as on signing out. It revokes
// nothing at the server.
func (c *Client) Forget(ctx context.Context) error { return c.source.forget(ctx) }
