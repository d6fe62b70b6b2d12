package console

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// requests lists what is asked for.
func (v *visit) requests() error {
	q := store.AccessQuery{Open: v.field("state") != "all", PartnerID: v.field("partner"), Before: v.field("before"), Limit: perPage}
	found, more, err := v.c.Partners.Requests(v.r.Context(), q)
	if err != nil {
		return err
	}
	section := web.ConsoleSection{Name: "list", Heading: "Requests"}
	if len(found) > 0 {
		section.Table = v.requestTable(found)
	} else {
		section.Empty = "Nobody waits for a decision. People ask for access in the portal; what they ask for then stands here."
	}
	switch waiting, err := v.c.Partners.Waiting(v.r.Context()); {
	case err != nil:
		return err
	case waiting > 0 && q.Open && q.PartnerID == "" && q.Before == "":
		section.Text = plural(waiting, "request") + " of strangers who have not confirmed their e-mail address yet. What they do not confirm within a day is deleted."
	}
	if more {
		section.Further = []web.ConsoleLink{{Text: "Older ones", To: to("/requests", "state", v.field("state"), "partner", q.PartnerID, "before", found[len(found)-1].ID)}}
	}
	v.show(http.StatusOK, &web.ConsolePage{
		ConsoleFrame: web.ConsoleFrame{Title: "Requests", Lead: "Partners and strangers who ask for a client.", Said: v.said()},
		Choices: []web.ConsoleChoice{{Name: "Which", Links: []web.ConsoleLink{
			{Text: "To decide", To: to("/requests", "partner", q.PartnerID), Here: q.Open}, {Text: "All", To: to("/requests", "state", "all", "partner", q.PartnerID), Here: !q.Open},
		}}},
		Sections: []web.ConsoleSection{section},
	})
	return nil
}

func (v *visit) requestTable(all []store.AccessRequest) *web.ConsoleTable {
	table := &web.ConsoleTable{Caption: "Requests", Columns: columns("Application", "Who asks", "Environment", "Asked", "State")}
	for i := range all {
		r := &all[i]
		who := text(r.Organised)
		if r.PartnerID != "" && r.Organised == "" {
			who = web.ConsoleCell{Text: r.PartnerID, Code: true, To: to("/partner", "id", r.PartnerID)}
		}
		who.Below = r.Person
		table.Rows = append(table.Rows, []web.ConsoleCell{link(r.Application, to("/request", "id", r.ID)), who, text(v.titleOf(r.Environment)), when(r.AskedAt), decision(r)})
	}
	return table
}

func decision(r *store.AccessRequest) web.ConsoleCell {
	switch {
	case r.Decision == "":
		return warn("To decide")
	case r.Decision == store.DecisionApproved && r.DoneAt.IsZero():
		return warn("Approved, being made")
	case r.Decision == store.DecisionApproved:
		return good("Approved")
	case r.Decision == store.DecisionRefused:
		return bad("Refused")
	}
	return text("Withdrawn")
}

// request shows one.
func (v *visit) request() error {
	r, err := v.c.Partners.Request(v.r.Context(), v.field("id"))
	if err != nil {
		return err
	}
	page := &web.ConsolePage{ConsoleFrame: web.ConsoleFrame{Title: r.Application, Said: v.said(), Trail: []web.ConsoleLink{{Text: "Requests", To: "/requests"}}}}
	if r.Decision == "" && v.may("partners:write") {
		page.Actions = []web.ConsoleLink{{Text: "Approve, or narrow", To: to("/request/approve", "id", r.ID), Main: true}, {Text: "Refuse", To: to("/request/refuse", "id", r.ID), Sharp: true}}
	}
	whose := text(r.Organised)
	if r.PartnerID != "" {
		whose = below(v.whose(map[string]web.ConsoleCell{}, r.PartnerID), r.PartnerID)
	} else {
		whose.Below = "not a partner yet"
	}
	facts := []web.ConsoleFact{
		told("State", decision(&r)), told("Asks for", text(v.titleOf(r.Environment))), told("Type", text(r.Type)), told("Organisation", whose),
		told("Person", below(text(r.Person), r.Email)), told("Purpose", text(r.Purpose)), told("Asked", when(r.AskedAt)),
	}
	if len(r.Redirects) > 0 {
		facts = append(facts, told("Redirect URIs", codes(r.Redirects)...))
	}
	if r.Decision != "" {
		facts = append(facts, told("Decided", when(r.DecidedAt)), told("By", v.actor(map[string]web.ConsoleCell{}, r.DecidedBy)), told("Reason", text(r.Reason)))
	}
	if r.Decision == store.DecisionApproved {
		facts = append(facts, told("Client", web.ConsoleCell{Text: r.ClientID, Code: true, To: to("/client", "environment", r.Environment, "id", r.ClientID)}))
	}
	scopes := web.ConsoleSection{Name: "scopes", Heading: "Scopes", Table: &web.ConsoleTable{Caption: "Scopes", Columns: columns("Scope", "API", "State")}}
	for _, api := range slices.Sorted(maps.Keys(r.Wanted)) {
		allowed, ok := r.Allowed[api]
		is := func(one string) web.ConsoleCell {
			switch {
			case r.Decision != store.DecisionApproved:
				return text("asked for")
			case ok && (one == "" || slices.Contains(allowed, one)):
				return good("allotted")
			}
			return bad("left out")
		}
		for _, scope := range r.Wanted[api] {
			scopes.Table.Rows = append(scopes.Table.Rows, []web.ConsoleCell{code(scope), code(api), is(scope)})
		}
		if len(r.Wanted[api]) == 0 {
			scopes.Table.Rows = append(scopes.Table.Rows, []web.ConsoleCell{text("everything"), code(api), is("")})
		}
	}
	page.Sections = []web.ConsoleSection{{Name: "is", Heading: "What is asked for", Facts: facts}, scopes}
	if h := v.c.home(); h != nil {
		history, err := v.historySection(h, r.ID)
		if err != nil {
			return err
		}
		page.Sections = append(page.Sections, history)
	}
	v.show(http.StatusOK, page)
	return nil
}

// aboutRequest is what every form about one has in common.
func (v *visit) aboutRequest(title, button string) (store.AccessRequest, *web.ConsoleForm, error) {
	r, err := v.c.Partners.Request(v.r.Context(), v.field("id"))
	if err != nil {
		return r, nil, err
	}
	back := to("/request", "id", r.ID)
	return r, &web.ConsoleForm{
		ConsoleFrame: web.ConsoleFrame{Title: title + " " + r.Application, Trail: []web.ConsoleLink{{Text: "Requests", To: "/requests"}, {Text: r.Application, To: back}}},
		Hidden:       [][2]string{{"id", r.ID}}, Button: button, Back: back,
	}, nil
}

var approve = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		r, form, err := v.aboutRequest("Approve", "Approve what is ticked")
		if err != nil {
			return nil, err
		}
		form.Text = []string{"A client is made in " + v.titleOf(r.Environment) + ", without a secret: who asked signs in to the portal and makes it there. What you untick is left out, and they are told why."}
		e := v.environmentOf(r.Environment)
		if e == nil {
			return nil, store.ErrNotFound
		}
		form.Fields = []web.ConsoleField{
			v.scopeField("scopes", "What it may use", e, r.Wanted),
			{Name: "reason", Label: "Words to go with it", Kind: "area", Hint: "They read it; say why, where you left something out.", Value: v.field("reason")},
		}
		return form, nil
	},
	do: func(v *visit) error {
		r, _, err := v.aboutRequest("", "")
		if err != nil {
			return err
		}
		var scopes []string
		for _, value := range v.sent["scopes"] {
			scopes = append(scopes, strings.TrimSuffix(value, " ")) // an API without scopes stands for itself
		}
		if len(scopes) == 0 {
			return partner.Faults{{Field: "scopes", Problem: "none is ticked", Hint: "refuse the request instead"}}
		}
		approval, err := v.c.Partners.Approve(v.r.Context(), r.ID, scopes, v.field("reason"), v.by())
		if err != nil {
			return err
		}
		shown := &web.ConsoleShown{
			ConsoleFrame: web.ConsoleFrame{Title: "The request is approved"}, Label: "Link with which they choose a password", Secret: approval.Link.Reveal(),
			Facts: []web.ConsoleFact{
				told("Client", web.ConsoleCell{Text: approval.Request.ClientID, Code: true, To: to("/client", "environment", r.Environment, "id", approval.Request.ClientID)}),
				told("Partner", link(approval.Partner.Name, to("/partner", "id", approval.Partner.ID))),
			},
			On: web.ConsoleLink{Text: "To the requests", To: "/requests"},
		}
		if shown.Secret == "" {
			shown.Text = []string{"Who asked is told by mail, and makes the secret in the portal."}
		} else {
			shown.Text = []string{"No mail is sent here: hand the link to who asked. It is good once, within three days."}
		}
		v.show(http.StatusOK, shown)
		return nil
	},
}

// titleOf is what people call the environment of that name.
func (v *visit) titleOf(name string) string {
	if e := v.environmentOf(name); e != nil {
		return cmp.Or(e.Title, e.Name)
	}
	return name
}

// environmentOf is the environment of that name, nil when there is none.
func (v *visit) environmentOf(name string) *Environment {
	for _, e := range v.c.Environments {
		if e.Name == name {
			return e
		}
	}
	return nil
}

var refuse = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, form, err := v.aboutRequest("Refuse", "Refuse the request")
		if err != nil {
			return nil, err
		}
		form.Sharp, form.Text = true, []string{"Who asked is told, with your reason. They can ask again."}
		form.Fields = []web.ConsoleField{{Name: "reason", Label: "Reason", Kind: "area", Hint: "They read it: say what they can do.", Value: v.field("reason"), Needed: true}}
		return form, nil
	},
	do: func(v *visit) error {
		r, _, err := v.aboutRequest("", "")
		if err != nil {
			return err
		}
		if v.field("reason") == "" {
			return partner.Faults{{Field: "reason", Problem: "is missing", Hint: "people read it"}}
		}
		if err := v.c.Partners.Refuse(v.r.Context(), r.ID, v.field("reason"), v.by()); err != nil {
			return err
		}
		return v.done("request-refused", "/request", "id", r.ID)
	},
}
