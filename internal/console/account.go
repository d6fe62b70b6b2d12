package console

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// peopled is the environment that is asked for, where people sign in; where none
// is, the first of those.
func (v *visit) peopled() (*Environment, error) {
	name := v.field("environment")
	for _, e := range v.c.Environments {
		if e.People != nil && (name == "" || e.Name == name) {
			return e, nil
		}
	}
	return nil, store.ErrNotFound
}

func hasPeople(e *Environment) bool { return e.People != nil }

// accounts lists people, or finds those who go by a name.
func (v *visit) accounts() error {
	e, err := v.peopled()
	if err != nil {
		return err
	}
	sought, is, role := strings.ToLower(v.field("q")), v.field("state"), v.field("role")
	list := e.People.Accounts
	keep := func(a *store.Account) bool {
		return (sought == "" || a.ID == v.field("q") || slices.ContainsFunc([]string{a.Name, a.Profile.FullName, a.Profile.Email}, func(s string) bool {
			return strings.Contains(strings.ToLower(s), sought)
		})) && (is == "" || (is == "disabled") == a.Disabled()) && (role == "" || slices.Contains(a.Roles, role))
	}
	found, next, early, err := seek(v.field("after"), v.listing(list), func(a *store.Account) string { return a.ID }, keep)
	if err != nil {
		return err
	}
	if early && sought != "" && v.field("after") == "" { // the one who is meant comes first, however many there are
		if one, err := v.named(list, v.field("q")); err == nil && keep(&one) && !slices.ContainsFunc(found, func(a store.Account) bool { return a.ID == one.ID }) {
			found = append([]store.Account{one}, found...)
		}
	}
	section := web.ConsoleSection{Name: "list", Heading: "Accounts of " + e.Title}
	if len(found) > 0 {
		section.Table = &web.ConsoleTable{Caption: "Accounts", Columns: columns("Account", "Name", "E-mail", "State", "Roles", "Created")}
		for i := range found {
			a := &found[i]
			mail := text(a.Profile.Email)
			if a.Profile.Email != "" && !a.Profile.EmailVerified {
				mail.Below = "not verified"
			}
			section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{
				link(a.Name, to("/account", "environment", e.Name, "id", a.ID)), text(a.Profile.FullName), mail, state(a.Disabled()), text(strings.Join(a.Roles, ", ")), when(a.CreatedAt),
			})
		}
	} else {
		section.Empty = "Nobody here is like that. People get accounts by the command line, by the admin API, by a provider, or when a partner is approved."
	}
	if early {
		section.Text = fmt.Sprintf("%d found so far; there are more accounts to look at.", len(found))
	}
	section.Further = further("/accounts", early, next, "environment", e.Name, "q", v.field("q"), "state", is, "role", role)
	v.show(http.StatusOK, &web.ConsolePage{
		ConsoleFrame: web.ConsoleFrame{Title: "Accounts", Lead: "People who sign in. Those of partners, and operators, are in Home.", Said: v.said()},
		Choices:      []web.ConsoleChoice{v.environments(e, "/accounts", hasPeople, "q", v.field("q"), "state", is)},
		Filter: v.filter("/accounts", e, []web.ConsoleField{
			{Name: "q", Label: "Name, e-mail or id", Kind: "search", Value: v.field("q"), Plain: true},
			choose("state", "State", is, "any", "enabled", "disabled"),
			{Name: "role", Label: "Role", Value: role, Plain: true},
		}),
		Sections: []web.ConsoleSection{section},
	})
	return nil
}

// listing reads accounts page by page.
func (v *visit) listing(list store.Accounts) func(string, int) ([]store.Account, bool, error) {
	return func(after string, limit int) ([]store.Account, bool, error) {
		all, err := list.List(v.r.Context(), after, limit+1)
		return all[:min(limit, len(all))], len(all) > limit, err
	}
}

// named is the account that goes by a name or a verified address.
func (v *visit) named(list store.Accounts, typed string) (store.Account, error) {
	key, err := account.NameKey(typed)
	if err != nil {
		if key, err = account.Email(typed); err != nil {
			return store.Account{}, store.ErrNotFound
		}
	}
	return list.FindBy(v.r.Context(), key)
}

// account shows everything about one.
func (v *visit) account() error {
	e, err := v.peopled()
	if err != nil {
		return err
	}
	ctx := v.r.Context()
	a, err := e.People.Accounts.Find(ctx, v.field("id"))
	if err != nil {
		return err
	}
	factors, err := e.People.Factors.List(ctx, a.ID)
	if err != nil {
		return err
	}
	sessions, err := e.People.Sessions.List(ctx, a.ID)
	if err != nil {
		return err
	}
	consents, err := e.People.Consents.List(ctx, a.ID)
	if err != nil {
		return err
	}
	history, err := v.historySection(e, a.ID)
	if err != nil {
		return err
	}
	about := func(path string, more ...string) string {
		return to(path, append([]string{"environment", e.Name, "id", a.ID}, more...)...)
	}
	writable := v.mayChange(e, &a)
	page := &web.ConsolePage{ConsoleFrame: web.ConsoleFrame{
		Title: a.Name, Lead: a.Profile.FullName, Said: v.said(), Trail: []web.ConsoleLink{{Text: "Accounts of " + e.Title, To: to("/accounts", "environment", e.Name)}},
	}}
	if writable {
		if a.Disabled() {
			page.Actions = []web.ConsoleLink{{Text: "Enable", To: about("/account/enable"), Main: true}}
		} else {
			page.Actions = []web.ConsoleLink{{Text: "Help back in", To: about("/account/reset")}, {Text: "Disable", To: about("/account/disable"), Sharp: true}}
		}
	}
	if ofHome(e) && v.may("operators:write") {
		page.Actions = append(page.Actions, web.ConsoleLink{Text: "Roles", To: about("/operator/roles")})
	}
	page.Sections = []web.ConsoleSection{accountFacts(e, &a), factorSection(factors), v.sessionSection(sessions, writable, about), v.consentSection(e, consents, writable, about), history}
	v.show(http.StatusOK, page)
	return nil
}

func accountFacts(e *Environment, a *store.Account) web.ConsoleSection {
	mail := text(a.Profile.Email)
	if a.Profile.Email != "" {
		mail.Below = "not verified"
		if a.Profile.EmailVerified {
			mail.Below = "verified"
		}
	}
	return web.ConsoleSection{Name: "is", Heading: "Who it is", Facts: []web.ConsoleFact{
		told("Account id", code(a.ID)), told("State", state(a.Disabled())), told("Environment", text(e.Title)), told("E-mail", mail),
		told("Roles", text(strings.Join(a.Roles, ", "))), told("Language", text(language(a.Profile.Locale))), told("Created", when(a.CreatedAt)),
	}}
}

func factorSection(factors []account.Factor) web.ConsoleSection {
	section := web.ConsoleSection{Name: "factors", Heading: "Signs in with"}
	for _, f := range factors {
		if section.Table == nil {
			section.Table = &web.ConsoleTable{Caption: "Factors", Columns: columns("Factor", "Name", "Added", "Last used")}
		}
		section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{text(string(f.Method)), text(f.Name), when(f.CreatedAt), when(f.LastUsedAt)})
	}
	if section.Table == nil {
		section.Empty = "Nothing yet: the person needs a link to choose a password."
	}
	return section
}

func (v *visit) sessionSection(all []store.Session, writable bool, about func(string, ...string) string) web.ConsoleSection {
	section := web.ConsoleSection{Name: "sessions", Heading: "Sessions"}
	for _, s := range all {
		if section.Table == nil {
			section.Table = &web.ConsoleTable{Caption: "Sessions", Columns: columns("Browser", "Signed in", "Last seen", "Ends", "End it")}
		}
		end := text("")
		if writable {
			end = link("End it", about("/account/session", "session", s.ID))
		}
		section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{
			below(text(cmp.Or(s.Agent, "unknown")), provenBy(s.Methods)), when(s.AuthenticatedAt), when(s.SeenAt), when(s.EndsAt), end,
		})
	}
	if section.Table == nil {
		section.Empty = "The person is signed in nowhere."
	}
	return section
}

func (v *visit) consentSection(e *Environment, all []store.Consent, writable bool, about func(string, ...string) string) web.ConsoleSection {
	section := web.ConsoleSection{Name: "consents", Heading: "Has allowed"}
	for _, c := range all {
		if section.Table == nil {
			section.Table = &web.ConsoleTable{Caption: "Consents", Columns: columns("Client", "Scopes", "Given", "Last used", "Take back")}
		}
		back := text("")
		if writable {
			back = link("Take back", about("/account/consent", "client", c.ClientID))
		}
		section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{
			{Text: c.ClientID, Code: true, To: to("/client", "environment", e.Name, "id", c.ClientID)}, text(strings.Join(c.Scope(), " ")), when(c.GivenAt), when(c.UsedAt), back,
		})
	}
	if section.Table == nil {
		section.Empty = "The person has allowed no application anything that is remembered."
	}
	return section
}

// mayChange reports whether the operator may change an account. Who can get into
// an operator's account has that operator's rights, so those are an owner's to
// change.
func (v *visit) mayChange(e *Environment, a *store.Account) bool {
	return v.may("accounts:write") && (!ofHome(e) || !home.IsOperator(a.Roles) || v.may("operators:write"))
}

// aboutAccount is what every form about an account has in common.
func (v *visit) aboutAccount(title, button string) (*Environment, store.Account, *web.ConsoleForm, error) {
	e, err := v.peopled()
	if err != nil {
		return nil, store.Account{}, nil, err
	}
	a, err := e.People.Accounts.Find(v.r.Context(), v.field("id"))
	if err != nil {
		return nil, a, nil, err
	}
	if !v.mayChange(e, &a) {
		return nil, a, nil, errHome
	}
	back := to("/account", "environment", e.Name, "id", a.ID)
	return e, a, &web.ConsoleForm{
		ConsoleFrame: web.ConsoleFrame{Title: title + " " + a.Name, Trail: []web.ConsoleLink{
			{Text: "Accounts of " + e.Title, To: to("/accounts", "environment", e.Name)}, {Text: a.Name, To: back},
		}},
		Hidden: [][2]string{{"environment", e.Name}, {"id", a.ID}}, Button: button, Back: back,
	}, nil
}

var disableAccount = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, _, form, err := v.aboutAccount("Keep out", "Disable the account")
		if err != nil {
			return nil, err
		}
		form.Sharp, form.Goes = true, []string{"all sessions and remembered browsers of the person", "everything that applications had of them: grants and tokens, within a second"}
		form.Text = []string{"The person cannot sign in until you enable the account again."}
		return form, nil
	},
	do: func(v *visit) error {
		e, a, _, err := v.aboutAccount("", "")
		if err != nil {
			return err
		}
		if err := e.People.Disable(v.r.Context(), a.ID, v.by()); err != nil {
			return lastOwner(err)
		}
		return v.done("account-disabled", "/account", "environment", e.Name, "id", a.ID)
	},
}

var enableAccount = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, _, form, err := v.aboutAccount("Let in again", "Enable the account")
		if err != nil {
			return nil, err
		}
		form.Text = []string{"The person can sign in again. What ended stays ended."}
		return form, nil
	},
	do: func(v *visit) error {
		e, a, _, err := v.aboutAccount("", "")
		if err != nil {
			return err
		}
		if err := e.People.Enable(v.r.Context(), a.ID, v.by()); err != nil {
			return err
		}
		return v.done("account-enabled", "/account", "environment", e.Name, "id", a.ID)
	},
}

var resetAccount = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		e, a, form, err := v.aboutAccount("Help back in:", "Make the link")
		if err != nil {
			return nil, err
		}
		form.Text = []string{"A link with which the person chooses a new password. It is good once, for 30 minutes. Make sure first that whoever asks you for it is this person."}
		by := choose("by", "How it gets there", v.field("by"), "I hand it over")
		if e.People.Links.Mailer != nil && a.Profile.EmailVerified {
			by.Options = append([]web.ConsoleOption{{Value: "mail", Text: "by mail to " + a.Profile.Email, On: v.field("by") != "link"}}, by.Options...)
			by.Options[1].Value = "link"
		}
		form.Fields = []web.ConsoleField{by, {Name: "factors", Kind: "checks", Label: "Second factors", Options: []web.ConsoleOption{{
			Value: "1", Text: "Remove every second factor, too", Hint: "Of somebody who has lost them: whoever has the link is let in by it alone.", On: v.has("factors", "1"),
		}}}}
		return form, nil
	},
	do: func(v *visit) error {
		e, a, _, err := v.aboutAccount("", "")
		if err != nil {
			return err
		}
		if a.Disabled() {
			return partner.Faults{{Field: "account", Problem: "is disabled", Hint: "enable it first"}}
		}
		mailed := v.field("by") == "mail" && e.People.Links.Mailer != nil && a.Profile.EmailVerified
		shown := &web.ConsoleShown{
			ConsoleFrame: web.ConsoleFrame{Title: "The link is made"}, Label: "Link for " + a.Name,
			Facts: []web.ConsoleFact{told("Good until", when(v.c.Now().Add(account.ResetLife)))},
			On:    web.ConsoleLink{Text: "To the account", To: to("/account", "environment", e.Name, "id", a.ID)},
		}
		if mailed {
			// The zero address: it is the operator who asks.
			err = e.People.Links.SendReset(v.r.Context(), a.Name, a.Profile.Locale, netip.Addr{})
		} else {
			link, failed := e.People.Links.MakeReset(v.r.Context(), a.ID)
			shown.Secret, err = link.Reveal(), failed
		}
		if many, ok := errors.AsType[*account.TooManyError](err); ok {
			return partner.Faults{{Field: "by", Problem: "too many links were made for this account", Hint: "try again in " + many.After.Round(time.Minute).String()}}
		}
		if err == nil && v.has("factors", "1") {
			// After the link: where this fails there is a way in for its person, and no less safety.
			err = e.People.Factors.Strip(v.r.Context(), a.ID, v.by())
		}
		if err != nil {
			return err
		}
		if mailed {
			return v.done("account-mailed", "/account", "environment", e.Name, "id", a.ID)
		}
		v.show(http.StatusOK, shown)
		return nil
	},
}

var endSession = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, _, form, err := v.aboutAccount("End a session of", "End the session")
		if err != nil {
			return nil, err
		}
		form.Sharp, form.Hidden = true, append(form.Hidden, [2]string{"session", v.field("session")})
		form.Goes = []string{"the session in that browser", "what applications got in it, but for access that outlives sessions"}
		return form, nil
	},
	do: func(v *visit) error {
		e, a, _, err := v.aboutAccount("", "")
		if err == nil {
			err = e.People.Sessions.End(v.r.Context(), a.ID, v.field("session"), v.by())
		}
		if err != nil {
			return err
		}
		return v.done("session-ended", "/account", "environment", e.Name, "id", a.ID)
	},
}

var withdrawConsent = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, a, form, err := v.aboutAccount("Take back what was allowed by", "Take it back")
		if err != nil {
			return nil, err
		}
		form.Sharp, form.Hidden = true, append(form.Hidden, [2]string{"client", v.field("client")})
		form.Goes = []string{"what " + a.Name + " has allowed the client " + v.field("client"), "every token that it has for them"}
		return form, nil
	},
	do: func(v *visit) error {
		e, a, _, err := v.aboutAccount("", "")
		if err == nil {
			by := v.by()
			err = e.People.Consents.Withdraw(v.r.Context(), a.ID, v.field("client"), by.At.Add(e.People.Forget), by)
		}
		if err != nil {
			return err
		}
		return v.done("consent-withdrawn", "/account", "environment", e.Name, "id", a.ID)
	},
}
