package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/oauth"
)

var auth0 = product{name: "auth0", title: "Auth0", read: readAuth0}

// auth0Client is as much of a client of Auth0's Management API as is read.
type auth0Client struct {
	ClientID     string   `json:"client_id"`
	Name         string   `json:"name"`
	ClientSecret string   `json:"client_secret"`
	AppType      string   `json:"app_type"`
	GrantTypes   []string `json:"grant_types"`
	Callbacks    []string `json:"callbacks"`
	Logouts      []string `json:"allowed_logout_urls"`
	AuthMethod   string   `json:"token_endpoint_auth_method"`
	Global       bool     `json:"global"`
	Logout       struct {
		URLs []string `json:"backchannel_logout_urls"`
	} `json:"oidc_logout"`
	JWT struct {
		Alg string `json:"alg"`
	} `json:"jwt_configuration"`
	Methods struct {
		PrivateKey any `json:"private_key_jwt"`
		TLS        any `json:"tls_client_auth"`
		SelfSigned any `json:"self_signed_tls_client_auth"`
	} `json:"client_authentication_methods"`
}

// auth0Grant says what a client may ask for at an API.
type auth0Grant struct {
	ClientID string   `json:"client_id"`
	Audience string   `json:"audience"`
	Scope    []string `json:"scope"`
	All      bool     `json:"allow_all_scopes"`
}

// auth0User is a user of the export with password hashes.
type auth0User struct {
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
	Username      string `json:"username"`
	GivenName     string `json:"given_name"`
	FamilyName    string `json:"family_name"`
	PasswordHash  string `json:"passwordHash"`
	Blocked       bool   `json:"blocked"`
	Identifiers   []struct {
		Type     string `json:"type"`
		Value    string `json:"value"`
		Verified bool   `json:"verified"`
	} `json:"identifiers"`
}

func readAuth0(files []movingFile) (*moving, error) {
	m := &moving{}
	wrappers := []string{"clients", "client_grants"}
	grants := map[string][]auth0Grant{}
	for i := range files {
		f := &files[i]
		const known = "clients or client grants of the Management API, or users with passwordHash, one object a line"
		if !f.isJSON() {
			return nil, unknownFile(f, known)
		}
		people := false
		for r, err := range f.records(wrappers...) {
			switch {
			case err != nil:
				return nil, err
			case r.has("client_id", "audience"):
				var g auth0Grant
				if err := r.into(f, &g); err != nil {
					return nil, err
				}
				grants[g.ClientID] = append(grants[g.ClientID], g)
			case r.has("client_id"):
				var c auth0Client
				if err := r.into(f, &c); err != nil {
					return nil, err
				}
				if c.Global {
					m.left = append(m.left, leftOut{"client " + c.ClientID, "it is Auth0's own (All Applications)"})
					continue
				}
				m.clients = append(m.clients, c.coming())
			case r.has("_id"), r.has("email"), r.has("passwordHash"), r.has("identifiers"):
				people = true
			default:
				return nil, unknownFile(f, known)
			}
		}
		if people {
			m.people = append(m.people, peopleOf(*f, nil, auth0Row))
		}
	}
	for i := range m.clients {
		for _, g := range grants[m.clients[i].id] {
			m.clients[i].granted = append(m.clients[i].granted, grantedAt{g.Audience, g.Scope, g.All})
		}
	}
	if len(m.people) > 0 {
		m.left = append(m.left, leftOut{"_id", "accounts get new ids: what is kept under the old ones is found again by the e-mail address"})
	}
	return m, nil
}

func (c *auth0Client) coming() coming {
	n := coming{
		id: c.ClientID, name: c.Name, secret: c.ClientSecret, redirects: c.Callbacks, logouts: c.Logouts,
		kind: map[string]string{
			"non_interactive": store.TypeMachine, "regular_web": store.TypeWeb, "spa": store.TypeBrowser, "native": store.TypeNative,
		}[c.AppType],
	}
	if c.Methods.PrivateKey != nil || c.Methods.TLS != nil || c.Methods.SelfSigned != nil {
		n.refused = "it authenticates with a key or a certificate, which is not read"
	}
	if c.AuthMethod == "none" {
		n.secret = "" // Auth0 has one for every client
	}
	for _, grant := range c.GrantTypes {
		n.grants = append(n.grants, strings.TrimPrefix(grant, "http://auth0.com/oauth/grant-type/"))
	}
	if slices.Contains(n.grants, oauth.GrantAuthorizationCode) {
		// What people allow is asked of them: Auth0 does not list it.
		n.scopes = append(n.scopes, oauth.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail)
	}
	if len(c.Logout.URLs) > 0 {
		n.notice = c.Logout.URLs[0]
	}
	if alg := c.JWT.Alg; alg == "HS256" {
		n.leave("ID tokens signed with HS256: they are signed with RS256 here")
	} else {
		n.idTokenAlg = alg
	}
	return n
}

func auth0Row(f *movingFile, r *record) (account.Row, error) {
	var u auth0User
	if err := r.into(f, &u); err != nil {
		return account.Row{}, &account.RowError{Line: r.line, Reason: "not a user as Auth0 exports one"}
	}
	for _, known := range u.Identifiers {
		if known.Type == "email" && u.Email == "" {
			u.Email, u.EmailVerified = known.Value, known.Verified
		}
		if known.Type == "username" && u.Username == "" {
			u.Username = known.Value
		}
	}
	if u.Blocked {
		return account.Row{}, &staysError{cmp.Or(u.Username, u.Email), "is blocked at Auth0"}
	}
	return account.Row{
		Name: cmp.Or(u.Username, u.Email), Email: u.Email, EmailVerified: u.EmailVerified,
		GivenName: u.GivenName, FamilyName: u.FamilyName, PasswordHash: u.PasswordHash,
	}, nil
}
