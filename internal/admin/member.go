package admin

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/grantway/grantway/internal/store"
)

// MemberList is the people of a partner.
type MemberList struct {
	Members []Member `json:"members" doc:"Its people, with their names."`
}

// A NewMember is somebody to invite.
type NewMember struct {
	Email    string `json:"email" doc:"The e-mail address; it is the name of the account that is made where there is none."`
	FullName string `json:"full_name,omitempty" doc:"The person's name, as it is shown."`
	Role     string `json:"role" doc:"admin or developer. Whoever is a member already keeps their role."`
}

// A MemberChange says what a member may do.
type MemberChange struct {
	Role string `json:"role" doc:"admin or developer."`
}

// Invited is what came of inviting somebody.
type Invited struct {
	Account  string   `json:"account" doc:"The id of the account of home."`
	Link     string   `json:"link,omitempty" once:"" doc:"With which the person chooses a password, once. Absent: it was mailed, or they have one. It is shown this once."`
	Warnings []string `json:"warnings" doc:"What you should know although it was done."`
}

func listMembers(c *call) (MemberList, error) {
	p, err := c.organisations()
	if err != nil {
		return MemberList{}, err
	}
	is, err := p.Find(c.Context(), c.PathValue("partner"))
	if err != nil {
		return MemberList{}, err
	}
	list := MemberList{Members: []Member{}}
	for _, m := range is.Members {
		shown := Member{Account: m.AccountID, Role: m.Role, Since: m.Since}
		a, err := p.Accounts.Find(c.Context(), m.AccountID)
		if err != nil && !errors.Is(err, store.ErrNotFound) { // deleted in this moment
			return MemberList{}, err
		}
		shown.Name, shown.Email = a.Name, a.Profile.Email
		list.Members = append(list.Members, shown)
	}
	return list, nil
}

func inviteMember(c *call, n NewMember) (Invited, error) {
	p, err := c.organisations()
	if err != nil {
		return Invited{}, err
	}
	made, err := p.Invite(c.Context(), c.PathValue("partner"), n.Email, n.FullName, n.Role, c.by())
	if err != nil {
		return Invited{}, accountProblem(err)
	}
	c.location = partners + "/" + url.PathEscape(c.PathValue("partner")) + "/members"
	return Invited{Account: made.AccountID, Link: made.Link.Reveal(), Warnings: []string{}}, nil
}

func changeMember(c *call, sent MemberChange) (PartnerChanged, error) {
	if sent.Role == "" {
		return PartnerChanged{}, badMember("role", "is missing", "admin or developer; DELETE takes somebody away")
	}
	return c.setMember(sent.Role)
}

func removeMember(c *call) (PartnerChanged, error) { return c.setMember("") }

// setMember gives a member a role, or none.
func (c *call) setMember(role string) (PartnerChanged, error) {
	p, err := c.organisations()
	if err != nil {
		return PartnerChanged{}, err
	}
	id, account := c.PathValue("partner"), c.PathValue("account")
	is, err := p.Find(c.Context(), id)
	if err == nil && is.Role(account) == "" {
		err = store.ErrNotFound // who is none is invited
	}
	if err == nil {
		err = p.SetMember(c.Context(), id, account, role, c.by())
	}
	if errors.Is(err, store.ErrConflict) {
		err = &Problem{Status: http.StatusConflict, Detail: "The last admin stays one: make somebody else an admin first."}
	}
	if err == nil {
		is, err = p.Find(c.Context(), id)
	}
	return partnerChanged(is, err)
}

func badMember(field, problem, hint string) error {
	return &Problem{Status: http.StatusUnprocessableEntity, Detail: "What was sent cannot be done as it is.", Errors: []Fault{{field, problem, hint}}}
}
