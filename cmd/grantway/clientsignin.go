package main

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/oauth"
)

var grantTypes = []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken, oauth.GrantClientCredentials}

// completeWords lets a flag be completed by one of these words.
func completeWords(c *cobra.Command, flag string, words ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}

// signInFlags say what a client needs that acts for people.
type signInFlags struct{ admin.SignIn }

func (g *signInFlags) register(c *cobra.Command) {
	p := c.Flags()
	p.StringArrayVar(&g.Redirects, "redirect-uri", nil, "a `URL` to which people are sent back, compared character by character; may be repeated")
	p.StringArrayVar(&g.LogoutRedirects, "post-logout-redirect-uri", nil, "a `URL` to which people may be sent after they signed out; may be repeated")
	p.StringVar(&g.LogoutNotice, "backchannel-logout-uri", "", "the `URL` that is told when a session has ended")
	p.StringVar(&g.IDTokenAlg, "id-token-alg", "", "the `signature` of its ID tokens: RS256 (the default), ES256, PS256 or EdDSA")
	p.StringVar(&g.Owner, "owner", "", "who made it, as people read it when they are asked")
	p.StringVar(&g.Homepage, "homepage", "", "the `URL` of the maker's page")
	p.BoolVar(&g.Verified, "verified", false, "we know that it is the owner's: people are told so")
	p.BoolVar(&g.Legacy, "legacy", false, "it may send neither PKCE nor state, as clients from before RFC 7636 do")
	completeWords(c, "id-token-alg", "RS256", "ES256", "PS256", "EdDSA")
}

// read returns the member of a request, nil where nothing was said.
func (g *signInFlags) read() *admin.SignIn {
	s := &g.SignIn
	if len(s.Redirects) == 0 && len(s.LogoutRedirects) == 0 && s.LogoutNotice == "" && s.IDTokenAlg == "" &&
		s.Owner == "" && s.Homepage == "" && !s.Verified && !s.Legacy {
		return nil
	}
	return s
}

func signInFields(s *admin.SignIn) [][2]string {
	if s == nil {
		return nil
	}
	var fields [][2]string
	add := func(name string, values ...string) {
		for _, value := range values {
			if value != "" {
				fields, name = append(fields, [2]string{name, value}), ""
			}
		}
	}
	owner := s.Owner
	if s.Verified {
		owner += " (verified)"
	}
	add("owner", owner)
	add("homepage", s.Homepage)
	add("redirect URI", s.Redirects...)
	add("after sign-out", s.LogoutRedirects...)
	add("sign-out notice", s.LogoutNotice)
	add("ID token", s.IDTokenAlg)
	if s.Legacy {
		add("legacy", "may send neither PKCE nor state")
	}
	return fields
}

// grantsWithEnds are a client's grants, with their ends where they have one.
func grantsWithEnds(c *admin.Client) []string {
	var all []string
	for _, grant := range c.Grants {
		for _, end := range c.GrantsEnd {
			if end.Grant == grant {
				grant += " until " + moment(end.EndsAt, "")
			}
		}
		all = append(all, grant)
	}
	return all
}

func clientsCreate(f *adminFlags) *cobra.Command {
	var n admin.NewClient
	var in signInFlags
	var id string
	var given secretFlags
	create := &cobra.Command{
		Use:   "create",
		Short: "Register a client with one secret",
		Long: `Register a client with one secret, which is printed once. A client that comes
from another product keeps its id (--id) and its secret (--secret-file).

A machine acts for itself. Three types act for people, who sign in and say
what the client may do for them: web runs on a server of its own, native on a
person's device, browser in the browser; the last two keep no secret and get
none.`,
		Example: `  grantway clients create -e staging --name "Acme export" --scope notes:read
  grantway clients create --name Acme --api notes --scope all --expires 90d
  grantway clients create --name Planner --type web --scope openid,notes:read \
    --redirect-uri https://planner.example.com/callback --owner "Planner Ltd"
  grantway clients create --name Pocket --type native --scope notes:read \
    --redirect-uri com.example.pocket:/callback --redirect-uri http://127.0.0.1/
  grantway clients create --type resource --name "Notes API" --api notes
  grantway clients create --name Sync --partner acme --scope all --no-secret
  grantway clients create --id acme --scope all --secret-file acme.secret
  grantway clients create --id acme --scope all --secret-file - --hash < bcrypt`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: f.work(func(s *session, _ []string) (err error) {
			n.SignIn = in.read()
			if s.Flags().Changed("id") {
				n.ID = &id
			}
			if n.Secret, n.Hash, n.ExpiresAt, err = given.read(s); err != nil {
				return err
			}
			changed, err := s.change(http.MethodPost, s.path+"/clients", n)
			if err != nil {
				return err
			}
			defer s.sayOnce(changed)
			if f.json {
				return writeJSON(s.OutOrStdout(), changed)
			}
			fields := [][2]string{{"environment", s.env}, {"client id", changed.Client.ID}}
			return writeFields(s.OutOrStdout(), append(append(fields, shownSecret(changed)...), s.whereTo(&changed.Client)...))
		}),
	}
	p := create.Flags()
	p.StringVar(&n.Name, "name", "", "what people call it; without one, its --id")
	p.StringVar(&id, "id", "", "the client id that its programs have already; without one, it gets a new one")
	p.StringVar(&n.Type, "type", "", "machine, which asks for tokens (the default), resource, an API that asks whether tokens are good, or for people web, native or browser")
	p.StringSliceVar(&n.Grants, "grant", nil, "a `grant` type that it may use; without one, those of its type; may be repeated")
	p.StringSliceVar(&n.Scopes, "scope", nil, "a `scope` that it may ask for: a name, a unique ending of one, \"API SCOPE\" where several APIs have one of that name, or all; may be repeated")
	p.StringSliceVar(&n.APIs, "api", nil, "an `API` that it may use; without one, those of its scopes; may be repeated")
	p.StringSliceVar(&n.AuthMethods, "auth-method", nil, "a `method` to authenticate with; without one, every one that takes a secret; may be repeated")
	p.StringVar(&n.Partner, "partner", "", "the id of the `partner` that owns it; without one, it is the publisher's own")
	p.BoolVar(&n.NoSecret, "no-secret", false, "it gets no secret now: one of the partner's people generates it")
	in.register(create)
	given.register(create)
	_ = create.RegisterFlagCompletionFunc("partner", func(c *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return f.partnerIDs(c, nil, typed)
	})
	completeWords(create, "type", store.TypeMachine, store.TypeResource, store.TypeWeb, store.TypeNative, store.TypeBrowser)
	completeWords(create, "grant", grantTypes...)
	return create
}

// changeFlags say what is to become different of a client.
type changeFlags struct {
	name, owner, homepage, notice, alg string
	verified, legacy                   bool
	until                              string
	edits                              [5]admin.Edit // in the order of the request's members
}

func (g *changeFlags) register(c *cobra.Command) {
	p := c.Flags()
	p.StringVar(&g.name, "name", "", "what people call it")
	for i, list := range []struct{ what, added, removed string }{
		{"redirect-uri", "a `URL` to which people are also sent back", "a `URL` to which nobody is sent back any more"},
		{"post-logout-redirect-uri", "a `URL` to which people may also be sent after they signed out", "a `URL` to which they may no more"},
		{"api", "an `API` without scopes that it may also use", "an `API` that it may use no more"},
		{"scope", "a `scope` that it may also ask for: a name, a unique ending of one, \"API SCOPE\" where several APIs have one of that name, or all", "a `scope` that it may ask for no more: a name, a unique ending of one, or \"API SCOPE\""},
		{"grant", "a `grant` type that it may also use; with --until, for a while", "a `grant` type that it may use no more"},
	} {
		p.StringArrayVar(&g.edits[i].Add, "add-"+list.what, nil, list.added+"; may be repeated")
		p.StringArrayVar(&g.edits[i].Remove, "remove-"+list.what, nil, list.removed+"; may be repeated")
	}
	p.StringVar(&g.until, "until", "", "when the grants of --add-grant end: in so long (90d, 12h) or then (2027-03-31, 2027-03-31T18:00:00Z)")
	p.StringVar(&g.notice, "backchannel-logout-uri", "", "the `URL` that is told when a session has ended; '' for none")
	p.StringVar(&g.alg, "id-token-alg", "", "the `signature` of its ID tokens")
	p.StringVar(&g.owner, "owner", "", "who made it; '' for unknown")
	p.StringVar(&g.homepage, "homepage", "", "the `URL` of the maker's page; '' for none")
	p.BoolVar(&g.verified, "verified", false, "we know that it is the owner's; --verified=false: not any more")
	p.BoolVar(&g.legacy, "legacy", false, "it may send neither PKCE nor state; --legacy=false: it has to")
	completeWords(c, "id-token-alg", "RS256", "ES256", "PS256", "EdDSA")
	completeWords(c, "add-grant", grantTypes...)
	completeWords(c, "remove-grant", grantTypes...)
}

// read returns the request that the flags stand for.
func (g *changeFlags) read(c *cobra.Command) (admin.ClientChange, error) {
	var sent admin.ClientChange
	some := false
	for _, flag := range []struct {
		name string
		text *string
		to   **string
	}{
		{"name", &g.name, &sent.Name},
		{"owner", &g.owner, &sent.Owner},
		{"homepage", &g.homepage, &sent.Homepage},
		{"backchannel-logout-uri", &g.notice, &sent.LogoutNotice},
		{"id-token-alg", &g.alg, &sent.IDTokenAlg},
	} {
		if c.Flags().Changed(flag.name) {
			*flag.to, some = flag.text, true
		}
	}
	if c.Flags().Changed("verified") {
		sent.Verified, some = &g.verified, true
	}
	if c.Flags().Changed("legacy") {
		sent.Legacy, some = &g.legacy, true
	}
	for i, to := range []**admin.Edit{&sent.Redirects, &sent.LogoutRedirects, &sent.APIs, &sent.Scopes, &sent.Grants} {
		if len(g.edits[i].Add) > 0 || len(g.edits[i].Remove) > 0 {
			*to, some = &g.edits[i], true
		}
	}
	if g.until != "" {
		at, err := until("--until", g.until, time.Now())
		if err != nil {
			return sent, &usageError{err}
		}
		sent.GrantsUntil, some = &at, true
	}
	if !some {
		return sent, &usageError{errors.New("nothing is to be changed: name what is, such as --add-redirect-uri")}
	}
	return sent, nil
}

// takes reports whether the change takes something away, and tokens with it.
func takes(sent *admin.ClientChange) bool {
	for _, edit := range []*admin.Edit{sent.APIs, sent.Scopes, sent.Grants} {
		if edit != nil && len(edit.Remove) > 0 {
			return true
		}
	}
	return false
}

func clientsChange(f *adminFlags) *cobra.Command {
	var g changeFlags
	change := f.destroying(&cobra.Command{
		Use:   "change CLIENT",
		Short: "Change what a client is named and may do",
		Long: `Change what a client is named and may do. What is not named stays.

Where a scope, an API or a grant is taken away, everything ends at once that
may have been given under it: the client's tokens, and, unless the grant is only
client_credentials, also what people allowed it. They are asked again.

A grant that is to be tested for a while is added with --until; adding it again
without --until lets it stay. The record of changes says who did it.`,
		Example: `  grantway clients change -e staging acme --name "Acme export"
  grantway clients change acme --add-redirect-uri https://acme.example.com/new
  grantway clients change acme --add-scope notes:write --remove-scope notes:read
  grantway clients change acme --add-grant client_credentials --until 2027-03-31`,
		RunE: f.work(func(s *session, args []string) error {
			sent, err := g.read(s.Command)
			if err != nil {
				return err
			}
			if takes(&sent) {
				c, err := s.found(args[0])
				if err != nil {
					return err
				}
				if err := s.confirm("The tokens of " + c.ID + " (" + printable(c.Name) + ") of " + s.env + " end now, since something is taken away from it."); err != nil {
					return err
				}
			}
			changed, err := s.change(http.MethodPatch, s.client(args[0]), sent)
			if err != nil {
				return err
			}
			return s.say(changed, "changed "+changed.Client.ID)
		}),
	})
	g.register(change)
	return change
}

// whereTo is what its programs need to know beside a client's id and secret: where
// they go with them, and what they may ask for.
func (s *session) whereTo(c *admin.Client) [][2]string {
	all, err := s.to.environments(s.Context())
	at := slices.IndexFunc(all, func(e admin.Environment) bool { return e.Name == s.env })
	if err != nil || at < 0 {
		return nil // the client is there; its secret has to be shown
	}
	e := all[at]
	how := dialect.Find(e.Dialect)
	var fields [][2]string
	switch {
	case c.Type == store.TypeResource, how == nil: // a server of a later version has more
		return [][2]string{{"issuer", e.Issuer}}
	case slices.Contains(c.Grants, oauth.GrantAuthorizationCode):
		fields = [][2]string{{"issuer", e.Issuer}, {"metadata", e.Issuer + "/.well-known/openid-configuration"}}
	default:
		fields = [][2]string{{"token endpoint", e.Issuer + how.TokenPaths[0]}}
	}
	if e.Name != catalogue.HomeName { // whose API is told by its audience
		fields = append(fields, [2]string{"API", e.Gateway})
	}
	var scopes []string
	for _, api := range c.APIs {
		one := slices.IndexFunc(e.APIs, func(a admin.API) bool { return a.Name == api.Name })
		if one >= 0 && (how.NeedsAudience || e.Name == catalogue.HomeName) {
			fields = append(fields, [2]string{"audience", e.APIs[one].Audience})
		}
		scopes = append(scopes, api.Scopes...)
	}
	for i, scope := range scopes {
		label := "scopes"
		if i > 0 {
			label = ""
		}
		fields = append(fields, [2]string{label, scope})
	}
	return fields
}
