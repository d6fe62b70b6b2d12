package portal

// rotation says how a secret is exchanged.
func (g *guide) rotation() *article {
	a := &article{Slug: "rotation", Title: "Rotation"}
	a.Lead = say("A secret is exchanged without a gap: for a while the old one and the new one are both good.")
	generate := say("Generate a new secret for the client. The old one stays good.")
	leaked := say("Generate a new secret and revoke the old one in the same step; if you cannot, write to ")
	if mine := g.docs.Mine; mine != "" {
		generate = say("In [My applications](%s), open the application and press **Generate another secret**. The old one stays good.", mine)
		leaked = say("In [My applications](%s), open the application and press **Leaked?** beside the secret: the next page makes a new one and ends the old one in the same step. If you cannot, write to ", mine)
	}
	a.Parts = []part{
		{ID: "steps", Title: "Exchange a secret", Blocks: []block{
			steps(
				generate,
				say("Put the new one where your program reads it, and start the program again if it reads it only then."),
				say("Make one call, and see that the new secret is the one that was used last."),
				say("Revoke the old one. Tokens that it obtained end too, within a second or so; a program that fetches on 401 does not notice."),
			),
			tip("Do it in the development environment first, and at a time when somebody looks."),
		}},
		{ID: "when", Title: "When", Blocks: []block{points(
			say("When a person leaves who could read it."),
			say("Before its end date, where it has one. There are notices 90, 60, 30, 15, 7 and 1 days before."),
			say("At once, when it may have got out."),
		)}},
		{ID: "leaked", Title: "It got out", Blocks: []block{
			warning("A secret in a repository, a log, a ticket or a mail has got out, even if it was deleted: exchange it now and find out later."),
			steps(
				append(append(leaked, g.contact()...), say(" and say the client id, never the secret.")...),
				say("The old secret and every token that it obtained end within a second or so."),
				say("Put the new secret in place. Until then your calls are answered 401."),
				say("Look through what the client did since the secret got out."),
			),
		}},
	}
	return a
}

// practice is what to do and what to leave.
func (g *guide) practice() *article {
	a := &article{Slug: "best-practice", Title: "Best practice"}
	a.Lead = say("What keeps your data safe and your program running.")
	secrets := []text{
		say("Keep the secret in a secret store or a variable of the environment, never in a program."),
		say("Use one client for each application and environment, so that one can be revoked without the others."),
		say("Let few people see it, and [exchange it](%s) when one of them leaves.", g.link("rotation", "")),
		say("Never log the `Authorization` header, a token or a token request."),
	}
	tokens := []text{
		say("Treat a token as an opaque text: do not take it apart, do not rely on its length."),
		say("Keep it in memory, renew it a minute early, and fetch another one once after a 401. [Lifetimes](%s)", g.link("lifetimes", "")),
		say("Ask for the fewest [scopes](%s) that will do.", g.link("scopes", "")),
		say("Send it to `%s` and to no other address; do not follow redirects with it.", g.Base.String()),
	}
	a.Parts = []part{
		{ID: "secrets", Title: "Secrets", Blocks: []block{
			warning("Never in a front-end. What is in a page or an app is in everybody's hands, however it is hidden."),
			points(secrets...),
		}},
		{ID: "front-end", Title: "When a page needs the data", Blocks: append([]block{
			prose("Put a server of your own between. It keeps the credentials, fetches the tokens, and answers your page with the data that the page shows and nothing more: the few paths that it needs, for people who are signed in to your own application."),
		}, g.safeProxy()...)},
		{ID: "tokens", Title: "Tokens", Blocks: []block{points(tokens...), tip("A scheduled job needs no cache: fetch a token when it begins. A server that is always running keeps one token for all its calls.")}},
		{ID: "robust", Title: "Calls that last", Blocks: []block{points(
			say("Set a time limit on every request, and repeat only what is safe to repeat."),
			say("On 429 and 503 wait as long as `Retry-After` says; without it, wait longer each time."),
			say("Ignore members of an answer that you do not know: there may be more of them tomorrow."),
			say("Keep the trace id of what went wrong: whoever helps you asks for it."),
			say("Let your system check certificates. `http:` is for this machine only."),
		)}},
		{ID: "standards", Title: "The standards", Blocks: []block{prose("More in [RFC 6749](https://www.rfc-editor.org/rfc/rfc6749) (OAuth 2.0), [RFC 6750](https://www.rfc-editor.org/rfc/rfc6750) (bearer tokens) and [RFC 9700](https://www.rfc-editor.org/rfc/rfc9700) (best current practice).")}},
	}
	if g.people() {
		a.Parts[2].Blocks = append(a.Parts[2].Blocks, points(
			say("Compare `state` before anything else when the browser comes back."),
			say("Keep people's tokens apart by person, and drop them when the person signs out of your application."),
		))
	}
	return a
}

// next is where to go on.
func (g *guide) next() *article {
	a := &article{Slug: "next", Title: "What's next"}
	a.Lead = say("You have credentials, a token and a first call. What remains:")
	renew := say("Start from a [program that works](%s): it keeps its token, renews it and calls the API.", g.link("lifetimes", "renew"))
	if g.people() {
		renew = say("Decide how your program [renews tokens](%s).", g.link("lifetimes", "renew"))
	}
	a.Parts = []part{
		{ID: "build", Title: "Build", Blocks: []block{points(
			say("Go through the [API reference](%s) and note the scopes that you need.", g.link("reference", "")),
			renew,
			say("Read [best practice](%s) once. At its end are the [standards](%s) behind all this.", g.link("best-practice", ""), g.link("best-practice", "standards")),
		)}},
		g.tools(),
	}
	live := part{ID: "live", Title: "Go live"}
	for _, e := range g.docs.Environments {
		if e.Name != g.Name && e.Use == "live" {
			other := g.docs.guide(e, "")
			live.Blocks = []block{steps(
				say("[Ask for credentials](%s) for **%s**: those of %s are not good there.", other.link("credentials", ""), other.title(), g.title()),
				say("Put the addresses of [%s](%s) and the new credentials in place together.", other.title(), other.link("overview", "addresses")),
				say("Make one call, and watch the first day."),
			)}
			a.Parts = append(a.Parts, live)
			break
		}
	}
	a.Parts = append(a.Parts, part{ID: "help", Title: "When you are stuck", Blocks: []block{
		points(
			say("[Troubleshooting](%s) goes from what you see to what to do.", g.link("troubleshooting", "")),
			say("[Errors](%s) has every reason for a refusal.", g.link("errors", "")),
			append(say("A person: "), g.contact()...),
		),
	}})
	return a
}
