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
	r.clients(c, plans)
	c.Listen = r.listen(c)
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
		Store: string(v.Store), Strict: v.Strict,
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

// apart makes sure that environments do not share what must be apart: issuers,
// stores and hosts.
func (r *resolver) apart(c *Catalogue) {
	issuers, stores, hosts := map[string]string{}, map[string]string{}, map[string]string{}
	allLoopback := true
	for _, e := range c.Environments {
		allLoopback = allLoopback && (e.Issuer == nil || Loopback(e.Issuer)) && (e.Base == nil || Loopback(e.Base))
	}
	for _, e := range c.Environments {
		path := join("environments", e.Name)
		if other := stores[storeKey(e.Store)]; other != "" {
			r.report(join(path, "store"), "is the store of "+other+" too", "give each environment its own")
		}
		stores[storeKey(e.Store)] = e.Name
		if e.Issuer == nil || e.Base == nil {
			continue
		}
		if other := issuers[e.Issuer.String()]; other != "" {
			r.report(join(path, "issuer"), "is the issuer of "+other+" too", "give each environment its own")
			continue
		}
		issuers[e.Issuer.String()] = e.Name
		for key, u := range map[string]*url.URL{"issuer": e.Issuer, "api": e.Base} {
			if allLoopback {
				if other := issuers[u.String()]; other != "" && other != e.Name || r.isBase(c, e, u) {
					r.report(join(path, key), "is a URL of another environment too", "give each environment its own")
				}
			} else if other := hosts[u.Hostname()]; other != "" && other != e.Name {
				r.report(join(path, key), "is on the host of "+other, "give each environment hosts of its own, so that browsers keep them apart")
			}
		}
		hosts[e.Issuer.Hostname()], hosts[e.Base.Hostname()] = e.Name, e.Name
	}
}

// isBase reports whether an environment before e answers at u.
func (r *resolver) isBase(c *Catalogue, e *Environment, u *url.URL) bool {
	for _, other := range c.Environments {
		if other == e {
			return false
		}
		if other.Base != nil && other.Base.String() == u.String() {
			return true
		}
	}
	return false
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

// targets makes sure that what a client names means one API (RFC 8707 §2).
func (r *resolver) targets(e *Environment) {
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

// ownPaths keeps routes off the paths at which the environment itself answers.
func (r *resolver) ownPaths(e *Environment, plans []*plan) {
	if e.Issuer == nil || e.Base == nil {
		return
	}
	own := map[string]bool{"/.well-known": true} // RFC 8615
	if Origin(e.Issuer) == Origin(e.Base) {
		for _, first := range []string{"/oauth", "/oauth2", "/.well-known"} {
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
