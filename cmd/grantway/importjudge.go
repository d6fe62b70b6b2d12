package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// openIDScopes belong to no API: a client that acts for people may have them.
var openIDScopes = []string{oauth.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail, oauth.ScopePhone, oauth.ScopeAddress, oauth.ScopeOfflineAccess}

// judged is the client as it would be registered here. What does not come along is
// noted with the client, and what it cannot come without makes it refused.
func (c *coming) judged(apis []*catalogue.API, o movingOptions) admin.NewClient {
	n := admin.NewClient{ID: &c.id, Name: c.name}
	if problem, hint := wire.CheckClientID(c.id); problem != "" && c.refused == "" {
		c.refused = strings.TrimSuffix("its id "+problem+": "+hint, ": ")
	}
	if problem, _ := wire.CheckName(n.Name); n.Name != "" && problem != "" {
		c.leave("its name, which %s", problem)
		n.Name = ""
	}
	c.judgeGrants(&n)
	people := slices.Contains(n.Grants, oauth.GrantAuthorizationCode)
	secret := c.secret != "" || c.hash != ""
	switch n.Type = c.kind; {
	case len(n.Grants) == 0:
		c.refuse("it has no grant that there is here")
	case !people:
		n.Type = store.TypeMachine
	case n.Type == "" || n.Type == store.TypeMachine:
		if n.Type = store.TypeWeb; !secret {
			n.Type = public(c.redirects)
		}
	case n.Type == store.TypeWeb && !secret:
		n.Type = store.TypeBrowser
	}
	keeps := n.Type == store.TypeMachine || n.Type == store.TypeWeb
	switch {
	case keeps && !secret:
		c.refuse("the file has no secret of it")
	case !keeps && secret:
		c.leave("its secret: a %s client keeps none, and proves itself by PKCE", n.Type)
	case c.hash != "":
		n.Hash = &c.hash
	case secret:
		n.Secret = &c.secret
	}
	if !keeps && slices.Contains(n.Grants, oauth.GrantClientCredentials) {
		n.Grants = slices.DeleteFunc(n.Grants, func(g string) bool { return g == oauth.GrantClientCredentials })
		c.leave("the grant client_credentials: a %s client keeps no secret", n.Type)
	}
	c.judgeScopes(&n, apis, o.scopes, people)
	if people {
		c.judgeSignIn(&n, o)
	}
	return n
}

// refuse says why a client cannot come, where nothing said so before.
func (c *coming) refuse(why string) { c.refused = cmp.Or(c.refused, why) }

func (c *coming) judgeGrants(n *admin.NewClient) {
	for _, grant := range c.grants {
		switch {
		case slices.Contains(n.Grants, grant):
		case slices.Contains(grantTypes, grant):
			n.Grants = append(n.Grants, grant)
		default:
			c.leave("the grant %s, which is not here", grant)
		}
	}
	if n.Grants != nil && !slices.Contains(n.Grants, oauth.GrantAuthorizationCode) {
		n.Grants = slices.DeleteFunc(n.Grants, func(g string) bool { return g == oauth.GrantRefreshToken }) // it needs a person
	}
}

// public is the type of a client that keeps no secret: one that people are sent
// back to by a scheme of its own, or on their own machine, runs there.
func public(redirects []string) string {
	for _, uri := range redirects {
		if problem, _ := wire.CheckRedirect(uri, false); problem != "" {
			if problem, _ = wire.CheckRedirect(uri, true); problem == "" {
				return store.TypeNative
			}
		}
	}
	return store.TypeBrowser
}

func (c *coming) judgeScopes(n *admin.NewClient, apis []*catalogue.API, mapped map[string]string, people bool) {
	for _, old := range c.scopes {
		name, said := mapped[old]
		if !said && people && slices.Contains(openIDScopes, old) {
			n.Scopes = append(n.Scopes, old)
			continue
		}
		c.judgeScope(n, old, cmp.Or(name, old), said && name == "", apis)
	}
	for _, g := range c.granted {
		// A scope is one of its API: the same word at another one is another right.
		var at []*catalogue.API
		for _, a := range apis {
			if a.Audience == g.audience {
				at = append(at, a)
			}
		}
		for _, old := range g.scopes {
			name, said := mapped[old]
			where := at
			if said {
				where = apis
			}
			c.judgeScope(n, old, cmp.Or(name, old), said && name == "", where)
		}
		if len(at) == 0 {
			c.leave("the API %s: it is the audience of none here", g.audience)
		} else if g.all {
			for _, s := range at[0].Scopes {
				c.give(n, s.Name, []string{at[0].Name})
			}
		}
	}
	if len(n.Scopes) == 0 {
		c.refuse("it has no scope that there is here")
	}
}

// judgeScope gives the client what a scope is called here, or notes that it has no
// such thing.
func (c *coming) judgeScope(n *admin.NewClient, old, name string, left bool, apis []*catalogue.API) {
	m := catalogue.Mean(name, apis)
	switch {
	case left:
		c.leave("the scope %s, as --map-scope says", old)
	case len(m.Of) > 0 && m.Scope != "":
		c.give(n, m.Scope, m.Of)
	case slices.Contains(openIDScopes, name):
		c.leave("the scope %s: it is about people", old)
	default:
		c.leave("the scope %s, which is not here: declare it in grantway.yaml, or say --map-scope %s=…", old, old)
	}
}

// give adds a scope and the APIs that it belongs to, by which the server tells it
// from the same word elsewhere.
func (c *coming) give(n *admin.NewClient, scope string, apis []string) {
	if !slices.Contains(n.Scopes, scope) {
		n.Scopes = append(n.Scopes, scope)
	}
	for _, name := range apis {
		if !slices.Contains(n.APIs, name) {
			n.APIs = append(n.APIs, name)
		}
	}
}

func (c *coming) judgeSignIn(n *admin.NewClient, o movingOptions) {
	in := &admin.SignIn{IDTokenAlg: c.idTokenAlg}
	n.SignIn = in
	native := n.Type == store.TypeNative
	good := func(uris []string, what string) (kept []string) {
		for _, uri := range uris {
			problem, hint := wire.CheckRedirect(uri, native)
			switch {
			case slices.Contains(kept, uri):
			case problem != "":
				c.leave("%s", strings.TrimSuffix("the "+what+" "+uri+", which "+problem+"; "+hint, "; "))
			default:
				kept = append(kept, uri)
			}
		}
		return kept
	}
	in.Redirects = good(c.redirects, "redirect URI")
	in.LogoutRedirects = good(c.logouts, "URI after sign-out")
	if len(in.Redirects) == 0 {
		c.refuse("it has no redirect URI that is good here")
	}
	if problem, _ := wire.CheckNotice(c.notice, false); c.notice != "" && problem == "" {
		in.LogoutNotice = c.notice
	} else if c.notice != "" {
		c.leave("the sign-out notice to %s, which %s", c.notice, problem)
	}
	if n.Type == store.TypeWeb && !o.strict {
		in.Legacy = true // its programs may be from before PKCE, and are to work as they are
	}
}
