package admin

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// A Partner is an organisation that owns clients.
type Partner struct {
	ID         string    `json:"id" doc:"The partner's id."`
	Name       string    `json:"name" doc:"What people call it."`
	Email      string    `json:"email,omitempty" doc:"Where notices go; absent: to its admins."`
	Homepage   string    `json:"homepage,omitempty" doc:"Its page."`
	Verified   bool      `json:"verified" doc:"We know that it is who it says."`
	Members    []Member  `json:"members" doc:"Its people."`
	CreatedAt  time.Time `json:"created_at" doc:"When it was made."`
	Disabled   bool      `json:"disabled" doc:"Whether its people are kept out."`
	DisabledAt time.Time `json:"disabled_at,omitzero" doc:"Since when."`
}

// A Member is a person who acts for a partner.
type Member struct {
	Account string    `json:"account" doc:"The id of the account of home."`
	Name    string    `json:"name,omitempty" doc:"What the person types to sign in; only where members are asked for."`
	Email   string    `json:"email,omitempty" doc:"The e-mail address; only where members are asked for."`
	Role    string    `json:"role" doc:"admin: everything, and who else is a member; developer: sees, tries, makes and rotates secrets."`
	Since   time.Time `json:"since" doc:"Since when."`
}

// A PartnerPage is a page of a list of partners.
type PartnerPage struct {
	Partners []Partner `json:"partners" doc:"At most as many as limit says."`
	Next     string    `json:"next,omitempty" doc:"For after, to get the next page; absent on the last. It is good for an hour."`
}

// A NewPartner is a partner to make. What is absent is the default.
type NewPartner struct {
	ID       string   `json:"id,omitempty" doc:"The id that it is to have. Absent: one is made."`
	Name     string   `json:"name" doc:"What people call it, at most 128 characters."`
	Email    string   `json:"email,omitempty" doc:"Where notices go. Absent: to its admins."`
	Homepage string   `json:"homepage,omitempty" doc:"Its page, an https URL."`
	Verified bool     `json:"verified,omitempty" doc:"We know that it is who it says."`
	Admins   []string `json:"admins,omitempty" doc:"The ids of accounts of home that are its first admins."`
}

// A PartnerChange is what is to become different of a partner. What is absent stays.
type PartnerChange struct {
	Name     *string `json:"name,omitempty" doc:"What people call it."`
	Email    *string `json:"email,omitempty" doc:"Where notices go; empty: to its admins."`
	Homepage *string `json:"homepage,omitempty" doc:"Its page; empty: none."`
	Verified *bool   `json:"verified,omitempty" doc:"We know that it is who it says."`
}

// PartnerChanged is what became of a request that changed a partner.
type PartnerChanged struct {
	Partner  Partner  `json:"partner" doc:"The partner as it is now, or as it was when it was deleted."`
	Warnings []string `json:"warnings" doc:"What you should know although it was done."`
}

// A PartnerClient is a client of a partner, and where it lies.
type PartnerClient struct {
	Environment string `json:"environment" doc:"The environment's name."`
	Client      Client `json:"client" doc:"The client."`
}

// PartnerClientList is the clients of a partner.
type PartnerClientList struct {
	Clients []PartnerClient `json:"clients" doc:"In the order of the environments and the clients' ids."`
}

// stable implements stable.
func (p Partner) stable() any { return p }

// organisations are the operations on partners.
func (c *call) organisations() (*partner.Partners, error) {
	if c.api.Partners != nil {
		if p := c.api.Partners(); p != nil {
			return p, nil
		}
	}
	return nil, &Problem{Status: http.StatusNotFound, Detail: "There are no partners here: grantway.yaml does not say home."}
}

func listPartners(c *call) (PartnerPage, error) {
	p, err := c.organisations()
	if err != nil {
		return PartnerPage{}, err
	}
	after, limit, err := c.page()
	if err != nil {
		return PartnerPage{}, err
	}
	found, more, err := p.List(c.Context(), store.PartnerQuery{Member: c.sent.Get("member"), After: after, Limit: limit})
	if err != nil {
		return PartnerPage{}, err
	}
	page := PartnerPage{Partners: []Partner{}}
	for i := range found {
		page.Partners = append(page.Partners, shownPartner(&found[i]))
	}
	if more {
		page.Next = c.api.cursors.after(c.list(), found[len(found)-1].ID)
	}
	return page, nil
}

func createPartner(c *call, n NewPartner) (PartnerChanged, error) {
	p, err := c.organisations()
	if err != nil {
		return PartnerChanged{}, err
	}
	made, err := p.Create(c.Context(), partner.NewPartner(n), c.by())
	if err == nil {
		c.location = partners + "/" + url.PathEscape(made.ID)
	}
	return partnerChanged(made, err)
}

func getPartner(c *call) (Partner, error) {
	p, err := c.organisations()
	if err != nil {
		return Partner{}, err
	}
	found, err := p.Find(c.Context(), c.PathValue("partner"))
	if err != nil {
		return Partner{}, err
	}
	return shownPartner(&found), nil
}

func changePartner(c *call, sent PartnerChange) (PartnerChanged, error) {
	p, err := c.organisations()
	if err != nil {
		return PartnerChanged{}, err
	}
	return partnerChanged(p.Describe(c.Context(), c.PathValue("partner"), partner.PartnerChange(sent), c.by()))
}

func disablePartner(c *call) (PartnerChanged, error) { return c.setDisabled(true) }

func enablePartner(c *call) (PartnerChanged, error) { return c.setDisabled(false) }

func (c *call) setDisabled(disabled bool) (PartnerChanged, error) {
	p, err := c.organisations()
	if err != nil {
		return PartnerChanged{}, err
	}
	return partnerChanged(p.SetDisabled(c.Context(), c.PathValue("partner"), disabled, c.by()))
}

func deletePartner(c *call) (PartnerChanged, error) {
	p, err := c.organisations()
	if err != nil {
		return PartnerChanged{}, err
	}
	was, err := p.Find(c.Context(), c.PathValue("partner"))
	if err == nil {
		err = p.Delete(c.Context(), was.ID, c.by())
	}
	return partnerChanged(was, err)
}

func listPartnerClients(c *call) (PartnerClientList, error) {
	p, err := c.organisations()
	if err != nil {
		return PartnerClientList{}, err
	}
	found, err := p.Clients(c.Context(), c.PathValue("partner"))
	if err != nil {
		return PartnerClientList{}, err
	}
	list := PartnerClientList{Clients: []PartnerClient{}}
	for i := range found {
		list.Clients = append(list.Clients, PartnerClient{found[i].Environment, c.client(&found[i].Client)})
	}
	return list, nil
}

func partnerChanged(is store.Partner, err error) (PartnerChanged, error) {
	if errors.Is(err, store.ErrConflict) {
		err = &Problem{Status: http.StatusConflict, Detail: "The id is in use, or was once: ids are never used a second time."}
	}
	if err != nil {
		return PartnerChanged{}, err
	}
	return PartnerChanged{Partner: shownPartner(&is), Warnings: []string{}}, nil
}

func shownPartner(p *store.Partner) Partner {
	shown := Partner{
		ID: p.ID, Name: p.Name, Email: p.Email, Homepage: p.Homepage, Verified: p.Verified, Members: []Member{},
		CreatedAt: p.CreatedAt, Disabled: p.Disabled(), DisabledAt: p.DisabledAt,
	}
	for _, m := range p.Members {
		shown.Members = append(shown.Members, Member{Account: m.AccountID, Role: m.Role, Since: m.Since})
	}
	return shown
}
