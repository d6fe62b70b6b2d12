package catalogue

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/grantway/grantway/internal/secret"
)

const people = `
name: Timetable
environments:
  old:
    issuer: https://old.timetable.example
    dialect: spring
    version: "2019.21"
    accounts: true
    login:
      second_factor: required
      idle: 10m
      theme: {accent: "#0b5f73"}
      mail: {server: "mail.timetable.example:587", from: "Timetable <no-reply@timetable.example>"}
      providers:
        school: {issuer: https://login.school.example, client_id: grantway, client_secret: "${SCHOOL}"}
  new:
    issuer: https://new.timetable.example
    version: "4.0"
apis:
  timetable:
    upstream: demo
    errors: spring
    query_token: true
    open: {old: public, new: api_token}
    versions: ["3.0", "2019.21", "4.0"]
    api_tokens: {header: apiToken, for: requestedAuth, elevated: true}
    token: {format: dashed, lifetime: 12h}
    scopes:
      username: {description: {en: Read who you are, nl: Lezen wie u bent}, since: "3.0"}
      user_read: {description: Read user information, since: "2019.21", roles: [student, staff]}
      messages_read: {description: Read messages, since: "4.0", write: true}
    routes:
      - GET /api/rooms: public
      - GET /api/user: username | user_read
clients:
  test:
    environments: [old]
    type: web
    secret: ${SECRET}
    scopes: [username, user_read, openid]
    redirect_uris: [http://localhost]
    legacy: true
    owner: Eveoh
  phone:
    environments: [old]
    type: native
    scopes: all
    redirect_uris: ["example.app:/cb"]
`

func parsePeople(text string) (*Catalogue, error) {
	return Parse("people.yaml", []byte(text), func(name string) (string, bool) {
		value, ok := map[string]string{"SECRET": "test", "SCHOOL": "school secret"}[name]
		return value, ok
	})
}

func TestPeople(t *testing.T) {
	c, err := parsePeople(people)
	if err != nil {
		t.Fatal(err)
	}
	old, newer := c.Find("old"), c.Find("new")
	names := func(a *API) (names []string) {
		for _, s := range a.Scopes {
			names = append(names, s.Name)
		}
		return names
	}
	want := &Login{
		SecondFactor: true, Idle: 10 * time.Minute, Session: 12 * time.Hour, Remember: 720 * time.Hour,
		Refresh: RefreshLife{720 * time.Hour, 2160 * time.Hour, 10 * time.Second},
		Theme:   Theme{Name: "Timetable", Accent: "#0b5f73"},
		Mail:    Mail{Server: "mail.timetable.example:587", From: "Timetable <no-reply@timetable.example>", TLS: "starttls"},
		Providers: []Provider{{
			Name: "school", Title: "School", Issuer: "https://login.school.example", ClientID: "grantway", Scopes: []string{"profile", "email"},
		}},
	}
	if diff := cmp.Diff(want, old.Login, cmpopts.IgnoreTypes(secret.Secret{})); diff != "" {
		t.Error(diff)
	}
	if old.Login.Providers[0].Secret.Reveal() != "school secret" {
		t.Error("the provider's secret did not arrive")
	}
	if newer.Login != nil || newer.OpenID != nil || len(newer.Grantable()) != 1 || len(old.Grantable()) != 2 {
		t.Error("people sign in to old, and to old only")
	}
	if got, want := names(old.APIs[0]), []string{"username", "user_read"}; !slices.Equal(got, want) {
		t.Errorf("scopes of 2019.21: %q, want %q", got, want)
	}
	if got := names(newer.APIs[0]); len(got) != 3 {
		t.Errorf("scopes of 4.0: %q", got)
	}
	api := old.APIs[0]
	if got := []string{api.Scopes[0].Describe("nl"), api.Scopes[0].Describe("fr"), api.Scopes[1].Describe("nl")}; !slices.Equal(got, []string{"Lezen wie u bent", "Read who you are", "Read user information"}) {
		t.Errorf("descriptions: %q", got)
	}
	if !api.Query || api.Open != OpenPublic || newer.APIs[0].Open != OpenAPIToken || api.Tokens != (APITokens{"apiToken", "requestedAuth", true}) {
		t.Errorf("the API: %+v", api)
	}
	if api.Token.Format != Opaque || !api.Token.Dashed {
		t.Errorf("the token: %+v", api.Token)
	}
	test, phone := old.Clients[0], old.Clients[1]
	if diff := cmp.Diff(map[string][]string{"timetable": {"username", "user_read"}, "openid": {"openid"}}, test.Allotted); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(test.Grants, []string{"authorization_code", "refresh_token"}) || !test.SignIn.Legacy || test.SignIn.Owner != "Eveoh" {
		t.Errorf("test: %+v", test)
	}
	if phone.Verifier != "" || phone.Type != "native" || test.Verifier == "" {
		t.Errorf("a native client keeps no secret: %+v", phone)
	}
}

func TestPeopleChecks(t *testing.T) {
	for _, row := range []struct{ old, new, path, problem string }{
		{"    accounts: true\n", "", "environments.old.login", "nobody signs in"},
		{"#0b5f73", "teal", "environments.old.login.theme.accent", "not a colour"},
		{"idle: 10m", "idle: 13h", "environments.old.login.idle", "longer than session"},
		{"idle: 10m", "idle: 30s", "environments.old.login.idle", "must be from"},
		{"idle: 10m", "refresh: {idle: 800h, most: 700h}", "environments.old.login.refresh.idle", "longer than most"},
		{"timetable.example:587", "timetable.example", "environments.old.login.mail.server", "not a host and port"},
		{"<no-reply@timetable.example>", "<no-reply>", "environments.old.login.mail.from", "not an e-mail address"},
		{"server: \"mail.timetable.example:587\", ", "", "environments.old.login.mail", "no server"},
		{"from: \"Timetable", "tls: none, from: \"Timetable", "environments.old.login.mail.tls", "in the clear"},
		{"https://login.school.example", "http://login.school.example", "environments.old.login.providers.school.issuer", "not an issuer"},
		{"version: \"4.0\"", "version: \"5.0\"", "environments.new.version", "not one of the versions"},
		{"since: \"3.0\"", "since: \"3.1\"", "apis.timetable.scopes.username.since", "not one of the versions"},
		{"new: api_token", "new: closed", "apis.timetable.open.new", "not known"},
		{"new: api_token}", "nex: api_token}", "apis.timetable.open.nex", "not an environment"},
		{"header: apiToken, ", "", "apis.timetable.api_tokens", "no header"},
		{"header: apiToken", "header: Authorization", "apis.timetable.api_tokens.header", "cannot be"},
		{"header: apiToken", "header: requestedauth", "apis.timetable.api_tokens.for", "too"},
		{", for: requestedAuth", "", "apis.timetable.api_tokens", "for whom"},
		{"{en: Read who you are, nl", "{de: Lesen, nl", "apis.timetable.scopes.username.description", "English"},
		{"redirect_uris: [http://localhost]", "owner2: x", "clients.test.owner2", "not a key"},
		{"    redirect_uris: [http://localhost]\n", "", "clients.test", "nowhere"},
		{"[http://localhost]", "[http://app.example]", "clients.test.redirect_uris[0]", "is http"},
		{"owner: Eveoh", "owner: Eve\u200boh", "clients.test.owner", "not seen"},
		{"owner: Eveoh", "name: \u202eevil", "clients.test.name", "not seen"},
		{"owner: Eveoh", "owner: " + strings.Repeat("x", 129), "clients.test.owner", "129 characters"},
		{"owner: Eveoh", "homepage: http://localhost", "clients.test.homepage", "is http"},
		{"owner: Eveoh", "homepage: javascript:alert(1)", "clients.test.homepage", "neither https"},
		{"owner: Eveoh", "backchannel_logout_uri: http://app.example/", "clients.test.backchannel_logout_uri", "is http"},
		{"owner: Eveoh", "post_logout_redirect_uris: [" + strings.Repeat("https://a.example/, ", 51) + "]", "clients.test.post_logout_redirect_uris", "more than 50"},
		{"type: native", "type: browser", "clients.phone.redirect_uris[0]", "neither https"},
		{"type: native", "type: native\n    secret: ${SECRET}", "clients.phone", "keeps no secret"},
		{"type: web", "type: machine", "clients.test.redirect_uris", "does not act for people"},
	} {
		if !strings.Contains(people, row.old) {
			t.Fatalf("%q is not in the file", row.old)
		}
		_, err := parsePeople(strings.Replace(people, row.old, row.new, 1))
		faults, _ := errors.AsType[Faults](err)
		if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Path == row.path && strings.Contains(f.Problem, row.problem) }) {
			t.Errorf("%s: got %v; want %s: …%s…", row.new, err, row.path, row.problem)
		}
	}
}
