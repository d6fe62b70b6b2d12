package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"

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
		words.Facts = append(words.Facts, fact1(upper(role), text(roles[role])))
	}
	page := &web.ConsolePage{
		ConsoleFrame: web.ConsoleFrame{Title: "Operators", Lead: "People of the publisher who see and steer the deployment. Each signs in with two factors.", Said: v.said()},
		Sections:     []web.ConsoleSection{section, words},
	}
	if v.may("operators:write") {
		section.Text = "To make somebody an operator, look for their account and choose its roles."
		section.Further = []web.ConsoleLink{{Text: "Accounts of Home", To: to("/accounts", "environment", h.Name)}}
		page.Sections[0] = section
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

var setRoles = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		h, a, err := v.theOperator()
		if err != nil {
			return nil, err
		}
		which := web.ConsoleField{Name: "role", Label: "Roles", Kind: "checks"}
		for _, role := range home.Roles() {
			on := slices.Contains(a.Roles, role)
			if v.r.Method == http.MethodPost {
				on = v.has("role", role)
			}
			which.Options = append(which.Options, web.ConsoleOption{Value: role, Text: role, Hint: roles[role], On: on})
		}
		return &web.ConsoleForm{
			ConsoleFrame: web.ConsoleFrame{
				Title: "Roles of " + a.Name, Lead: "None: the person is no operator. Where a role is taken away, tokens that it gave end.",
				Trail: []web.ConsoleLink{{Text: "Operators", To: "/operators"}},
			},
			Hidden: [][2]string{{"id", a.ID}}, Fields: []web.ConsoleField{which}, Button: "Set the roles", Back: to("/account", "environment", h.Name, "id", a.ID),
		}, nil
	},
	do: func(v *visit) error {
		h, a, err := v.theOperator()
		if err != nil {
			return err
		}
		next := slices.DeleteFunc(slices.Clone(a.Roles), func(role string) bool { return slices.Contains(home.Roles(), role) })
		for _, role := range v.sent["role"] {
			if !slices.Contains(home.Roles(), role) {
				return partner.Faults{{Field: "role", Problem: "is none that there is"}}
			}
			if !slices.Contains(next, role) {
				next = append(next, role)
			}
		}
		if err := h.People.Describe(v.r.Context(), a.ID, a.Profile, next, v.by()); err != nil {
			return lastOwner(err)
		}
		return v.done("roles-set", "/operators")
	},
}

// lastOwner is the fault in taking the last owner away, where an error is that.
func lastOwner(err error) error {
	if errors.Is(err, store.ErrLast) {
		return partner.Faults{{Field: "role", Problem: "the last owner stays one", Hint: "make somebody else an owner first"}}
	}
	return err
}
