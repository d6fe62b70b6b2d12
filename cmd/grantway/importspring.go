package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/oauth"
)

var spring = product{name: "spring", title: "Spring Security OAuth", read: readSpring}

// springClient is a row of oauth_client_details, the table of the JdbcClientDetailsService.
type springClient struct {
	ID          springText `json:"client_id"`
	Secret      springText `json:"client_secret"`
	Scope       springText `json:"scope"`
	Grants      springText `json:"authorized_grant_types"`
	Redirects   springText `json:"web_server_redirect_uri"`
	Authorities springText `json:"authorities"`
	Life        springText `json:"access_token_validity"`
	RefreshLife springText `json:"refresh_token_validity"`
	Further     springText `json:"additional_information"`
	AutoApprove springText `json:"autoapprove"`
}

// springText is a column, as a text whatever its type was.
type springText string

// UnmarshalJSON is json.Unmarshaler's.
func (t *springText) UnmarshalJSON(text []byte) error {
	var s string
	switch {
	case string(text) == "null":
	case json.Unmarshal(text, &s) == nil:
		*t = springText(s)
	default:
		*t = springText(text) // a number, true or false
	}
	return nil
}

// list are the words of a column: commas stand between them, and in scopes also spaces.
func (t springText) list() []string {
	return strings.FieldsFunc(string(t), func(r rune) bool { return r == ',' || r == ' ' })
}

func readSpring(files []movingFile) (*moving, error) {
	m := &moving{}
	roles := map[string][]string{}
	var users []*movingFile
	for i := range files {
		f := &files[i]
		kind := ""
		for r, err := range f.all() {
			if err != nil {
				return nil, err
			}
			lowered := map[string]json.RawMessage{}
			for name, value := range r.members {
				lowered[strings.ToLower(name)] = value
			}
			r.members = lowered
			switch {
			case r.has("client_id"):
				var c springClient
				if err := r.into(f, &c); err != nil {
					return nil, err
				}
				m.clients = append(m.clients, c.coming())
			case r.has("username", "authority"):
				var a struct{ Username, Authority springText }
				if err := r.into(f, &a); err != nil {
					return nil, err
				}
				roles[string(a.Username)] = append(roles[string(a.Username)], strings.TrimPrefix(string(a.Authority), "ROLE_"))
			case r.has("username", "password"):
				kind = "users"
			default:
				return nil, unknownFile(f, "the tables oauth_client_details, users and authorities, as CSV with a line of names or as JSON")
			}
		}
		if kind == "users" {
			users = append(users, f)
		}
	}
	for _, f := range users {
		m.people = append(m.people, peopleOf(*f, nil, func(f *movingFile, r *record) (account.Row, error) { return springRow(f, r, roles) }))
	}
	return m, nil
}

func (c *springClient) coming() coming {
	n := coming{id: string(c.ID), hash: springHash(string(c.Secret)), grants: c.Grants.list(), scopes: c.Scope.list(), redirects: c.Redirects.list()}
	if c.Secret == "" && slices.Contains(n.grants, oauth.GrantClientCredentials) {
		n.refused = "it has no secret"
	}
	if c.Life != "" || c.RefreshLife != "" {
		seconds, err := strconv.Atoi(string(c.Life))
		if err == nil && seconds > 0 {
			n.leave("its tokens' lifetime of %d seconds: say it under the API's token.lifetime", seconds)
		}
	}
	if authorities := c.Authorities.list(); len(authorities) > 0 {
		n.leave("the authorities %s: clients have scopes", strings.Join(authorities, ", "))
	}
	if further := strings.TrimSpace(string(c.Further)); further != "" && further != "{}" {
		n.leave("additional_information")
	}
	if approve := c.AutoApprove; approve != "" && approve != "false" {
		n.leave("autoapprove: people are asked once")
	}
	return n
}

var bareBcrypt = regexp.MustCompile(`^\$2[aby]?\$`)

// springHash is a secret as a DelegatingPasswordEncoder wrote it, or a bcrypt hash
// from before there was one. A text without either is a clear secret of a
// NoOpPasswordEncoder.
func springHash(text string) string {
	if text == "" || text[0] == '{' || bareBcrypt.MatchString(text) {
		return text
	}
	return "{noop}" + text
}

func springRow(f *movingFile, r *record, roles map[string][]string) (account.Row, error) {
	lowered := map[string]json.RawMessage{}
	for name, value := range r.members {
		lowered[strings.ToLower(name)] = value
	}
	r.members = lowered
	var u struct{ Username, Password, Enabled, Email springText }
	if err := r.into(f, &u); err != nil {
		return account.Row{}, err
	}
	if enabled := strings.ToLower(string(u.Enabled)); slices.Contains([]string{"0", "false", "f"}, enabled) {
		return account.Row{}, &staysError{string(u.Username), "is disabled there"}
	}
	name := string(u.Username)
	return account.Row{Name: name, Email: string(u.Email), Roles: roles[name], PasswordHash: springHash(string(u.Password))}, nil
}
