package portal

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/grantway/grantway/internal/catalogue"
)

// scopes lists those of this environment by category.
func (g *guide) scopes() *article {
	a := &article{Slug: "scopes", Title: "Scopes"}
	a.Lead = say("A scope is a right that a token carries. These are the scopes of **%s**.", g.title())
	if len(g.scoped()) == 0 {
		a.Lead = say("The APIs of this environment have no scopes: a good token for an API opens all of it.")
		a.Parts = []part{{ID: "none", Title: "No scopes", Blocks: []block{prose("Leave `scope` out of the token request. What a token opens is decided by its audience.")}}}
		return a
	}
	for _, api := range g.scoped() {
		a.Parts = append(a.Parts, g.scopeParts(api)...)
		if dated(api) && a.Lead[len(a.Lead)-1].Text == "." {
			a.Lead[len(a.Lead)-1].Text = "; an environment with an older version of the software may have fewer."
		}
	}
	asking := []block{
		tip("Ask for the scopes that your calls need, and for no more (least privilege): what leaks then opens less."),
		points(
			say("`scope=%s` asks for one; several have a space between them.", g.sampleScope()),
			say("Without `scope` a token carries every scope that was allotted to you in this environment."),
			say("A scope that does not exist, or was not allotted to you, is refused with `invalid_scope`, and no token is given."),
			say("No scope includes another, unless its description says so: who may write may not read for that."),
		),
	}
	if g.people() {
		asking = append(asking, prose("The person sees the description of each scope before allowing it. A token opens what both have: your application the scope, and the person the right."))
	}
	a.Parts = append(a.Parts, part{ID: "ask", Title: "Asking for scopes", Blocks: asking}, part{ID: "mine", Title: "Which scopes do I have?", Blocks: g.own()})
	return a
}

// dated reports whether scopes of the API came with a version.
func dated(api *catalogue.API) bool {
	return slices.ContainsFunc(api.Scopes, func(s *catalogue.Scope) bool { return s.Since != "" })
}

// own says which scopes the reader has, or how to find that out.
func (g *guide) own() []block {
	var blocks []block
	var rows []line
	for _, c := range g.mine {
		name := linked(c.Name, g.docs.root+"/application?"+url.Values{"environment": {g.Name}, "id": {c.ID}}.Encode())
		rows = append(rows, cells(append(name, append(words(" "), coded(c.ID)...)...), g.allotted(c)))
	}
	switch {
	case rows != nil:
		blocks = append(blocks, facts("Scopes of your applications", []string{"Application", "Scopes in " + g.title()}, rows...),
			prose("Each application's own page says which of them it has used. Ask the publisher to take away what it does not need."))
	case g.docs.Mine != "":
		blocks = append(blocks, prose("[Sign in](%s): each of your applications lists those that it was allotted, and which of them it has used.", g.docs.Mine))
	default:
		blocks = append(blocks, prose("Those that were allotted to your client stand on the sheet that came with the credentials."))
	}
	switch {
	case g.saysScope():
		blocks = append(blocks, prose("A program finds them in an answer: a token that is asked for without `scope` carries all of them, and the answer's member `scope` lists them."))
	case g.api != nil && g.api.Token.Format != catalogue.Opaque:
		blocks = append(blocks, prose("A program finds them in a token: one that is asked for without `scope` carries all of them, in its claim `scope`."))
	}
	return append(blocks, prose("To get another one, [ask for it](%s) and say which call needs it.", g.link("credentials", "ask")))
}

// allotted are the scopes of an application, each where it is explained.
func (g *guide) allotted(c Application) text {
	var said text
	for _, api := range slices.Sorted(maps.Keys(c.Scopes)) {
		for _, name := range c.Scopes[api] {
			if said != nil {
				said = append(said, span{Text: ", "})
			}
			one := span{Text: name, Code: true}
			if known := g.API(api); known != nil && slices.ContainsFunc(known.Scopes, func(s *catalogue.Scope) bool { return s.Name == name }) {
				one.URL = g.link("scopes", g.scopeID(known, name))
			}
			said = append(said, one)
		}
	}
	if said == nil {
		return words("none")
	}
	return said
}

// sampleScope is a scope to show in a request.
func (g *guide) sampleScope() string {
	if needed := g.needed(); needed != "" {
		return needed
	}
	return g.scoped()[0].Scopes[0].Name
}

// scopeParts are the categories of an API.
func (g *guide) scopeParts(api *catalogue.API) []part {
	var parts []part
	var categories []string
	since := dated(api)
	for _, s := range api.Scopes {
		if !slices.Contains(categories, s.Category) {
			categories = append(categories, s.Category)
		}
	}
	head := []string{"Scope", "What it allows"}
	if since {
		head = append(head, "Since")
	}
	for _, category := range categories {
		title := category
		if title == "" {
			title = "Scopes of " + api.Title
		}
		p := part{ID: "scopes-" + slug(api.Name+" "+category), Title: title}
		var rows []line
		for _, s := range api.Scopes {
			if s.Category != category {
				continue
			}
			row := line{ID: g.scopeID(api, s.Name), Cells: []text{coded(s.Name), g.allows(api, s)}}
			if since {
				row.Cells = append(row.Cells, words(s.Since))
			}
			rows = append(rows, row)
		}
		p.Blocks = []block{facts(title, head, rows...)}
		parts = append(parts, p)
	}
	if b := aliasesOf(api); b.Prose != nil {
		parts[len(parts)-1].Blocks = append(parts[len(parts)-1].Blocks, b)
	}
	return parts
}

// scopeID is where a scope stands on the page. Two APIs may call theirs alike.
func (g *guide) scopeID(api *catalogue.API, name string) string {
	for _, a := range g.scoped() {
		if slices.ContainsFunc(a.Scopes, func(s *catalogue.Scope) bool { return s.Name == name }) {
			if a.Name != api.Name {
				return "scope-" + api.Name + "-" + name
			}
			break
		}
	}
	return "scope-" + name
}

// allows is the description and the calls that the scope opens.
func (g *guide) allows(api *catalogue.API, s *catalogue.Scope) text {
	said := words(s.Describe("en"))
	n := 0
	for _, r := range api.Routes {
		if slices.ContainsFunc(r.AnyOf, func(needed []string) bool { return slices.Contains(needed, s.Name) }) {
			n++
		}
	}
	if n > 0 {
		said = append(said, span{Text: ". "}, span{Text: counted(n, "call"), URL: g.link(holder(g.docs.references[g.Name], "api-"+slug(api.Name)), "api-"+slug(api.Name))})
	}
	return said
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strings.Join([]string{number(n), thing + "s"}, " ")
}

// aliasesOf says by an example how scopes are spelled otherwise.
func aliasesOf(api *catalogue.API) block {
	i := slices.IndexFunc(api.Scopes, func(s *catalogue.Scope) bool { return len(s.Aliases) > 0 })
	if i < 0 {
		return block{}
	}
	s := api.Scopes[i]
	said := append(say("Other spellings are understood, too: for `%s` also ", s.Name), coded(s.Aliases...)...)
	return block{Prose: append(said, say(", and the others likewise. Tokens carry the name in the table.")...)}
}

// lifetimes says how long things are good, and how to get others.
func (g *guide) lifetimes() *article {
	a := &article{Slug: "lifetimes", Title: "Lifetimes and renewal"}
	a.Lead = say("Tokens are short-lived on purpose. Getting another one is cheap, and is no error.")
	var rows []line
	for _, api := range g.APIs {
		rows = append(rows, cells(words("Access token for "+api.Title), words(spoken(api.Token.Lifetime)), say("`expires_in` %s", number(int(api.Token.Lifetime.Seconds())))))
	}
	if g.people() {
		rows = append(rows,
			cells(words("Authorization code"), words(codeLife), words("good once")),
			cells(words("Refresh token"), words(spoken(g.Login.Refresh.Idle)+" unused"), words(spoken(g.Login.Refresh.Most)+" since the person allowed it")),
			cells(words("Session of a person"), words(spoken(g.Login.Idle)+" unused"), words(spoken(g.Login.Session)+" at most")),
		)
	}
	rows = append(rows, cells(words("Client secret"), words("until its end date, if it has one"), say("[Rotation](%s)", g.link("rotation", ""))))
	a.Parts = []part{
		{ID: "lifetimes", Title: "How long", Blocks: []block{facts("Lifetimes", []string{"What", "Good for", "Note"}, rows...)}},
		{ID: "renew", Title: "Getting another token", Blocks: g.renewal()},
		{ID: "401", Title: "On 401", Blocks: []block{
			steps(
				say("Drop the token that was refused."),
				say("Fetch a new one from the token endpoint."),
				say("Repeat the call once."),
				say("If that is refused with 401 too, stop and tell a person: something else is wrong."),
			),
			warning("401 of the **API** means: the token is over, fetch another. An error of the **token endpoint** means: the credentials or the request are wrong. Do not repeat that one; mend it."),
			prose("403 is never cured by a new token with the same scopes."),
		}},
		{ID: "early", Title: "What ends a token early", Blocks: []block{
			prose("Tokens end with the secret that obtained them when it is revoked, and with the client when it is disabled or deleted. Then calls are answered 401 within a second or so, and the token endpoint answers as it does to a wrong secret."),
		}},
	}
	return a
}

func (g *guide) renewal() []block {
	if g.people() {
		return []block{
			prose("With a refresh token: [renew](%s). Without one: send the person's browser to the authorization endpoint again.", g.link("sign-in", "refresh")),
			prose("Compute the time from `expires_in` when the answer comes, and renew a minute before. Let one renewal run at a time for each person: a refresh token is good for one."),
		}
	}
	blocks := []block{
		prose("There is no refresh token: the credentials do what it would do. Ask the token endpoint again, as often as you need. An earlier token stays good until its own end. Choose one of two ways:"),
		points(
			say("**A token for each batch.** A scheduled job fetches a token when it begins and uses it until it is done. There is nothing to keep and nothing to compute."),
			say("**A cache that renews itself.** A server keeps the token in memory, computes its end from `expires_in`, and fetches the next one a minute before. One fetch at a time is enough for all threads."),
		),
		prose("The second way as a program. It reads `CLIENT_ID` and `CLIENT_SECRET` from the environment, renews a minute early, and repeats a call once after a 401:"),
		{Example: &Example{ID: "renew", Label: "Keep a token and renew it", Variants: renewing(g.tokenRequest(g.machine()), g.callRequest())}},
		tip("`expires_in` is what remains of the token's life, in seconds, when the answer comes: that and a clock say when to renew."),
		prose("Never write a token into a program or a file that is shared: it is tied to a time and to your credentials."),
	}
	return append(blocks, g.thrift()...)
}

// thrift says where a client is given the token that it has, and where it may
// obtain so many only.
func (g *guide) thrift() []block {
	var said []text
	for _, api := range g.APIs {
		if left := api.Token.Reuse; left > 0 {
			said = append(said, say("**%s** gives you the token that you have, as long as %s of its life are left: `expires_in` says how much, and is not always %s. Go by it.", api.Title, spoken(left), number(int(api.Token.Lifetime.Seconds()))))
		}
		if b := api.Token.Budget; b != (catalogue.Rate{}) {
			note := ""
			if api.Token.Reuse > 0 {
				note = " A token that is given again does not count."
			}
			said = append(said, say("**%s** gives each client at most %s tokens in %s. Beyond that the answer is 429, with the time to wait in `Retry-After`.%s", api.Title, number(b.Requests), spoken(b.Per), note))
		}
	}
	if said == nil {
		return nil
	}
	return []block{prose("How often a client may ask:"), points(said...)}
}

func number(n int) string { return strconv.Itoa(n) }
