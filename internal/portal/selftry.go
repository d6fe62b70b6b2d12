package portal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
	"github.com/grantway/grantway/oauth"
)

// Limits of what is tried.
const (
	TryLifetime = time.Minute // of the token
	tryPatience = 10 * time.Second
	tryBody     = 8 << 10  // bytes of a body that is sent
	tryAnswer   = 16 << 10 // bytes of an answer that are shown
)

// tryMethods are those that can be tried, in the order of the form.
var tryMethods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// TryMark is in the jti of tokens that were made here, where others name the secret
// that obtained them. No secret has such an id.
const TryMark = "portal"

// tryable are the clients of the visitor that the API can be tried with: those that
// act for themselves, in environments for development.
func (v *self) tryable() (pairs []string, err error) {
	for _, e := range v.s.Environments {
		if e.Use != "development" || e.Mint == nil {
			continue
		}
		own, _, err := v.clients(e)
		if err != nil {
			return nil, err
		}
		for _, c := range own {
			if v.mayTry(e, &c) == nil {
				pairs = append(pairs, e.Name+" "+c.ID, cmp.Or(c.Name, c.ID)+", in "+cmp.Or(e.Title, e.Name))
			}
		}
	}
	return pairs, nil
}

// mayTry says whether the API can be tried with a client.
func (v *self) mayTry(e *Published, c *store.Client) error {
	const grant = oauth.GrantClientCredentials
	if e.Use != "development" || e.Mint == nil || c.Disabled() || c.Type != store.TypeMachine || !c.MayUse(grant) || c.Ended(grant, v.s.Now()) {
		return store.ErrNotFound
	}
	_, err := v.partner(c.Partner)
	return err
}

// tryPage is the form, filled in with what was sent.
func (v *self) tryPage() (*web.PortalPage, error) {
	p := &web.PortalPage{PortalFrame: web.PortalFrame{
		Title: "Try it", Lead: "Call the API as one of your applications would. The token is made for this one call and good for a minute.",
	}}
	clients, err := v.tryable()
	if err != nil {
		return nil, err
	}
	if len(clients) == 0 {
		p.Text = []string{"You have no application to try it with: one that acts for itself, in an environment for development."}
		p.Actions = []web.ConsoleLink{{Text: "Ask for access", To: "/ask", Main: true}}
		return p, nil
	}
	picked := v.field("client")
	if v.field("id") != "" {
		picked = v.field("environment") + " " + v.field("id")
	}
	var routes, needs []string
	for _, e := range v.s.Environments {
		if !slices.ContainsFunc(clients, func(c string) bool { return strings.HasPrefix(c, e.Name+" ") }) {
			continue
		}
		g := v.s.Docs.guide(e.Environment, "")
		for _, api := range e.APIs {
			for _, r := range api.Routes {
				for _, m := range r.Methods {
					if line := m + " " + r.Path; slices.Contains(tryMethods, m) && !slices.Contains(routes, line) {
						routes, needs = append(routes, line), append(needs, g.opens(api, r).String())
					}
				}
			}
		}
	}
	first := "/"
	if e := v.s.published(strings.Fields(clients[0])[0]); e != nil {
		first = v.s.Docs.guide(e.Environment, "").first.Path
	}
	var methods []string // each as value and as text
	for _, m := range tryMethods {
		methods = append(methods, m, m)
	}
	p.Form = &web.PortalForm{To: "/try", Button: "Call the API", Fields: []web.ConsoleField{
		{Name: "client", Label: "Application", Kind: "select", Options: chosen(picked, clients...)},
		{Name: "method", Label: "Method", Kind: "select", Options: chosen(v.field("method"), methods...)},
		{Name: "path", Label: "Path", Value: cmp.Or(v.field("path"), first), Plain: true, Needed: true, Hint: "With its query, if it has one. What stands in braces below is yours to fill in."},
		{Name: "body", Label: "Body of a POST, PUT or PATCH", Kind: "area", Value: v.sent.Get("body"), Hint: fmt.Sprintf("JSON, at most %d bytes.", tryBody), Plain: true},
	}}
	section := web.ConsoleSection{Name: "routes", Heading: "What there is to call", Table: &web.ConsoleTable{Caption: "Routes", Columns: heads("Method", "Path", "Needs")}}
	for i, line := range routes {
		method, path, _ := strings.Cut(line, " ")
		section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{{Text: method}, {Text: path, To: at("/try", "client", cmp.Or(picked, clients[0]), "method", method, "path", path)}, {Text: needs[i]}})
	}
	p.Sections = []web.ConsoleSection{section}
	return p, nil
}

func (v *self) try() error {
	p, err := v.tryPage()
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, p)
}

// tried calls the API and shows both directions.
func (v *self) tried() error {
	environment, id, _ := strings.Cut(v.field("client"), " ")
	e := v.s.published(environment)
	if e == nil {
		return store.ErrNotFound
	}
	c, err := e.Clients.Find(v.r.Context(), id)
	if err != nil {
		return err
	}
	if c.Partner == "" { // the publisher's own is not there
		return store.ErrNotFound
	}
	if err := v.mayTry(e, &c); err != nil {
		return err
	}
	p, err := v.tryPage()
	if err != nil {
		return err
	}
	method, to, body, faults := v.trial(e)
	if len(faults) > 0 {
		return v.wrong(faults, p)
	}
	if ok, _ := v.s.Trying.Spend(v.who.Account.ID); !ok {
		return errMany
	}
	if p.Exchange, err = v.exchange(e, &c, method, to, body); err != nil {
		return err
	}
	return v.show(http.StatusOK, p)
}

// trial reads what is to be sent. It goes to the environment's own address, whatever
// the path says.
func (v *self) trial(e *Published) (method string, to *url.URL, body string, faults partner.Faults) {
	method, body = v.field("method"), v.sent.Get("body")
	if !slices.Contains(tryMethods, method) {
		faults = append(faults, partner.Fault{Field: "method", Problem: "is none of " + strings.Join(tryMethods, ", ")})
	}
	if len(body) > tryBody {
		faults = append(faults, partner.Fault{Field: "body", Problem: fmt.Sprintf("has %d bytes; %d is the limit", len(body), tryBody)})
	}
	path, query, asked := strings.Cut(v.field("path"), "?")
	parsed, err := url.PathUnescape(path)
	switch {
	case err != nil, !strings.HasPrefix(path, "/"), strings.ContainsAny(path, "#\\ \r\n\t"), len(path)+len(query) > 2000, strings.ContainsAny(query, "# \r\n\t"):
		faults = append(faults, partner.Fault{Field: "path", Problem: "is not a path", Hint: "begin with a slash, and escape spaces"})
	case strings.ContainsAny(path, "{}…"):
		faults = append(faults, partner.Fault{Field: "path", Problem: "has a place that is yours to fill in", Hint: "put a value for what stands in braces"})
	}
	if len(faults) > 0 {
		return method, nil, body, faults
	}
	to = &url.URL{Scheme: e.Base.Scheme, Host: e.Base.Host, Path: e.Base.Path + parsed, RawPath: e.Base.EscapedPath() + path, RawQuery: query, ForceQuery: asked && query == ""}
	return method, to, body, nil
}

// exchange makes a token, sends the request through the gateway, and writes down both
// directions without what is secret of them.
func (v *self) exchange(e *Published, c *store.Client, method string, to *url.URL, body string) (*web.PortalExchange, error) {
	api := tryAPI(e.Environment, c, method, strings.TrimPrefix(to.Path, e.Base.Path))
	if api == nil {
		return &web.PortalExchange{Sent: method + " " + to.RequestURI(), Got: "", Notes: []string{"The application has no scope of the API that this path belongs to, so no token was made and nothing was sent. Ask for access to it."}}, nil
	}
	minted, err := e.Mint(v.r.Context(), c.ID, api, c.Allotted[api.Name])
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), tryPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, to.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Body = http.NoBody
	if method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch {
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Accept", "application/json")
	token := minted.Reveal()
	request.Header.Set("Authorization", "Bearer "+token)
	answer := e.Call(request)
	if answer == nil {
		return nil, errors.New("the gateway did not answer")
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(io.LimitReader(answer.Body, tryAnswer+1))
	if err != nil {
		return nil, err
	}
	hide := strings.NewReplacer(token, tokenStart(token))
	x := &web.PortalExchange{}
	x.Sent = hide.Replace(onWire(method+" "+to.RequestURI()+" HTTP/1.1", to.Host, request.Header, []byte(body)))
	x.Got = hide.Replace(onWire("HTTP/1.1 "+fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode)), "", answer.Header, got))
	x.Notes = append(x.Notes, "The token is shortened here. Its jti ends in \"."+TryMark+"\", so that the API and logs can tell it from those of your program.")
	if len(got) > tryAnswer {
		x.Notes = append(x.Notes, fmt.Sprintf("The first %d bytes of the answer.", tryAnswer))
	}
	activity.Of(v.r.Context()).Note("tried-in-portal")
	return x, nil
}

// tryAPI is the API of a path that the client may use.
func tryAPI(e *catalogue.Environment, c *store.Client, method, path string) *catalogue.API {
	var best *catalogue.API
	longest := -1
	for _, name := range slices.Sorted(maps.Keys(c.Allotted)) {
		api := e.API(name)
		if api == nil {
			continue
		}
		for i := range api.Routes {
			literal, _, _ := strings.Cut(api.Routes[i].Path, "{")
			literal, _, _ = strings.Cut(literal, "…")
			if api.Routes[i].Allows(method) && strings.HasPrefix(path+"/", strings.TrimRight(literal, "/")+"/") && len(literal) > longest {
				best, longest = api, len(literal)
			}
		}
	}
	return best
}

// tokenStart is the beginning of a token.
func tokenStart(token string) string { return token[:min(len(token), 12)] + "…" }

// onWire is a message as HTTP/1.1 writes it.
func onWire(first, host string, header http.Header, body []byte) string {
	var b strings.Builder
	b.WriteString(first + "\n")
	if host != "" {
		b.WriteString("Host: " + host + "\n")
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			b.WriteString(name + ": " + value + "\n")
		}
	}
	b.WriteString("\n")
	body = body[:min(len(body), tryAnswer)]
	for len(body) > 0 && !utf8.Valid(body) && len(body) > tryAnswer-utf8.UTFMax {
		body = body[:len(body)-1]
	}
	if !utf8.Valid(body) || bytes.ContainsRune(body, 0) {
		fmt.Fprintf(&b, "(%d bytes that are no text)", len(body))
		return b.String()
	}
	b.Write(body)
	return b.String()
}
