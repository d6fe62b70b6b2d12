package portal

import (
	"slices"
	"strconv"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/refusal"
)

// concerns reports whether a reason can come up in this environment.
func (g *guide) concerns(r *refusal.Reason) bool {
	switch {
	case between(r, refusal.APITokenRequired, refusal.PersonUnknown):
		return slices.ContainsFunc(g.APIs, func(a *catalogue.API) bool { return a.Tokens.Header != "" })
	case r == refusal.RightsInsufficient, between(r, refusal.AuthorizationMethod, refusal.PageFailed):
		return g.people()
	case r == refusal.TokenNotForURL:
		return slices.ContainsFunc(g.APIs, func(a *catalogue.API) bool { return a.Query })
	case r == refusal.JSONNotServed:
		return !g.how.JSON
	case r == refusal.AudienceMissing:
		return g.how.NeedsAudience
	}
	return true
}

// refusals are the reasons of this environment in the groups of the error pages,
// as they are answered here.
func (g *guide) refusals() []group {
	pages := &Errors{Issuer: g.Issuer.String(), Name: g.docs.Name, Dialect: g.how, Strict: g.Strict, Plain: g.PlainCodes}
	var here []*refusal.Reason
	for _, r := range refusal.All() {
		if g.concerns(r) && r != refusal.CallerLeft && r != refusal.OriginalUnclear { // for operators
			here = append(here, r)
		}
	}
	return grouped(here, pages.entry)
}

// errors lists every refusal with cause and cure.
func (g *guide) errors() *article {
	a := &article{Slug: "errors", Title: "Errors"}
	a.Lead = say("Every reason for which **%s** refuses something, with its cause and its cure, in the order in which one meets them. The address of each is stable; the answer itself names it as `error_uri` where the form of the answer has room for it.", g.title())
	for _, group := range g.refusals() {
		p := part{ID: group.ID, Title: group.Title, Blocks: []block{{Prose: words(group.Intro)}}}
		var all []instance
		for _, e := range group.Entries {
			all = append(all, g.instance(e.ID, words(e.Text), e))
		}
		p.Blocks = append(p.Blocks, block{Cases: all})
		a.Parts = append(a.Parts, p)
	}
	return a
}

// instance is a refusal as something that goes wrong.
func (g *guide) instance(id string, seen text, e *entry) instance {
	return instance{
		ID: id, Seen: seen, Facts: text{{Text: strconv.Itoa(e.Status)}, {Text: " "}, {Text: string(e.Code), Code: true}},
		Why: words(e.Cause), Do: words(e.Cure), Page: e.URI(g.Issuer.String()),
	}
}

// A symptom is what people see, before they know the reason.
type symptom struct {
	id, seen string
	reason   *refusal.Reason // that explains it; nil: why and do do
	why, do  text
	when     bool // whether it can come up here
}

// troubleshooting goes from what is seen to what to do.
func (g *guide) troubleshooting() *article {
	a := &article{Slug: "troubleshooting", Title: "Troubleshooting"}
	a.Lead = say("From what you see to what to do. If the answer has an `error_description` or an `error_uri`, begin there; the [list of errors](%s) has every reason.", g.link("errors", ""))
	shown := map[string]*entry{}
	for _, group := range g.refusals() {
		for _, e := range group.Entries {
			shown[e.ID] = e
		}
	}
	section := func(id, title string, symptoms []symptom) {
		p := part{ID: id, Title: title}
		var all []instance
		for _, s := range symptoms {
			switch {
			case !s.when:
			case s.reason == nil:
				all = append(all, instance{ID: s.id, Seen: say(s.seen), Why: s.why, Do: s.do})
			case shown[s.reason.Public().ID] != nil:
				one := g.instance(s.id, say(s.seen), shown[s.reason.Public().ID])
				if s.why != nil {
					one.Why = s.why
				}
				if s.do != nil {
					one.Do = s.do
				}
				all = append(all, one)
			}
		}
		p.Blocks = []block{{Cases: all}}
		a.Parts = append(a.Parts, p)
	}
	section("which", "First: who refused?", []symptom{{
		id: "token-or-api", seen: "I get 401 and do not know from whom", when: true,
		why: say("The token endpoint (`%s`) refuses credentials; the API (`%s`) refuses tokens. Both may say 401.", g.tokenURL(), g.Base.String()),
		do:  say("Look at the address of the request. From the token endpoint: stop, and mend the credentials. From the API: fetch a new token and repeat the call once."),
	}})
	section("asking", "Asking for a token", g.askingSymptoms())
	if g.people() {
		section("people", "Signing people in", g.peopleSymptoms())
	}
	section("calls", "Calling the API", g.callSymptoms())
	a.Parts = append(a.Parts, part{ID: "report", Title: "Still stuck?", Blocks: []block{
		{Prose: append(append(say("Write to "), g.contact()...), say(". Say the environment, your client id, the time, and the trace id: every answer has it in the header `X-Request-Id`. Never send the secret or a token.")...)},
	}})
	return a
}

func (g *guide) askingSymptoms() []symptom {
	return []symptom{
		{id: "invalid-client", seen: "Every token request is refused, and the secret is right", reason: refusal.CredentialsWrong, when: true},
		{id: "405", seen: "The token endpoint answers 405, perhaps without a body", reason: refusal.MethodNotPost, when: true},
		{id: "media-type", seen: "The token endpoint does not read my request", reason: refusal.MediaTypeUnknown, when: true},
		{id: "json-form", seen: "My library sends an object, and the body is refused", reason: refusal.JSONAsForm, when: true},
		{id: "json", seen: "I send JSON and am refused", reason: refusal.JSONNotServed, when: !g.how.JSON},
		{id: "basic", seen: "With `Authorization: Basic` I am refused, with the secret in the body I am not", reason: refusal.BasicMalformed, when: true},
		{id: "two-ways", seen: "I send the secret in the header and in the body", reason: refusal.TwoMethods, when: true},
		{id: "audience", seen: "The audience is refused", reason: refusal.AudienceUnknown, when: g.how.NeedsAudience},
		{id: "no-audience", seen: "My library sends no audience", reason: refusal.AudienceMissing, when: g.how.NeedsAudience, do: say("Give your library `audience` as a further parameter of the token request: `%s`.", g.audience())},
		{id: "scope", seen: "`invalid_scope`, though the scope is spelled as on my list", reason: refusal.ScopeNotAllotted, when: len(g.scoped()) > 0},
		{id: "scope-unknown", seen: "`invalid_scope` for a scope of an older or newer version", reason: refusal.ScopeUnknown, when: len(g.scoped()) > 0},
		{id: "too-many", seen: "After some wrong attempts nothing works any more", reason: refusal.TooManyFailures, when: true},
		{
			id: "cors", seen: "It works with curl and not from a page: the browser blocks it", when: true,
			why: say("The token endpoint is for servers. It allows no page of another origin to read its answers, because a page cannot keep a secret."),
			do:  say("Let your own server ask for the token and call the API, and hand on to the page what it needs."),
		},
		{
			id: "proxy", seen: "My HTTP library says the answer is no JSON", when: true,
			why: say("Something between answers with a page of its own: a proxy, a portal of a network, or the address is another one."),
			do:  say("Compare the address with `%s`, and look at the first line of the answer.", g.tokenURL()),
		},
	}
}

func (g *guide) peopleSymptoms() []symptom {
	return []symptom{
		{id: "redirect", seen: "The browser shows an error page instead of the sign-in", reason: refusal.RedirectUnknown, when: true},
		{id: "application", seen: "The page says that the application is unknown", reason: refusal.ApplicationUnknown, when: true},
		{id: "pkce", seen: "The application is sent back with `invalid_request` at once", reason: refusal.ChallengeMissing, when: true},
		{id: "code", seen: "The code is refused", reason: refusal.CodeRefused, when: true},
		{id: "mismatch", seen: "The exchange says that the redirect URI differs", reason: refusal.RedirectMismatch, when: true},
		{id: "refresh", seen: "The refresh token is refused", reason: refusal.RefreshRefused, when: true},
		{id: "denied", seen: "`access_denied` comes back", reason: refusal.AccessDenied, when: true},
	}
}

func (g *guide) callSymptoms() []symptom {
	return []symptom{
		{id: "no-token", seen: "401, and the token was sent", reason: refusal.TokenMissing, when: true, why: say("No `Authorization` header arrived: it has another name, or a proxy drops it.")},
		{id: "no-bearer", seen: "401, and the answer speaks of Bearer", reason: refusal.TokenScheme, when: true, why: say("The header arrived and is not `Authorization: Bearer`, one space and the token: the word or the space is missing, or id and secret are in it, which belong to the token endpoint.")},
		{id: "expired", seen: "Calls work for a while and then no longer", reason: refusal.TokenExpired, when: true},
		{id: "other-environment", seen: "401 with a token that was fetched just now", reason: refusal.TokenOfAnotherIssuer, when: true},
		{id: "forbidden", seen: "403 on some paths and not on others", reason: refusal.ScopeInsufficient, when: len(g.scoped()) > 0},
		{id: "closed", seen: "403 on a path that the API has", reason: refusal.RouteClosed, when: true},
		{id: "method", seen: "405 from the API", reason: refusal.MethodClosed, when: true},
		{id: "url-token", seen: "The token in the address is refused", reason: refusal.TokenInURL, when: !slices.ContainsFunc(g.APIs, func(a *catalogue.API) bool { return a.Query })},
		{id: "api-token", seen: "403, and an API token is asked for", reason: refusal.APITokenRequired, when: true},
		{
			id: "loop", seen: "My program fetches token after token", when: true,
			why: say("It renews after each 401 or 403, or takes `expires_in` for minutes or milliseconds."),
			do:  say("Renew once after a 401, never after a 403, and read `expires_in` as seconds. [Lifetimes](%s)", g.link("lifetimes", "401")),
		},
		{
			id: "empty", seen: "200, and the list is empty", when: true,
			why: say("The token is good and the data is another organisation's, or the environment has none."),
			do:  say("Compare the environment, and ask the publisher what your client may see."),
		},
	}
}
