package catalogue

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// reserved are names of environments that stand for something else: the
// environment of the deployment itself, and first segments of `grantway dev`.
var reserved = []string{"home", "admin", "console", "portal"}

// A resolver makes a Catalogue of a File, and reports on the way what in the
// file does not go together. It passes over what the decoder has reported.
type resolver struct {
	*decoder
	file *File
}

func (r *resolver) report(path, problem, hint string) {
	r.faults = append(r.faults, r.fault(path, problem, hint))
}

func (r *resolver) catalogue() *Catalogue {
	f := r.file
	c := &Catalogue{Name: f.Name, Contact: f.Contact, Data: f.Data, Limits: Limits{
		Body:                 int64(f.Limits.Body),
		FailuresPerMinute:    f.Limits.FailuresPerMinute,
		ConnectionsPerClient: f.Limits.ConnectionsPerAddress,
		Connections:          f.Limits.Connections,
		GatewayBody:          int64(f.Limits.GatewayBody),
	}}
	for _, e := range f.Environments {
		c.Environments = append(c.Environments, r.environment(e))
	}
	if f.Home.Issuer != "" {
		c.Home = r.home(&f.Home)
		c.Console = r.console(&f.Home.Console)
		c.Webhook = r.webhook("home.webhook", &f.Home.Webhook)
	}
	c.Audit, c.Retention = r.audit(&f.Home.Audit), retention(&f.Retention)
	c.Portal = r.portal(&f.Portal)
	c.own()
	r.apart(c)
	plans := r.plans()
	r.disjoint(plans)
	for _, e := range c.Environments {
		for _, p := range plans {
			if a := r.api(e, p); a != nil {
				e.APIs = append(e.APIs, a)
			}
		}
		r.targets(e)
		r.ownPaths(e, plans)
	}
	r.issuers(c, plans)
	r.clients(c, plans)
	c.Listen = r.listen(c)
	c.Outbound = r.outbound()
	c.SealingKey = r.sealingKey()
	return c
}

// environment resolves one environment, but for its APIs and clients.
func (r *resolver) environment(entry Entry[EnvironmentEntry]) *Environment {
	path := join("environments", entry.Key)
	r.name(path, entry.Key)
	if slices.Contains(reserved, entry.Key) {
		r.report(path, "the name is taken by Grantway itself", "choose another name")
	}
	v := entry.Value
	e := &Environment{
		Name: entry.Key, Title: v.Title, Use: v.Use, Dialect: v.Dialect,
		Store: string(v.Store), Strict: v.Strict, PlainCodes: v.ErrorCodes == "rfc",
		Version: v.Version,
	}
	if e.Title == "" {
		e.Title = capital(entry.Key)
	}
	if v.Issuer != "" {
		e.Issuer = r.origin(join(path, "issuer"), v.Issuer)
	}
	e.Base = e.Issuer
	if v.API != "" {
		e.Base = r.origin(join(path, "api"), v.API)
	}
	if e.Store == "" {
		e.Store = "sqlite:" + filepath.ToSlash(filepath.Join(r.file.Data, entry.Key+".db"))
	}
	r.store(join(path, "store"), e.Store)
	r.login(path, e, &v)
	return e
}

// name holds the names of environments and APIs to what fits in paths, host
// names, file names and schemas.
func (r *resolver) name(path, name string) {
	good := len(name) <= 31 && name != "" && name[0] >= 'a' && name[0] <= 'z'
	for i := range len(name) {
		c := name[i]
		good = good && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !good {
		r.report(path, quote(name)+" is not a name", "a name is a letter and up to 30 letters, digits and hyphens, all lower case")
	}
}

func capital(name string) string {
	first, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(first)) + name[size:]
}

// origin reads the URL of an issuer (RFC 8414 §2) or of a gateway. What is
// compared character by character has to have one spelling.
func (r *resolver) origin(path, text string) *url.URL {
	u, err := url.Parse(text)
	problem, hint := "", ""
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		problem, hint = "is not a URL with a host", "write https://host"
	case u.User != nil:
		problem = "holds a user name"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#"):
		problem, hint = "has a query or a fragment", "leave away what follows the path"
	case strings.HasSuffix(u.Path, "/"):
		problem, hint = "ends in a slash", "leave it away: clients compare this text exactly"
	case u.Scheme == "http" && !Loopback(u):
		problem, hint = "is http", "write https; http is for loopback addresses only"
	case u.Host != strings.ToLower(u.Host):
		problem, hint = "has a host in capitals", "write "+strings.ToLower(u.Host)
	case u.Port() == "" && strings.HasSuffix(u.Host, ":") || u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80":
		problem, hint = "says the port that its scheme has anyway", "leave the port away"
	case u.Path != "":
		if problem, hint = checkPath(u.Path); problem == "" && (u.RawPath != "" || strings.ContainsAny(u.Path, "{}…%")) {
			problem, hint = "has a path with escapes", "use letters, digits, - and _"
		}
	}
	if problem == "" && u.String() != text {
		problem, hint = "is not written in its one spelling", "write "+u.String()
	}
	if problem != "" {
		r.report(path, problem, hint)
		return nil
	}
	return u
}

// store checks where an environment remembers. What is wrong with it is said
// without quoting it: it may hold a password.
func (r *resolver) store(path, store string) {
	if file, ok := strings.CutPrefix(store, "sqlite:"); ok {
		if file == "" || strings.ContainsAny(file, "?#") {
			r.report(path, "names no file", "write sqlite:PATH, without ? and #")
		}
		return
	}
	const hint = "write sqlite:PATH or postgres://USER@HOST/DATABASE#SCHEMA"
	u, err := url.Parse(store)
	switch {
	case err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql":
		r.report(path, "is neither SQLite nor PostgreSQL", hint)
	case len(u.Path) < 2:
		r.report(path, "names no database", hint)
	case !isWord(u.Fragment) || len(u.Fragment) > 63 || u.Fragment != strings.ToLower(u.Fragment):
		r.report(path, "names no schema", "write #SCHEMA at the end: lower-case letters, digits and _; environments of one database are apart by it")
	}
}

// apart makes sure that environments do not share what must be apart: stores,
// issuers, and hosts, by which browsers keep them apart. On loopback, where there
// is one host, the whole URL counts.
func (r *resolver) apart(c *Catalogue) {
	type answer struct {
		key string
		url *url.URL
	}
	answers := func(e *Environment) []answer { return []answer{{"issuer", e.Issuer}, {"api", e.Base}} }
	onLoopback := true
	for _, e := range c.All() {
		for _, a := range answers(e) {
			onLoopback = onLoopback && (a.url == nil || Loopback(a.url))
		}
	}
	stores, taken := map[string]string{}, map[string]string{}
	for _, e := range c.All() {
		path := placeOf(e)
		key := storeKey(e.Store)
		if other := stores[key]; other != "" {
			r.report(join(path, "store"), "is the store of "+other+" too", "give each environment its own")
		}
		stores[key] = e.Name
		for _, a := range answers(e) {
			if a.url == nil {
				continue
			}
			key := a.url.Hostname()
			if onLoopback {
				key = a.url.String()
			}
			if other, ok := taken[key]; !ok {
				taken[key] = e.Name
			} else if other != e.Name {
				r.report(join(path, a.key), "is on "+key+", as "+other+" is", "give each environment hosts of its own; on loopback, URLs of its own")
				break
			}
		}
	}
}

// storeKey is what two spellings of one store have in common.
func storeKey(store string) string {
	if file, ok := strings.CutPrefix(store, "sqlite:"); ok {
		return filepath.Clean(file)
	}
	u, err := url.Parse(store)
	if err != nil {
		return store
	}
	return strings.ToLower(u.Host) + u.Path + "#" + u.Fragment
}

// targets makes sure that what a client names means one API (RFC 8707 §2), and
// that what stands for the API in a token does.
func (r *resolver) targets(e *Environment) {
	if e.Dialect == "cognito" {
		r.ownScopes(e)
	}
	seen := map[string]string{}
	for _, a := range e.APIs {
		identifiers := []string{a.Audience}
		if a.Resource != a.Audience {
			identifiers = append(identifiers, a.Resource)
		}
		for _, identifier := range identifiers {
			if other := seen[identifier]; other != "" {
				r.report(join(join("apis", a.Name), "audience"),
					fmt.Sprintf("in %s, %s would mean %s as well", e.Name, quote(identifier), other),
					"give each of the two an audience, best a URL below the environment's api")
				break
			}
		}
		for _, identifier := range identifiers {
			seen[identifier] = a.Name
		}
	}
}

// ownScopes: a token of this dialect has no audience. Its scopes say which API
// it is for, so a scope belongs to one API (row S03).
func (r *resolver) ownScopes(e *Environment) {
	owner := map[string]string{}
	for _, a := range e.APIs {
		for _, s := range a.Scopes {
			for _, name := range append([]string{s.Name}, s.Aliases...) {
				if other := owner[name]; other != "" && other != a.Name {
					r.report(join(join("apis", a.Name), "scopes"),
						fmt.Sprintf("%s is a scope of %s too, and tokens of %s, which have no audience, would open both", quote(name), other, e.Name),
						"give each API scopes of its own, or the environment another dialect")
				}
				owner[name] = a.Name
			}
		}
	}
}

// ownPaths keeps routes off the paths at which the environment itself answers.
func (r *resolver) ownPaths(e *Environment, plans []*plan) {
	if e.Issuer == nil || e.Base == nil {
		return
	}
	own := map[string]bool{"/.well-known": true} // RFC 8615
	if Origin(e.Issuer) == Origin(e.Base) {
		for _, first := range []string{"/oauth", "/oauth2", "/.well-known", "/login", "/consent", "/account", "/reset", "/verify", "/logout", "/assets", UserInfoPath} {
			own[e.Issuer.Path+first] = true
		}
	}
	for _, p := range plans {
		for i, route := range p.routes {
			full := e.Base.Path + route.Path
			for _, taken := range slices.Sorted(maps.Keys(own)) {
				if full == taken || strings.HasPrefix(full, taken+"/") {
					r.report(index(join(p.path, "routes"), p.numbers[i]), "in "+e.Name+", Grantway itself answers below "+taken,
						"choose another path, or an api on another host than the issuer")
				}
			}
		}
	}
}
