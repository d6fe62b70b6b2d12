package console

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// partners lists them.
func (v *visit) partners() error {
	sought, is := strings.ToLower(v.field("q")), v.field("state")
	read := func(after string, limit int) ([]store.Partner, bool, error) {
		return v.c.Partners.List(v.r.Context(), store.PartnerQuery{After: after, Limit: limit})
	}
	found, next, early, err := seek(v.field("after"), read, func(p *store.Partner) string { return p.ID }, func(p *store.Partner) bool {
		return (sought == "" || strings.Contains(strings.ToLower(p.Name), sought) || p.ID == v.field("q") || strings.Contains(strings.ToLower(p.Email), sought)) &&
			(is == "" || (is == "disabled") == p.Disabled())
	})
	if err != nil {
		return err
	}
	section := web.ConsoleSection{Name: "list", Heading: "Partners"}
	for i := range found {
		p := &found[i]
		if section.Table == nil {
			section.Table = &web.ConsoleTable{Caption: "Partners", Columns: columns("Partner", "State", "Verified", "E-mail", "#People", "Since")}
		}
		section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{
			below(link(p.Name, to("/partner", "id", p.ID)), p.ID), state(p.Disabled()), verified(p.Verified), text(p.Email), number(int64(len(p.Members))), when(p.CreatedAt),
		})
	}
	switch {
	case section.Table != nil:
	case sought+is != "":
		section.Empty = "No partner is like that."
	default:
		section.Empty = "No partner yet. Approve a request of somebody new, or make one and invite its people."
	}
	if early {
		section.Text = fmt.Sprintf("%d found so far; there are more partners to look at.", len(found))
	}
	section.Further = further("/partners", early, next, "q", v.field("q"), "state", is)
	page := &web.ConsolePage{
		ConsoleFrame: web.ConsoleFrame{Title: "Partners", Lead: "Organisations whose applications call your APIs.", Said: v.said()},
		Filter: &web.ConsoleFilter{To: "/partners", Fields: []web.ConsoleField{
			{Name: "q", Label: "Name, e-mail or id", Kind: "search", Value: v.field("q"), Plain: true}, choose("state", "State", is, "any", "enabled", "disabled"),
		}},
		Sections: []web.ConsoleSection{section},
	}
	if sought+is != "" {
		page.Filter.Reset = "/partners"
	}
	if v.may("partners:write") {
		page.Actions = []web.ConsoleLink{{Text: "Make a partner", To: "/partner/new", Main: true}}
	}
	v.show(http.StatusOK, page)
	return nil
}

func verified(is bool) web.ConsoleCell {
	if is {
		return good("Verified")
	}
	return text("no")
}

// partner shows everything about one.
func (v *visit) partner() error {
	ctx := v.r.Context()
	p, err := v.c.Partners.Find(ctx, v.field("id"))
	if err != nil {
		return err
	}
	clients, err := v.c.Partners.Clients(ctx, p.ID)
	if err != nil {
		return err
	}
	page := &web.ConsolePage{ConsoleFrame: web.ConsoleFrame{Title: p.Name, Said: v.said(), Trail: []web.ConsoleLink{{Text: "Partners", To: "/partners"}}}}
	about := func(path string, more ...string) string { return to(path, append([]string{"id", p.ID}, more...)...) }
	writable := v.may("partners:write")
	if writable {
		page.Actions = []web.ConsoleLink{{Text: "Change", To: about("/partner/change")}}
		if p.Disabled() {
			page.Actions = append(page.Actions, web.ConsoleLink{Text: "Enable", To: about("/partner/enable"), Main: true})
		} else {
			page.Actions = append(page.Actions, web.ConsoleLink{Text: "Disable", To: about("/partner/disable"), Sharp: true})
		}
		page.Actions = append(page.Actions, web.ConsoleLink{Text: "Delete", To: about("/partner/delete"), Sharp: true})
	}
	page.Sections = []web.ConsoleSection{{Name: "is", Heading: "Who it is", Facts: []web.ConsoleFact{
		told("Partner id", code(p.ID)), told("State", state(p.Disabled())), told("Verified", verified(p.Verified)), told("E-mail", text(p.Email)),
		told("Homepage", text(p.Homepage)), told("Since", when(p.CreatedAt)),
	}}}
	members, err := v.memberSection(&p, writable, about)
	if err != nil {
		return err
	}
	page.Sections = append(page.Sections, members, v.partnerClients(&p, clients))
	asked, _, err := v.c.Partners.Requests(ctx, store.AccessQuery{PartnerID: p.ID, Limit: 10})
	if err != nil {
		return err
	}
	requests := web.ConsoleSection{Name: "requests", Heading: "Requests", Empty: "It has asked for nothing."}
	if len(asked) > 0 {
		requests.Empty, requests.Table = "", v.requestTable(asked)
		requests.Further = []web.ConsoleLink{{Text: "All its requests", To: to("/requests", "state", "all", "partner", p.ID)}}
	}
	page.Sections = append(page.Sections, requests)
	if h := v.c.home(); h != nil {
		history, err := v.historySection(h, p.ID)
		if err != nil {
			return err
		}
		page.Sections = append(page.Sections, history)
	}
	v.show(http.StatusOK, page)
	return nil
}

func (v *visit) memberSection(p *store.Partner, writable bool, about func(string, ...string) string) (web.ConsoleSection, error) {
	section := web.ConsoleSection{Name: "people", Heading: "People"}
	seen := map[string]web.ConsoleCell{}
	for _, m := range p.Members {
		if section.Table == nil {
			section.Table = &web.ConsoleTable{Caption: "People", Columns: columns("Account", "Role", "Since", "Change")}
		}
		change := text("")
		if writable {
			change = link("Role", about("/partner/member", "member", m.AccountID))
		}
		section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{v.actor(seen, m.AccountID), text(m.Role), when(m.Since), change})
	}
	if section.Table == nil {
		section.Empty = "Nobody acts for it yet. Invite somebody."
	}
	if writable {
		section.Actions = []web.ConsoleLink{{Text: "Invite somebody", To: about("/partner/invite"), Main: len(p.Members) == 0}}
	}
	return section, nil
}

func (v *visit) partnerClients(p *store.Partner, clients []partner.ClientOf) web.ConsoleSection {
	section := web.ConsoleSection{Name: "clients", Heading: "Clients"}
	for i := range clients {
		c := &clients[i]
		if section.Table == nil {
			section.Table = &web.ConsoleTable{Caption: "Clients", Columns: columns("Client", "Environment", "Type", "State", "#Secrets")}
		}
		if len(section.Table.Rows) == 2*perPage {
			section.Text = "The first of them; the page Clients has all."
			break
		}
		section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{
			below(link(c.Name, to("/client", "environment", c.Environment, "id", c.ID)), c.ID), text(v.titleOf(c.Environment)), text(c.Type), state(c.Disabled()), number(int64(len(c.Secrets))),
		})
	}
	if section.Table == nil {
		section.Empty = "It has no client. It asks for one in the portal, or you create one for it on the page Clients."
	}
	return section
}

var newPartner = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		return &web.ConsoleForm{
			ConsoleFrame: web.ConsoleFrame{Title: "Make a partner", Lead: "Then invite its people, who make clients and secrets themselves.", Trail: []web.ConsoleLink{{Text: "Partners", To: "/partners"}}},
			Fields:       v.partnerFields(&store.Partner{}), Button: "Make the partner", Back: "/partners",
		}, nil
	},
	do: func(v *visit) error {
		p, err := v.c.Partners.Create(v.r.Context(), partner.NewPartner{
			Name: v.field("name"), Email: v.field("email"), Homepage: v.field("homepage"), Verified: v.has("verified", "1"),
		}, v.by())
		if err != nil {
			return err
		}
		return v.done("partner-created", "/partner", "id", p.ID)
	},
}

func (v *visit) partnerFields(is *store.Partner) []web.ConsoleField {
	value := func(name, stored string) string {
		if v.r.Method == http.MethodPost {
			return v.field(name)
		}
		return stored
	}
	known := is.Verified
	if v.r.Method == http.MethodPost {
		known = v.has("verified", "1")
	}
	return []web.ConsoleField{
		{Name: "name", Label: "Name", Value: value("name", is.Name), Needed: true},
		{Name: "email", Label: "E-mail", Hint: "Where notices go; empty: to its admins.", Value: value("email", is.Email), Plain: true},
		{Name: "homepage", Label: "Homepage", Value: value("homepage", is.Homepage), Plain: true},
		{Name: "verified", Label: "Verified", Kind: "checks", Options: []web.ConsoleOption{{Value: "1", Text: "We know that it is who it says", Hint: "People are shown this where they are asked to allow it something.", On: known}}},
	}
}

// aboutPartner is what every form about one has in common.
func (v *visit) aboutPartner(title, button string) (store.Partner, *web.ConsoleForm, error) {
	p, err := v.c.Partners.Find(v.r.Context(), v.field("id"))
	if err != nil {
		return p, nil, err
	}
	back := to("/partner", "id", p.ID)
	return p, &web.ConsoleForm{
		ConsoleFrame: web.ConsoleFrame{Title: title + " " + p.Name, Trail: []web.ConsoleLink{{Text: "Partners", To: "/partners"}, {Text: p.Name, To: back}}},
		Hidden:       [][2]string{{"id", p.ID}}, Button: button, Back: back,
	}, nil
}

var changePartner = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		p, form, err := v.aboutPartner("Change", "Change the partner")
		if err != nil {
			return nil, err
		}
		form.Fields = v.partnerFields(&p)
		return form, nil
	},
	do: func(v *visit) error {
		name, email, homepage, known := v.field("name"), v.field("email"), v.field("homepage"), v.has("verified", "1")
		p, err := v.c.Partners.Describe(v.r.Context(), v.field("id"), partner.PartnerChange{Name: &name, Email: &email, Homepage: &homepage, Verified: &known}, v.by())
		if err != nil {
			return err
		}
		return v.done("partner-changed", "/partner", "id", p.ID)
	},
}

// memberRoles lets somebody choose what a member may do.
func memberRoles(chosen string, none bool) web.ConsoleField {
	f := web.ConsoleField{Name: "role", Label: "Role", Kind: "select", Options: []web.ConsoleOption{
		{Value: store.MemberDeveloper, Text: "developer: sees, tries, and makes secrets", On: chosen == store.MemberDeveloper},
		{Value: store.MemberAdmin, Text: "admin: everything, and who else is a member", On: chosen == store.MemberAdmin},
	}}
	if none {
		f.Options = append(f.Options, web.ConsoleOption{Value: "", Text: "none: not a member any more", On: chosen == "-"})
	}
	return f
}

var invite = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, form, err := v.aboutPartner("Invite somebody to", "Invite")
		if err != nil {
			return nil, err
		}
		form.Text = []string{"Who has no account gets one, and a link to choose a password."}
		form.Fields = []web.ConsoleField{
			{Name: "email", Label: "E-mail", Value: v.field("email"), Needed: true, Plain: true}, {Name: "name", Label: "Name", Value: v.field("name")}, memberRoles(v.field("role"), false),
		}
		return form, nil
	},
	do: func(v *visit) error {
		p, _, err := v.aboutPartner("", "")
		if err != nil {
			return err
		}
		invited, err := v.c.Partners.Invite(v.r.Context(), p.ID, v.field("email"), v.field("name"), v.field("role"), v.by())
		if err != nil {
			return err
		}
		if invited.Link.IsEmpty() {
			return v.done("member-invited", "/partner", "id", p.ID)
		}
		v.show(http.StatusOK, &web.ConsoleShown{
			ConsoleFrame: web.ConsoleFrame{Title: "The person is invited"}, Label: "Link with which they choose a password", Secret: invited.Link.Reveal(),
			Text: []string{"No mail is sent here: hand the link over. It is good once, within three days."},
			On:   web.ConsoleLink{Text: "To the partner", To: to("/partner", "id", p.ID)},
		})
		return nil
	},
}

var setMember = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		p, form, err := v.aboutPartner("A role at", "Set the role")
		if err != nil {
			return nil, err
		}
		member := v.field("member")
		if p.Role(member) == "" {
			return nil, store.ErrNotFound
		}
		form.Hidden = append(form.Hidden, [2]string{"member", member})
		form.Lead = "What " + v.actor(map[string]web.ConsoleCell{}, member).Text + " may do there."
		form.Fields = []web.ConsoleField{memberRoles(p.Role(member), true)}
		return form, nil
	},
	do: func(v *visit) error {
		p, _, err := v.aboutPartner("", "")
		if err == nil {
			err = v.c.Partners.SetMember(v.r.Context(), p.ID, v.field("member"), v.field("role"), v.by())
		}
		if errors.Is(err, store.ErrConflict) {
			return partner.Faults{{Field: "role", Problem: "the last admin stays one", Hint: "make somebody else an admin first"}}
		}
		if err != nil {
			return err
		}
		return v.done("member-set", "/partner", "id", p.ID)
	},
}

var disablePartner = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		p, form, err := v.aboutPartner("Disable", "Disable the partner")
		if err != nil {
			return nil, err
		}
		clients, err := v.c.Partners.Clients(v.r.Context(), p.ID)
		if err != nil {
			return nil, err
		}
		form.Sharp, form.Text = true, []string{
			fmt.Sprintf("Its people are kept out of the portal, and its clients, %d in all environments together, are disabled; tokens end within a second.", len(clients)),
			"You can enable it again; what ended stays ended.",
		}
		return form, nil
	},
	do: func(v *visit) error { return v.setPartner(true, "partner-disabled") },
}

var enablePartner = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, form, err := v.aboutPartner("Enable", "Enable the partner")
		if err != nil {
			return nil, err
		}
		form.Text = []string{"Its people can use the portal, and the clients that were disabled with it can be used again."}
		return form, nil
	},
	do: func(v *visit) error { return v.setPartner(false, "partner-enabled") },
}

func (v *visit) setPartner(disabled bool, word string) error {
	p, err := v.c.Partners.SetDisabled(v.r.Context(), v.field("id"), disabled, v.by())
	if err != nil {
		return err
	}
	return v.done(word, "/partner", "id", p.ID)
}

var deletePartner = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		p, form, err := v.aboutPartner("Delete", "Delete the partner")
		if err != nil {
			return nil, err
		}
		clients, err := v.c.Partners.Clients(v.r.Context(), p.ID)
		if err != nil {
			return nil, err
		}
		form.Sharp, form.Fields = true, []web.ConsoleField{confirm(p.Name)}
		form.Goes = []string{"the partner and its requests", fmt.Sprintf("its clients, %d in all environments together, with secrets and tokens; no id of them can ever be used again", len(clients)), "that its people may act for it: their accounts stay"}
		return form, nil
	},
	do: func(v *visit) error {
		p, _, err := v.aboutPartner("", "")
		if err == nil {
			err = v.confirmed(p.Name)
		}
		if err == nil {
			err = v.c.Partners.Delete(v.r.Context(), p.ID, v.by())
		}
		if err != nil {
			return err
		}
		return v.done("partner-deleted", "/partners")
	},
}
