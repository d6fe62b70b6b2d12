package portal

import (
	"net/http"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// byPartner says who changes a client: the visitor, for the partner whose it is.
func (v *self) byPartner(c *store.Client) store.By {
	by := v.by()
	by.Partner = c.Partner
	return by
}

// disabledNote says who disabled an application, and who can enable it.
func (v *self) disabledNote(c *store.Client) string {
	if c.DisabledBy == c.Partner {
		return "Your organisation disabled this application: it gets no tokens. An admin can enable it again."
	}
	return "The publisher disabled this application: it gets no tokens, and only the publisher can enable it. Ask why: " + v.s.askWhom() + "."
}

// endSection is what an admin can do to an application as a whole. Others read why
// they cannot.
func (v *self) endSection(e *Published, c *store.Client) web.ConsoleSection {
	section := web.ConsoleSection{Name: "end", Heading: "Disable or delete"}
	p, err := v.partner(c.Partner)
	switch {
	case c.Declared:
		section.Text = "The publisher keeps this application in a file, and disables or deletes it there."
		return section
	case err != nil || !partner.MemberMay(p.Role(v.who.Account.ID), partner.MayDelete):
		section.Text = "An admin of your organisation can do it. Your role does not include it; the page Members says who is one."
		return section
	}
	about := func(path string) string { return at(path, "environment", e.Name, "id", c.ID) }
	switch {
	case !c.Disabled():
		section.Text = "Disabled, it gets no tokens, and you can enable it again. Deleted, it is gone for good."
		section.Actions = append(section.Actions, web.ConsoleLink{Text: "Disable", To: about("/application/disable"), Sharp: true})
	case c.DisabledBy == c.Partner:
		section.Text = "It is disabled. Enabled, its secrets are good again; deleted, it is gone for good."
		section.Actions = append(section.Actions, web.ConsoleLink{Text: "Enable", To: about("/application/enable"), Main: true})
	default:
		section.Text = "The publisher disabled it, and only the publisher can enable it. You can still delete it, for good."
	}
	section.Actions = append(section.Actions, web.ConsoleLink{Text: "Delete", To: about("/application/delete"), Sharp: true})
	return section
}

func (v *self) disableForm() error {
	_, c, p, err := v.about("Disable", "Disable the application")
	if err != nil {
		return err
	}
	p.Form.Sharp = true
	p.Text = []string{
		"Its tokens end within a second, everywhere, and its secrets get no new ones: whatever runs with them stands still.",
		"Nothing is deleted. You or the publisher can enable it again: then the same secrets work, and your programs fetch new tokens.",
	}
	if c.Disabled() {
		p.Note = "It is disabled already."
	}
	return v.show(http.StatusOK, p)
}

func (v *self) disable() error {
	e, c, _, err := v.about("", "")
	if err != nil {
		return err
	}
	result, err := e.Clients.Disable(v.r.Context(), c.ID, v.byPartner(&c))
	if err != nil {
		return err
	}
	for _, warning := range result.Warnings { // it is disabled all the same
		if warning == partner.WarnUntold {
			activity.Of(v.r.Context()).Note("partner-not-told")
		}
	}
	return v.to("/application", "environment", e.Name, "id", c.ID, "done", "disabled")
}

// enablePage is for what the partner disabled itself.
func (v *self) enablePage() (*Published, store.Client, *web.PortalPage, error) {
	e, c, p, err := v.about("Enable", "Enable the application")
	if err == nil && c.Disabled() && c.DisabledBy != c.Partner {
		err = partner.ErrPublishers
	}
	if err != nil {
		return nil, c, nil, err
	}
	p.Text = []string{"Its secrets are good again within a second. Tokens that ended stay ended: your programs fetch new ones."}
	return e, c, p, nil
}

func (v *self) enableForm() error {
	_, _, p, err := v.enablePage()
	return v.form(p, err)
}

func (v *self) enable() error {
	e, c, _, err := v.enablePage()
	if err != nil {
		return err
	}
	if _, err := e.Clients.Enable(v.r.Context(), c.ID, v.byPartner(&c)); err != nil {
		return err
	}
	return v.to("/application", "environment", e.Name, "id", c.ID, "done", "enabled")
}

func (v *self) deletePage() (*Published, store.Client, *web.PortalPage, error) {
	e, c, p, err := v.about("Delete", "Delete the application")
	if err != nil {
		return nil, c, nil, err
	}
	p.Form.Sharp = true
	p.Form.Goes = []string{"the client id " + c.ID + ": nobody gets it ever again", "all its secrets", "every token that it obtained, within a second, everywhere"}
	if len(c.SignIn.Redirects) > 0 {
		p.Form.Goes = append(p.Form.Goes, "what people allowed it")
	}
	p.Form.Fields = []web.ConsoleField{{Name: "confirm", Label: "Type " + c.ID + " to go on", Needed: true, Plain: true}}
	if !c.Disabled() {
		p.Text = []string{"To stop it for a while, disable it instead: that can be undone."}
	}
	return e, c, p, nil
}

func (v *self) deleteForm() error {
	_, _, p, err := v.deletePage()
	return v.form(p, err)
}

func (v *self) delete() error {
	e, c, p, err := v.deletePage()
	if err != nil {
		return err
	}
	if v.field("confirm") != c.ID {
		return v.wrong(partner.Faults{{Field: "confirm", Problem: "is not " + c.ID}}, p)
	}
	if _, err := e.Clients.Delete(v.r.Context(), c.ID, v.byPartner(&c)); err != nil {
		return err
	}
	return v.to("/applications", "done", "deleted")
}
