package login

import (
	"errors"
	"slices"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
	"github.com/grantway/grantway/oauth"
)

// A wanting is what an application wants of a person who is signed in.
type wanting struct {
	account store.Account
	verdict account.Verdict
	apis    []*catalogue.API    // that the scopes are of
	scope   []string            // as far as the person has the rights themselves
	given   []string            // of it, what they have allowed before
	before  map[string][]string // all that they have allowed before, to the same place
	known   bool                // they have, where the answer goes to the same place
	covered bool                // all of it, in this way
}

// want finds out what is to be asked. Where that is nothing, or nobody is there to
// ask, it has answered.
func (v *visit) want() (*wanting, bool) {
	if v.pending == nil {
		v.to(web.PathAccount)
		return nil, false
	}
	verdict, ok := v.signedIn()
	if !ok {
		return nil, false
	}
	n := &wanting{verdict: verdict}
	var err error
	if n.account, err = v.j.Accounts.Find(v.r.Context(), v.session.AccountID); err != nil {
		return nil, v.failedBy(err)
	}
	p := v.pending
	asked := slices.DeleteFunc(slices.Clone(v.j.APIs), func(a *catalogue.API) bool { return !slices.Contains(p.asked.APIs, a.Name) })
	n.scope, n.apis = grant.Rights(p.asked.Scope, asked, p.client, n.account.Roles)
	if len(n.scope) == 0 && len(p.asked.Scope) > 0 {
		v.refuse(refusal.RightsMissing)
		return nil, false
	}
	consent, err := v.j.Consents.Find(v.r.Context(), n.account.ID, p.client.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, v.failedBy(err)
	}
	var all bool
	n.given, all = grant.Given(consent.Allowed, n.apis, n.scope)
	n.known = err == nil && slices.Contains(consent.Redirects, p.asked.Redirect)
	n.covered = n.known && all
	if n.known {
		n.before = consent.Allowed
	}
	return n, true
}

// silent reports whether nobody need be asked. An application that keeps no secret
// could be any other one, so its person is asked each time (row B21). The console
// and the portal are no other party.
func (v *visit) silent(n *wanting) bool {
	return v.pending.client.Own || n.covered && v.remembers(n)
}

// remembers reports whether what was allowed before counts now: only what is more
// than that is asked then.
func (v *visit) remembers(n *wanting) bool {
	return n.known && !v.pending.prompts("consent") && !v.pending.client.Public()
}

// getConsent asks what the application may do.
func (v *visit) getConsent() {
	n, ok := v.want()
	switch {
	case !ok:
	case v.silent(n):
		v.allow(n, n.scope, false)
	case v.pending.prompts("none"):
		v.refuse(refusal.ConsentRequired)
	default:
		v.show(v.consent(n))
	}
}

// postConsent does what the person decided.
func (v *visit) postConsent() {
	n, ok := v.want()
	if !ok {
		return
	}
	if v.field(web.FieldDecision) != web.Allow {
		v.refuse(refusal.AccessDenied)
		return
	}
	if shown := v.field(web.FieldAccount); shown != "" && shown != n.account.ID {
		v.show(v.consent(n)) // somebody else has signed in in this browser meanwhile
		return
	}
	ticked := v.r.PostForm[web.FieldScope]
	allowed := slices.DeleteFunc(slices.Clone(n.scope), func(s string) bool { return !fixed(s) && !slices.Contains(ticked, s) })
	if len(allowed) == 0 && len(n.scope) > 0 {
		v.refuse(refusal.AccessDenied) // none of it
		return
	}
	v.allow(n, allowed, v.field(web.FieldRemember) == "1")
}

func (v *visit) allow(n *wanting, scope []string, remember bool) {
	v.j.Done(v.w, v.r, v.pending.hash, grant.Decision{
		Account: &n.account, Session: v.session, Scope: scope, ACR: n.verdict.ACR, Remember: remember, Before: n.before,
	})
}

// fixed are scopes that are no choice: without them the request means something else.
func fixed(scope string) bool { return scope == oauth.ScopeOpenID }

// consent is what the page says.
func (v *visit) consent(n *wanting) web.Consent {
	p := v.pending
	c := web.Consent{
		Application: p.client.Name, ClientID: p.client.ID, Owner: p.client.SignIn.Owner, Verified: p.client.SignIn.Verified,
		Homepage: p.client.SignIn.Homepage, Redirect: p.asked.Redirect,
		Account: n.account.Name, Person: n.account.ID, FullName: n.account.Profile.FullName, Remember: !p.client.Public(),
	}
	openID := slices.Contains(n.scope, oauth.ScopeOpenID)
	c.Away = p.client.MayUse(oauth.GrantRefreshToken) && (!openID || slices.Contains(n.scope, oauth.ScopeOfflineAccess))
	if c.Away {
		c.Lasts = v.j.Settings.Refresh.Most
	}
	several := len(n.apis) > 1
	for _, api := range n.apis {
		for _, s := range api.Scopes {
			switch {
			case slices.Contains(n.scope, s.Name):
				right := web.Right{Scope: s.Name, Text: s.Describe(v.language), Write: s.Write, Fixed: fixed(s.Name)}
				if several && api.Name != catalogue.OpenIDName {
					right.API = api.Title
				}
				if v.remembers(n) && slices.Contains(n.given, s.Name) {
					c.Already = append(c.Already, right)
				} else {
					c.Rights = append(c.Rights, right)
				}
			case api.Name != catalogue.OpenIDName && !slices.Contains(c.Not, s.Describe(v.language)):
				c.Not = append(c.Not, s.Describe(v.language))
			}
		}
	}
	return c
}
