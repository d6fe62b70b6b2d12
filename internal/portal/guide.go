package portal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/oauth"
)

// A guide is the documentation of one environment: what its articles are written
// from. Nothing is in it that the configuration does not say.
type guide struct {
	*catalogue.Environment
	docs     *Docs
	how      *dialect.Dialect
	api      *catalogue.API // of the examples
	first    catalogue.Route
	clientID string // of the reader; empty: a placeholder
}

// guide returns what is known of an environment, with the reader's client.
func (d *Docs) guide(e *catalogue.Environment, clientID string) *guide {
	g := &guide{Environment: e, docs: d, how: dialect.Find(e.Dialect), clientID: clientID}
	best := -1
	for _, api := range e.APIs {
		for _, route := range api.Routes {
			if worth := worth(route); worth > best {
				best, g.api, g.first = worth, api, route
			}
		}
	}
	if g.api == nil && len(e.APIs) > 0 {
		g.api = e.APIs[0]
	}
	return g
}

// worth says how well a route does for a first call: one that reads, that a token
// opens, and whose path is complete.
func worth(r catalogue.Route) int {
	if r.Access == catalogue.Public {
		return -1
	}
	n := 0
	if r.Allows("GET") {
		n += 2
	}
	if !strings.ContainsAny(r.Path, "{…") {
		n++
	}
	return n
}

// articles are the pages in the order in which they are read.
func (g *guide) articles() []*article {
	all := []*article{g.overview(), g.environments(), g.credentials()}
	if g.people() {
		all = append(all, g.signingIn())
	} else {
		all = append(all, g.asking())
	}
	return append(all, g.using(), g.scopes(), g.lifetimes(), g.errors(), g.troubleshooting(), g.rotation(), g.practice(), g.reference(), g.next())
}

func (g *guide) people() bool { return g.Login != nil }

func (g *guide) title() string { return Environment{Name: g.Name, Title: g.Title}.Heading() }

// link is the path of a page of this environment, with an anchor or without.
func (g *guide) link(page, anchor string) string {
	at := g.docs.root + "/" + g.Name + "/" + page
	if anchor != "" {
		at += "#" + anchor
	}
	return at
}

// token is the slug of the page that says how to get a token.
func (g *guide) token() string {
	if g.people() {
		return "sign-in"
	}
	return "token"
}

func (g *guide) tokenURL() string { return g.Issuer.String() + g.how.TokenPaths[0] }

func (g *guide) authorizeURL() string { return g.Issuer.String() + g.how.AuthorizePaths[0] }

func (g *guide) metadataURL() string {
	return g.Issuer.String() + "/.well-known/oauth-authorization-server"
}

func (g *guide) keysURL() string { return g.Issuer.String() + "/.well-known/jwks.json" }

func (g *guide) errorsURL() string { return g.Issuer.String() + "/errors/" }

// callURL is where the first call goes.
func (g *guide) callURL() string { return g.Base.String() + g.first.Path }

func (g *guide) callMethod() string {
	if g.first.Allows("GET") || len(g.first.Methods) == 0 {
		return "GET"
	}
	return g.first.Methods[0]
}

// audience is what a token request must name; empty: nothing.
func (g *guide) audience() string {
	if !g.how.NeedsAudience || g.api == nil {
		return ""
	}
	return g.api.Audience
}

// scoped are the APIs that have scopes.
func (g *guide) scoped() []*catalogue.API {
	return slices.DeleteFunc(slices.Clone(g.Grantable()), func(a *catalogue.API) bool { return len(a.Scopes) == 0 })
}

// lifetime is that of the tokens of the examples.
func (g *guide) lifetime() time.Duration {
	if g.api == nil {
		return 0
	}
	return g.api.Token.Lifetime
}

// spoken is a duration as people say it, with the seconds.
func spoken(d time.Duration) string {
	n, unit := int(d/time.Second), "second"
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if d >= u.of && d%u.of == 0 {
			n, unit = int(d/u.of), u.name
			break
		}
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

// contact leads to who hands out credentials.
func (g *guide) contact() text {
	if strings.Contains(g.docs.Contact, "@") {
		return linked(g.docs.Contact, "mailto:"+g.docs.Contact)
	}
	return words(cmp.Or(g.docs.Contact, "the publisher"))
}

// grants are the fields of the token requests, by what is presented.
func (g *guide) fields(grant string, more ...Field) []Field {
	fields := []Field{{Name: "grant_type", Value: grant}, {Name: "client_id", Variable: "CLIENT_ID"}, {Name: "client_secret", Variable: "CLIENT_SECRET"}}
	return append(fields, more...)
}

// tokenExample asks for a token.
func (g *guide) tokenExample(id, label string, fields []Field, answer *oauth.TokenResponse) block {
	r := &Request{Method: "POST", URL: g.tokenURL(), JSON: g.how.JSON, Fields: fields, clientID: g.clientID}
	body := g.how.AppendToken(nil, answer, "")
	return block{Example: &Example{
		ID: id, Label: label, Request: r, Variants: r.variants(id),
		Answer: Answer{Status: 200, ContentType: g.how.ContentType, Body: indented(body)},
	}}
}

// callExample calls the API.
func (g *guide) callExample(id, label string) block {
	r := &Request{Method: g.callMethod(), URL: g.callURL(), Token: true, clientID: g.clientID}
	if !g.people() {
		r.tokens = &source{g.tokenURL(), g.audience()}
	}
	return block{Example: &Example{
		ID: id, Label: label, Request: r, Variants: r.variants(id),
		Answer: Answer{Status: 200, Body: "(what the API answers)"},
	}}
}
