package console

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

var newClient = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		e, err := v.writable()
		if err != nil {
			return nil, err
		}
		kind := web.ConsoleField{Name: "type", Label: "Type", Kind: "select"}
		for _, t := range types {
			if e.OpenID != nil || t.is == store.TypeMachine || t.is == store.TypeResource {
				kind.Options = append(kind.Options, web.ConsoleOption{Value: t.is, Text: t.text, On: v.field("type") == t.is})
			}
		}
		form := &web.ConsoleForm{
			ConsoleFrame: web.ConsoleFrame{
				Title: "Create a client in " + e.Title, Lead: "It can be used at once, here and nowhere else.",
				Trail: []web.ConsoleLink{{Text: "Clients of " + e.Title, To: to("/clients", "environment", e.Name)}},
			},
			Hidden: [][2]string{{"environment", e.Name}},
			Fields: []web.ConsoleField{
				{Name: "name", Label: "Name", Hint: "What people call the application.", Value: v.field("name"), Needed: true},
				kind,
				{Name: "id", Label: "Client id", Hint: "Empty: one is made. Give one when programs have it already.", Value: v.field("id"), Plain: true},
				{Name: "partner", Label: "Partner's id", Hint: "Empty: it is the publisher's own.", Value: v.field("partner"), Plain: true},
				v.scopeField("scopes", "What it may use", e, nil),
				endField(v),
			},
			Button: "Create the client", Back: to("/clients", "environment", e.Name),
		}
		if e.OpenID != nil {
			form.Fields = append(form.Fields, web.ConsoleField{
				Name: "redirect_uris", Label: "Redirect URIs", Kind: "area", Plain: true, Value: v.field("redirect_uris"),
				Hint: "Only for clients that act for people: where they are sent back to, one a line.",
			})
		}
		return form, nil
	},
	do: func(v *visit) error {
		e, err := v.writable()
		if err != nil {
			return err
		}
		end, err := v.end()
		if err != nil {
			return err
		}
		apis, scopes := v.chosen()
		n := partner.New{
			ID: v.field("id"), Name: v.field("name"), Type: v.field("type"), APIs: apis, Scopes: scopes,
			SignIn: store.SignIn{Redirects: lines(v.field("redirect_uris"))}, Secret: partner.NewSecret{ExpiresAt: end},
		}
		owner, err := v.thePartner(v.field("partner"))
		if err != nil {
			return err
		}
		n.Own(&owner)
		result, err := e.Clients.Create(v.r.Context(), n, v.by())
		if errors.Is(err, store.ErrConflict) {
			return partner.Faults{{Field: "id", Problem: "is or was another client's", Hint: "choose another one"}}
		}
		if err != nil {
			return err
		}
		v.secretShown(e, &result, "The client is created", nil)
		return nil
	},
}

// scopeField lets somebody tick what of an environment's APIs may be used. Of is
// what can be ticked; nil: everything there is, with nothing ticked.
func (v *visit) scopeField(name, label string, e *Environment, of map[string][]string) web.ConsoleField {
	f := web.ConsoleField{Name: name, Label: label, Kind: "checks"}
	apis := e.APIs
	if e.OpenID != nil && of != nil {
		apis = append(slices.Clip(apis), e.OpenID)
	}
	sent := v.r.Method == http.MethodPost
	for _, api := range apis {
		add := func(scope, text, hint string) {
			value := api.Name + " " + scope
			f.Options = append(f.Options, web.ConsoleOption{Value: value, Text: text, Hint: hint, Group: cmp.Or(api.Title, api.Name), On: v.has(name, value) || !sent && of != nil})
		}
		allowed, ok := of[api.Name]
		if of != nil && !ok {
			continue
		}
		if len(api.Scopes) == 0 {
			add("", "everything: the API has no scopes", "")
		}
		for _, s := range api.Scopes {
			if of == nil || slices.Contains(allowed, s.Name) {
				add(s.Name, s.Name, s.Description)
			}
		}
	}
	return f
}

// chosen is what was ticked: APIs, and scopes of them, each after its API.
func (v *visit) chosen() (apis, scopes []string) {
	for _, value := range v.sent["scopes"] {
		api, scope := apart(value)
		if !slices.Contains(apis, api) {
			apis = append(apis, api)
		}
		if scope != "" {
			scopes = append(scopes, value)
		}
	}
	return apis, scopes
}

// apart is the API and the scope of what a box stands for. No API's name holds a
// space.
func apart(value string) (api, scope string) {
	api, scope, _ = strings.Cut(value, " ")
	return api, scope
}

// endField asks for the day on which something ends.
func endField(v *visit) web.ConsoleField {
	return web.ConsoleField{Name: "expires_at", Label: "The secret ends on", Kind: "date", Hint: "Empty: never. At the beginning of that day, in UTC; its owner is told before.", Value: v.field("expires_at")}
}

func (v *visit) end() (time.Time, error) {
	sent := v.field("expires_at")
	if sent == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.DateOnly, sent)
	if err != nil {
		return time.Time{}, partner.Faults{{Field: "expires_at", Problem: "is no day", Hint: "write 2027-03-01"}}
	}
	return at, nil
}

// secretShown shows a secret that was made, this once.
func (v *visit) secretShown(e *Environment, result *partner.Result, title string, sections []web.ConsoleSection) {
	c := &result.Client
	shown := &web.ConsoleShown{
		ConsoleFrame: web.ConsoleFrame{Title: title}, Label: "Client secret", Secret: result.Secret.Reveal(), Warnings: result.Warnings,
		Facts: []web.ConsoleFact{
			told("Client id", code(c.ID)), told("Name", text(c.Name)), told("Environment", text(e.Title)), told("Issuer", code(e.Issuer.String())),
		},
		Sections: sections, On: web.ConsoleLink{Text: "To the client", To: to("/client", "environment", e.Name, "id", c.ID)},
	}
	var audiences, scopes []web.ConsoleCell
	for _, name := range slices.Sorted(maps.Keys(c.Allotted)) {
		if api := e.API(name); api != nil {
			audiences = append(audiences, code(api.Audience))
		}
		scopes = append(scopes, codes(c.Allotted[name])...)
	}
	shown.Facts = append(shown.Facts, told("Audience", audiences...), told("Scopes", scopes...))
	if shown.Secret == "" {
		shown.Text = []string{"It keeps no secret: what runs on a device or in a browser cannot."}
	}
	v.show(http.StatusOK, shown)
}

// aboutClient is what every form about a client has in common.
func (v *visit) aboutClient(title, button string) (*Environment, store.Client, *web.ConsoleForm, error) {
	e, err := v.writable()
	if err != nil {
		return nil, store.Client{}, nil, err
	}
	c, err := e.Clients.Find(v.r.Context(), v.field("id"))
	if err == nil && c.Declared {
		err = partner.ErrDeclared
	}
	if err != nil {
		return nil, c, nil, err
	}
	back := to("/client", "environment", e.Name, "id", c.ID)
	return e, c, &web.ConsoleForm{
		ConsoleFrame: web.ConsoleFrame{Title: title + " " + cmp.Or(c.Name, c.ID), Trail: []web.ConsoleLink{
			{Text: "Clients of " + e.Title, To: to("/clients", "environment", e.Name)}, {Text: cmp.Or(c.Name, c.ID), To: back},
		}},
		Hidden: [][2]string{{"environment", e.Name}, {"id", c.ID}}, Button: button, Back: back,
	}, nil
}

var disableClient = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, c, form, err := v.aboutClient("Disable", "Disable the client")
		if err != nil {
			return nil, err
		}
		form.Sharp, form.Text = true, []string{"It gets no more tokens, and those that it has end within a second. You can enable it again; what ended stays ended."}
		if c.DisabledBy != "" {
			form.Title, form.Button = "Keep "+cmp.Or(c.Name, c.ID)+" disabled", "Keep it disabled"
			form.Text = []string{"Its partner disabled it, and can enable it again. If you keep it disabled, only you can."}
		} else if c.Partner != "" {
			form.Text[0] += " Its partner cannot enable it."
		}
		return form, nil
	},
	do: func(v *visit) error {
		e, c, _, err := v.aboutClient("", "")
		if err != nil {
			return err
		}
		result, err := e.Clients.Disable(v.r.Context(), c.ID, v.by())
		if err != nil {
			return err
		}
		if slices.Contains(result.Warnings, partner.WarnUntold) {
			activity.Of(v.r.Context()).Note("partner-not-told") // it is disabled all the same
		}
		return v.done("client-disabled", "/client", "environment", e.Name, "id", c.ID)
	},
}

var enableClient = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, _, form, err := v.aboutClient("Enable", "Enable the client")
		if err != nil {
			return nil, err
		}
		form.Text = []string{"Its secrets are good again. Tokens that ended stay ended."}
		return form, nil
	},
	do: func(v *visit) error {
		e, c, _, err := v.aboutClient("", "")
		if err != nil {
			return err
		}
		if _, err := e.Clients.Enable(v.r.Context(), c.ID, v.by()); err != nil {
			return err
		}
		return v.done("client-enabled", "/client", "environment", e.Name, "id", c.ID)
	},
}

var deleteClient = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, c, form, err := v.aboutClient("Delete", "Delete the client")
		if err != nil {
			return nil, err
		}
		form.Sharp, form.Fields = true, []web.ConsoleField{confirm(c.ID)}
		form.Goes = []string{"the client " + c.ID + ": its id can never be used again", plural(len(c.Secrets), "secret"), "every token that it obtained"}
		if len(c.SignIn.Redirects) > 0 {
			form.Goes = append(form.Goes, "what people allowed it")
		}
		return form, nil
	},
	do: func(v *visit) error {
		e, c, _, err := v.aboutClient("", "")
		if err == nil {
			err = v.confirmed(c.ID)
		}
		if err != nil {
			return err
		}
		if _, err := e.Clients.Delete(v.r.Context(), c.ID, v.by()); err != nil {
			return err
		}
		return v.done("client-deleted", "/clients", "environment", e.Name)
	},
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// ofHome reports whether an environment is the deployment's own.
func ofHome(e *Environment) bool { return e.Name == catalogue.HomeName }
