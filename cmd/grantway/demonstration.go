package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/portal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/server"
	"github.com/grantway/grantway/internal/web"
)

// A demonstration is what `grantway dev` prints about an example: the requests
// of its document, with this server's addresses.
type demonstration struct {
	variable string // the prefix of the document's own names for the addresses
	oneURL   bool   // the document knows one address for tokens and API
	open     bool   // others on the network reach it
	own      bool   // it is a configuration of one's own, which commands that find one would take for its server's
	clients  map[string]server.Credentials
	call     string // method and path of a first call
	body     string
	member   server.Membership
	personas map[string]server.Persona // of the environments whose document acts for people; their client is from before PKCE
}

func devDemo(example string) (*demonstration, error) {
	placeholders := func(prefix string) map[string]server.Credentials {
		return map[string]server.Credentials{
			"staging":    {ClientID: prefix + "CLIENT_ID", Secret: secret.Of(prefix + "CLIENT_SECRET")},
			"production": {ClientID: prefix + "PRODUCTION_CLIENT_ID", Secret: secret.Of(prefix + "PRODUCTION_CLIENT_SECRET")},
		}
	}
	all := map[string]*demonstration{
		"quickstart": {variable: "GRANTWAY", clients: placeholders("YOUR_"), call: "GET /notes"},
		"timeback":   {variable: "TIMEBACK", clients: placeholders("YOUR_"), call: "GET /ims/oneroster/rostering/v1p2/courses"},
		"fitness":    {variable: "FITNESS", clients: placeholders("YOUR_"), call: "GET /moves"},
		"studyteam":  {variable: "STUDYTEAM", oneURL: true, clients: placeholders(""), call: "POST /api/something", body: "Body of the request"},
		"mytimetable": {
			variable: "MYTIMETABLE", oneURL: true, call: "GET /api/v0/user",
			clients: map[string]server.Credentials{
				"demo": {ClientID: "test", Secret: secret.Of("test")}, "university": {ClientID: "test", Secret: secret.Of("test")},
			},
			personas: map[string]server.Persona{"demo": timetabler(), "university": timetabler()},
		},
	}
	d := all[example]
	if d == nil {
		return nil, fmt.Errorf("the example %s has no demonstration", example)
	}
	if d.personas == nil {
		d.personas = map[string]server.Persona{}
	}
	d.personas[catalogue.HomeName], d.member = owner(), member()
	return d, nil
}

// timetabler is the person of the timetables' demonstration. The document's own
// redirect URI has neither port nor path.
func timetabler() server.Persona {
	return server.Persona{
		Name: "ann", Password: secret.Of("a term in Leiden"), Roles: []string{"student"}, FullName: "Ann Example",
		Email:     "ann@mytimetable.example",
		Redirects: []string{"http://localhost"}, APIToken: "testToken",
	}
}

// owner is the operator of a demonstration.
func owner() server.Persona {
	return server.Persona{
		Name: "owner", Password: secret.Of("the keys of the house"), Roles: []string{home.Owner}, FullName: "Olive Owner", Email: "owner@home.example",
	}
}

// member is the partner whose the clients of a demonstration are.
func member() server.Membership {
	return server.Membership{ID: "example", Name: "Example Partner", Person: server.Persona{
		Name: "partner", Password: secret.Of("a door of our own"), FullName: "Paula Partner", Email: "paula@partner.example",
	}}
}

// credentials are the clients to make, by environment.
func (d *demonstration) credentials(c *catalogue.Catalogue) map[string]server.Credentials {
	made := maps.Clone(d.clients)
	maps.DeleteFunc(made, func(name string, _ server.Credentials) bool { return c.Find(name) == nil })
	return made
}

// exports are the lines of --env-file: the documents' own names, the bare ones
// for the first environment.
func (d *demonstration) exports(c *catalogue.Catalogue) []string {
	var lines []string
	export := func(name, suffix, value string) {
		lines = append(lines, "export "+d.variable+"_"+name+suffix+"='"+strings.ReplaceAll(value, "'", `'\''`)+"'")
	}
	describe := func(e *catalogue.Environment, suffix string) {
		if d.oneURL {
			export("URL", suffix, e.Base.String())
		} else {
			export("AUTH_URL", suffix, e.Issuer.String())
			export("API_URL", suffix, e.Base.String())
		}
		client := d.clients[e.Name]
		export("CLIENT_ID", suffix, client.ClientID)
		export("CLIENT_SECRET", suffix, client.Secret.Reveal())
		if dialect.Find(e.Dialect).NeedsAudience {
			export("AUDIENCE", suffix, e.APIs[0].Audience)
		}
		if p, ok := d.personas[e.Name]; ok {
			export("USER", suffix, p.Name)
			export("PASSWORD", suffix, p.Password.Reveal())
			export("API_TOKEN", suffix, p.APIToken)
		}
	}
	describe(c.Environments[0], "")
	for _, e := range c.Environments {
		describe(e, "_"+shellName(e.Name))
	}
	return lines
}

// shellName is a name as variables spell it.
func shellName(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }

// tokenRequest is the document's request for a token, ready to paste.
func (d *demonstration) tokenRequest(e *catalogue.Environment) string {
	client := d.clients[e.Name]
	how := dialect.Find(e.Dialect)
	at := e.Issuer.String() + how.TokenPaths[0]
	if p, ok := d.personas[e.Name]; ok {
		return fmt.Sprintf(`curl -X POST %s \
  -d "grant_type=authorization_code&client_id=%s&client_secret=%s&code=$CODE&redirect_uri=%s"`,
			at, client.ClientID, client.Secret.Reveal(), p.Redirects[0])
	}
	if how.NeedsAudience {
		return fmt.Sprintf(`curl -X POST %s \
  -H "Content-Type: application/json" \
  -d '{"client_id":"%s","client_secret":"%s","audience":"%s","grant_type":"client_credentials"}'`,
			at, client.ClientID, client.Secret.Reveal(), e.APIs[0].Audience)
	}
	return fmt.Sprintf(`curl -X POST %s \
  -H "Content-Type: application/x-www-form-urlencoded" \
  -d "grant_type=client_credentials&client_id=%s&client_secret=%s"`, at, client.ClientID, client.Secret.Reveal())
}

// firstStep is where a browser is sent so that its person allows access: the
// document's own request, with nothing escaped and nothing added.
func (d *demonstration) firstStep(e *catalogue.Environment) string {
	return e.Issuer.String() + dialect.Find(e.Dialect).AuthorizePaths[0] +
		"?response_type=code&client_id=" + d.clients[e.Name].ClientID + "&redirect_uri=" + d.personas[e.Name].Redirects[0]
}

// apiCall is a first call with the token, ready to paste; empty where none is known.
func (d *demonstration) apiCall(e *catalogue.Environment) string {
	if d.call == "" {
		return ""
	}
	method, path, _ := strings.Cut(d.call, " ")
	call := "curl " + e.Base.String() + path
	if method != http.MethodGet {
		call = "curl -X " + method + " " + e.Base.String() + path
	}
	call += " \\\n  -H \"Authorization: Bearer $ACCESS_TOKEN\""
	if d.body != "" {
		call += " \\\n  -H \"Content-Type: application/json\" \\\n  -d '" + d.body + "'"
	}
	return call
}

// print says what there is and what to paste.
func (d *demonstration) print(out io.Writer, c *catalogue.Catalogue, data string) {
	first := c.Environments[0]
	fmt.Fprintf(out, "\n%s is running. Ctrl+C stops it; its data is in %s\n\n", c.Name, data)
	if d.own {
		fmt.Fprintf(out, "Commands speak to it with --data: grantway clients list -e %s --data %s\n\n", first.Name, data)
	}
	for _, e := range c.Environments {
		fmt.Fprintf(out, "  %-11s token  %s\n  %-11s API    %s\n", e.Name, e.Issuer.String()+dialect.Find(e.Dialect).TokenPaths[0], "", e.Base)
	}
	if p, ok := d.personas[first.Name]; ok {
		d.printPerson(out, first, p)
	} else {
		fmt.Fprintf(out, "\nAsk for a token:\n\n%s\n", d.tokenRequest(first))
		fmt.Fprintf(out, "\nKeep it in a variable, and call the API with it:\n\n%s\n\n", d.keptToken(first))
		if call := d.apiCall(first); call != "" {
			fmt.Fprintf(out, "%s\n\n", call)
		}
	}
	for _, at := range d.doors(c) {
		fmt.Fprintf(out, "  %-11s %s\n  %-11s as %s, with the password %q\n", strings.ToLower(at.Title), at.URL, "", at.Name, at.Password)
	}
	fmt.Fprintf(out, "  %-11s %s\n", "mails", c.Home.Issuer.String()+web.PathMails)
	fmt.Fprintf(out, "\nThe same on a page: %s\n\n", root(first))
}

// keptToken is the request with its token put into a variable, ready to paste.
func (d *demonstration) keptToken(e *catalogue.Environment) string {
	return "ACCESS_TOKEN=$(" + d.tokenRequest(e) + ` -s | sed 's/.*"access_token":"\([^"]*\)".*/\1/')`
}

// doors are where the publisher and a partner sign in.
func (d *demonstration) doors(c *catalogue.Catalogue) []portal.Door {
	owner, partner := d.personas[catalogue.HomeName], d.member.Person
	return []portal.Door{
		{
			Title: "Console", URL: c.Console.URL.String() + "/", What: "for the publisher: clients, people, requests, keys and changes",
			Name: owner.Name, Password: owner.Password.Reveal(),
		},
		{
			Title: "Portal", URL: c.Portal.URL.String() + "/", What: "for partners: documentation, access and secrets",
			Name: partner.Name, Password: partner.Password.Reveal(),
		},
	}
}

// printPerson says how a person allows access, and what to paste then: one request
// with the code, which is good once.
func (d *demonstration) printPerson(out io.Writer, e *catalogue.Environment, p server.Persona) {
	fmt.Fprintf(out, "\nOpen this in a browser, sign in as %s with the password %q, and allow what is asked for:\n\n%s\n", p.Name, p.Password.Reveal(), d.firstStep(e))
	fmt.Fprintf(out, "\nThe browser is sent on to %s/?code=…, where nobody answers. Copy the code out of its\naddress line; it is good once, and for a minute:\n\nCODE='%s'\n\n%s\n", p.Redirects[0], pasteHere, d.tokenRequest(e))
	fmt.Fprintf(out, "\nCall the API with the access_token of the answer:\n\nACCESS_TOKEN='%s'\n\n%s\n", pasteHere, d.apiCall(e))
	fmt.Fprintf(out, "\n%s's own page, where access is taken back: %s\nThe mails that people would be sent: %s\n\n", p.Name, e.Issuer.String()+web.PathAccount, e.Issuer.String()+web.PathMails)
}

// pasteHere stands where something is to be put in.
const pasteHere = "paste it here"

// root is the URL that everything of a demonstration is below.
func root(e *catalogue.Environment) string { return e.Issuer.Scheme + "://" + e.Issuer.Host + "/" }

// welcome is the page at the root.
func (d *demonstration) welcome(c *catalogue.Catalogue) http.Handler {
	page := &portal.Welcome{
		Title: c.Name, Name: c.Name, Open: d.open, Portal: c.Portal.URL.String(), Doors: d.doors(c), Mails: c.Home.Issuer.String() + web.PathMails,
	}
	for i := range page.Doors {
		if d.open { // who reaches the page is not by that one of the publisher's people
			page.Doors[i].Password = ""
		}
	}
	for _, e := range c.Environments {
		client := d.clients[e.Name]
		issuer := e.Issuer.String()
		shown := portal.Environment{
			Name: e.Name, Title: e.Title, AuthURL: issuer, APIURL: e.Base.String(),
			ClientID: client.ClientID, Secret: client.Secret.Reveal(), TokenRequest: d.tokenRequest(e),
			Call:     strings.TrimSpace(d.keptToken(e) + "\n\n" + d.apiCall(e)),
			Metadata: issuer + "/.well-known/oauth-authorization-server", Keys: issuer + "/.well-known/jwks.json", Errors: issuer + "/errors",
		}
		if p, ok := d.personas[e.Name]; ok {
			shown.TokenRequest = "CODE='" + pasteHere + "'\n\n" + shown.TokenRequest
			shown.Call = "ACCESS_TOKEN='" + pasteHere + "'\n\n" + d.apiCall(e)
			shown.APIToken = p.APIToken
			shown.Person = &portal.Person{
				Name: p.Name, Password: p.Password.Reveal(), SignIn: d.firstStep(e), Back: p.Redirects[0],
				Account: issuer + web.PathAccount, Mails: issuer + web.PathMails,
			}
		}
		if dialect.Find(e.Dialect).NeedsAudience {
			shown.Audience = e.APIs[0].Audience
		}
		page.Environments = append(page.Environments, shown)
	}
	return page
}
