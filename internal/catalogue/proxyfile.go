package catalogue

import (
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/grantway/grantway/internal/secret"
)

// ProxyFile is proxy.yaml, the configuration of `grantway proxy`: one YAML document,
// read as strictly as File is. docs/PROXY.md is its guide.
type ProxyFile struct {
	// Where it answers: host and port.
	Listen string `yaml:"listen" default:"127.0.0.1:8080"`
	// The URL at which browsers see it, without a path. Without one, http:// and the address, on loopback.
	PublicURL string `yaml:"public_url"`
	// Where its certificate comes from. Without one, it speaks plain HTTP: on loopback and behind trusted proxies only.
	TLS ProxyTLSEntry `yaml:"tls"`
	// The proxies in front, as addresses or networks, whose X-Forwarded-For is believed.
	TrustedProxies List `yaml:"trusted_proxies"`
	// The folder of the front-end's files. They are served at every path that no route has.
	Static string `yaml:"static"`
	// The Content-Security-Policy of the front-end's files.
	ContentSecurityPolicy string `yaml:"content_security_policy" default:"default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"`
	// The URL of the API. The path of a route continues it.
	API string `yaml:"api,required"`
	// The path below which the routes answer here. Without one, they answer at the root.
	Path string `yaml:"path"`
	// The client whose token the calls carry.
	Client ProxyClientEntry `yaml:"client"`
	// People sign in. Without a client, calls carry the token of the person who is signed in.
	SignIn ProxySignInEntry `yaml:"sign_in"`
	// What may be called; nothing else can be.
	Routes []ProxyRouteEntry `yaml:"routes,required"`
	// Other origins whose pages may call: https://app.example.
	Origins List `yaml:"origins"`
	// Limits.
	Limits ProxyLimitsEntry `yaml:"limits"`
	// It stands beside a program on the same machine and puts the token on its calls: no pages and no browsers.
	Inject bool `yaml:"inject" default:"false"`
	// Host names beside loopback's under which the program may call, with inject.
	Hosts List `yaml:"hosts"`
}

// ProxyTLSEntry names the files of a certificate.
type ProxyTLSEntry struct {
	// A PEM file with the certificate and those above it, read again when it changes.
	Certificate string `yaml:"certificate"`
	// A PEM file with its private key.
	Key string `yaml:"key"`
}

// ProxyClientEntry is a client that acts for itself (client credentials).
type ProxyClientEntry struct {
	// The issuer; its metadata says where its endpoints are.
	Issuer string `yaml:"issuer"`
	// The client id.
	ID string `yaml:"id"`
	// The client secret: ${NAME}, or file:PATH, which is read again at each token request.
	Secret Credential `yaml:"secret"`
	// How the secret is sent.
	Auth string `yaml:"auth" oneof:"basic basic_raw body json" default:"basic"`
	// The scopes to ask for.
	Scopes List `yaml:"scopes"`
	// The audience, as Auth0 and others call it.
	Audience string `yaml:"audience"`
	// The API's URL as a resource indicator (RFC 8707).
	Resource string `yaml:"resource"`
	// The token endpoint, instead of an issuer.
	TokenURL string `yaml:"token_url"`
	// Every 401 of the API has the token renewed, not only one that says invalid_token.
	Any401 bool `yaml:"any_401" default:"false"`
}

// ProxySignInEntry is how people sign in: OpenID Connect, code and PKCE. The redirect URI is PUBLIC_URL/auth/callback.
type ProxySignInEntry struct {
	// The issuer; its metadata says where its endpoints are.
	Issuer string `yaml:"issuer"`
	// The client id.
	ID string `yaml:"id"`
	// The client secret: ${NAME}, or file:PATH, which is read again at each token request.
	Secret Credential `yaml:"secret"`
	// How the secret is sent.
	Auth string `yaml:"auth" oneof:"basic basic_raw body json" default:"basic"`
	// The scopes to ask for.
	Scopes List `yaml:"scopes"`
	// The audience, as Auth0 and others call it.
	Audience string `yaml:"audience"`
	// The API's URL as a resource indicator (RFC 8707).
	Resource string `yaml:"resource"`
	// Every 401 of the API has the token renewed, not only one that says invalid_token.
	Any401 bool `yaml:"any_401" default:"false"`
	// Who signs out has the issuer end their token, if it says where (RFC 7009).
	Revoke bool `yaml:"revoke" default:"true"`
	// Where people are after they signed in or out, unless they were somewhere else.
	After string `yaml:"after" default:"/"`
	// What of the ID token the page may see at /auth/me.
	Claims List `yaml:"claims" default:"sub name preferred_username email picture"`
	// How long a session lives when it is not used.
	Idle Duration `yaml:"idle" default:"30m" min:"1m" max:"24h"`
	// How long a session lives at most.
	Session Duration `yaml:"session" default:"12h" min:"1m" max:"720h"`
	// How many sessions there are at most; the one that was not used for longest makes room.
	Sessions int `yaml:"sessions" default:"10000" min:"1" max:"1000000"`
}

// ProxyLimitsEntry bounds what callers may send.
type ProxyLimitsEntry struct {
	// Bytes of a request's headers.
	Headers Size `yaml:"headers" default:"16KiB" min:"1KiB" max:"64KiB"`
	// Bytes of a request's body.
	Body Size `yaml:"body" default:"1MiB" min:"1B" max:"1024MiB"`
	// How many calls one session may make. Without one, 600/min; with inject, there are no sessions.
	PerSession Rate `yaml:"per_session"`
	// How many requests one address may make. Without one, 1200/min; with inject, no limit.
	PerAddress Rate `yaml:"per_address"`
	// How long the API may take to begin its answer.
	Timeout Duration `yaml:"timeout" default:"30s" min:"1s" max:"600s"`
}

// ProxyRouteEntry is `METHOD /path`, or that with rules of its own: `GET /notes: {query: [page], rate: 60/min}`.
type ProxyRouteEntry struct {
	Pattern string
	ProxyRuleEntry
}

// ProxyRuleEntry are the rules of a route.
type ProxyRuleEntry struct {
	// The parameters that the query may have. Without the key, all but access_token.
	Query Names `yaml:"query"`
	// How many calls one session, or else one address, may make there.
	Rate Rate `yaml:"rate"`
}

// Names is a list that may be there and empty.
type Names struct {
	List  List
	Given bool
}

func (l *Names) decode(d *decoder, n ast.Node, path string) {
	l.Given = true
	l.List.decode(d, n, path)
}

// Credential is a secret that does not stand in the file.
type Credential struct {
	Value secret.Secret // of an environment variable
	File  string        // where it is, instead
}

func (c *Credential) decode(d *decoder, n ast.Node, path string) {
	const hint = "write ${NAME} and set that environment variable, or file:PATH"
	text := ""
	if _, ok := n.(*ast.StringNode); ok {
		text = scalar(n)
	}
	if file, ok := strings.CutPrefix(text, "file:"); ok && file != "" {
		if content, err := os.ReadFile(file); err != nil || strings.TrimSpace(string(content)) == "" {
			d.faultAt(n, path, "the file "+quote(file)+" cannot be read, or is empty", "write the path of a file that holds the secret and nothing else")
			return
		}
		c.File = file
		return
	}
	m := variable.FindStringSubmatch(text)
	if m == nil || m[0] != text {
		// What stands there may be the secret: the message does not repeat it.
		d.faultAt(n, path, "a secret does not stand in the file", hint)
		return
	}
	if value, ok := d.lookup(n, m[1], path); ok {
		c.Value = secret.Of(value)
	}
}

// IsZero reports whether there is none.
func (c Credential) IsZero() bool { return c.File == "" && c.Value.IsEmpty() }

func (r *ProxyRouteEntry) decode(d *decoder, n ast.Node, path string) {
	if _, single := n.(ast.ScalarNode); single {
		r.Pattern, _ = d.text(n, path)
		return
	}
	pairs := d.pairs(n, path)
	if len(pairs) != 1 {
		d.faultAt(n, path, fmt.Sprintf("holds %d pairs; one is expected", len(pairs)), "begin every route with a hyphen")
		return
	}
	r.Pattern = pairs[0].key
	if value, ok := d.plain(pairs[0].value, path); ok {
		d.structure(value, reflect.ValueOf(&r.ProxyRuleEntry).Elem(), join(path, r.Pattern))
	}
}
