package catalogue

import (
	"net"
	"net/url"
	"path/filepath"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/oauth"
)

// AdminAPI is the name of home's API, which administers the deployment. It is
// not in the file and is never allotted in another environment.
const AdminAPI = "admin"

// AdminPath is where the admin API answers, below home's issuer.
const AdminPath = "/admin/v1"

// A Console says where operators see and steer everything.
type Console struct {
	Listen string // host:port
	URL    *url.URL
}

// A Portal says where partners read and help themselves.
type Portal struct {
	URL    *url.URL
	Closed bool // only members of partners may ask for access
}

// A Webhook is sent JSON by POST.
type Webhook struct {
	URL    *url.URL
	Secret secret.Secret // that it is signed with
}

// The clients of home that are parts of this server.
const (
	ConsoleClient = "grantway-console"
	PortalClient  = "grantway-portal"
)

// SignedInPath is where their people come back from signing in, below their URL.
const SignedInPath = "/signed-in"

// home resolves the environment of the deployment itself.
func (r *resolver) home(v *HomeEntry) *Environment {
	e := &Environment{
		Name: HomeName, Title: "Home", Use: "administration", Dialect: "rfc", Store: string(v.Store),
		Issuer: r.origin("home.issuer", v.Issuer),
	}
	e.Base = e.Issuer
	if e.Store == "" {
		e.Store = "sqlite:" + filepath.ToSlash(filepath.Join(r.file.Data, HomeName+".db"))
	}
	r.store("home.store", e.Store)
	if e.Issuer != nil {
		e.APIs = []*API{adminAPI(e.Issuer)}
	}
	r.login(HomeName, e, &EnvironmentEntry{Accounts: true, Login: v.Login})
	return e
}

// console resolves where the console is.
func (r *resolver) console(v *ConsoleEntry) *Console {
	if host, port, err := net.SplitHostPort(v.Listen); err != nil || host == "" || !validPort(port) {
		r.report("home.console.listen", quote(v.Listen)+" is not a host and port", "write 127.0.0.1:8089")
	}
	at := v.URL
	if at == "" {
		at = "http://" + v.Listen
		if host, _, _ := net.SplitHostPort(v.Listen); !loopback(host) {
			r.report("home.console.url", "is missing", "write the https URL that operators open")
			return nil
		}
	}
	return &Console{Listen: v.Listen, URL: r.origin("home.console.url", at)}
}

// webhook resolves what is told of something; nil: nothing is.
func (r *resolver) webhook(path string, v *WebhookEntry) *Webhook {
	if v.URL == "" {
		if v.Secret.Name != "" {
			r.report(path, "has no url", "write the https URL that is told")
		}
		return nil
	}
	u, err := url.Parse(v.URL)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !Loopback(u)) {
		r.report(join(path, "url"), quote(v.URL)+" is not an https URL", "write https://host/path")
		return nil
	}
	if v.Secret.Name == "" {
		if !r.reported(path) {
			r.report(join(path, "secret"), "is missing", "write ${NAME}, so that what is told can be told from what others send")
		}
		return nil
	}
	return &Webhook{URL: u, Secret: v.Secret.Value}
}

// portal resolves where the portal is; nil where there is none.
func (r *resolver) portal(v *PortalEntry) *Portal {
	if v.URL == "" {
		return nil
	}
	return &Portal{URL: r.origin("portal.url", v.URL), Closed: v.Requests == "members"}
}

// A part is a part of this server that people open, and where the file says so.
type part struct {
	key string
	url *url.URL
}

// parts are the console and the portal, as far as there are.
func (c *Catalogue) parts() []part {
	var all []part
	if c.Console != nil && c.Console.URL != nil {
		all = append(all, part{"home.console.url", c.Console.URL})
	}
	if c.Portal != nil && c.Portal.URL != nil {
		all = append(all, part{"portal.url", c.Portal.URL})
	}
	return all
}

// own declares the parts of this server that people of home sign in to.
func (c *Catalogue) own() {
	if c.Home == nil || c.Home.Login == nil {
		return
	}
	c.Home.Clients = nil
	declare := func(id, name string, at *url.URL) {
		c.Home.Clients = append(c.Home.Clients, Client{
			ID: id, Name: c.Name + " " + name, Type: "web", Grants: []string{oauth.GrantAuthorizationCode},
			Allotted: map[string][]string{OpenIDName: {oauth.ScopeOpenID}}, Own: true,
			SignIn: SignIn{
				Redirects: []string{at.String() + SignedInPath}, LogoutRedirects: []string{at.String() + "/"}, IDTokenAlg: string(jose.ES256),
				Owner: c.Name, Homepage: at.String(), Verified: true,
			},
		})
	}
	if c.Console != nil && c.Console.URL != nil {
		declare(ConsoleClient, "console", c.Console.URL)
	}
	if c.Portal != nil && c.Portal.URL != nil {
		declare(PortalClient, "portal", c.Portal.URL)
	}
}

func adminAPI(issuer *url.URL) *API {
	at := issuer.String() + AdminPath
	return &API{
		Name: AdminAPI, Title: "Administration", Audience: at, Resource: at, Envelope: "rfc",
		Upstream: &url.URL{Scheme: Demo}, // nothing is passed on: the server answers itself
		Token:    Token{Lifetime: 15 * time.Minute, Algorithm: jose.ES256, Format: JWT},
		Scopes: []*Scope{
			{Name: "clients:read", Description: "See clients and their secrets' dates"},
			{Name: "clients:write", Description: "Create, change, disable and delete clients, add and revoke secrets"},
			{Name: "keys:read", Description: "See which keys sign tokens, and since when"},
			{Name: "keys:write", Description: "Rotate and remove signing keys"},
			{Name: "accounts:read", Description: "See people's accounts, and everything that is known of one person"},
			{Name: "accounts:write", Description: "Create, import, disable, reset and delete people's accounts"},
			{Name: "api-tokens:read", Description: "See API tokens and their dates"},
			{Name: "api-tokens:write", Description: "Create, approve and revoke API tokens"},
			{Name: "partners:read", Description: "See partners, their people and what they ask for"},
			{Name: "partners:write", Description: "Create, change, disable and delete partners, decide on what they ask for, promote their clients"},
			{Name: "changes:read", Description: "See who changed what, and when"},
			{Name: "operators:read", Description: "See who operates the deployment"},
			{Name: "operators:write", Description: "Invite operators and take their roles away"},
		},
	}
}

// placeOf is where the file says what an environment is.
func placeOf(e *Environment) string {
	if e.Name == HomeName {
		return HomeName
	}
	return join("environments", e.Name)
}
