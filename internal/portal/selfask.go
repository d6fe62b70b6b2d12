package portal

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// ask shows the form that asks for access.
func (v *self) ask() error {
	if v.s.Closed && v.who == nil {
		return v.show(http.StatusOK, &web.PortalPage{
			PortalFrame: web.PortalFrame{Title: "Ask for access", Lead: "The publisher gives access by invitation."},
			Text:        []string{"Write to " + cmp.Or(v.s.Docs.Contact, "the publisher") + " and say what you want to build. If you were invited already, sign in."},
			Actions:     []web.ConsoleLink{{Text: "Sign in", To: "/applications", Main: true}},
		})
	}
	p, err := v.askForm()
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, p)
}

// askForm is the form, filled in with what was sent.
func (v *self) askForm() (*web.PortalPage, error) {
	e := v.s.published(cmp.Or(v.field("environment"), v.s.Docs.start().Name))
	if e == nil {
		return nil, store.ErrNotFound
	}
	p := &web.PortalPage{PortalFrame: web.PortalFrame{
		Title: "Ask for access", Lead: "Say what you want to build, and what it needs. A person at the publisher reads it, and may grant less than you ask for.",
	}}
	if len(v.s.Environments) > 1 {
		choice := web.ConsoleChoice{Name: "Environment"}
		for _, one := range v.s.Environments {
			choice.Links = append(choice.Links, web.ConsoleLink{Text: cmp.Or(one.Title, one.Name), To: at("/ask", "environment", one.Name), Here: one == e})
		}
		p.Choices = []web.ConsoleChoice{choice}
	}
	if e.Use == "development" {
		p.Text = append(p.Text, "This environment is for building and testing. What goes live is asked for separately.")
	}
	p.Form = &web.PortalForm{To: "/ask", Hidden: [][2]string{{"environment", e.Name}}, Button: "Ask for access in " + cmp.Or(e.Title, e.Name)}
	p.Form.Fields = append(v.askers(p), v.wants(e)...)
	if v.who == nil {
		p.Text = append(p.Text, "Are you here already? Sign in first: then the application is added to your organisation.")
		p.Actions = []web.ConsoleLink{{Text: "Sign in", To: "/applications"}}
	}
	return p, nil
}

// askers are the fields that say who asks.
func (v *self) askers(p *web.PortalPage) []web.ConsoleField {
	given := func(name, label, complete, hint string) web.ConsoleField {
		return web.ConsoleField{Name: name, Label: label, Value: v.field(name), Needed: true, Complete: complete, Hint: hint}
	}
	if v.who == nil {
		email := given("email", "Your e-mail address", "email", "The answer goes there, but never the secret. It is also the name you sign in with later.")
		email.Kind, email.Plain = "email", true
		return []web.ConsoleField{given("organisation", "Organisation", "organization", ""), given("person", "Your name", "name", ""), email}
	}
	var mine []web.ConsoleOption
	for i := range v.of {
		if o := &v.of[i]; !o.Disabled() && partner.MemberMay(o.Role(v.who.Account.ID), partner.MayAsk) {
			mine = append(mine, web.ConsoleOption{Value: o.ID, Text: o.Name, On: o.ID == v.field("partner")})
		}
	}
	switch len(mine) {
	case 0:
		return []web.ConsoleField{given("organisation", "Organisation", "organization", "It is made when the request is approved.")}
	case 1:
		p.Form.Hidden = append(p.Form.Hidden, [2]string{"partner", mine[0].Value})
		p.Text = append(p.Text, "For "+mine[0].Text+".")
		return nil
	}
	return []web.ConsoleField{{Name: "partner", Label: "Organisation", Kind: "select", Options: mine}}
}

// wants are the fields that say what is asked for.
func (v *self) wants(e *Published) []web.ConsoleField {
	kinds := []string{store.TypeMachine, "A program on a server, for itself"}
	apis := e.APIs
	if e.Login != nil && e.OpenID != nil {
		kinds = append(kinds, store.TypeWeb, "A website with a server, for people who sign in", store.TypeNative, "An app on a device, for people who sign in",
			store.TypeBrowser, "A page in the browser only, for people who sign in")
		apis = e.Grantable()
	}
	fields := []web.ConsoleField{
		{Name: "application", Label: "Application", Value: v.field("application"), Needed: true, Hint: "Its name, as people know it."},
		{Name: "type", Label: "What it is", Kind: "select", Options: chosen(v.field("type"), kinds...)},
		v.scopeField(apis),
		{Name: "purpose", Label: "Purpose", Kind: "area", Value: v.field("purpose"), Needed: true, Hint: fmt.Sprintf("What it does with the API, and for whom. At most %d characters.", partner.MaxPurpose)},
	}
	if len(kinds) == 2 {
		return slices.Delete(fields, 1, 2)
	}
	return append(fields, web.ConsoleField{
		Name: "redirect_uris", Label: "Redirect URIs", Kind: "area", Value: v.field("redirect_uris"),
		Hint: "Only for applications that people sign in to: where they are sent back to, one in each line, character by character.",
	})
}

// scopeField lists the scopes by API and category, with what each allows.
func (v *self) scopeField(apis []*catalogue.API) web.ConsoleField {
	f := web.ConsoleField{Name: "scopes", Label: "Scopes", Kind: "checks", Hint: "The fewest that will do: they can be added to later."}
	add := func(api *catalogue.API, value, text, hint, group string) {
		heading := api.Title
		if group != "" {
			heading += ": " + group
		}
		f.Options = append(f.Options, web.ConsoleOption{Value: value, Text: text, Hint: hint, Group: heading, On: slices.Contains(v.sent["scopes"], value)})
	}
	for _, api := range apis {
		if len(api.Scopes) == 0 {
			add(api, api.Name, "Everything", "This API has no scopes.", "")
		}
		sorted := slices.Clone(api.Scopes)
		slices.SortStableFunc(sorted, func(a, b *catalogue.Scope) int { return strings.Compare(a.Category, b.Category) })
		for _, s := range sorted {
			add(api, api.Name+" "+s.Name, s.Name, s.Describe(web.English), s.Category)
		}
	}
	return f
}

// asked stores what was asked for.
func (v *self) asked() error {
	from := ""
	switch {
	case v.who != nil: // each is told to the publisher, also one that is taken back at once
		from = "account " + v.who.Account.ID
	case v.s.Closed:
		return store.ErrNotFound
	default:
		from = v.s.Address(v.r)
	}
	if ok, _ := v.s.Asking.Spend(from); !ok {
		return errMany
	}
	a := partner.Asking{
		Environment: v.field("environment"), Application: v.field("application"), Type: v.field("type"), Purpose: v.sent.Get("purpose"),
		Organised: v.field("organisation"), Person: v.field("person"), Email: v.field("email"),
		Redirects: strings.Fields(v.sent.Get("redirect_uris")),
	}
	if v.who != nil {
		a.AccountID, a.PartnerID = v.who.Account.ID, v.field("partner")
	} else {
		a.Network, a.Language = v.s.Network(v.r), preferred(v.r)
	}
	for _, value := range v.sent["scopes"] {
		api, scope, scoped := strings.Cut(value, " ")
		switch {
		case api == catalogue.OpenIDName: // no API that is named
			a.Scopes = append(a.Scopes, scope)
			continue
		case scoped:
			a.Scopes = append(a.Scopes, value)
		}
		if !slices.Contains(a.APIs, api) {
			a.APIs = append(a.APIs, api)
		}
	}
	var err error
	if v.who != nil {
		_, err = v.s.Partners.Ask(v.r.Context(), a, v.by())
	} else {
		err = v.s.Partners.AskUnknown(v.r.Context(), a, v.by())
	}
	if errors.Is(err, store.ErrSpent) {
		return v.full()
	}
	if err != nil {
		if faults, ok := errors.AsType[partner.Faults](err); ok && len(v.sent["scopes"]) == 0 {
			faults = slices.DeleteFunc(faults, func(f partner.Fault) bool { return f.Field == "scopes" || f.Field == "apis" })
			err = append(faults, partner.Fault{Field: "scopes", Problem: "are missing", Hint: "tick what the application needs"})
		}
		p, failed := v.askForm()
		if failed != nil {
			return failed
		}
		return v.wrong(err, p)
	}
	if v.who == nil && v.s.Partners.Confirms() {
		return v.to("/ask/mail")
	}
	return v.to("/ask/thanks")
}

// full says that there are too many open requests.
func (v *self) full() error {
	lead := fmt.Sprintf("As many requests of people whom the publisher does not know yet wait for an answer as there may be: %d in all, or fewer from your network.", partner.MaxUnknown)
	if v.who != nil && v.at.path != partner.ConfirmPath {
		lead = fmt.Sprintf("You or your organisation have %d requests that wait for an answer, and that is as many as there may be. Take one back, or wait.", partner.MaxOpen)
	}
	again := "Try again later, or write to " + cmp.Or(v.s.Docs.Contact, "the publisher") + "."
	if v.at.path == partner.ConfirmPath {
		again = "The link in your mail stays good until it is a day old. " + again
	}
	v.w.Header().Set("Retry-After", "3600")
	return v.show(http.StatusTooManyRequests, &web.PortalPage{
		PortalFrame: web.PortalFrame{Title: "Nothing was sent: too many wait", Lead: lead}, Text: []string{again},
	})
}

// thanks says what happens next. A request that was confirmed by mail is a stranger's,
// whoever is signed in.
func (v *self) thanks() error {
	p := &web.PortalPage{PortalFrame: web.PortalFrame{Title: "Your request is there", Lead: "A person at the publisher reads it and decides."}}
	if v.who != nil && v.field("confirmed") == "" {
		p.Text = []string{"You get the answer by mail, and it stands with your applications.", "Once it is approved, open the application there and generate its secret."}
		p.Actions = []web.ConsoleLink{{Text: "My applications", To: "/applications", Main: true}}
	} else {
		p.Text = []string{
			"The answer goes to your e-mail address. Once the request is approved, you get a link to choose a password.",
			"With it you sign in here and generate the secret yourself, by a button. No mail and no link ever holds the secret.",
		}
		p.Actions = []web.ConsoleLink{{Text: "Ask for another application", To: "/ask"}}
	}
	return v.show(http.StatusOK, p)
}

// request is one of the visitor's own open requests. Others' are not there.
func (v *self) request() (store.AccessRequest, error) {
	r, err := v.s.Partners.Request(v.r.Context(), v.field("id"))
	if err != nil {
		return r, err
	}
	if !v.asks(&r) {
		return r, store.ErrNotFound
	}
	return r, nil
}

// asks reports whether a request is the visitor's: their own, or one for a partner at
// which they may ask. What somebody asked for a partner stays that partner's when they
// are its member no more.
func (v *self) asks(r *store.AccessRequest) bool {
	if r.PartnerID == "" {
		return r.AccountID == v.who.Account.ID
	}
	return slices.ContainsFunc(v.of, func(p store.Partner) bool {
		return p.ID == r.PartnerID && partner.MemberMay(p.Role(v.who.Account.ID), partner.MayAsk)
	})
}

func (v *self) withdrawForm() error {
	r, err := v.request()
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, &web.PortalPage{
		PortalFrame: web.PortalFrame{Title: "Take back the request for " + r.Application, Trail: []web.ConsoleLink{{Text: "My applications", To: "/applications"}}},
		Text:        []string{"Nobody decides about it then. You can ask again."},
		Form:        &web.PortalForm{To: "/ask/withdraw", Hidden: [][2]string{{"id", r.ID}}, Button: "Take it back", Sharp: true, Back: "/applications"},
	})
}

func (v *self) withdraw() error {
	r, err := v.request()
	if err != nil {
		return err
	}
	if err := v.s.Partners.Withdraw(v.r.Context(), r.ID, v.by()); err != nil {
		return err
	}
	return v.to("/applications", "done", "withdrawn")
}
