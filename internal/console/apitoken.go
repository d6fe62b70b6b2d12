package console

import (
	"net/http"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// apiTokens lists them.
func (v *visit) apiTokens() error {
	e, err := v.environment()
	if err != nil {
		return err
	}
	now := v.c.Now()
	is := v.field("state")
	read := func(after string, limit int) ([]store.APIToken, bool, error) {
		return e.APITokens.List(v.r.Context(), after, limit)
	}
	found, next, early, err := seek(v.field("after"), read, func(t *store.APIToken) string { return t.ID }, func(t *store.APIToken) bool {
		return is == "" || tokenState(t, now).Text == is
	})
	if err != nil {
		return err
	}
	section := web.ConsoleSection{Name: "list", Heading: "API tokens of " + e.Title}
	writable := v.may("api-tokens:write") && (!ofHome(e) || v.may("operators:write"))
	seen := map[string]web.ConsoleCell{}
	for i := range found {
		t := &found[i]
		if section.Table == nil {
			section.Table = &web.ConsoleTable{Caption: "API tokens", Columns: columns("Token", "Kind", "State", "May", "Created", "Ends", "Last used", "Do")}
		}
		kind := text("plain")
		if t.Elevated {
			kind = below(text("elevated"), strings.Join(t.Addresses, ", "))
		}
		ends := when(t.EndsAt)
		if t.EndsAt.IsZero() {
			ends = text("never")
		}
		do := text("")
		about := []string{"environment", e.Name, "id", t.ID}
		switch {
		case !writable || !t.RevokedAt.IsZero():
		case t.Elevated && t.ApprovedAt.IsZero() && t.CreatedBy != v.who.Account.ID:
			do = link("Approve", to("/api-token/approve", about...))
		default:
			do = link("Revoke", to("/api-token/revoke", about...))
		}
		made := when(t.CreatedAt)
		made.Below = "by " + v.actor(seen, t.CreatedBy).Text
		section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{
			below(text(t.Name), "…"+t.Hint), kind, tokenState(t, now), below(text(strings.Join(t.Scope, " ")), strings.Join(t.APIs, ", ")), made, ends, when(t.LastUsedAt), do,
		})
	}
	if section.Table == nil {
		section.Empty = "No API token. They are for servers that ask for what needs no person's rights, where an API in grantway.yaml knows them."
	}
	section.Further = further("/api-tokens", early, next, "environment", e.Name, "state", is)
	page := &web.ConsolePage{
		ConsoleFrame: web.ConsoleFrame{Title: "API tokens", Lead: "Long-lived credentials of servers.", Said: v.said()},
		Choices:      []web.ConsoleChoice{v.environments(e, "/api-tokens", nil, "state", is)},
		Filter:       v.filter("/api-tokens", e, []web.ConsoleField{choose("state", "State", is, "any", "Good", "Waits for approval", "Ended", "Revoked")}),
		Sections:     []web.ConsoleSection{section},
	}
	if writable {
		page.Actions = []web.ConsoleLink{{Text: "Make an API token", To: to("/api-token/new", "environment", e.Name), Main: true}}
	}
	v.show(http.StatusOK, page)
	return nil
}

func tokenState(t *store.APIToken, now time.Time) web.ConsoleCell {
	switch {
	case !t.RevokedAt.IsZero():
		return bad("Revoked")
	case !t.EndsAt.IsZero() && !now.Before(t.EndsAt):
		return bad("Ended")
	case t.Elevated && t.ApprovedAt.IsZero():
		return warn("Waits for approval")
	}
	return good("Good")
}

var newAPIToken = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		e, err := v.writable()
		if err != nil {
			return nil, err
		}
		back := to("/api-tokens", "environment", e.Name)
		end := endField(v)
		end.Name, end.Label, end.Hint = "ends_at", "It ends on", "Empty: a plain one never does; an elevated one must, within a year."
		return &web.ConsoleForm{
			ConsoleFrame: web.ConsoleFrame{
				Title: "Make an API token in " + e.Title, Trail: []web.ConsoleLink{{Text: "API tokens of " + e.Title, To: back}},
				Lead: "A plain one opens what needs no person's rights. An elevated one acts for people who are not asked, so that another operator approves it.",
			},
			Hidden: [][2]string{{"environment", e.Name}},
			Fields: []web.ConsoleField{
				{Name: "name", Label: "Application", Value: v.field("name"), Needed: true},
				choose("elevated", "Kind", v.field("elevated"), "plain", "elevated"),
				v.scopeField("scopes", "What it may do (elevated), and where", e, nil),
				{Name: "addresses", Label: "From which addresses (elevated)", Kind: "area", Plain: true, Value: v.field("addresses"), Hint: "Networks or single addresses, one a line: 192.0.2.0/28"},
				{Name: "needs_user", Kind: "checks", Label: "Beside an access token", Options: []web.ConsoleOption{{Value: "1", Text: "It is good only together with an access token", On: v.has("needs_user", "1")}}},
				end,
			},
			Button: "Make the API token", Back: back,
		}, nil
	},
	do: func(v *visit) error {
		e, err := v.writable()
		if err != nil {
			return err
		}
		apis, scopes := v.chosen()
		n := partner.NewAPIToken{
			Name: v.field("name"), APIs: apis, NeedsUser: v.has("needs_user", "1"), Elevated: v.field("elevated") == "elevated",
			Scopes: scopes, Addresses: lines(v.field("addresses")),
		}
		if sent := v.field("ends_at"); sent != "" {
			if n.EndsAt, err = time.Parse(time.DateOnly, sent); err != nil {
				return partner.Faults{{Field: "ends_at", Problem: "is no day", Hint: "write 2027-03-01"}}
			}
		}
		result, err := e.APITokens.Create(v.r.Context(), n, v.by())
		if err != nil {
			return err
		}
		v.show(http.StatusOK, &web.ConsoleShown{
			ConsoleFrame: web.ConsoleFrame{Title: "The API token is made"}, Label: "API token", Secret: result.Text.Reveal(), Warnings: result.Warnings,
			Facts: []web.ConsoleFact{told("Application", text(result.Token.Name)), told("Environment", text(e.Title)), told("Scopes", codes(result.Token.Scope)...)},
			On:    web.ConsoleLink{Text: "To the API tokens", To: to("/api-tokens", "environment", e.Name)},
		})
		return nil
	},
}

// aboutAPIToken is what every form about one has in common.
func (v *visit) aboutAPIToken(title, button string) (*Environment, store.APIToken, *web.ConsoleForm, error) {
	e, err := v.writable()
	if err != nil {
		return nil, store.APIToken{}, nil, err
	}
	t, err := e.APITokens.Find(v.r.Context(), v.field("id"))
	if err != nil {
		return nil, t, nil, err
	}
	back := to("/api-tokens", "environment", e.Name)
	return e, t, &web.ConsoleForm{
		ConsoleFrame: web.ConsoleFrame{Title: title + " " + t.Name, Trail: []web.ConsoleLink{{Text: "API tokens of " + e.Title, To: back}}},
		Hidden:       [][2]string{{"environment", e.Name}, {"id", t.ID}}, Button: button, Back: back,
	}, nil
}

var approveAPIToken = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, t, form, err := v.aboutAPIToken("Approve", "Approve the API token")
		if err != nil {
			return nil, err
		}
		form.Text = []string{
			"Whoever has it acts for any person, who is not asked: " + strings.Join(t.Scope, ", ") + ".",
			"It may come from " + strings.Join(t.Addresses, ", ") + ", and ends on " + t.EndsAt.UTC().Format(time.DateOnly) + ".",
		}
		return form, nil
	},
	do: func(v *visit) error {
		e, t, _, err := v.aboutAPIToken("", "")
		if err == nil {
			_, err = e.APITokens.Approve(v.r.Context(), t.ID, v.by())
		}
		if err != nil {
			return err
		}
		return v.done("token-approved", "/api-tokens", "environment", e.Name)
	},
}

var revokeAPIToken = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		_, t, form, err := v.aboutAPIToken("Revoke", "Revoke the API token")
		if err != nil {
			return nil, err
		}
		form.Sharp, form.Goes = true, []string{"the API token that ends in " + t.Hint + ", within a second everywhere"}
		return form, nil
	},
	do: func(v *visit) error {
		e, t, _, err := v.aboutAPIToken("", "")
		if err == nil {
			_, err = e.APITokens.Revoke(v.r.Context(), t.ID, v.by())
		}
		if err != nil {
			return err
		}
		return v.done("token-revoked", "/api-tokens", "environment", e.Name)
	},
}
