package catalogue

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// clients resolves the declared clients into their environments, without their
// verifiers.
func (r *resolver) clients(c *Catalogue, plans []*plan) {
	known := r.file.Environments.Keys()
	for _, entry := range r.file.Clients {
		path := join("clients", entry.Key)
		v := entry.Value
		if problem, hint := wire.CheckClientID(entry.Key); problem != "" {
			r.report(path, quote(entry.Key)+" "+problem, hint)
		}
		switch secretGiven := v.Secret.Name != ""; {
		case secretGiven && v.Hash != "":
			r.report(join(path, "hash"), "the client has a secret already", "give secret or hash")
		case v.Type == "native" || v.Type == "browser":
			if secretGiven || v.Hash != "" {
				r.report(path, "a "+v.Type+" client keeps no secret", "leave it away, or write type: web")
			}
		case !secretGiven && v.Hash == "" && !r.reported(path):
			r.report(path, "the client has neither secret nor hash", "write secret: ${NAME}, or a hash of it under hash")
		}
		client := Client{
			ID: entry.Key, Name: v.Name, Type: v.Type, Grants: slices.Clone([]string(v.Grants)), Methods: slices.Clone([]string(v.Methods)),
			Allotted: r.allotted(path, &v, plans), SignIn: r.signIn(path, &v),
		}
		switch {
		case v.Type == "resource":
			client.Grants = nil
		case len(client.Grants) == 0 && v.Type == "machine":
			client.Grants = []string{oauth.GrantClientCredentials}
		case len(client.Grants) == 0:
			client.Grants = []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}
		}
		if client.Name == "" {
			client.Name = client.ID
		}
		for i, name := range v.Environments {
			e := c.Find(name)
			switch {
			case e == nil:
				r.report(index(join(path, "environments"), i), quote(name)+" is not an environment", didYouMean(name, known))
			case slices.Contains(v.Environments[:i], name):
				r.report(index(join(path, "environments"), i), quote(name)+" stands twice", "")
			default:
				e.Clients = append(e.Clients, client)
			}
		}
	}
}

// signIn resolves what a client that acts for people is declared with.
func (r *resolver) signIn(path string, v *ClientEntry) SignIn {
	people := v.Type != "machine" && v.Type != "resource"
	if people && len(v.RedirectURIs) == 0 {
		r.report(path, "the client has nowhere to send people back to", "write redirect_uris")
	}
	if !people && len(v.RedirectURIs) > 0 {
		r.report(join(path, "redirect_uris"), "a "+v.Type+" does not act for people", "leave them away, or write type: web")
	}
	for _, list := range []struct {
		key  string
		uris List
	}{{"redirect_uris", v.RedirectURIs}, {"post_logout_redirect_uris", v.PostLogoutRedirectURIs}} {
		if len(list.uris) > wire.MaxRedirects {
			r.report(join(path, list.key), fmt.Sprintf("are more than %d", wire.MaxRedirects), "")
		}
		for i, uri := range list.uris {
			if problem, hint := wire.CheckRedirect(uri, v.Type == "native"); problem != "" {
				r.report(index(join(path, list.key), i), problem, hint)
			}
		}
	}
	for _, one := range []struct {
		key, text string
		check     func(string) (problem, hint string)
	}{
		{"name", v.Name, wire.CheckName},
		{"owner", v.Owner, wire.CheckName},
		{"homepage", v.Homepage, wire.CheckHomepage},
		// Whether this is development, serve knows, which looks at it once more.
		{"backchannel_logout_uri", v.LogoutNotice, func(text string) (string, string) { return wire.CheckNotice(text, true) }},
	} {
		if one.text == "" {
			continue
		}
		if problem, hint := one.check(one.text); problem != "" {
			r.report(join(path, one.key), problem, hint)
		}
	}
	return SignIn{
		Redirects: slices.Clone([]string(v.RedirectURIs)), LogoutRedirects: slices.Clone([]string(v.PostLogoutRedirectURIs)),
		LogoutNotice: v.LogoutNotice, IDTokenAlg: v.IDTokenAlg, Owner: v.Owner, Homepage: v.Homepage,
		Verified: v.Verified, Legacy: v.Legacy,
	}
}

// reported reports whether the decoder has a fault at the secret of a client.
func (r *resolver) reported(path string) bool {
	return slices.ContainsFunc(r.faults, func(f Fault) bool {
		return f.Path == join(path, "secret") || f.Path == join(path, "hash")
	})
}

// allotted resolves what a client may use: by API, its scopes.
func (r *resolver) allotted(path string, v *ClientEntry, plans []*plan) map[string][]string {
	allotted := map[string][]string{}
	usable := plans
	if len(v.APIs) > 0 {
		usable = nil
		for i, name := range v.APIs {
			at := slices.IndexFunc(plans, func(p *plan) bool { return p.name == name })
			if at < 0 {
				r.report(index(join(path, "apis"), i), quote(name)+" is not an API", didYouMean(name, r.file.APIs.Keys()))
				continue
			}
			usable = append(usable, plans[at])
			allotted[name] = []string{}
		}
	}
	if v.Type == "resource" {
		if len(v.Scopes) > 0 {
			r.report(join(path, "scopes"), "a resource has no scopes", "leave them away, and name its apis")
		}
		if len(v.APIs) == 0 {
			r.report(path, "the resource is no API", "name its apis")
		}
		return allotted
	}
	for i, text := range v.Scopes {
		if v.Type != "machine" && slices.Contains(openIDScopes, text) && !hasScope(usable, text) {
			add(allotted, OpenIDName, text)
			continue
		}
		r.allot(index(join(path, "scopes"), i), text, usable, allotted)
	}
	for _, p := range usable {
		if scopes, ok := allotted[p.name]; ok && len(scopes) == 0 && len(p.scopes) > 0 && len(v.Scopes) == 0 {
			r.report(path, "no scope of "+p.name+" is allotted to the client", "write scopes: all, or those that it needs")
		}
	}
	if len(v.APIs) == 0 && len(v.Scopes) == 0 && len(plans) > 0 {
		r.report(path, "the client may use no API", "write scopes, or apis for those without scopes")
	}
	return allotted
}

// allot adds what one text under scopes means.
func (r *resolver) allot(path, text string, usable []*plan, allotted map[string][]string) {
	if text == wordAll {
		for _, p := range usable {
			for _, s := range p.scopes {
				add(allotted, p.name, s.Name)
			}
		}
		return
	}
	apis := make([]*API, len(usable))
	for i, p := range usable {
		apis[i] = p.api()
	}
	m, problem, hint := named(text, apis...)
	switch {
	case problem != "":
		r.report(path, strings.Replace(problem, "of the API", "of its APIs", 1), hint)
	case len(m.Of) > 1:
		r.report(path, fmt.Sprintf("%s is a scope of %s", quote(text), strings.Join(m.Of, " and ")), "name one of them under apis")
	default:
		add(allotted, m.Of[0], m.Scope)
	}
}

func hasScope(plans []*plan, name string) bool {
	return slices.ContainsFunc(plans, func(p *plan) bool { return p.api().Scope(name) != nil })
}

func add(allotted map[string][]string, api, scope string) {
	if !slices.Contains(allotted[api], scope) {
		allotted[api] = append(allotted[api], scope)
	}
}

// secrets gives the declared clients their verifiers.
func (r *resolver) secrets(c *Catalogue) {
	for _, entry := range r.file.Clients {
		path := join("clients", entry.Key)
		for _, name := range entry.Value.Environments {
			e := c.Find(name)
			at := slices.IndexFunc(e.Clients, func(client Client) bool { return client.ID == entry.Key })
			if entry.Value.Type == "native" || entry.Value.Type == "browser" {
				continue
			}
			verifier, err := verify(&entry.Value, salt(name, entry.Key))
			if err != nil {
				key := "hash"
				if entry.Value.Hash == "" {
					key = "secret"
				}
				r.once(join(path, key), err.Error(), "")
				continue
			}
			e.Clients[at].Verifier = verifier.Encoded()
		}
	}
}

func verify(v *ClientEntry, rand io.Reader) (secret.Verifier, error) {
	if v.Hash != "" {
		return secret.Import(v.Hash, rand)
	}
	return secret.FromChosen(v.Secret.Value, rand)
}

// salt is the same at every load and on every node, so that a verifier changes
// when its secret does, and what is remembered of it stays good. A salt has to
// differ between hashes; nothing asks it to be unknown (RFC 9106 §3.1).
func salt(environment, client string) io.Reader {
	sum := sha256.Sum256([]byte("declared client\x00" + environment + "\x00" + client))
	return bytes.NewReader(sum[:])
}
