package catalogue

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/oauth"
)

// A plan is what an API has in common in all environments.
type plan struct {
	path    string // of the API in the file
	name    string
	entry   *APIEntry
	scopes  []*Scope
	routes  []Route
	numbers []int  // for each route its number in the file
	prefix  string // what the paths of all guarded routes begin with

	document *OpenAPI // nil: it has none
}

// api is as much of the API as is known while names are resolved.
func (p *plan) api() *API { return &API{Name: p.name, Scopes: p.scopes} }

func (r *resolver) plans() []*plan {
	var plans []*plan
	for i := range r.file.APIs {
		entry := &r.file.APIs[i]
		p := &plan{path: join("apis", entry.Key), name: entry.Key, entry: &entry.Value}
		r.name(p.path, p.name)
		r.scopes(p)
		r.routes(p)
		p.prefix = commonPrefix(p.routes)
		r.perEnvironment(join(p.path, "audience"), &p.entry.Audience)
		r.perEnvironment(join(p.path, "upstream"), &p.entry.Upstream)
		r.perEnvironment(join(p.path, "open"), &p.entry.Open)
		r.versions(p)
		p.document = r.openAPI(p)
		plans = append(plans, p)
	}
	return plans
}

// perEnvironment makes sure that a map has the environments' names for keys.
func (r *resolver) perEnvironment(path string, each *Each) {
	known := r.file.Environments.Keys()
	for _, entry := range each.Of {
		if !slices.Contains(known, entry.Key) {
			r.report(join(path, entry.Key), "is not an environment", didYouMean(entry.Key, known))
		}
	}
	if len(each.Of) == 0 {
		return
	}
	missing := slices.DeleteFunc(slices.Clone(known), func(name string) bool { return slices.Contains(each.Of.Keys(), name) })
	if len(missing) > 0 {
		r.report(path, "says nothing for "+strings.Join(missing, " and "), "add "+missing[0]+": …")
	}
}

// of is the path of what Each says for an environment.
func (e *Each) of(path, environment string) string {
	if len(e.Of) == 0 {
		return path
	}
	return join(path, environment)
}

func (r *resolver) scopes(p *plan) {
	spellings := map[string]string{} // to the name that has it
	claim := func(path, spelling, name string) {
		other, taken := spellings[spelling]
		switch {
		case !oauth.ValidScope(spelling):
			r.report(path, quote(spelling)+" is not a scope", "RFC 6749 §3.3 allows printable ASCII without space, quotation mark and backslash; at most 256 characters")
		case spelling == wordPublic || spelling == wordToken || spelling == wordAll:
			r.report(path, quote(spelling)+" is a word of this file", "choose another name for the scope")
		case taken && other == name && spelling == name:
			r.report(path, "the scope is its own alias", "leave it away")
		case taken && other == name:
			r.report(path, "the alias stands twice", "leave one away")
		case taken:
			r.report(path, "is a spelling of "+other+" already", "one spelling means one scope")
		default:
			spellings[spelling] = name
		}
	}
	path := join(p.path, "scopes")
	for _, e := range p.entry.Scopes {
		claim(join(path, e.Key), e.Key, e.Key)
	}
	for _, e := range p.entry.Scopes {
		v := e.Value
		for i, alias := range v.Aliases {
			claim(index(join(join(path, e.Key), "aliases"), i), alias, e.Key)
		}
		p.scopes = append(p.scopes, &Scope{
			Name: e.Key, Category: v.Category, Description: v.Description.One, Descriptions: v.Description.byLanguage(),
			Aliases: slices.Clone([]string(v.Aliases)), Since: v.Since, Write: v.Write, Roles: slices.Clone([]string(v.Roles)),
		})
	}
}

func (r *resolver) routes(p *plan) {
	for i, entry := range p.entry.Routes {
		path := index(join(p.path, "routes"), i)
		if entry.Pattern == "" {
			continue // the decoder has said why
		}
		verbs, pattern, problem, hint := parsePattern(entry.Pattern)
		if problem != "" {
			r.report(path, problem, hint)
		}
		route := Route{Methods: verbs, Path: pattern, Rate: entry.Rate}
		ok := r.rule(p, path, entry, &route)
		if ok && problem == "" {
			p.routes, p.numbers = append(p.routes, route), append(p.numbers, i)
		}
	}
}

// rule reads what a route asks for.
func (r *resolver) rule(p *plan, path string, entry RouteEntry, route *Route) bool {
	route.Access = Bearer
	var alternatives [][]string
	if entry.Scope.Listed {
		alternatives = [][]string{entry.Scope.Words}
	} else {
		for _, word := range entry.Scope.Words {
			for alternative := range strings.SplitSeq(word, " | ") {
				alternatives = append(alternatives, []string{strings.TrimSpace(alternative)})
			}
		}
	}
	good := len(alternatives) > 0
	for _, texts := range alternatives {
		var needed []string
		for _, text := range texts {
			if alone := len(alternatives) == 1 && len(texts) == 1; alone && (text == wordPublic || text == wordToken) {
				route.Access = Access(text)
				continue
			}
			problem, hint := "", ""
			switch {
			case text == wordPublic || text == wordToken:
				problem, hint = text+" stands alone in a rule", "leave the scopes away, or "+text
			case strings.Contains(text, " | "):
				problem, hint = "a list means all of its scopes, and a | b one of them: the two do not mix", "write two scopes, or one of the two forms"
			default:
				var m Meaning
				if m, problem, hint = named(text, p.api()); m.Scope != "" && !slices.Contains(needed, m.Scope) {
					needed = append(needed, m.Scope)
				}
			}
			if problem != "" {
				r.report(path, problem, hint)
				good = false
			}
		}
		if len(needed) > 0 {
			route.AnyOf = append(route.AnyOf, needed)
		}
	}
	return good
}

// disjoint makes sure that every request has one route: what two routes claim,
// one of them can never get.
func (r *resolver) disjoint(plans []*plan) {
	claimed := map[string]string{}
	for _, p := range plans {
		for i, route := range p.routes {
			path := index(join(p.path, "routes"), p.numbers[i])
			verbs := route.Methods
			if slices.Contains(verbs, http.MethodGet) && !slices.Contains(verbs, http.MethodHead) {
				verbs = append(slices.Clone(verbs), http.MethodHead)
			}
			for _, verb := range verbs {
				key := verb + " " + shape(route.Path)
				other, taken := claimed[key]
				if !taken {
					claimed[key] = path
					continue
				}
				r.report(path, fmt.Sprintf("%s %s is claimed by %s in line %d, so that this route can never match", verb, route.Path, other, r.find(other).line),
					"leave one of the two away")
				break
			}
		}
	}
}

// api is the API as one environment publishes it, or nil if the file does not
// say enough.
func (r *resolver) api(e *Environment, p *plan) *API {
	v := p.entry
	a := &API{
		Name: p.name, Title: v.Title, Envelope: v.Errors, Rate: v.Rate, MaxStale: time.Duration(v.MaxStale), Scopes: r.here(p, e), Routes: p.routes,
		Document: p.document.under(e.Base), Query: v.QueryToken, Open: r.open(p, e), Tokens: r.apiTokens(p),
		Token: Token{
			Lifetime: time.Duration(v.Token.Lifetime), Algorithm: jose.Algorithm(v.Token.Algorithm), Format: Format(v.Token.Format),
			Reuse: time.Duration(v.Token.Reuse), Budget: v.Token.Budget,
		},
	}
	if v.Token.Format == "dashed" {
		a.Token.Format, a.Token.Dashed = Opaque, true
	}
	if a.Title == "" && a.Name != "" {
		a.Title = capital(a.Name)
	}
	if a.Token.Algorithm == "" {
		a.Token.Algorithm = jose.ES256
		if e.Dialect == "cognito" || e.Dialect == "auth0" {
			a.Token.Algorithm = jose.RS256
		}
	}
	if t := &a.Token; t.Reuse > 0 && t.Lifetime > 0 && t.Reuse >= t.Lifetime {
		r.once(join(join(p.path, "token"), "reuse"), "as much is never left of a token's life", "write less than its lifetime, "+v.Token.Lifetime.String())
	}
	if e.Dialect == "cognito" && a.Token.Format == Opaque {
		r.once(join(join(p.path, "token"), "format"), "the dialect cognito of "+e.Name+" has no opaque tokens", "write jwt, or choose another dialect")
	}
	if a.Upstream = r.upstream(p, e.Name); a.Upstream == nil || e.Base == nil {
		return nil
	}
	own := e.Base.String() + p.prefix
	audience, ok := v.Audience.In(e.Name)
	if !ok {
		audience = own
	} else if !r.audience(v.Audience.of(join(p.path, "audience"), e.Name), audience) {
		return nil
	}
	a.Audience, a.Resource = audience, own
	if below(audience, e.Base) {
		a.Resource = audience
	}
	return a
}

// once reports what would be reported for every environment alike.
func (r *resolver) once(path, problem, hint string) {
	f := r.fault(path, problem, hint)
	if !slices.ContainsFunc(r.faults, func(g Fault) bool { return g.Path == f.Path && g.Hint == f.Hint }) {
		r.faults = append(r.faults, f)
	}
}

// audience holds an identifier to what RFC 8707 §2 and RFC 7519 §2 allow.
func (r *resolver) audience(path, text string) bool {
	u, err := url.Parse(text)
	switch {
	case len(text) > 512 || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }):
		r.once(path, quote(text)+" is not an audience", "write printable ASCII without spaces, quotes and backslashes, at most 512 characters")
	case strings.Contains(text, ":") && (err != nil || !u.IsAbs() || strings.Contains(text, "#")):
		r.once(path, quote(text)+" is neither a word nor a URL without a fragment", "see RFC 8707 §2")
	default:
		return true
	}
	return false
}

func (r *resolver) upstream(p *plan, environment string) *url.URL {
	text, ok := p.entry.Upstream.In(environment)
	if !ok {
		return nil // said by the decoder or by perEnvironment
	}
	if text == Demo {
		return &url.URL{Scheme: Demo}
	}
	path := p.entry.Upstream.of(join(p.path, "upstream"), environment)
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		r.once(path, quote(text)+" is not a URL with a host", "write http://host:port, https://host, or demo")
	case u.User != nil:
		// Without quoting it: it may hold a password.
		r.once(path, "the URL holds a user name", "leave it away")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		r.once(path, quote(text)+" has a query or a fragment", "leave it away: the request's own is passed on")
	default:
		u.Path = strings.TrimRight(u.Path, "/")
		u.RawPath = ""
		return u
	}
	return nil
}

// below reports whether a URL is the base or continues it.
func below(text string, base *url.URL) bool {
	rest, ok := strings.CutPrefix(text, base.String())
	return ok && !strings.Contains(rest, "?") && (rest == "" || rest[0] == '/')
}
