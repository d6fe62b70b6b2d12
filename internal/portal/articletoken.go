package portal

import (
	"net/url"
	"strings"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/oauth"
)

// asking says how a program gets a token for itself.
func (g *guide) asking() *article {
	a := &article{Slug: "token", Title: "Generate a token"}
	a.Lead = say("Your server sends client id and secret to the token endpoint and gets an access token (OAuth 2.0 client credentials, RFC 6749 §4.4). No person is involved.")
	form := "a form (`application/x-www-form-urlencoded`)"
	if g.how.JSON {
		form = "a form (`application/x-www-form-urlencoded`) or JSON"
	}
	a.Parts = []part{
		{ID: "request", Title: "The request and its answer", Blocks: []block{
			prose("One POST to `%s`, as "+form+". [Set the variables](%s) first.", g.tokenURL(), g.link("credentials", "keep")),
			g.tokenExample("token", "Ask for a token", g.machine(), g.tokenAnswer()),
		}},
		{ID: "members", Title: "What you send", Blocks: []block{facts("Members of the request", []string{"Member", "Value", "Note"}, g.members()...)}},
		{ID: "answer", Title: "What you get", Blocks: []block{
			facts("Members of the answer", []string{"Member", "Meaning"}, g.answered()...),
			prose("The answer is for your server alone: it is marked `Cache-Control: no-store`."),
		}},
		{ID: "libraries", Title: "With a library", Blocks: []block{
			prose("Any OAuth library will do. Tell it the token endpoint, the id and the secret. The secret may also go into the `Authorization: Basic` header, which most libraries do by themselves; id and secret are then joined by a colon and encoded once, on one line."),
			warning("Not from a browser. The token endpoint answers no page of another origin, and a page or an app cannot keep a secret. Let your own server ask, and hand on only the data that the page needs."),
		}},
	}
	return a
}

// tokenAnswer is what the token endpoint answers here.
func (g *guide) tokenAnswer() *oauth.TokenResponse {
	answer := &oauth.TokenResponse{AccessToken: "eyJraWQiOiJ…", TokenType: "Bearer", ExpiresIn: int64(g.lifetime().Seconds())}
	if g.api == nil {
		return answer
	}
	if g.api.Token.Format == catalogue.Opaque {
		answer.AccessToken = "Zc4Q1r…"
		if g.api.Token.Dashed {
			answer.AccessToken = "Zc4Q-1rXa-…"
		}
	}
	if needed := g.needed(); needed != "" {
		answer.Scope = needed
	}
	return answer
}

// needed are the scopes of the first call.
func (g *guide) needed() string {
	if len(g.first.AnyOf) == 0 {
		return ""
	}
	return strings.Join(g.first.AnyOf[0], " ")
}

// members are those of a client-credentials request.
func (g *guide) members() []line {
	rows := []line{
		cells(coded("grant_type"), coded(oauth.GrantClientCredentials), words("Always this.")),
		cells(coded("client_id"), words("your client id"), words("As it was handed out for this environment.")),
		cells(coded("client_secret"), words("your client secret"), words("Here in the body; or id and secret in the Authorization header. Never in the URL.")),
	}
	if a := g.audience(); a != "" {
		rows = append(rows, cells(coded("audience"), coded(a), words("Required: which API the token is for. Compared character by character.")))
	}
	if len(g.scoped()) > 0 {
		rows = append(rows, cells(coded("scope"), words("scopes, separated by spaces"), say("May be left out: then the token carries every [scope](%s) that was allotted to you. Ask for the fewest that will do.", g.link("scopes", ""))))
	}
	return rows
}

// answered are the members of an answer.
func (g *guide) answered() []line {
	kind := "A JSON Web Token. Treat it as an opaque text: what is in it may change."
	if g.api != nil && g.api.Token.Format == catalogue.Opaque {
		kind = "An opaque text. Nothing can be read from it."
	}
	rows := []line{
		cells(coded("access_token"), words(kind)),
		cells(coded("token_type"), say("`Bearer`, in whatever case: how the token is sent.")),
		cells(coded("expires_in"), say("How long the token is good, in seconds: a number, here %s.", spoken(g.lifetime()))),
	}
	if g.people() {
		rows = append(rows, cells(coded("refresh_token"), say("Present where your application may renew without the person. [Renew](%s)", g.link("sign-in", "refresh"))))
	}
	if g.saysScope() {
		rows = append(rows, cells(coded("scope"), words("What the token carries, separated by spaces; it may be less than was asked for.")))
	}
	return rows
}

// saysScope reports whether answers here have the member scope.
func (g *guide) saysScope() bool {
	return len(g.scoped()) > 0 && strings.Contains(string(g.how.AppendToken(nil, &oauth.TokenResponse{Scope: "any"}, "")), `"scope"`)
}

// signingIn says how an application gets a token for a person.
func (g *guide) signingIn() *article {
	a := &article{Slug: "sign-in", Title: "Sign people in"}
	a.Lead = say("Personal data needs a token of that person: they sign in here, allow what your application asks for, and your server exchanges a code for the token (OAuth 2.0 authorization code with PKCE, RFC 6749 §4.1 and RFC 7636).")
	exchange := g.fields(oauth.GrantAuthorizationCode, Field{Name: "code", Variable: "CODE"}, Field{Name: "redirect_uri", Variable: "REDIRECT_URI"}, Field{Name: "code_verifier", Variable: "CODE_VERIFIER"})
	refresh := g.fields(oauth.GrantRefreshToken, Field{Name: "refresh_token", Variable: "REFRESH_TOKEN"})
	answer := g.tokenAnswer()
	answer.RefreshToken = "rt_…"
	a.Parts = []part{
		{ID: "prepare", Title: "1. Prepare", Blocks: []block{
			prose("For each sign-in your server makes up two secrets and keeps them in the person's session: `state`, which shows that the answer belongs to this browser, and a code verifier, which shows that the code is exchanged by who asked for it. The challenge is the verifier's SHA-256 as base64url, without `=`:"),
			code("challenge", "Make a verifier and its challenge", "sh", "export CODE_VERIFIER=$(openssl rand -hex 32)\nprintf %s \"$CODE_VERIFIER\" | openssl dgst -sha256 -binary |\n  openssl base64 -A | tr '+/' '-_' | tr -d '='"),
			prose("An application that was registered before PKCE was asked for may do without the challenge."),
		}},
		{ID: "authorize", Title: "2. Send the person's browser", Blocks: []block{
			prose("Redirect the browser to this address, on one line, each value percent-encoded:"),
			code("authorize-url", "The authorization request", "text", g.authorizeExample()),
			facts("Parameters of the authorization request", []string{"Parameter", "Value"}, g.authorizeMembers()...),
			warning("The redirect URI is compared character by character with those that were registered: scheme, host, port, path, a slash at the end. `http://localhost` and `http://localhost/` are two."),
		}},
		{ID: "back", Title: "3. Take the answer", Blocks: []block{
			prose("The person signs in, sees your application's name and a line for each scope, and allows or denies it. The browser then comes back:"),
			code("back-url", "Allowed, and denied", "text", "YOUR_REDIRECT_URI?code=XXXXXX&state=YOUR_STATE\nYOUR_REDIRECT_URI?error=access_denied&error_description=…&state=YOUR_STATE"),
			prose("Compare `state` with the one in the session before anything else; on a difference, stop. The code is good once, for %s, for your client alone.", codeLife),
		}},
		{ID: "exchange", Title: "4. Exchange the code", Blocks: []block{
			prose("Your server sends the code to the token endpoint, `%s`, with the redirect URI exactly as in step 2.", g.tokenURL()),
			g.tokenExample("exchange", "Exchange the code for a token", exchange, answer),
			facts("Members of the answer", []string{"Member", "Meaning"}, g.answered()...),
			prose("A code that comes a second time is refused, and the tokens of the first time end: somebody else may have seen it."),
		}},
		{ID: "refresh", Title: "5. Renew without the person", Blocks: []block{
			prose("The access token ends after %s. With the refresh token your server gets another one while the person is away, for %s unused and %s at most:", spoken(g.lifetime()), spoken(g.Login.Refresh.Idle), spoken(g.Login.Refresh.Most)),
			g.tokenExample("refresh", "Renew the token", refresh, answer),
			prose("Every answer holds another refresh token: keep the newest, it replaces the one before. Without a refresh token, or when it is refused, send the person to step 2; who is signed in still and has allowed it before comes back at once."),
		}},
		{ID: "alone", Title: "Without a person", Blocks: []block{
			prose("A program that acts for itself asks with `grant_type=client_credentials`, id and secret, and sends no code. That is switched on for an application on request."),
		}},
	}
	return a
}

// authorizeExample is the authorization request with placeholders.
func (g *guide) authorizeExample() string {
	parameters := []string{"response_type=code", "client_id=" + url.QueryEscape(g.id()), "redirect_uri=YOUR_REDIRECT_URI"}
	if needed := g.needed(); needed != "" {
		parameters = append(parameters, "scope="+url.QueryEscape(needed))
	}
	if a := g.audience(); a != "" {
		parameters = append(parameters, "audience="+url.QueryEscape(a))
	}
	parameters = append(parameters, "state=YOUR_STATE", "code_challenge=YOUR_CODE_CHALLENGE", "code_challenge_method=S256")
	return g.authorizeURL() + "?" + strings.Join(parameters, "&")
}

func (g *guide) authorizeMembers() []line {
	rows := []line{
		cells(coded("response_type"), coded("code")),
		cells(coded("client_id"), words("Your client id for this environment.")),
		cells(coded("redirect_uri"), words("One of those that were registered. May be left out where there is exactly one; then leave it out in step 4 too.")),
		cells(coded("scope"), say("[Scopes](%s), separated by spaces. Left out, it stands for all that your application may ask for.", g.link("scopes", ""))),
	}
	if a := g.audience(); a != "" {
		rows = append(rows, cells(coded("audience"), say("`%s`, where a scope of the API is asked for.", a)))
	}
	return append(rows,
		cells(coded("state"), words("Made up by you; comes back unchanged.")),
		cells(coded("code_challenge"), say("Of step 1, with `code_challenge_method=S256`.")),
	)
}

// using says how a call carries the token.
func (g *guide) using() *article {
	a := &article{Slug: "call", Title: "Use the token"}
	a.Lead = say("Every call carries the token in a header, whatever its method: `Authorization: Bearer` and the token.")
	a.Parts = []part{{ID: "first", Title: "A first call", Blocks: []block{
		prose("Put the `access_token` of the answer into a variable and call the API at its own base URL, `%s`:", g.Base.String()),
		code("variable", "Keep the token in a variable", "sh", "export ACCESS_TOKEN='the access_token of the answer'"),
		{Example: &Example{ID: "call", Label: "Call the API", Variants: g.callRequest().variants("call"), Answer: g.docs.calls[g.Name]}},
		prose("[API reference](%s) lists every path, with the scope that it needs.", g.link("reference", "")),
	}}}
	a.Parts = append(a.Parts, part{ID: "refused", Title: "When the call is refused", Blocks: []block{
		facts("What to do with a status", []string{"Status", "Meaning", "What to do"},
			cells(coded("401"), words("The token is missing, ended, or of another environment."), say("Fetch a new token and repeat the call **once**.")),
			cells(coded("403"), words("The token is good and lacks a scope, or the path is not open."), say("A new token changes nothing. Ask for the [scope](%s).", g.link("scopes", ""))),
			cells(coded("404"), words("The API has nothing there."), words("Compare the path with the reference.")),
			cells(coded("429"), words("Too many calls in a time."), say("Wait as long as `Retry-After` says.")),
			cells(coded("502, 503, 504"), words("The API or the server is unwell."), words("Try again, and wait longer each time.")),
		),
		prose("Each refusal says in its body why; [Errors](%s) has every reason.", g.link("errors", "")),
	}})
	if others := g.otherWays(); len(others) > 0 {
		a.Parts = append(a.Parts, part{ID: "other", Title: "Other ways", Blocks: others})
	}
	return a
}

// otherWays are the ways beside the header that an API of the environment knows.
func (g *guide) otherWays() []block {
	var blocks []block
	for _, api := range g.APIs {
		if api.Query {
			blocks = append(blocks,
				prose("%s takes the token in the query too, as `?access_token=`, for GET requests that alter nothing.", api.Title),
				warning("Addresses are kept in logs, histories and proxies. Use the header wherever you can."))
		}
		if t := api.Tokens; t.Header != "" {
			blocks = append(blocks, prose("%s knows API tokens: long-lived credentials of a server, sent in the header `%s`. %s", api.Title, t.Header, apiTokenUse[api.Open]))
			if t.Elevated && t.For != "" {
				blocks = append(blocks, prose("An elevated API token acts for the person whose user name stands in the header `%s`, without that person having been asked. The institution decides who gets one.", t.For))
			}
		}
		if api.Open == catalogue.OpenToken {
			blocks = append(blocks, prose("In this environment the public paths of %s need a token, too.", api.Title))
		}
	}
	return blocks
}

var apiTokenUse = map[string]string{
	catalogue.OpenPublic:   "Public paths need none in this environment; a token counts the calls of your application.",
	catalogue.OpenAPIToken: "In this environment public paths need one.",
}
