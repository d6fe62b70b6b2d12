package portal

import (
	"cmp"
	"fmt"
	"net/url"
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
	clientID string        // of the reader; empty: a placeholder
	mine     []Application // of the reader
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
	all = append(all, g.using(), g.scopes(), g.lifetimes(), g.errors(), g.troubleshooting(), g.rotation(), g.practice())
	all = append(all, g.docs.references[g.Name]...)
	return append(all, g.next())
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

// writesJSON reports whether token requests are shown as JSON. Where both are read,
// the form is what RFC 6749 and its libraries send; the product whose requests name
// an audience documents JSON.
func (g *guide) writesJSON() bool { return g.how.JSON && g.how.NeedsAudience }

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

// codeLife is how long a code is good, in the words that its refusal has.
var codeLife = fmt.Sprintf("%d seconds", catalogue.CodeLife/time.Second)

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
		return linked(g.docs.Contact, "mailto:"+url.PathEscape(g.docs.Contact))
	}
	return words(cmp.Or(g.docs.Contact, "the publisher"))
}

// fields are those of a token request.
func (g *guide) fields(grant string, more ...Field) []Field {
	fields := []Field{{Name: "grant_type", Value: grant}, {Name: "client_id", Variable: "CLIENT_ID"}, {Name: "client_secret", Variable: "CLIENT_SECRET"}}
	return append(fields, more...)
}

// tokenRequest asks for a token.
func (g *guide) tokenRequest(fields []Field) *Request {
	return &Request{Method: "POST", URL: g.tokenURL(), JSON: g.writesJSON(), Fields: fields, clientID: g.clientID}
}

// machine are the fields with which a client asks for itself.
func (g *guide) machine() []Field {
	if a := g.audience(); a != "" {
		return g.fields(oauth.GrantClientCredentials, Field{Name: "audience", Value: a})
	}
	return g.fields(oauth.GrantClientCredentials)
}

// tokenExample shows a token request and its answer.
func (g *guide) tokenExample(id, label string, fields []Field, answer *oauth.TokenResponse) block {
	return block{Example: &Example{
		ID: id, Label: label, Variants: g.tokenRequest(fields).variants(id),
		Answer: &Answer{Status: 200, ContentType: g.how.ContentType, Body: indented(g.how.AppendToken(nil, answer, ""))},
	}}
}

// callRequest is the first call of the API.
func (g *guide) callRequest() *Request {
	r := &Request{Method: g.callMethod(), URL: g.callURL(), Token: true, clientID: g.clientID}
	if !g.people() {
		r.tokens = &source{g.tokenURL(), g.audience()}
	}
	return r
}

// longAnswer is the longest body that is shown beside the first call, in bytes.
const longAnswer = 2 << 10

// called is the answer to it as the API's document has it. Without a document, the
// body is the API's matter.
func (g *guide) called() *Answer {
	answer := &Answer{Status: 200, Body: "(what the API answers)"}
	if g.api == nil {
		return answer
	}
	for _, operations := range g.OperationsOf(g.api) {
		for _, op := range operations {
			if op.Route != g.first.Path || op.Method != g.callMethod() {
				continue
			}
			for _, r := range op.Responses {
				if r.Status == "200" && len(r.Content) > 0 && strings.Contains(r.Content[0].Type, "json") && r.Content[0].Example != "" {
					if body := string(indented([]byte(r.Content[0].Example))); len(body) <= longAnswer {
						answer.ContentType, answer.Body = r.Content[0].Type, body
					}
					return answer
				}
			}
		}
	}
	return answer
}
