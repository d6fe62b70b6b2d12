package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/catalogue"
)

func TestRecords(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ text, want string }{
		{`{"a":1}`, "1 [a]"},
		{"{\"a\":1}\n\n{\"b\":1,\n\"c\":2}\n", "1 [a] 3 [b c]"},
		{"[\n {\"a\":1},\n {\"b\":1}\n]", "2 [a] 3 [b]"},
		{"[{\"a\":1}]\n[{\"b\":1}]\n{\"c\":1}", "1 [a] 2 [b] 3 [c]"},
		{"{\"total\":2,\n \"list\":[{\"a\":1},\n{\"b\":1}]}", "1 [a] 2 [b]"},
		{"[]", ""},
		{"", ""},
		{"[{\"a\":1}", "1 [a] x.json:1: is not JSON: an array does not end"},
		{"{\"a\":1}\n[1]", "1 [a] x.json:2: is not a JSON object"},
		{"{\"a\":1}\n\"secret", "1 [a] x.json:2: is not a JSON object"},
		{"null", "x.json:1: is not a JSON object"},
		{"{\"list\":[3]}", "x.json:1: is not a JSON object"},
	} {
		f := movingFile{"x.json", []byte(row.text)}
		var got []string
		for r, err := range f.records("list") {
			if err != nil {
				got = append(got, err.Error())
				continue
			}
			var names []string
			for name := range r.members {
				names = append(names, name)
			}
			slices.Sort(names)
			got = append(got, fmt.Sprint(r.line, names))
		}
		if diff := cmp.Diff(row.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%q: %s", row.text, diff)
		}
	}
}

func FuzzMoving(f *testing.F) {
	f.Add([]byte(`{"UserPoolClient":{"ClientId":"a","AllowedOAuthFlows":["code"]}}`))
	f.Add([]byte(`[{"client_id":"a","client_secret":"{noop}b","app_type":"spa"},{"_id":1,"identifiers":[]}]`))
	f.Add([]byte("client_id,client_secret,scope\na,b,c\n"))
	f.Add([]byte("username,password,enabled\na,b,0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, from := range []product{cognito, auth0, spring} {
			m, err := from.read([]movingFile{{"x", data}})
			if err != nil {
				continue
			}
			for i := range m.clients {
				n := m.clients[i].judged(nil, movingOptions{})
				if m.clients[i].refused == "" && n.Type == "" {
					t.Fatalf("%s: a client of no type: %q", from.name, data)
				}
			}
			for _, file := range m.people {
				for range file.rows { // whatever they are
				}
			}
		}
	})
}

func TestJudged(t *testing.T) {
	t.Parallel()
	apis := []*catalogue.API{
		{Name: "notes", Audience: "https://notes.example", Scopes: []*catalogue.Scope{{Name: "notes:read", Aliases: []string{"old"}}, {Name: "notes:write"}}},
		{Name: "files", Audience: "https://files.example", Scopes: []*catalogue.Scope{{Name: "files:read"}}},
	}
	machine := coming{id: "a", secret: "s", grants: []string{"client_credentials"}, scopes: []string{"old"}}
	person := coming{id: "a", secret: "s", grants: []string{"authorization_code", "refresh_token"}, scopes: []string{"openid", "notes:write"}, redirects: []string{"https://a.example/back"}}
	for _, row := range []struct {
		name string
		from coming
		do   func(*coming, *movingOptions)
		want string // type, grants, scopes, APIs
		says string // left or refused
	}{
		{"a machine", machine, nil, "machine [client_credentials] [notes:read] [notes]", ""},
		{"a web client", person, nil, "web [authorization_code refresh_token] [openid notes:write] [notes]", ""},
		{"without a secret", person, func(c *coming, _ *movingOptions) { c.secret = "" }, "browser [authorization_code refresh_token] [openid notes:write] [notes]", ""},
		{"of a scheme of its own", person, func(c *coming, _ *movingOptions) { c.secret, c.redirects = "", []string{"com.example.a:/back"} }, "native [authorization_code refresh_token] [openid notes:write] [notes]", ""},
		{"a machine without a secret", machine, func(c *coming, _ *movingOptions) { c.secret = "" }, "machine [client_credentials] [notes:read] [notes]", "the file has no secret of it"},
		{"a grant that is not here", machine, func(c *coming, _ *movingOptions) { c.grants = append(c.grants, "password") }, "machine [client_credentials] [notes:read] [notes]", "the grant password, which is not here"},
		{"no grant that is here", machine, func(c *coming, _ *movingOptions) { c.grants = []string{"password"} }, " [] [notes:read] [notes]", "it has no grant that there is here"},
		{"a scope about people", machine, func(c *coming, _ *movingOptions) { c.scopes = append(c.scopes, "email") }, "machine [client_credentials] [notes:read] [notes]", "the scope email: it is about people"},
		{"a scope that is not here", machine, func(c *coming, _ *movingOptions) { c.scopes = append(c.scopes, "x") }, "machine [client_credentials] [notes:read] [notes]", "the scope x, which is not here"},
		{"a scope of another name", machine, func(c *coming, o *movingOptions) {
			c.scopes, o.scopes = []string{"x"}, map[string]string{"x": "files:read"}
		}, "machine [client_credentials] [files:read] [files]", ""},
		{"a scope that is to be left", machine, func(c *coming, o *movingOptions) {
			c.scopes, o.scopes = []string{"old", "x"}, map[string]string{"x": ""}
		}, "machine [client_credentials] [notes:read] [notes]", "as --map-scope says"},
		{"no scope at all", machine, func(c *coming, _ *movingOptions) { c.scopes = nil }, "machine [client_credentials] [] []", "it has no scope that there is here"},
		{"a whole API, and a scope of another", machine, func(c *coming, _ *movingOptions) { c.granted = []grantedAt{{"https://files.example", nil, true}} }, "machine [client_credentials] [notes:read files:read] [notes files]", ""},
		{"nothing of an API", machine, func(c *coming, _ *movingOptions) { c.granted = []grantedAt{{"https://files.example", nil, false}} }, "machine [client_credentials] [notes:read] [notes]", ""},
		{"a scope of an API that has another", machine, func(c *coming, _ *movingOptions) {
			c.granted = []grantedAt{{"https://files.example", []string{"notes:write"}, false}}
		}, "machine [client_credentials] [notes:read] [notes]", "the scope notes:write, which is not here"},
		{"an API that is not here", machine, func(c *coming, _ *movingOptions) {
			c.granted = []grantedAt{{"https://other.example", []string{"notes:write"}, true}}
		}, "machine [client_credentials] [notes:read] [notes]", "it is the audience of none here"},
		{"an id that cannot be", machine, func(c *coming, _ *movingOptions) { c.id = "a b" }, "machine [client_credentials] [notes:read] [notes]", "its id "},
		{"a redirect that is not good", person, func(c *coming, _ *movingOptions) { c.redirects = []string{"http://a.example/"} }, "web [authorization_code refresh_token] [openid notes:write] [notes]", "it has no redirect URI that is good here"},
	} {
		c, o := row.from, movingOptions{}
		if row.do != nil {
			row.do(&c, &o)
		}
		n := c.judged(apis, o)
		if got := fmt.Sprint(n.Type, " ", n.Grants, " ", n.Scopes, " ", n.APIs); got != row.want {
			t.Errorf("%s: is %s, want %s", row.name, got, row.want)
		}
		said := strings.Join(append(c.left, c.refused), "\n")
		if !strings.Contains(said, row.says) || row.says == "" && said != "" {
			t.Errorf("%s: says %q, want %q", row.name, said, row.says)
		}
	}
	legacy := person
	if n := legacy.judged(apis, movingOptions{strict: true}); n.SignIn.Legacy {
		t.Error("--require-pkce has no effect")
	}
}
