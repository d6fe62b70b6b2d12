package catalogue

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// Proxy is what `grantway proxy` does, as its file says it. It is never changed.
type Proxy struct {
	Listen  Listen
	Public  *url.URL // without a path; nil with Inject
	Static  string   // folder; empty: none
	CSP     string   // of the files in it
	API     *url.URL // without a slash at the end
	Path    string   // before the routes, escaped; empty: none
	Client  *ProxyServer
	SignIn  *ProxySignIn // nil: nobody signs in
	Routes  []ProxyRoute
	Origins []string
	Limits  ProxyLimits
	Inject  bool
	Hosts   []string // lower case
	places  places
}

// ProxyServer is an issuer, who the proxy is there, and what its tokens are for.
type ProxyServer struct {
	Issuer, TokenURL string // one of the two
	ID               string
	Secret           Credential
	Auth             string // basic, basic_raw, body, json
	Scopes           []string
	Audience         string
	Resource         string
	Any401           bool
}

// ProxySignIn is how people sign in.
type ProxySignIn struct {
	ProxyServer
	After         string
	Claims        []string
	Idle, Session time.Duration
	Sessions      int
	Revoke        bool // the token of who signs out
}

// ProxyRoute is a method or several, and a path as of Route, that may be called.
type ProxyRoute struct {
	Methods []string
	Path    string   // below Proxy.Path
	Query   []string // parameters that it may have; with AnyQuery, all
	Rate    Rate

	AnyQuery bool
}

// ProxyLimits bound what callers may send. A zero rate is none.
type ProxyLimits struct {
	Headers, Body          int64 // bytes
	PerSession, PerAddress Rate
	Timeout                time.Duration
}

// LoadProxy reads proxy.yaml, with environment variables from env. What is wrong
// with its content is returned as Faults, all at once; other errors are those of
// reading it.
func LoadProxy(path string, env func(string) (string, bool)) (*Proxy, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return ParseProxy(path, data, env)
}

// ParseProxy is LoadProxy for content that is at hand; name is what faults call it.
// Folders and files that it names are looked at.
func ParseProxy(name string, data []byte, env func(string) (string, bool)) (*Proxy, error) {
	d := &decoder{places: places{file: name, at: map[string]place{"": {1, 1}}}, env: env}
	body := d.document(data)
	if len(d.faults) > 0 {
		return nil, d.faults
	}
	var file ProxyFile
	d.structure(body, reflect.ValueOf(&file).Elem(), "")
	r := proxyResolver{resolver{decoder: d, file: &File{}}, &file}
	p := r.proxy()
	if len(d.faults) > 0 {
		return nil, d.faults.sorted()
	}
	p.places = d.places
	return p, nil
}

// A proxyResolver makes a Proxy of a file, and reports what is wrong with it.
type proxyResolver struct {
	resolver
	from *ProxyFile
}

func (r *proxyResolver) proxy() *Proxy {
	f := r.from
	p := &Proxy{
		Static: f.Static, CSP: f.ContentSecurityPolicy, Inject: f.Inject, Path: f.Path,
		Limits: ProxyLimits{
			Headers: int64(f.Limits.Headers), Body: int64(f.Limits.Body), Timeout: time.Duration(f.Limits.Timeout),
			PerSession: f.Limits.PerSession, PerAddress: f.Limits.PerAddress,
		},
	}
	p.Listen = Listen{Address: f.Listen, TLS: TLS{Certificate: f.TLS.Certificate, Key: f.TLS.Key}}
	for i, text := range f.TrustedProxies {
		if prefix, good := r.network(index("trusted_proxies", i), text); good && prefix.Bits() == 0 {
			r.report(index("trusted_proxies", i), "everybody would be trusted", "name the addresses of the proxies")
		} else if good {
			p.Listen.Trusted = append(p.Listen.Trusted, prefix)
		}
	}
	if !f.Inject {
		for _, v := range []struct {
			rate  *Rate
			usual int
		}{{&p.Limits.PerSession, 600}, {&p.Limits.PerAddress, 1200}} {
			if v.rate.Requests == 0 {
				*v.rate = Rate{v.usual, time.Minute}
			}
		}
	}
	r.place(p)
	if f.API != "" && r.remote("api", f.API) {
		p.API, _ = url.Parse(strings.TrimRight(f.API, "/"))
		if p.API.RawQuery != "" || p.API.ForceQuery {
			r.report("api", quote(f.API)+" has a query", "leave it away: the request's own is passed on")
		}
	}
	if p.Path != "" {
		p.Path = "/" + strings.Trim(p.Path, "/")
		if problem, hint := checkPath(p.Path); problem != "" || strings.ContainsAny(p.Path, "{…") {
			r.report("path", quote(f.Path)+" is not a path: "+problem, hint)
		}
	}
	if p.Static != "" {
		if at, err := os.Stat(p.Static); err != nil || !at.IsDir() {
			r.report("static", quote(p.Static)+" is not a folder", "write the folder of the front-end's files; a relative path starts at the working directory")
		} else if abs, err := filepath.Abs(p.Static); err == nil {
			p.Static = abs
		}
	}
	r.clients(p)
	r.unserved(p)
	r.routes(p)
	for i, text := range f.Origins {
		if origin := r.origin(index("origins", i), text); origin != nil {
			p.Origins = append(p.Origins, text)
		}
	}
	return p
}

// place resolves where the proxy answers, and under which name.
func (r *proxyResolver) place(p *Proxy) {
	f := r.from
	r.address("listen", f.Listen)
	host, _, _ := net.SplitHostPort(f.Listen)
	if (f.TLS.Certificate == "") != (f.TLS.Key == "") {
		r.report("tls", "certificate and key go together", "give both, or neither")
	}
	for i, name := range f.Hosts {
		if !f.Inject {
			r.report(index("hosts", i), "hosts are for inject", "write public_url")
		}
		p.Hosts = append(p.Hosts, strings.ToLower(name))
	}
	if f.Inject {
		r.sidecar(host)
		return
	}
	switch {
	case f.PublicURL != "":
		p.Public = r.origin("public_url", f.PublicURL)
	case loopback(host):
		scheme := "http"
		if p.Listen.TLS.Enabled() {
			scheme = "https"
		}
		p.Public, _ = url.Parse(scheme + "://" + f.Listen)
	default:
		r.report("public_url", "is missing, and the address is not on loopback", "write the URL at which browsers see the proxy")
	}
	if !p.Listen.TLS.Enabled() && !loopback(host) && len(p.Listen.Trusted) == 0 {
		r.report("listen", f.Listen+" is open to others in plain HTTP", "give a certificate under tls, listen on 127.0.0.1, or name the proxy in front under trusted_proxies")
	}
}

// sidecar: whoever reaches it has the token's rights.
func (r *proxyResolver) sidecar(host string) {
	f := r.from
	if address, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !address.IsLoopback()) {
		r.report("listen", f.Listen+" is not on loopback, and with inject whoever reaches it has the rights of the token", "listen on 127.0.0.1 or [::1]")
	}
	for _, row := range []struct {
		key   string
		there bool
	}{
		{"static", f.Static != ""},
		{"sign_in", f.SignIn.ID != "" || f.SignIn.Issuer != ""},
		{"origins", len(f.Origins) > 0},
		{"public_url", f.PublicURL != ""},
		{"trusted_proxies", len(f.TrustedProxies) > 0},
	} {
		if row.there {
			r.report(row.key, "does not go with inject, which is for programs and not for browsers", "leave one of the two away")
		}
	}
}

// origin reads a URL that is a scheme, a host and perhaps a port, as browsers write it.
func (r *proxyResolver) origin(path, text string) *url.URL {
	if !r.remote(path, text) {
		return nil
	}
	u, _ := url.Parse(text)
	if u.Path != "" || u.RawQuery != "" || u.ForceQuery || text != strings.ToLower(text) || u.Port() == map[string]string{"https": "443", "http": "80"}[u.Scheme] && u.Port() != "" {
		r.report(path, quote(text)+" is not an origin as browsers write it", "write https://host, in lower case, without a path, and without the usual port")
		return nil
	}
	return u
}

func (r *proxyResolver) clients(p *Proxy) {
	c, s := &r.from.Client, &r.from.SignIn
	if named := c.ID != "" || c.Issuer != "" || c.TokenURL != ""; named {
		p.Client = &ProxyServer{
			Issuer: c.Issuer, TokenURL: c.TokenURL, ID: c.ID, Secret: c.Secret, Auth: c.Auth,
			Scopes: c.Scopes, Audience: c.Audience, Resource: c.Resource, Any401: c.Any401,
		}
		r.server("client", p.Client)
		if (c.Issuer == "") == (c.TokenURL == "") {
			r.report("client", "needs an issuer or a token_url, and one of them", "the issuer's metadata says where tokens are; write token_url where it has none")
		}
		if c.Secret.IsZero() && !r.faulty("client.secret") {
			r.report("client", "has no secret, and a client that acts for itself needs one", "write secret: ${NAME}")
		}
	}
	if s.ID != "" || s.Issuer != "" {
		p.SignIn = &ProxySignIn{
			ProxyServer: ProxyServer{
				Issuer: s.Issuer, ID: s.ID, Secret: s.Secret, Auth: s.Auth,
				Scopes: s.Scopes, Audience: s.Audience, Resource: s.Resource, Any401: s.Any401,
			},
			After: s.After, Claims: s.Claims, Idle: time.Duration(s.Idle), Session: time.Duration(s.Session), Sessions: s.Sessions, Revoke: s.Revoke,
		}
		if !slices.Contains(p.SignIn.Scopes, "openid") {
			p.SignIn.Scopes = append([]string{"openid"}, p.SignIn.Scopes...)
		}
		r.server("sign_in", &p.SignIn.ProxyServer)
		if s.Issuer == "" {
			r.report("sign_in", "needs an issuer", "write it exactly as its ID tokens say it")
		}
		if !LocalPath(s.After) {
			r.report("sign_in.after", quote(s.After)+" is not a path of this site", "write /path")
		}
		if s.Idle > s.Session {
			r.report("sign_in.idle", "is longer than session", "shorten one of the two")
		}
	}
	if p.Client == nil && p.SignIn == nil && !r.faulty("client") && !r.faulty("sign_in") {
		r.report("", "says neither client nor sign_in, so that there is no token", "write client: {issuer, id, secret} for a client that acts for itself, or sign_in: for people")
	}
}

// unserved sees to it that nobody can fetch the secrets as files of the front-end.
func (r *proxyResolver) unserved(p *Proxy) {
	folder, err := filepath.EvalSymlinks(p.Static)
	if p.Static == "" || err != nil {
		return // the latter is reported
	}
	for _, row := range []struct{ key, file string }{
		{"client.secret", r.from.Client.Secret.File}, {"sign_in.secret", r.from.SignIn.Secret.File}, {"tls.key", r.from.TLS.Key},
	} {
		file, err := filepath.Abs(row.file)
		if err == nil {
			file, err = filepath.EvalSymlinks(file)
		}
		if row.file == "" || err != nil {
			continue
		}
		if below, found := strings.CutPrefix(file, folder+string(filepath.Separator)); found && !strings.Contains("/"+filepath.ToSlash(below), "/.") {
			r.report(row.key, quote(row.file)+" lies in the folder of static, where everybody can fetch it", "move it elsewhere, or the front-end into a folder of its own")
		}
	}
}

// LocalPath reports whether a text is a path of the site that a page is on, however
// a browser reads it (row A22).
func LocalPath(text string) bool {
	return strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") && !strings.ContainsAny(text, "\\") &&
		!strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

// LoopbackName reports whether a host name or address is this machine.
func LoopbackName(host string) bool { return loopback(host) }

func (r *proxyResolver) server(path string, s *ProxyServer) {
	if s.ID == "" {
		r.report(path, "needs an id", "write the client id that the issuer gave")
	}
	for _, at := range []struct{ key, url string }{{"issuer", s.Issuer}, {"token_url", s.TokenURL}, {"resource", s.Resource}} {
		if at.url != "" {
			r.remote(join(path, at.key), at.url)
		}
	}
	for i, scope := range s.Scopes {
		if !oauth.ValidScope(scope) {
			r.report(index(join(path, "scopes"), i), quote(scope)+" is not one scope", "write one scope in each place of the list")
		}
	}
}

// faulty reports whether something at or below a path was reported.
func (r *proxyResolver) faulty(path string) bool {
	return slices.ContainsFunc(r.faults, func(f Fault) bool { return f.Path == path || strings.HasPrefix(f.Path, path+".") })
}

func (r *proxyResolver) routes(p *Proxy) {
	first := map[string]string{}
	for i, v := range r.from.Routes {
		at := index("routes", i)
		if v.Pattern == "" {
			continue // said by the decoder
		}
		verbs, path, problem, hint := parsePattern(v.Pattern)
		if problem != "" {
			r.report(at, problem, hint)
			continue
		}
		for _, verb := range verbs {
			request := verb + " " + shape(path)
			if there, twice := first[request]; twice {
				r.report(at, fmt.Sprintf("%s is open already, by %s", verb, there), "leave one of the two away")
				break
			}
			first[request] = at
		}
		whole := p.Path + path
		for _, ours := range []string{"/auth/", "/.well-known/"} {
			if !r.from.Inject && strings.HasPrefix(whole+"/", ours) {
				r.report(at, "the proxy itself answers below "+ours, "put the routes below a path, such as path: /api")
			}
		}
		p.Routes = append(p.Routes, ProxyRoute{Methods: verbs, Path: path, Rate: v.Rate, Query: v.Query.List, AnyQuery: !v.Query.Given})
		for j, name := range v.Query.List {
			if name == "access_token" {
				r.report(index(join(join(at, v.Pattern), "query"), j), "access_token is never passed on", "leave it away")
			}
		}
	}
	if p.API != nil {
		if _, err := wire.CanonicalPath(p.API.EscapedPath() + "/x"); err != nil {
			r.report("api", "its path is not in its plain form", "write it without dot segments, doubled slashes and needless escapes")
		}
	}
}
