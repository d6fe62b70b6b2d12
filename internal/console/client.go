package console

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// types are the types of client, and what people call them.
var types = []struct{ is, text string }{
	{store.TypeMachine, "machine: a program that acts for itself"},
	{store.TypeWeb, "web: on a server, acts for people"},
	{store.TypeNative, "native: on a device, acts for people"},
	{store.TypeBrowser, "browser: in the browser, acts for people"},
	{store.TypeResource, "resource: an API that asks about tokens"},
}

// clients lists them.
func (v *visit) clients() error {
	e, err := v.environment()
	if err != nil {
		return err
	}
	sought, kind, is, whose := strings.ToLower(v.field("q")), v.field("type"), v.field("state"), v.field("partner")
	pairs := []string{"environment", e.Name, "q", v.field("q"), "type", kind, "state", is, "partner", whose}
	ctx := v.r.Context()
	read := func(after string, limit int) ([]store.Client, bool, error) {
		if whose != "" && whose != "-" {
			return e.Clients.Of(ctx, whose, after, limit)
		}
		return e.Clients.List(ctx, after, limit)
	}
	found, next, early, err := seek(v.field("after"), read, func(c *store.Client) string { return c.ID }, func(c *store.Client) bool {
		return (sought == "" || strings.Contains(strings.ToLower(c.ID), sought) || strings.Contains(strings.ToLower(c.Name), sought)) &&
			(kind == "" || c.Type == kind) && (is == "" || (is == "disabled") == c.Disabled()) && (whose != "-" || c.Partner == "")
	})
	if err != nil {
		return err
	}
	if early && sought != "" && v.field("after") == "" { // the one that is meant comes first, however many there are
		if c, err := e.Clients.Find(ctx, v.field("q")); err == nil && !slices.ContainsFunc(found, func(o store.Client) bool { return o.ID == c.ID }) {
			found = append([]store.Client{c}, found...)
		}
	}
	section := web.ConsoleSection{Name: "list", Heading: "Clients of " + e.Title}
	if len(found) > 0 {
		section.Table = &web.ConsoleTable{Caption: "Clients", Columns: columns("Client", "Type", "State", "Partner", "#Secrets", "Last used", "Created")}
		names := map[string]web.ConsoleCell{}
		for i := range found {
			section.Table.Rows = append(section.Table.Rows, v.clientRow(e, &found[i], names))
		}
	} else if filtered := sought+kind+is+whose != ""; filtered || v.field("after") != "" {
		section.Empty = "No client here is like that. Show all, or look in another environment."
	} else {
		section.Empty = "No client yet. Create one, approve a request, or declare one in grantway.yaml."
	}
	section.Further = further("/clients", early, next, pairs...)
	if early {
		section.Text = fmt.Sprintf("%d found so far; there are more clients to look at.", len(found))
	}
	page := &web.ConsolePage{
		ConsoleFrame: web.ConsoleFrame{Title: "Clients", Lead: "Applications that may ask for tokens.", Said: v.said()},
		Choices:      []web.ConsoleChoice{v.environments(e, "/clients", nil, "q", v.field("q"), "type", kind, "state", is)},
		Filter: v.filter("/clients", e, []web.ConsoleField{
			{Name: "q", Label: "Id or name", Kind: "search", Value: v.field("q"), Plain: true},
			choose("type", "Type", kind, "any", "machine", "web", "native", "browser", "resource"),
			choose("state", "State", is, "any", "enabled", "disabled"),
			{Name: "partner", Label: "Partner's id", Value: whose, Plain: true},
		}),
		Sections: []web.ConsoleSection{section},
	}
	if v.may("clients:write") {
		page.Actions = []web.ConsoleLink{{Text: "Create a client", To: to("/client/new", "environment", e.Name), Main: true}}
	}
	v.show(http.StatusOK, page)
	return nil
}

// filter is the filter of a page, with the environment that it is about.
func (v *visit) filter(path string, e *Environment, fields []web.ConsoleField) *web.ConsoleFilter {
	f := &web.ConsoleFilter{To: path}
	for _, field := range fields {
		if field.Value != "" || slices.ContainsFunc(field.Options, func(o web.ConsoleOption) bool { return o.On && o.Value != "" }) {
			f.Reset = to(path, "environment", e.Name)
		}
	}
	f.Fields = append([]web.ConsoleField{{Name: "environment", Kind: "hidden", Value: e.Name}}, fields...)
	return f
}

// choose is a field with a few words to choose from; the first stands for none.
func choose(name, label, chosen string, words ...string) web.ConsoleField {
	f := web.ConsoleField{Name: name, Label: label, Kind: "select"}
	for i, word := range words {
		value := word
		if i == 0 {
			value = ""
		}
		f.Options = append(f.Options, web.ConsoleOption{Value: value, Text: word, On: value == chosen})
	}
	return f
}

func (v *visit) clientRow(e *Environment, c *store.Client, names map[string]web.ConsoleCell) []web.ConsoleCell {
	used := time.Time{}
	for _, s := range c.Secrets {
		if s.LastUsedAt.After(used) {
			used = s.LastUsedAt
		}
	}
	created := when(c.CreatedAt)
	if c.Declared {
		created = text("in grantway.yaml")
	}
	return []web.ConsoleCell{
		below(link(c.Name, to("/client", "environment", e.Name, "id", c.ID)), c.ID), text(c.Type), state(c.Disabled()), v.whose(names, c.Partner),
		number(int64(len(c.Secrets))), when(used), created,
	}
}

// whose is the partner of that id, by name; empty: the publisher.
func (v *visit) whose(seen map[string]web.ConsoleCell, id string) web.ConsoleCell {
	if cell, ok := seen[id]; ok || id == "" {
		return cell
	}
	cell := code(id)
	if v.c.Partners != nil {
		if p, err := v.c.Partners.Find(v.r.Context(), id); err == nil {
			cell = link(p.Name, to("/partner", "id", id))
		}
	}
	seen[id] = cell
	return cell
}

// theClient is the client that is asked for.
func (v *visit) theClient() (*Environment, store.Client, error) {
	e, err := v.environment()
	if err != nil {
		return nil, store.Client{}, err
	}
	c, err := e.Clients.Find(v.r.Context(), v.field("id"))
	return e, c, err
}

// client shows everything about one.
func (v *visit) client() error {
	e, c, err := v.theClient()
	if err != nil {
		return err
	}
	page := &web.ConsolePage{ConsoleFrame: web.ConsoleFrame{
		Title: cmp.Or(c.Name, c.ID), Said: v.said(),
		Trail: []web.ConsoleLink{{Text: "Clients of " + e.Title, To: to("/clients", "environment", e.Name)}},
	}}
	about := func(path string, more ...string) string {
		return to(path, append([]string{"environment", e.Name, "id", c.ID}, more...)...)
	}
	writable := v.may("clients:write") && !c.Declared && (e != v.c.home() || v.may("operators:write"))
	if writable {
		page.Actions = append(page.Actions, web.ConsoleLink{Text: "Change", To: about("/client/change")})
		if !c.Disabled() && !ofHome(e) && len(v.published()) > 1 {
			page.Actions = append(page.Actions, web.ConsoleLink{Text: "Promote", To: about("/client/promote")})
		}
		if c.Disabled() {
			if c.DisabledBy != "" {
				page.Actions = append(page.Actions, web.ConsoleLink{Text: "Keep it disabled", To: about("/client/disable"), Sharp: true})
			}
			page.Actions = append(page.Actions, web.ConsoleLink{Text: "Enable", To: about("/client/enable"), Main: true})
		} else {
			page.Actions = append(page.Actions, web.ConsoleLink{Text: "Disable", To: about("/client/disable"), Sharp: true})
		}
		page.Actions = append(page.Actions, web.ConsoleLink{Text: "Delete", To: about("/client/delete"), Sharp: true})
	}
	is := v.clientFacts(e, &c)
	elsewhere, err := v.otherwhere(e, c.ID)
	if err != nil {
		return err
	}
	if len(elsewhere) > 0 {
		is.Facts = append(is.Facts, told("Other environments", elsewhere...))
	}
	page.Sections = append(page.Sections, is)
	if !c.Public() {
		page.Sections = append(page.Sections, v.secretSection(e, &c, writable))
	}
	for _, make := range []func(*Environment, *store.Client) (web.ConsoleSection, error){v.scopeSection, v.usageSection, v.refusedSection} {
		section, err := make(e, &c)
		if err != nil {
			return err
		}
		page.Sections = append(page.Sections, section)
	}
	history, err := v.historySection(e, c.ID)
	if err != nil {
		return err
	}
	page.Sections = append(page.Sections, history)
	v.show(http.StatusOK, page)
	return nil
}

func (v *visit) clientFacts(e *Environment, c *store.Client) web.ConsoleSection {
	is := state(c.Disabled())
	if c.Disabled() {
		since := "since " + c.DisabledAt.UTC().Format("2006-01-02 15:04 UTC")
		if c.DisabledBy != "" {
			since += ", by the partner, who can enable it again"
		}
		is = below(is, since)
	}
	facts := []web.ConsoleFact{
		told("Client id", code(c.ID)), told("State", is), told("Environment", text(e.Title)), told("Type", text(c.Type)),
	}
	if c.Partner != "" {
		facts = append(facts, told("Partner", below(v.whose(map[string]web.ConsoleCell{}, c.Partner), c.Partner)))
	} else {
		facts = append(facts, told("Partner", text("the publisher's own")))
	}
	var grants []web.ConsoleCell
	for _, g := range c.Grants {
		cell := code(g)
		if end, ok := c.GrantsEnd[g]; ok {
			cell.Below = "until " + end.UTC().Format("2006-01-02 15:04 UTC")
		}
		grants = append(grants, cell)
	}
	facts = append(facts, told("Grants", grants...))
	if len(c.AuthMethods) > 0 {
		facts = append(facts, told("Authenticates by", codes(c.AuthMethods)...))
	}
	if len(c.SignIn.Redirects) > 0 {
		facts = append(facts, told("Redirect URIs", codes(c.SignIn.Redirects)...))
	}
	if c.SignIn.Owner != "" {
		facts = append(facts, told("Made by", text(c.SignIn.Owner)))
	}
	if c.Declared {
		facts = append(facts, told("Declared", text("in grantway.yaml")))
	} else {
		facts = append(facts, told("Created", when(c.CreatedAt)))
	}
	section := web.ConsoleSection{Name: "is", Heading: "What it is", Facts: facts}
	if c.Declared {
		section.Text = "It is read here and changed in grantway.yaml: what the file says stands again whenever it is loaded."
	}
	return section
}

func codes(all []string) []web.ConsoleCell {
	cells := make([]web.ConsoleCell, len(all))
	for i, one := range all {
		cells[i] = code(one)
	}
	return cells
}

// secretSection lists the secrets and what can be done with each.
func (v *visit) secretSection(e *Environment, c *store.Client, writable bool) web.ConsoleSection {
	section := web.ConsoleSection{Name: "secrets", Heading: "Secrets"}
	about := func(path, id string) string {
		return to(path, "environment", e.Name, "id", c.ID, "secret", id)
	}
	if len(c.Secrets) > 0 {
		section.Table = &web.ConsoleTable{Caption: "Secrets", Columns: columns("Secret", "State", "Created", "Ends", "Last used", "Leaked", "Revoke")}
		if !writable {
			section.Table.Columns = section.Table.Columns[:5]
		}
	} else {
		section.Empty = "It has no secret, and gets no tokens until it has one."
	}
	for _, s := range c.Secrets {
		name := below(code("…"+s.Hint), s.ID)
		if s.Hint == "" {
			name = code(s.ID)
		}
		ends := when(s.ExpiresAt)
		if s.ExpiresAt.IsZero() {
			ends = text("never")
		}
		row := []web.ConsoleCell{name, good("Live"), when(s.CreatedAt), ends, below(when(s.LastUsedAt), s.LastUsedFrom)}
		if !s.Live(v.c.Now()) {
			row[1] = bad("Ended")
		} else if !s.ExpiresAt.IsZero() && s.ExpiresAt.Sub(v.c.Now()) < 30*24*time.Hour {
			row[1] = warn("Ends soon")
		}
		if writable {
			row = append(row, link("It leaked", about("/client/leaked", s.ID)), link("Revoke", about("/client/revoke", s.ID)))
		}
		section.Table.Rows = append(section.Table.Rows, row)
	}
	if writable {
		section.Actions = []web.ConsoleLink{{Text: "Add a secret", To: to("/client/secret", "environment", e.Name, "id", c.ID), Main: len(c.Secrets) == 0}}
	}
	return section
}

// scopeSection lists what is allotted, and when it was last used.
func (v *visit) scopeSection(e *Environment, c *store.Client) (web.ConsoleSection, error) {
	section := web.ConsoleSection{Name: "scopes", Heading: "Allotted scopes", Empty: "Nothing is allotted."}
	uses, err := e.Clients.ScopeUses.Of(v.r.Context(), c.ID)
	if err != nil {
		return section, err
	}
	unseen, err := e.Clients.Unused(v.r.Context(), c.ID)
	if err != nil {
		return section, err
	}
	if len(c.Allotted) == 0 {
		return section, nil
	}
	section.Empty = ""
	section.Table = &web.ConsoleTable{Caption: "Allotted scopes", Columns: columns("Scope", "API", "Last used by a call")}
	for _, api := range slices.Sorted(maps.Keys(c.Allotted)) {
		if len(c.Allotted[api]) == 0 {
			section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{text("everything"), code(api), text("the API has no scopes")})
		}
		for _, scope := range c.Allotted[api] {
			used := text("")
			if i := slices.IndexFunc(uses, func(u store.ScopeUse) bool { return u.API == api && u.Scope == scope }); i >= 0 {
				used = text(uses[i].Day.Format(time.DateOnly))
			} else if slices.Contains(unseen[api], scope) {
				used = warn("not seen")
			}
			section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{code(scope), code(api), used})
		}
	}
	if len(unseen) > 0 {
		section.Text = "A scope that no call has needed can be taken away: what leaks then opens less."
	}
	return section, nil
}

// usageSection draws the last 30 days.
func (v *visit) usageSection(e *Environment, c *store.Client) (web.ConsoleSection, error) {
	section := web.ConsoleSection{Name: "activity", Heading: "Activity in 30 days"}
	since := day(v.c.Now()).AddDate(0, 0, -29)
	all, err := e.Activity.Tallies(v.r.Context(), store.TallyQuery{Client: c.ID, Since: since, Days: true, Limit: 20_000})
	if err != nil {
		return section, err
	}
	sum := home.NewSeries(since, v.c.Now(), 24*time.Hour)
	for i := range all {
		sum.Add(&all[i])
	}
	section.Charts = sum.Charts("client")
	section.Further = []web.ConsoleLink{{Text: "Activity as CSV", To: to("/activity/export", "environment", e.Name, "client", c.ID, "format", "csv")}}
	return section, nil
}

// refusedSection lists the last refusals, with cause and cure.
func (v *visit) refusedSection(e *Environment, c *store.Client) (web.ConsoleSection, error) {
	section := web.ConsoleSection{Name: "refusals", Heading: "Last refusals"}
	all, err := e.Activity.RefusedOf(v.r.Context(), c.ID, home.RefusedRead)
	if err != nil {
		return section, err
	}
	if len(all) == 0 {
		section.Empty = "Nothing that this client asked for was refused lately."
		return section, nil
	}
	section.Table = &web.ConsoleTable{Caption: "Last refusals", Columns: columns("When", "Reason", "Why, and what to do", "Where", "Trace id")}
	runs := home.Runs(all)
	for _, r := range runs[:min(len(runs), 10)] {
		why := text(r.Refusal)
		if reason := refusal.Find(r.Refusal); reason != nil {
			why = below(text(reason.Cause), reason.Cure)
		}
		last := when(r.At)
		if often := fmt.Sprintf("%d times since %s", r.Times, r.Since.UTC().Format("2006-01-02 15:04 UTC")); r.Cut && r.Times > 1 {
			last.Below = "at least " + often
		} else if r.Times > 1 {
			last.Below = often
		}
		section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{last, code(r.Refusal), why, text(r.Route), code(r.Trace)})
	}
	return section, nil
}
