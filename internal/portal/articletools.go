package portal

import (
	"strings"

	"github.com/grantway/grantway/internal/catalogue"
)

// install gets the program that the pages speak of.
const install = "go install github.com/grantway/grantway/cmd/grantway@latest"

// safeProxy is a server between a page and the API that is made of a file.
func (g *guide) safeProxy() []block {
	blocks := []block{
		prose("`grantway proxy` is such a server, made of a file, for an API of any issuer: it keeps the secret, puts the token on the calls that the file lists, and lets nothing else through. Save this as `proxy.yaml`, with the calls that your page makes:"),
		code("proxy-file", "What the page may call", "yaml", g.proxyFile()),
		code("proxy-run", "Get the program, check the file, and start it", "sh", install+"\ngrantway proxy check proxy.yaml\ngrantway proxy --config proxy.yaml"),
		prose("Your page then calls `http://localhost:8090%s`, without a token. With `static: FOLDER` in the file, the page itself comes from there, too.", g.first.Path),
	}
	if g.people() {
		return append(blocks, prose("People sign in at `/auth/login`; their tokens stay with the proxy, and `/auth/me` says who they are. Register `http://localhost:8090/auth/callback` as a redirect URI."))
	}
	return append(blocks, warning("Whoever opens that page can make the calls that the file lists. Where only some people may, put it behind your own sign-in, or name an OpenID provider of theirs under `sign_in`."))
}

// proxyFile is the configuration of the proxy for the first call.
func (g *guide) proxyFile() string {
	who := "client:"
	if g.people() {
		who = "sign_in:"
	}
	lines := []string{
		"listen: 127.0.0.1:8090", "public_url: http://localhost:8090", "api: " + g.Base.String(), who,
	}
	if g.people() {
		lines = append(lines, "  issuer: "+g.Issuer.String())
	} else {
		lines = append(lines, "  token_url: "+g.tokenURL())
	}
	lines = append(lines, "  id: "+encoded(g.id()), "  secret: ${CLIENT_SECRET}")
	if g.writesJSON() {
		lines = append(lines, "  auth: json")
	}
	if a := g.audience(); a != "" {
		lines = append(lines, "  audience: "+encoded(a))
	}
	if needed := g.needed(); needed != "" {
		lines = append(lines, "  scopes:")
		for scope := range strings.FieldsSeq(needed) {
			lines = append(lines, "    - "+encoded(scope))
		}
	}
	return strings.Join(append(lines, "routes:", "  - "+g.callMethod()+" "+g.first.Path), "\n")
}

// tools are what there is to paste for who would rather not write it.
func (g *guide) tools() part {
	const clone = "git clone https://github.com/grantway/grantway\nls grantway/examples/recipes"
	safe := g.link("best-practice", "front-end")
	if g.people() { // the programs among the recipes act for themselves
		return part{ID: "tools", Title: "Ready to paste", Blocks: []block{
			prose("A page or an app gets the data and no token with [the safe proxy](%s). A page that runs with it is among the recipes that come with the source of `grantway`, in the folder `safeproxy`:", safe),
			code("tool-recipes", "Get the recipes", "sh", clone),
		}}
	}
	token := "--token-url " + quoted(g.tokenURL())
	if a := g.audience(); a != "" {
		token += " --audience " + quoted(a)
	}
	if g.writesJSON() {
		token += " --auth json"
	}
	token += " \\\n  --client-id \"$CLIENT_ID\" --secret-env CLIENT_SECRET"
	return part{ID: "tools", Title: "Ready to paste", Blocks: []block{
		prose("`grantway` does from a shell what the [program](%s) does: it gets the token, keeps it in your cache folder, renews it, and repeats a call once after a 401. A call does not show the token.", g.link("lifetimes", "renew")),
		code("tool-install", "Get the program", "sh", install),
		code("tool-call", "Call the API", "sh", "grantway curl --api "+quoted(catalogue.Origin(g.Base))+" "+token+" \\\n  "+quoted(g.callURL())),
		code("tool-token", "Print a token, for another program", "sh", "grantway token "+token),
		points(
			say("**A page or an app** gets the data and no token: [the safe proxy](%s).", safe),
			say("**A program to copy**, in shell, Go, JavaScript, Python or Java, is among the recipes that come with the source of `grantway`: one call; a scheduled job that tells its scheduler whether to try again; and a data sync that reads page after page with one token. Put your paths in place of theirs."),
		),
		code("tool-recipes", "Get the recipes", "sh", clone),
	}}
}
