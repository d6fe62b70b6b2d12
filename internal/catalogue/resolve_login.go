package catalogue

import (
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// login resolves how people sign in to an environment; nil where they do not.
func (r *resolver) login(path string, e *Environment, v *EnvironmentEntry) {
	path = join(path, "login")
	if !v.Accounts {
		if len(v.Login.Providers) > 0 || v.Login.Mail.Server != "" || v.Login.Theme != (ThemeEntry{}) {
			r.report(path, "nobody signs in here", "write accounts: true beside it")
		}
		return
	}
	l := v.Login
	e.Login = &Login{
		SecondFactor: l.SecondFactor == "required",
		Idle:         time.Duration(l.Idle), Session: time.Duration(l.Session), Remember: time.Duration(l.Remember),
		Refresh: RefreshLife{
			Idle: time.Duration(l.Refresh.Idle), Most: time.Duration(l.Refresh.Most), Grace: time.Duration(l.Refresh.Grace),
		},
		Theme:        Theme{Name: l.Theme.Name, Logo: l.Theme.Logo, Accent: l.Theme.Accent},
		Mail:         r.mail(join(path, "mail"), l.Mail),
		Translations: l.Translations,
	}
	r.besides(l.Theme.Logo)
	r.besides(l.Translations)
	if e.Login.Theme.Name == "" {
		e.Login.Theme.Name = r.file.Name
	}
	if a := l.Theme.Accent; a != "" && !colour.MatchString(a) {
		r.report(join(join(path, "theme"), "accent"), quote(a)+" is not a colour", "write #rrggbb in hexadecimal digits, in quotation marks")
	}
	if e.Login.Idle > e.Login.Session {
		r.report(join(path, "idle"), "is longer than session", "shorten one of the two")
	}
	if e.Login.Refresh.Idle > e.Login.Refresh.Most {
		r.report(join(join(path, "refresh"), "idle"), "is longer than most", "shorten one of the two")
	}
	for _, entry := range l.Providers {
		e.Login.Providers = append(e.Login.Providers, r.provider(join(join(path, "providers"), entry.Key), entry))
	}
	if e.Issuer != nil {
		e.OpenID = openID(e.Issuer)
	}
}

var colour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func (r *resolver) mail(path string, v MailEntry) Mail {
	if v.Server == "" {
		if v.From != "" || v.User != "" {
			r.report(path, "has no server", "write server: HOST:PORT")
		}
		return Mail{}
	}
	if host, port, err := net.SplitHostPort(v.Server); err != nil || host == "" || !validPort(port) {
		r.report(join(path, "server"), quote(v.Server)+" is not a host and port", "write mail.example:587")
	}
	if _, err := mail.ParseAddress(v.From); err != nil {
		r.report(join(path, "from"), quote(v.From)+" is not an e-mail address", "write name@example.org, or Name <name@example.org>")
	}
	if host, _, _ := net.SplitHostPort(v.Server); v.TLS == "none" && !near(host) {
		r.report(join(path, "tls"), "would send reset links in the clear", "write starttls or tls; none is for servers on a private network")
	}
	return Mail{Server: v.Server, From: v.From, User: v.User, Password: v.Password.Value, TLS: v.TLS}
}

func validPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

func (r *resolver) provider(path string, entry Entry[ProviderEntry]) Provider {
	v := entry.Value
	r.name(path, entry.Key)
	if u, err := url.Parse(v.Issuer); v.Issuer != "" && (err != nil || u.Scheme != "https" && !(u.Scheme == "http" && Loopback(u)) || u.Host == "" || u.RawQuery != "" || u.Fragment != "") {
		r.report(join(path, "issuer"), quote(v.Issuer)+" is not an issuer", "write its https URL exactly as its metadata says it")
	}
	if v.Title == "" && entry.Key != "" {
		v.Title = capital(entry.Key)
	}
	return Provider{
		Name: entry.Key, Title: v.Title, Issuer: v.Issuer, ClientID: v.ClientID, Secret: v.ClientSecret.Value,
		Scopes: slices.DeleteFunc(slices.Clone([]string(v.Scopes)), func(s string) bool { return s == "openid" }), Create: v.Create,
	}
}

// here are the scopes that exist in an environment: those that its version has.
func (r *resolver) here(p *plan, e *Environment) []*Scope {
	if e.Version == "" {
		return p.scopes
	}
	var here []*Scope
	for _, s := range p.scopes {
		if s.Since == "" || p.notAfter(s.Since, e.Version) {
			here = append(here, s)
		}
	}
	return here
}

// versions makes sure that every version that is named can be put in order.
func (r *resolver) versions(p *plan) {
	listed := p.entry.Versions
	if len(listed) == 0 {
		return
	}
	check := func(path, version string) {
		if version != "" && !slices.Contains(listed, version) {
			r.once(path, quote(version)+" is not one of the versions of "+p.name, "add it to versions, where it belongs")
		}
	}
	for _, s := range p.entry.Scopes {
		check(join(join(join(p.path, "scopes"), s.Key), "since"), s.Value.Since)
	}
	for _, e := range r.file.Environments {
		check(join(join("environments", e.Key), "version"), e.Value.Version)
	}
}

// notAfter reports whether a version came no later than another: in the order
// that the file lists, else number by number.
func (p *plan) notAfter(a, b string) bool {
	if listed := p.entry.Versions; len(listed) > 0 {
		return slices.Index(listed, a) <= slices.Index(listed, b)
	}
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		m, errX := strconv.Atoi(x)
		n, errY := strconv.Atoi(y)
		if errX != nil || errY != nil {
			return strings.Compare(x, y)
		}
		return m - n
	}) <= 0
}

// open says what the public routes of an API ask for in an environment.
func (r *resolver) open(p *plan, e *Environment) string {
	text, ok := p.entry.Open.In(e.Name)
	path := p.entry.Open.of(join(p.path, "open"), e.Name)
	switch {
	case !ok:
		return OpenPublic
	case text != OpenPublic && text != OpenAPIToken && text != OpenToken:
		r.once(path, quote(text)+" is not known here", didYouMean(text, []string{OpenPublic, OpenAPIToken, OpenToken}))
	case text == OpenAPIToken && p.entry.APITokens.Header == "":
		r.once(path, "the API knows no API tokens", "name their header under api_tokens")
	}
	return text
}

// apiTokens reads what an API does with API tokens.
func (r *resolver) apiTokens(p *plan) APITokens {
	v, path := p.entry.APITokens, join(p.path, "api_tokens")
	for _, h := range []struct{ key, name string }{{"header", v.Header}, {"for", v.For}} {
		if h.name == "" {
			continue
		}
		if !headerName.MatchString(h.name) || slices.Contains(takenHeaders, strings.ToLower(h.name)) {
			r.once(join(path, h.key), quote(h.name)+" cannot be that header", "write a name of its own, of letters, digits and hyphens")
		}
	}
	switch {
	case v.Header == "" && (v.For != "" || v.Elevated):
		r.once(path, "has no header", "write header: NAME")
	case v.Elevated && v.For == "":
		r.once(path, "elevated tokens have no way to say for whom", "write for: NAME")
	case v.Header != "" && strings.EqualFold(v.Header, v.For):
		r.once(join(path, "for"), "is the header of the token too", "write another one")
	}
	return APITokens(v)
}

var (
	headerName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
	takenHeaders = []string{"authorization", "cookie", "host", "connection", "content-length", "content-type", "transfer-encoding", "upgrade", "te", "trailer", "forwarded"}
)
