package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// roles are what operators can be, in words.
var roles = map[string]string{
	home.Owner:    "everything, and who else is an operator",
	home.Operator: "everything but operators and keys",
	home.Support:  "sees everything, and helps people back in",
	home.Auditor:  "sees everything",
}

// all returns those who operate the deployment.
func (v *visit) all() (*Environment, []store.Account, error) {
	h := v.c.home()
	if h == nil || h.People == nil {
		return nil, nil, store.ErrNotFound
	}
	var found []store.Account
	read := v.listing(h.People.Accounts)
	for after := ""; ; {
		some, more, err := read(after, 500)
		if err != nil {
			return nil, nil, err
		}
		for _, a := range some {
			if after = a.ID; home.IsOperator(a.Roles) {
				found = append(found, a)
			}
		}
		if !more {
			return h, found, nil
		}
	}
}

// operators lists those who operate the deployment.
func (v *visit) operators() error {
	h, all, err := v.all()
	if err != nil {
		return err
	}
	section := web.ConsoleSection{Name: "list", Heading: "Operators", Table: &web.ConsoleTable{Caption: "Operators", Columns: columns("Account", "Name", "Roles", "State", "Since", "Change")}}
	for i := range all {
		a := &all[i]
		change := text("")
		if v.may("operators:write") {
			change = link("Roles", to("/operator/roles", "environment", h.Name, "id", a.ID))
		}
		section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{
			link(a.Name, to("/account", "environment", h.Name, "id", a.ID)), text(a.Profile.FullName), text(strings.Join(a.Roles, ", ")), state(a.Disabled()), when(a.CreatedAt), change,
		})
	}
	words := web.ConsoleSection{Name: "roles", Heading: "What the roles are"}
	for _, role := range home.Roles() {
		words.Facts = append(words.Facts, told(upper(role), text(roles[role])))
	}
	page := &web.ConsolePage{
		ConsoleFrame: web.ConsoleFrame{Title: "Operators", Lead: "People of the publisher who see and steer the deployment. Each signs in with two factors.", Said: v.said()},
		Sections:     []web.ConsoleSection{section, words},
	}
	if v.may("operators:write") {
		page.Actions = []web.ConsoleLink{{Text: "Invite an operator", To: "/operator/new", Main: true}}
	}
	v.show(http.StatusOK, page)
	return nil
}

// theOperator is the account whose roles are asked for: one of home.
func (v *visit) theOperator() (*Environment, store.Account, error) {
	h := v.c.home()
	if h == nil || h.People == nil {
		return nil, store.Account{}, store.ErrNotFound
	}
	a, err := h.People.Accounts.Find(v.r.Context(), v.field("id"))
	return h, a, err
}

// roleField lets somebody tick roles of operators.
func (v *visit) roleField(has []string) web.ConsoleField {
	which := web.ConsoleField{Name: "role", Label: "Roles", Kind: "checks"}
	for _, role := range home.Roles() {
		on := slices.Contains(has, role)
		if v.r.Method == http.MethodPost {
			on = v.has("role", role)
		}
		which.Options = append(which.Options, web.ConsoleOption{Value: role, Text: role, Hint: roles[role], On: on})
	}
	return which
}

// withRoles is what an account's roles are to be: those that were ticked, and those
// that have nothing to do with operators.
func (v *visit) withRoles(has []string) ([]string, error) {
	next := slices.DeleteFunc(slices.Clone(has), func(role string) bool { return slices.Contains(home.Roles(), role) })
	for _, role := range v.sent["role"] {
		if !slices.Contains(home.Roles(), role) {
			return nil, partner.Faults{{Field: "role", Problem: "is none that there is"}}
		}
		if !slices.Contains(next, role) {
			next = append(next, role)
		}
	}
	return next, nil
}

var setRoles = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		h, a, err := v.theOperator()
		if err != nil {
			return nil, err
		}
		return &web.ConsoleForm{
			ConsoleFrame: web.ConsoleFrame{
				Title: "Roles of " + a.Name, Lead: "None: the person is no operator. Where a role is taken away, tokens that it gave end. Who becomes an operator chooses a password anew, by a link that you get.",
				Trail: []web.ConsoleLink{{Text: "Operators", To: "/operators"}},
			},
			Hidden: [][2]string{{"id", a.ID}}, Fields: []web.ConsoleField{v.roleField(a.Roles)}, Button: "Set the roles", Back: to("/account", "environment", h.Name, "id", a.ID),
		}, nil
	},
	do: func(v *visit) error {
		h, a, err := v.theOperator()
		if err != nil {
			return err
		}
		next, err := v.withRoles(a.Roles)
		if err != nil {
			return err
		}
		raised := raises(&a, next)
		if err := v.described(h, &a, next); err != nil {
			return lastOwner(err)
		}
		if raised {
			return v.handOver(h, &a)
		}
		return v.done("roles-set", "/operators")
	},
}

var inviteOperator = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		return &web.ConsoleForm{
			ConsoleFrame: web.ConsoleFrame{Title: "Invite an operator", Trail: []web.ConsoleLink{{Text: "Operators", To: "/operators"}}},
			Text:         []string{"Who has no account at home gets one. You get a link for them to choose a password, also where they had one: what they signed in with before ends. They set up a second factor when they first open the console."},
			Fields: []web.ConsoleField{
				{Name: "name", Label: "E-mail or user name", Value: v.field("name"), Needed: true, Plain: true},
				{Name: "full_name", Label: "Name", Value: v.field("full_name")},
				v.roleField(nil),
			},
			Button: "Invite", Back: "/operators",
		}, nil
	},
	do: func(v *visit) error {
		h := v.c.home()
		if h == nil || h.People == nil {
			return store.ErrNotFound
		}
		if len(v.sent["role"]) == 0 {
			return partner.Faults{{Field: "role", Problem: "none is ticked", Hint: "say what the person may do"}}
		}
		a, err := v.invited(h)
		if err != nil {
			return err
		}
		factors, err := h.People.Factors.List(v.r.Context(), a.ID)
		if err != nil {
			return err
		}
		if len(factors) > 0 { // an operator already: a link would let whoever holds it in as them
			return v.done("roles-set", "/operators")
		}
		return v.handOver(h, &a)
	},
}

// handOver shows the link with which somebody who is an operator now chooses a password.
func (v *visit) handOver(h *Environment, a *store.Account) error {
	link, err := h.People.Links.MakeReset(v.r.Context(), a.ID)
	if err != nil {
		return err
	}
	v.show(http.StatusOK, &web.ConsoleShown{
		ConsoleFrame: web.ConsoleFrame{Title: "The operator is invited"}, Label: "Link for " + a.Name, Secret: link.Reveal(),
		Text:  []string{"Hand it over yourself, to somebody whom you know: whoever opens it first chooses the password."},
		Facts: []web.ConsoleFact{told("Good until", when(v.c.Now().Add(account.ResetLife)))}, On: web.ConsoleLink{Text: "To the operators", To: "/operators"},
	})
	return nil
}

// invited is the account of somebody who is to be an operator, with their roles. It
// is made where there is none.
func (v *visit) invited(h *Environment) (store.Account, error) {
	ctx, typed := v.r.Context(), v.field("name")
	a, err := v.named(h.People.Accounts, typed)
	if err == nil {
		next, err := v.withRoles(a.Roles)
		if err != nil {
			return a, err
		}
		next = append(next, a.Roles...) // none is taken away
		slices.Sort(next)
		return a, v.described(h, &a, slices.Compact(next))
	}
	if !errors.Is(err, store.ErrNotFound) {
		return a, err
	}
	next, err := v.withRoles(nil)
	if err != nil {
		return a, err
	}
	profile := store.Profile{FullName: v.field("full_name")}
	if strings.Contains(typed, "@") {
		profile.Email = typed // nobody has shown that it is theirs
	}
	a, err = h.People.Create(ctx, account.New{Name: typed, Profile: profile, Roles: next}, v.by())
	for is, field := range map[error]string{account.ErrName: "name", account.ErrEmail: "name", account.ErrTaken: "name", account.ErrProfile: "full_name"} {
		if errors.Is(err, is) {
			return a, partner.Faults{{Field: field, Problem: err.Error()}}
		}
	}
	return a, err
}

// raises reports whether roles make an operator of somebody who was none.
func raises(a *store.Account, roles []string) bool {
	return !home.IsOperator(a.Roles) && home.IsOperator(roles)
}

// described gives an account its roles. One that becomes an operator's is to be in
// the hands of its person: sessions and links of before end, and the password is
// chosen anew.
func (v *visit) described(h *Environment, a *store.Account, roles []string) error {
	if raises(a, roles) {
		if a.Disabled() {
			return partner.Faults{{Field: "role", Problem: "the account is disabled", Hint: "enable it first"}}
		}
		if err := h.People.Renew(v.r.Context(), a.ID, h.People.Factors, v.by()); err != nil {
			return err
		}
	}
	return h.People.Describe(v.r.Context(), a.ID, a.Profile, roles, v.by())
}

// lastOwner is the fault in taking the last owner away, where an error is that.
func lastOwner(err error) error {
	if errors.Is(err, store.ErrLast) {
		return partner.Faults{{Field: "role", Problem: "the last owner stays one", Hint: "make somebody else an owner first"}}
	}
	return err
}
