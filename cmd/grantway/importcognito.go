package main

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/oauth"
)

var cognito = product{name: "cognito", title: "Amazon Cognito", read: readCognito}

// cognitoClient is as much of the UserPoolClientType of Amazon Cognito as is read.
type cognitoClient struct {
	ClientID     string   `json:"ClientId"`
	ClientName   string   `json:"ClientName"`
	ClientSecret string   `json:"ClientSecret"`
	OAuth        bool     `json:"AllowedOAuthFlowsUserPoolClient"`
	Flows        []string `json:"AllowedOAuthFlows"`
	Scopes       []string `json:"AllowedOAuthScopes"`
	Callbacks    []string `json:"CallbackURLs"`
	Logouts      []string `json:"LogoutURLs"`
	Providers    []string `json:"SupportedIdentityProviders"`
	Life         int      `json:"AccessTokenValidity"`
	Units        struct {
		Access string `json:"AccessToken"`
	} `json:"TokenValidityUnits"`
}

// cognitoUser is as much of its UserType.
type cognitoUser struct {
	Username   string
	Enabled    *bool
	Status     string `json:"UserStatus"`
	Attributes []struct{ Name, Value string }
}

func readCognito(files []movingFile) (*moving, error) {
	m := &moving{}
	const known = "describe-user-pool-client or list-users as JSON, or users as CSV with the column cognito:username"
	for i := range files {
		f := &files[i]
		if !f.isJSON() {
			if !slices.Contains(f.columns(), "cognito:username") {
				return nil, unknownFile(f, known)
			}
			m.people = append(m.people, peopleOf(*f, nil, cognitoRow))
			continue
		}
		people := false
		for r, err := range f.records() {
			switch {
			case err != nil:
				return nil, err
			case r.has("UserPoolClient"):
				var c struct{ UserPoolClient cognitoClient }
				if err := r.into(f, &c); err != nil {
					return nil, err
				}
				m.clients = append(m.clients, c.UserPoolClient.coming())
			case r.has("UserPoolClients"):
				return nil, f.wrong(r.line, "list-user-pool-clients says neither secrets nor scopes: run describe-user-pool-client for each")
			case r.has("Users"), r.has("Username"):
				people = true
			default:
				return nil, unknownFile(f, known)
			}
		}
		if people {
			m.people = append(m.people, peopleOf(*f, []string{"Users"}, cognitoUserRow))
		}
	}
	if len(m.people) > 0 {
		m.left = append(m.left,
			leftOut{"passwords", "Cognito gives out none: people choose one by a link, or sign in at Cognito as a provider until they have"},
			leftOut{"sub", "accounts get new ids: what is kept under the old ones is found again by the e-mail address"})
	}
	return m, nil
}

func (c *cognitoClient) coming() coming {
	n := coming{id: c.ClientID, name: c.ClientName, secret: c.ClientSecret, scopes: c.Scopes, redirects: c.Callbacks, logouts: c.Logouts}
	if !c.OAuth || len(c.Flows) == 0 {
		n.refused = "it uses no OAuth flow: its programs speak Cognito's own API"
		return n
	}
	for _, flow := range c.Flows {
		if flow == "code" {
			n.grants = append(n.grants, oauth.GrantAuthorizationCode, oauth.GrantRefreshToken)
		} else {
			n.grants = append(n.grants, flow)
		}
	}
	if others := slices.DeleteFunc(slices.Clone(c.Providers), func(p string) bool { return p == "COGNITO" }); len(others) > 0 {
		n.leave("sign-in by %s: name them under login.providers in grantway.yaml", strings.Join(others, ", "))
	}
	if c.Life > 0 {
		n.leave("its tokens' lifetime of %d %s: say it under the API's token.lifetime", c.Life, cmp.Or(c.Units.Access, "hours"))
	}
	return n
}

var isUUID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func cognitoUserRow(f *movingFile, r *record) (account.Row, error) {
	var u cognitoUser
	if err := r.into(f, &u); err != nil {
		return account.Row{}, &account.RowError{Line: r.line, Reason: "not a user as list-users writes one"}
	}
	attributes := map[string]string{}
	for _, a := range u.Attributes {
		attributes[a.Name] = a.Value
	}
	if u.Status == "EXTERNAL_PROVIDER" {
		return account.Row{}, &staysError{u.Username, "signs in elsewhere: gets an account at the first sign-in by that provider"}
	}
	return cognitoPerson(u.Username, attributes, u.Enabled == nil || *u.Enabled)
}

func cognitoRow(f *movingFile, r *record) (account.Row, error) {
	var attributes map[string]string
	if err := r.into(f, &attributes); err != nil {
		return account.Row{}, err
	}
	return cognitoPerson(attributes["cognito:username"], attributes, true)
}

// cognitoPerson is a person by the name that they type: where Cognito made the
// name, that is the e-mail address.
func cognitoPerson(name string, attributes map[string]string, enabled bool) (account.Row, error) {
	if !enabled {
		return account.Row{}, &staysError{name, "is disabled at Cognito"}
	}
	if isUUID.MatchString(name) && attributes["email"] != "" {
		name = attributes["email"]
	}
	return account.Row{
		Name: name, Email: attributes["email"], EmailVerified: strings.EqualFold(attributes["email_verified"], "true"),
		GivenName: attributes["given_name"], FamilyName: attributes["family_name"], Locale: strings.ReplaceAll(attributes["locale"], "_", "-"),
	}, nil
}
