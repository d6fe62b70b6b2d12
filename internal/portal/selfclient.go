package portal

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// mostShown is how many rows a table of a partner's own things has.
const mostShown = 100

// soon is how long before its end a secret is marked.
const soon = 30 * 24 * time.Hour

// applications lists the visitor's clients in every environment, and what they asked
// for.
func (v *self) applications() error {
	if err := v.admitted(); err == errKeptOut {
		return err
	}
	p := &web.PortalPage{
		PortalFrame: web.PortalFrame{Title: "My applications", Lead: "Each has one client id in each environment, and secrets of its own there."},
		Actions:     []web.ConsoleLink{{Text: "Ask for access", To: "/ask", Main: true}},
	}
	requests, err := v.requestSection()
	if err != nil {
		return err
	}
	if requests.Table != nil {
		p.Sections = append(p.Sections, requests)
	}
	for _, e := range v.s.Environments {
		section := web.ConsoleSection{Name: "in-" + e.Name, Heading: cmp.Or(e.Title, e.Name)}
		own, more, err := v.clients(e)
		if err != nil {
			return err
		}
		if more {
			section.Text = fmt.Sprintf("The first %d of each organisation. Open another by its client id.", mostShown)
			p.Filter = v.byID(cmp.Or(v.field("environment"), e.Name))
		}
		for _, c := range own {
			if section.Table == nil {
				section.Table = &web.ConsoleTable{Caption: "Applications in " + e.Title, Columns: heads("Application", "Status", "Secrets", "Last used")}
			}
			section.Table.Rows = append(section.Table.Rows, v.clientRow(e, &c))
		}
		if section.Table == nil {
			section.Empty = "No application here yet."
			section.Actions = []web.ConsoleLink{{Text: "Ask for one", To: at("/ask", "environment", e.Name)}}
		}
		p.Sections = append(p.Sections, section)
	}
	return v.show(http.StatusOK, p)
}

// byID opens an application that is not listed.
func (v *self) byID(environment string) *web.ConsoleFilter {
	where := web.ConsoleField{Name: "environment", Label: "Environment", Kind: "select"}
	for _, e := range v.s.Environments {
		where.Options = append(where.Options, web.ConsoleOption{Value: e.Name, Text: cmp.Or(e.Title, e.Name), On: e.Name == environment})
	}
	return &web.ConsoleFilter{To: "/application", Fields: []web.ConsoleField{where, {Name: "id", Label: "Client id", Plain: true}}}
}

// clients are those of the visitor in an environment, which they may see, and whether
// an organisation has more than are read.
func (v *self) clients(e *Published) (all []store.Client, more bool, err error) {
	for i := range v.of {
		p := &v.of[i]
		if p.Disabled() || !partner.MemberMay(p.Role(v.who.Account.ID), partner.MaySee) {
			continue
		}
		some, further, err := e.Clients.Of(v.r.Context(), p.ID, "", mostShown)
		if err != nil {
			return nil, false, err
		}
		all, more = append(all, some...), more || further
	}
	return all, more, nil
}

func (v *self) clientRow(e *Published, c *store.Client) []web.ConsoleCell {
	var used time.Time
	live := 0
	for i := range c.Secrets {
		if s := &c.Secrets[i]; s.Live(v.s.Now()) {
			live++
		}
		if at := c.Secrets[i].LastUsedAt; at.After(used) {
			used = at
		}
	}
	count := web.ConsoleCell{Number: int64(live), IsZero: true}
	if c.Public() {
		count = web.ConsoleCell{Text: "keeps none"}
	}
	name := web.ConsoleCell{Text: cmp.Or(c.Name, c.ID), To: at("/application", "environment", e.Name, "id", c.ID), Below: c.ID}
	return []web.ConsoleCell{name, v.status(c), count, {At: used}}
}

// status says in one word how an application is.
func (v *self) status(c *store.Client) web.ConsoleCell {
	now := v.s.Now()
	live, ending := 0, 0
	for i := range c.Secrets {
		if s := &c.Secrets[i]; s.Live(now) {
			live++
			if !s.ExpiresAt.IsZero() && s.ExpiresAt.Sub(now) < soon {
				ending++
			}
		}
	}
	switch {
	case c.Disabled():
		return state("Disabled", "bad")
	case c.Public():
		return state("Ready", "good")
	case live == 0:
		return state("Needs a secret", "warn")
	case live == ending:
		return state("Secret ends soon", "warn")
	}
	return state("Ready", "good")
}

// requestSection lists what was asked for and is not simply there.
func (v *self) requestSection() (web.ConsoleSection, error) {
	section := web.ConsoleSection{Name: "requests", Heading: "Requests"}
	queries := []store.AccessQuery{{AccountID: v.who.Account.ID, Limit: mostShown}}
	for i := range v.of {
		if !v.of[i].Disabled() {
			queries = append(queries, store.AccessQuery{PartnerID: v.of[i].ID, Limit: mostShown})
		}
	}
	seen := map[string]bool{}
	for _, q := range queries {
		all, _, err := v.s.Partners.Requests(v.r.Context(), q)
		if err != nil {
			return section, err
		}
		for _, r := range all {
			if seen[r.ID] || !v.asks(&r) || r.Decision == store.DecisionWithdrawn || r.Decision == store.DecisionApproved && r.Reason == "" && !r.DoneAt.IsZero() {
				continue
			}
			seen[r.ID] = true
			if section.Table == nil {
				section.Table = &web.ConsoleTable{Caption: "Requests", Columns: heads("Application", "Environment", "Status", "Asked", "What you can do")}
			}
			is, do := state("Waits for the publisher", "warn"), web.ConsoleCell{Text: "Take back", To: at("/ask/withdraw", "id", r.ID)}
			switch r.Decision {
			case store.DecisionRefused:
				is, do = state("Refused", "bad"), web.ConsoleCell{Text: "Ask again", To: at("/ask", "environment", r.Environment)}
				is.Below = r.Reason
			case store.DecisionApproved:
				is, do = state("Approved", "good"), web.ConsoleCell{Text: "Open", To: at("/application", "environment", r.Environment, "id", r.ClientID)}
				is.Below = r.Reason
			}
			section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{{Text: r.Application}, {Text: r.Environment}, is, {At: r.AskedAt}, do})
		}
	}
	return section, nil
}

// application shows everything about one.
func (v *self) application() error {
	e, c, err := v.mine()
	if err != nil {
		return err
	}
	p := &web.PortalPage{PortalFrame: web.PortalFrame{
		Title: cmp.Or(c.Name, c.ID), Lead: "In " + cmp.Or(e.Title, e.Name) + ".", Trail: []web.ConsoleLink{{Text: "My applications", To: "/applications"}},
	}}
	if told := v.field("done") == "disabled" && c.DisabledBy == c.Partner; c.Disabled() && !told { // who did it just now is told
		p.Note = v.disabledNote(&c)
	}
	is := v.status(&c)
	p.Facts = v.sheet(e, &c)
	p.Facts.Facts = append([]web.ConsoleFact{fact("Status", is)}, p.Facts.Facts...)
	if !c.Public() {
		p.Sections = append(p.Sections, v.secretSection(e, &c))
	}
	for _, make := range []func(*Published, *store.Client) (web.ConsoleSection, error){v.scopeSection, v.usageSection} {
		section, err := make(e, &c)
		if err != nil {
			return err
		}
		p.Sections = append(p.Sections, section)
	}
	p.Sections = append(p.Sections, v.endSection(e, &c))
	if p.Refusals, err = v.refused(e, &c); err != nil {
		return err
	}
	return v.show(http.StatusOK, p)
}

// sheet is what is kept beside the secret.
func (v *self) sheet(e *Published, c *store.Client) *web.PortalSheet {
	g := v.s.Docs.guide(e.Environment, c.ID)
	s := &web.PortalSheet{Heading: "What your program needs", Text: "Keep or print it: nothing here is secret.", Facts: []web.ConsoleFact{
		fact("Client id", mono(c.ID)), fact("Environment", web.ConsoleCell{Text: cmp.Or(e.Title, e.Name)}),
		fact("Token endpoint", mono(g.tokenURL())), fact("API", mono(e.Base.String())),
	}}
	var audiences, scopes []web.ConsoleCell
	for _, name := range slices.Sorted(maps.Keys(c.Allotted)) {
		if api := e.API(name); api != nil {
			audiences = append(audiences, mono(api.Audience))
		}
		scopes = append(scopes, monos(c.Allotted[name])...)
	}
	s.Facts = append(s.Facts, fact("Audience", audiences...), fact("Scopes", scopes...))
	if len(c.SignIn.Redirects) > 0 {
		s.Facts = append(s.Facts, fact("Authorization endpoint", mono(g.authorizeURL())), fact("Redirect URIs", monos(c.SignIn.Redirects)...))
	}
	s.Facts = append(s.Facts,
		fact("Metadata", mono(g.metadataURL())), fact("Public keys", mono(g.keysURL())), fact("Reasons for refusals", mono(g.errorsURL())),
		fact("Documentation", mono(v.s.Docs.URL.Scheme+"://"+v.s.Docs.URL.Host+g.link("overview", ""))))
	return s
}

// secretSection lists the secrets with what is known of each, and what can be done.
func (v *self) secretSection(e *Published, c *store.Client) web.ConsoleSection {
	section := web.ConsoleSection{Name: "secrets", Heading: "Secrets"}
	about := func(path, id string) string { return at(path, "environment", e.Name, "id", c.ID, "secret", id) }
	p, _ := v.partner(c.Partner)
	role := p.Role(v.who.Account.ID)
	revoke := partner.MemberMay(role, partner.MayDelete)
	if len(c.Secrets) > 0 {
		section.Text = "To rotate: generate a second one, give it to your programs one by one, and revoke the old one once its last use stays in the past. Both work until then."
		section.Table = &web.ConsoleTable{Caption: "Secrets", Columns: heads("Secret", "Status", "Created", "Ends", "Last used", "Known to others", "Not in use")}
		if !revoke {
			section.Table.Columns = section.Table.Columns[:6]
		}
	} else {
		section.Empty = "None yet: without one it gets no tokens."
	}
	now := v.s.Now()
	for i := range c.Secrets {
		s := &c.Secrets[i]
		name := mono("…" + s.Hint)
		if s.Hint == "" {
			name = mono(s.ID)
		}
		is, ends := state("Live", "good"), web.ConsoleCell{At: s.ExpiresAt}
		if s.ExpiresAt.IsZero() {
			ends.Text = "never"
		}
		switch {
		case !s.Live(now):
			is = state("Ended", "bad")
		case !s.ExpiresAt.IsZero() && s.ExpiresAt.Sub(now) < soon:
			is = state("Ends soon", "warn")
		}
		used := web.ConsoleCell{At: s.LastUsedAt, Below: s.LastUsedFrom}
		if s.LastUsedAt.IsZero() {
			used.Text = "never"
		}
		row := []web.ConsoleCell{name, is, {At: s.CreatedAt}, ends, used, {Text: "Leaked?", To: about("/application/leaked", s.ID)}}
		if revoke {
			row = append(row, web.ConsoleCell{Text: "Revoke", To: about("/application/revoke", s.ID)})
		}
		section.Table.Rows = append(section.Table.Rows, row)
	}
	word := "Generate another secret"
	if len(c.Secrets) == 0 {
		word = "Generate secret"
	}
	section.Actions = []web.ConsoleLink{{Text: word, To: at("/application/secret", "environment", e.Name, "id", c.ID), Main: len(c.Secrets) == 0}}
	return section
}

// scopeSection lists what is allotted; what no call has needed is marked.
func (v *self) scopeSection(e *Published, c *store.Client) (web.ConsoleSection, error) {
	section := web.ConsoleSection{Name: "scopes", Heading: "Scopes", Empty: "Nothing is allotted."}
	unused, err := e.Clients.Unused(v.r.Context(), c.ID)
	if err != nil {
		return section, err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Allotted)) {
		if section.Table == nil {
			section.Empty, section.Table = "", &web.ConsoleTable{Caption: "Scopes", Columns: heads("Scope", "API", "What it allows", "Use")}
		}
		if len(c.Allotted[name]) == 0 {
			section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{{Text: "Everything"}, mono(name), {Text: "The API has no scopes."}, {}})
		}
		for _, scope := range c.Allotted[name] {
			allows := ""
			for _, api := range e.Grantable() {
				if s := api.Scope(scope); api.Name == name && s != nil {
					allows = s.Describe(web.English)
				}
			}
			use := state("Used", "good")
			if slices.Contains(unused[name], scope) {
				use = state("Never used", "warn")
			}
			section.Table.Rows = append(section.Table.Rows, []web.ConsoleCell{mono(scope), mono(name), {Text: allows}, use})
		}
	}
	if len(unused) > 0 {
		section.Text = "Ask the publisher to take away what you do not need: what leaks then opens less."
	}
	return section, nil
}

// usageSection draws the last 30 days, and says where tokens are fetched that nobody
// needs.
func (v *self) usageSection(e *Published, c *store.Client) (web.ConsoleSection, error) {
	section := web.ConsoleSection{Name: "usage", Heading: "Use in 30 days"}
	since := v.s.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -29)
	all, err := e.Activity.Tallies(v.r.Context(), store.TallyQuery{Client: c.ID, Since: since, ByClient: true, ByAPI: true, Limit: 50_000})
	if err != nil {
		return section, err
	}
	sum := home.NewSeries(since, v.s.Now(), 24*time.Hour)
	for i := range all {
		sum.Add(&all[i])
	}
	section.Charts = sum.Charts("use")
	lifetimes := map[string]time.Duration{}
	for _, api := range e.APIs {
		lifetimes[api.Name] = api.Token.Lifetime
	}
	for _, f := range activity.Needless(all, lifetimes, 3) {
		section.Text += fmt.Sprintf("Your programs fetch tokens needlessly: %s for %s, where %s would do. ", web.Thousands(f.Fetched), f.API, web.Thousands(f.Needed))
	}
	if section.Text != "" {
		section.Text += "Keep a token until shortly before its end, and share it between the calls of one program."
		section.Further = []web.ConsoleLink{{Text: "Lifetimes and renewal", To: "/" + e.Name + "/lifetimes"}}
	}
	return section, nil
}
