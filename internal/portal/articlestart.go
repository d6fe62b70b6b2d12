package portal

import (
	"fmt"
	"strings"
)

// overview says what there is and draws the way.
func (g *guide) overview() *article {
	shown, turns := g.journey()
	var told []text
	for _, t := range turns {
		told = append(told, t.long)
	}
	a := &article{Slug: "overview", Title: g.docs.Name + " for developers"}
	a.Lead = say("How a program gets at the API of %s in the environment **%s**: credentials once, then tokens, then calls. Every address and every name on these pages comes from the running configuration.", g.docs.Name, g.title())
	a.Parts = []part{
		{ID: "picture", Title: "Set-up and run time", Blocks: []block{{Picture: shown}, steps(told...)}},
		{ID: "addresses", Title: "The addresses", Blocks: []block{
			facts("Addresses of "+g.title(), []string{"What", "Address"}, g.addresses()...),
			prose("[Environments](%s) compares them with the other environments.", g.link("environments", "")),
		}},
		{ID: "words", Title: "Words that you will meet", Blocks: []block{points(g.words()...)}},
		{ID: "begin", Title: "Begin", Blocks: []block{points(
			say("[Get credentials](%s) if you have none.", g.link("credentials", "")),
			say("[%s](%s) in the language of your choice.", g.tokenTitle(), g.link(g.token(), "")),
			say("[Use the token](%s) for a first call.", g.link("call", "")),
		)}},
	}
	return a
}

func (g *guide) tokenTitle() string {
	if g.people() {
		return "Sign people in"
	}
	return "Generate a token"
}

// words are explained once.
func (g *guide) words() []text {
	all := []text{
		say("**Client id and client secret**: user name and password for a machine. Whoever holds them is you."),
		say("**Access token**: what opens the API for a while; here for %s.", spoken(g.lifetime())),
		say("**Token endpoint**: the address that gives tokens, `%s`. It is not the address of the API.", g.tokenURL()),
	}
	if len(g.scoped()) > 0 {
		all = append(all, say("**Scope**: a right that a token carries. [Scopes](%s) lists them.", g.link("scopes", "")))
	}
	if g.audience() != "" {
		all = append(all, say("**Audience**: the name of the API that a token is for. It looks like an address or a word, and nobody calls it."))
	}
	if g.people() {
		all = append(all, say("**Authorization code**: proof that a person allowed your application something. It is exchanged for a token, once."))
	}
	return all
}

// addresses are those of the environment.
func (g *guide) addresses() []line {
	rows := []line{
		{Cells: []text{words("Authorization base URL"), coded(g.Issuer.String())}},
		{Cells: []text{words("Token endpoint"), coded(g.tokenURL())}},
	}
	if g.people() {
		rows = append(rows, line{Cells: []text{words("Authorization endpoint, where people sign in"), coded(g.authorizeURL())}})
	}
	rows = append(rows, line{Cells: []text{words("API base URL"), coded(g.Base.String())}})
	if a := g.audience(); a != "" {
		rows = append(rows, line{Cells: []text{words("Audience"), coded(a)}})
	}
	return rows
}

// journey is how a call comes about, as a picture and in words.
func (g *guide) journey() (*picture, []turn) {
	server := party{Name: "Your server", At: "keeps id and secret"}
	issuer := party{Name: "Authorization", At: g.Issuer.Host}
	title := "Set-up and run time in " + g.title()
	api := party{Name: "The API", At: g.Base.Host}
	if g.api != nil {
		api.Name = g.api.Title
	}
	life := spoken(g.lifetime())
	tokenPath, call := "POST "+g.how.TokenPaths[0], g.callMethod()+" "+g.callURL()
	given := say("**Once**: %s gives you a client id and a client secret. They stay on your server. [Get credentials](%s)", g.docs.Name, g.link("credentials", ""))
	calls := []turn{
		{short: "the call, with the token", long: say("Your server calls the API, `%s`, with the header `Authorization: Bearer` and the token. [Use the token](%s)", call, g.link("call", ""))},
		{short: "200, the data", long: say("The API answers. When the token has ended it answers 401, and your server gets another one. [Lifetimes](%s)", g.link("lifetimes", ""))},
	}
	if g.people() {
		calls[0].from, calls[0].to, calls[1].from, calls[1].to = 1, 3, 3, 1
		turns := append([]turn{
			{2, 1, "Set-up, once", "client id and secret", given},
			{1, 0, "At run time, for each person", "go and sign in", say("Your server sends the person's browser to `%s`. [Sign people in](%s)", g.authorizeURL(), g.link("sign-in", "authorize"))},
			{0, 2, "", "signs in, allows access", say("The person signs in there and allows what your application asks for.")},
			{2, 1, "", "code, through the browser", say("The browser comes back to your redirect URI with a code that is good once.")},
			{1, 2, "", tokenPath, say("Your server exchanges the code for a token, with id and secret, at `%s`.", g.tokenURL())},
			{2, 1, "", "access token, " + life, say("The answer holds an access token that is good for %s.", life)},
		}, calls...)
		return draw("way", title, []party{{Name: "A person's browser", At: "sees no token"}, server, issuer, api}, turns), turns
	}
	calls[0].from, calls[0].to, calls[1].from, calls[1].to = 0, 2, 2, 0
	turns := append([]turn{
		{1, 0, "Set-up, once", "client id and secret", given},
		{0, 1, "At run time, again and again", tokenPath, say("Your server asks for a token at `%s`, with id and secret. [Generate a token](%s)", g.tokenURL(), g.link("token", ""))},
		{1, 0, "", "access token, " + life, say("The answer holds an access token that is good for %s. Your server keeps it in memory.", life)},
	}, calls...)
	return draw("way", title, []party{server, issuer, api}, turns), turns
}

// environments compares them.
func (g *guide) environments() *article {
	a := &article{Slug: "environments", Title: "Environments"}
	a.Lead = say("An environment is a world of its own: its own addresses, keys, credentials and tokens. What is handed out in one means nothing in another.")
	var rows []line
	for _, e := range g.docs.Environments {
		other := g.docs.guide(e, "")
		use := "for development"
		if e.Use == "live" {
			use = "for live use"
		}
		name := linked(other.title(), other.link("overview", ""))
		if e.Name == g.Name {
			name = append(say("**%s**", other.title()), span{Text: " (these pages)"})
		}
		rows = append(rows, line{ID: "environment-" + e.Name, Cells: []text{name, words(use), coded(e.Issuer.String()), coded(e.Base.String())}})
	}
	a.Parts = []part{{ID: "all", Title: "All environments", Blocks: []block{
		facts("Environments", []string{"Environment", "What it is for", "Authorization base URL", "API base URL"}, rows...),
		prose("Tokens come from the authorization base URL, calls go to the API base URL. The two may be the same."),
		warning("Credentials of one environment are refused in another exactly as a wrong secret is. If you are sure of the secret, compare the environment first."),
	}}}
	for _, e := range g.docs.Environments {
		o := g.docs.guide(e, "")
		rows := []line{
			cells(words("Issuer, as tokens say it"), coded(e.Issuer.String()+o.how.IssuerSuffix)),
			cells(words("Token endpoint"), coded(o.tokenURL())),
		}
		if o.people() {
			rows = append(rows, cells(words("Authorization endpoint"), coded(o.authorizeURL())))
		}
		rows = append(rows,
			cells(words("API base URL"), coded(e.Base.String())),
			cells(words("Metadata (RFC 8414)"), linked(o.metadataURL(), o.metadataURL())),
			cells(words("Signing keys (JWK set)"), linked(o.keysURL(), o.keysURL())),
		)
		for _, api := range e.APIs {
			rows = append(rows, cells(words("Audience of "+api.Title), coded(api.Audience)))
		}
		if e.Version != "" {
			rows = append(rows, cells(words("Version of the software"), coded(e.Version)))
		}
		a.Parts = append(a.Parts, part{ID: "addresses-" + e.Name, Title: o.title(), Blocks: []block{facts("Addresses of "+o.title(), []string{"What", "Value"}, rows...)}})
	}
	return a
}

// credentials says how to get them and what they are.
func (g *guide) credentials() *article {
	a := &article{Slug: "credentials", Title: "Get credentials"}
	a.Lead = say("Credentials are a client id and a client secret, for one application in one environment.")
	ask := []block{{Prose: append(append(say("Write to "), g.contact()...), say(" and say:")...)}}
	if g.docs.Ask != "" {
		ask = []block{prose("[Ask for access](%s). The form wants to know:", g.docs.Ask)}
	}
	wanted := []text{
		say("the name of the application, and what it is for"),
		say("the environment: **%s** for these pages", g.title()),
		say("which APIs: %s", strings.Join(g.apiTitles(), ", ")),
	}
	if len(g.scoped()) > 0 {
		wanted = append(wanted, say("which [scopes](%s): the fewest that will do", g.link("scopes", "")))
	}
	if g.people() {
		wanted = append(wanted, say("every redirect URI of your application, character by character. `http://localhost` is allowed for development; anything else needs https"))
	}
	wanted = append(wanted, say("who is to receive the credentials, by name"))
	ask = append(ask, points(wanted...))
	if g.docs.Ask != "" {
		ask = append(ask, prose("Who is not signed in may get a mail first: its link leads to a button that sends the request."))
	}
	ask = append(ask, prose("Somebody decides, and may grant less than was asked for. Each environment is asked for separately."))
	if g.docs.Samples != "" {
		ask = append(ask, tip("This is a development server. Credentials to try everything with are on [its first page](%s).", g.docs.Samples))
	}
	a.Parts = []part{
		{ID: "ask", Title: "Ask for access", Blocks: ask},
		{ID: "receive", Title: "What you receive", Blocks: []block{
			facts("What you receive", []string{"What", "Name in requests", "Note"}, g.received()...),
			prose("The person who is named generates the secret after signing in. No mail and no link ever holds it, and it is shown once: what is kept here is a hash."),
		}},
		{ID: "keep", Title: "Keep them", Blocks: []block{
			prose("The examples on these pages read the credentials from variables of the environment, so that no secret gets into a program:"),
			code("variables", "Set the variables", "sh", fmt.Sprintf("export CLIENT_ID='%s'\nexport CLIENT_SECRET='YOUR_CLIENT_SECRET'", g.id())),
			warning("Whoever holds the credentials is you. They belong on a server: never in a page, an app, a repository, a mail or a ticket. If the secret got out, [exchange it at once](%s).", g.link("rotation", "leaked")),
		}},
	}
	return a
}

// id is the reader's client, or what stands for it.
func (g *guide) id() string {
	if g.clientID != "" {
		return g.clientID
	}
	return "YOUR_CLIENT_ID"
}

func (g *guide) apiTitles() []string {
	var titles []string
	for _, a := range g.APIs {
		titles = append(titles, a.Title)
	}
	return titles
}

// received is what is handed out.
func (g *guide) received() []line {
	rows := []line{
		cells(words("Client id"), coded("client_id"), words("Public; stays the same for as long as the application exists.")),
		cells(words("Client secret"), coded("client_secret"), say("Secret; is [exchanged](%s) from time to time.", g.link("rotation", ""))),
	}
	if a := g.audience(); a != "" {
		rows = append(rows, cells(words("Audience"), coded("audience"), say("`%s`; send it exactly, with or without a slash at its end as it stands here. It is a name, not an address to call.", a)))
	}
	if len(g.scoped()) > 0 {
		rows = append(rows, cells(words("Scopes"), coded("scope"), say("Those that were allotted to you. [All there are](%s)", g.link("scopes", ""))))
	}
	if g.people() {
		rows = append(rows, cells(words("Redirect URIs"), coded("redirect_uri"), words("Those that were registered for you.")))
	}
	return append(rows, cells(words("Addresses"), text{}, say("Token endpoint `%s`, API `%s`.", g.tokenURL(), g.Base.String())))
}
