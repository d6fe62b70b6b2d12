package portal

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// memberRoles are the roles with what they let a member do.
var memberRoles = []string{
	store.MemberDeveloper, "developer: sees everything, makes and replaces secrets",
	store.MemberAdmin, "admin: also revokes secrets, and says who is a member",
}

// members lists the people of the visitor's partners.
func (v *self) members() error {
	p := &web.PortalPage{PortalFrame: web.PortalFrame{Title: "Members", Lead: "Who acts for your organisation here."}}
	p.Text = []string{"Your own password, your second factor and where you are signed in are on your account page, behind your name above."}
	for i := range v.of {
		of := &v.of[i]
		if of.Disabled() {
			continue
		}
		admin := partner.MemberMay(of.Role(v.who.Account.ID), partner.MayMembers)
		section := web.ConsoleSection{Name: "of-" + of.ID, Heading: of.Name, Table: &web.ConsoleTable{
			Caption: "Members of " + of.Name, Columns: heads("Who", "Role", "Since", "Change", "Take away"),
		}}
		if !admin {
			section.Table.Columns = section.Table.Columns[:3]
		} else {
			section.Actions = []web.ConsoleLink{{Text: "Invite somebody", To: at("/members/invite", "partner", of.ID), Main: true}}
		}
		for _, m := range of.Members {
			a, err := v.s.Partners.Accounts.Find(v.r.Context(), m.AccountID)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			// No name: who invites somebody does not learn from it what an account says.
			name := web.ConsoleCell{Text: cmp.Or(a.Profile.Email, a.Name, "somebody who is gone")}
			if m.AccountID == v.who.Account.ID {
				name.Below = "you"
			}
			row := []web.ConsoleCell{name, {Text: m.Role}, {At: m.Since}}
			if admin {
				row = append(row, web.ConsoleCell{Text: "Role", To: at("/members/role", "partner", of.ID, "account", m.AccountID)},
					web.ConsoleCell{Text: "Remove", To: at("/members/remove", "partner", of.ID, "account", m.AccountID)})
			}
			section.Table.Rows = append(section.Table.Rows, row)
		}
		p.Sections = append(p.Sections, section)
	}
	return v.show(http.StatusOK, p)
}

// aboutMembers is what every form about members has in common.
func (v *self) aboutMembers(title, button string) (*store.Partner, *web.PortalPage, error) {
	of, err := v.partner(v.field("partner"))
	if err != nil {
		return nil, nil, err
	}
	return of, &web.PortalPage{
		PortalFrame: web.PortalFrame{Title: title, Lead: "At " + of.Name + ".", Trail: []web.ConsoleLink{{Text: "Members", To: "/members"}}},
		Form:        &web.PortalForm{To: v.at.path, Hidden: [][2]string{{"partner", of.ID}}, Button: button, Back: "/members"},
	}, nil
}

// aboutMember is aboutMembers for one of them.
func (v *self) aboutMember(title, button string) (*store.Partner, store.Account, *web.PortalPage, error) {
	of, p, err := v.aboutMembers(title, button)
	if err != nil {
		return nil, store.Account{}, nil, err
	}
	id := v.field("account")
	if of.Role(id) == "" {
		return nil, store.Account{}, nil, store.ErrNotFound
	}
	a, err := v.s.Partners.Accounts.Find(v.r.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		a, err = store.Account{ID: id}, nil
	}
	p.Title += " " + cmp.Or(a.Profile.Email, a.Name, id)
	p.Form.Hidden = append(p.Form.Hidden, [2]string{"account", id})
	return of, a, p, err
}

func (v *self) invitePage() (*store.Partner, *web.PortalPage, error) {
	of, p, err := v.aboutMembers("Invite somebody", "Invite them")
	if err != nil {
		return nil, nil, err
	}
	p.Text = []string{"They sign in with their own account. Who has none gets one under the address, and a link by mail to choose a password."}
	p.Form.Fields = []web.ConsoleField{
		{Name: "email", Label: "Their e-mail address", Kind: "email", Value: v.field("email"), Needed: true, Plain: true},
		{Name: "name", Label: "Their name", Value: v.field("name")},
		{Name: "role", Label: "Role", Kind: "select", Options: chosen(v.field("role"), memberRoles...)},
	}
	return of, p, nil
}

func (v *self) inviteForm() error {
	_, p, err := v.invitePage()
	return v.form(p, err)
}

// invite makes somebody a member. Where no mail is sent, the link is an operator's to
// hand on, and is not shown here: whoever has it has the account.
func (v *self) invite() error {
	of, p, err := v.invitePage()
	if err != nil {
		return err
	}
	// Who is invited gets an account and a mail, also where they are removed again.
	if ok, _ := v.s.Inviting.Spend(v.who.Account.ID); !ok {
		return errMany
	}
	if err := v.s.Partners.InviteBlind(v.r.Context(), of.ID, v.field("email"), v.field("name"), v.field("role"), v.by()); err != nil {
		return v.wrong(err, p)
	}
	return v.to("/members", "done", "invited")
}

func (v *self) rolePage() (*store.Partner, store.Account, *web.PortalPage, error) {
	of, a, p, err := v.aboutMember("Role of", "Change the role")
	if err != nil {
		return nil, a, nil, err
	}
	p.Form.Fields = []web.ConsoleField{{Name: "role", Label: "Role", Kind: "select", Options: chosen(of.Role(a.ID), memberRoles...)}}
	return of, a, p, nil
}

func (v *self) roleForm() error {
	_, _, p, err := v.rolePage()
	return v.form(p, err)
}

func (v *self) setRole() error {
	of, a, p, err := v.rolePage()
	if err != nil {
		return err
	}
	if v.field("role") == "" {
		return v.wrong(partner.Faults{{Field: "role", Problem: "is missing"}}, p)
	}
	return v.setMember(of, a, p, v.field("role"), "role")
}

func (v *self) removePage() (*store.Partner, store.Account, *web.PortalPage, error) {
	of, a, p, err := v.aboutMember("Remove", "Remove them")
	if err != nil {
		return nil, a, nil, err
	}
	p.Form.Sharp, p.Form.Goes = true, []string{"what they may do for " + of.Name + ", at once; their account stays"}
	p.Text = []string{"Secrets that they know stay good: replace those that they have seen."}
	return of, a, p, nil
}

func (v *self) removeForm() error {
	_, _, p, err := v.removePage()
	return v.form(p, err)
}

func (v *self) remove() error {
	of, a, p, err := v.removePage()
	if err != nil {
		return err
	}
	return v.setMember(of, a, p, "", "removed")
}

// setMember changes a member; the last admin stays.
func (v *self) setMember(of *store.Partner, a store.Account, p *web.PortalPage, role, done string) error {
	err := v.s.Partners.SetMember(v.r.Context(), of.ID, a.ID, role, v.by())
	if errors.Is(err, store.ErrConflict) {
		p.Note = "Nothing was done. It is the last admin: make somebody else one first."
		return v.show(http.StatusConflict, p)
	}
	if err != nil {
		return v.wrong(err, p)
	}
	return v.to("/members", "done", done)
}
