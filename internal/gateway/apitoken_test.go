package gateway

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// A directory is a Directory of a few people and API tokens.
type directory struct {
	people []*store.Account
	tokens map[string]*store.APIToken // by text
	failed error                      // of everything

	mu    sync.Mutex
	used  []string
	acted []string
}

func (d *directory) APIToken(_ context.Context, hash [32]byte) (*store.APIToken, error) {
	for text, t := range d.tokens {
		if secret.HashOf(text) == hash {
			return t, d.failed
		}
	}
	return nil, errors.Join(store.ErrNotFound)
}

func (d *directory) find(is func(*store.Account) bool) (*store.Account, error) {
	if i := slices.IndexFunc(d.people, is); i >= 0 {
		return d.people[i], nil
	}
	return nil, store.ErrNotFound
}

func (d *directory) Person(_ context.Context, id string) (*store.Account, error) {
	return d.find(func(a *store.Account) bool { return a.ID == id })
}

func (d *directory) Named(_ context.Context, name string) (*store.Account, error) {
	return d.find(func(a *store.Account) bool { return a.Name == name })
}

func (d *directory) Used(id string, _ time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used = append(d.used, id)
}

func (d *directory) ActedFor(_ context.Context, id, account string, by store.By) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed != nil {
		return d.failed
	}
	d.acted = append(d.acted, id+" for "+account+" by "+by.Actor+" "+by.Trace)
	return nil
}

// people are Ann, Bob who is disabled, Zoë with a role, and an operator.
func people() *directory {
	ends := time.Now().Add(time.Hour)
	elevated := func(t store.APIToken) *store.APIToken {
		t.Elevated, t.EndsAt, t.ApprovedAt, t.APIs = true, ends, time.Now(), []string{"notes"}
		if t.Addresses == nil {
			t.Addresses = []string{"127.0.0.0/8", "::1/128"}
		}
		if t.Scope == nil {
			t.Scope = []string{"read"}
		}
		return &t
	}
	late := elevated(store.APIToken{ID: "late"})
	late.EndsAt = time.Now().Add(-time.Second)
	waiting := elevated(store.APIToken{ID: "waiting"})
	waiting.ApprovedAt = time.Time{}
	return &directory{
		people: []*store.Account{
			{ID: "ann-id", Name: "ann"},
			{ID: "bob-id", Name: "bob", DisabledAt: time.Now()},
			{ID: "zoe-id", Name: `EDU\zoë`, Roles: []string{"teacher", "time tabler"}},
			{ID: "op-id", Name: "op", Roles: []string{"operator"}},
		},
		tokens: map[string]*store.APIToken{
			"plain":     {ID: "plain-id", APIs: []string{"notes"}},
			"with-user": {ID: "with-id", NeedsUser: true, APIs: []string{"notes"}},
			"revoked":   {ID: "revoked-id", APIs: []string{"notes"}, RevokedAt: time.Now()},
			"ended":     {ID: "ended-id", APIs: []string{"notes"}, EndsAt: time.Now().Add(-time.Second)},
			"elsewhere": {ID: "elsewhere-id", APIs: []string{"other"}},
			"high":      elevated(store.APIToken{ID: "high-id"}),
			"high-all":  elevated(store.APIToken{ID: "all-id", Scope: []string{"read", "write", "teach", "invented"}}),
			"high-with": elevated(store.APIToken{ID: "high-with-id", NeedsUser: true}),
			"far":       elevated(store.APIToken{ID: "far-id", Addresses: []string{"192.0.2.0/24"}}),
			"nowhere":   elevated(store.APIToken{ID: "nowhere-id", Addresses: []string{}}),
			"late":      late,
			"waiting":   waiting,
		},
	}
}

// timetable makes the first API one that knows API tokens.
func timetable(d *directory, changes ...func(*catalogue.API)) func(*fixture) {
	return func(f *fixture) {
		f.settings.Directory = d
		api := f.environment.APIs[0]
		api.Envelope, api.Query = spring, true
		api.Tokens = catalogue.APITokens{Header: "apiToken", For: "requestedAuth", Elevated: true}
		api.Scopes[1].Write = true
		api.Scopes = append(api.Scopes, &catalogue.Scope{Name: "teach", Roles: []string{"teacher"}})
		api.Routes = append(api.Routes,
			catalogue.Route{Methods: []string{"GET"}, Path: "/teach", AnyOf: [][]string{{"teach"}}, Access: catalogue.Bearer},
			catalogue.Route{Methods: []string{"GET"}, Path: "/write", AnyOf: [][]string{{"write"}}, Access: catalogue.Bearer})
		for _, change := range changes {
			change(api)
		}
	}
}

// TestAPITokens is every combination of a site's settings, the API token, the
// person that the request names, and an access token.
func TestAPITokens(t *testing.T) {
	opened := func(word string) func(*catalogue.API) { return func(a *catalogue.API) { a.Open = word } }
	anybody, counted, known := opened(catalogue.OpenPublic), opened(catalogue.OpenAPIToken), opened(catalogue.OpenToken)
	lowered := func(a *catalogue.API) { a.Tokens.Elevated = false }
	for _, row := range []struct {
		name    string
		site    func(*catalogue.API)
		path    string
		token   string // apiToken; "-": none
		person  string // requestedAuth; "-": none
		bearer  string // "": none
		status  int
		says    string // in the body
		account string // that the API is told
	}{
		{"nothing, where nothing is asked for", anybody, "/open", "-", "-", "", 200, "", ""},
		{"a plain one there", anybody, "/open", "plain", "-", "", 200, "", ""},
		{"an unknown one there", anybody, "/open", "unknown", "-", "", 403, "API token invalid.", ""},
		{"an empty one", anybody, "/open", "", "-", "", 403, "API token invalid.", ""},
		{"one that needs a user, alone", anybody, "/open", "with-user", "-", "", 401, `"invalid_token"`, ""},
		{"one that needs a user, with a bad token", anybody, "/open", "with-user", "-", "bad", 401, `"invalid_token"`, ""},
		{"one that needs a user, with one", anybody, "/open", "with-user", "-", annToken, 200, "", "ann-id"},
		{"a token that is not asked for", anybody, "/open", "plain", "-", annToken, 200, "", ""},
		{"elevated, for nobody", anybody, "/open", "high", "-", "", 200, "", ""},
		{"elevated, for somebody", anybody, "/open", "high", "ann", "", 200, "", "ann-id"},

		{"nothing, where one is asked for", counted, "/open", "-", "-", "", 403, "API token required.", ""},
		{"a token, where an API token is asked for", counted, "/open", "-", "-", annToken, 403, "API token required.", ""},
		{"a plain one, asked for", counted, "/open", "plain", "-", "", 200, "", ""},
		{"a revoked one", counted, "/open", "revoked", "-", "", 403, "API token invalid.", ""},
		{"one that ended", counted, "/open", "ended", "-", "", 403, "API token invalid.", ""},
		{"another API's", counted, "/open", "elsewhere", "-", "", 403, "API token invalid.", ""},
		{"elevated, asked for", counted, "/open", "high", "-", "", 200, "", ""},
		{"elevated, too late", counted, "/open", "late", "-", "", 403, "API token invalid.", ""},
		{"elevated, not approved", counted, "/open", "waiting", "-", "", 403, "API token invalid.", ""},
		{"elevated, from elsewhere", counted, "/open", "far", "-", "", 403, "API token invalid.", ""},
		{"elevated, from nowhere", counted, "/open", "nowhere", "-", "", 403, "API token invalid.", ""},
		{"a token too, but on a route that needs one", counted, "/notes", "-", "-", annToken, 200, "", "ann-id"},

		{"nothing, where a token is asked for", known, "/open", "-", "-", "", 401, `"unauthorized"`, ""},
		{"a plain one, where a token is asked for", known, "/open", "plain", "-", "", 401, `"unauthorized"`, ""},
		{"a token, asked for", known, "/open", "-", "-", annToken, 200, "", "ann-id"},
		{"a client's own token", known, "/open", "-", "-", readToken, 200, "", ""},
		{"both", known, "/open", "plain", "-", annToken, 200, "", "ann-id"},
		{"elevated stands for a token", known, "/open", "high", "ann", "", 200, "", "ann-id"},
		{"elevated, for nobody, where a token is asked for", known, "/open", "high", "-", "", 401, `"unauthorized"`, ""},

		{"personal data, anonymously", anybody, "/notes", "-", "-", "", 401, `"unauthorized"`, ""},
		{"personal data, plain", anybody, "/notes", "plain", "-", "", 401, `"unauthorized"`, ""},
		{"personal data, by token", anybody, "/notes", "-", "-", annToken, 200, "", "ann-id"},
		{"personal data, by both", anybody, "/notes", "plain", "-", annToken, 200, "", "ann-id"},
		{"personal data, elevated", anybody, "/notes", "high", "ann", "", 200, "", "ann-id"},
		{"personal data, a name from a domain", anybody, "/notes", "high", `EDU\zoë`, "", 200, "", "zoe-id"},
		{"the name without its domain", anybody, "/notes", "high", "zoë", "", 404, `"not_found"`, ""},
		{"a bad API token beside a good token", anybody, "/notes", "unknown", "-", annToken, 403, "API token invalid.", ""},
		{"a good API token beside a bad token", anybody, "/notes", "plain", "-", "bad", 401, `"invalid_token"`, ""},
		{"the token of somebody disabled", anybody, "/notes", "-", "-", bobToken, 401, `"invalid_token"`, ""},

		{"a person named with a plain one", anybody, "/open", "plain", "ann", "", 403, "cannot act", ""},
		{"a person named with a plain one and a token", anybody, "/notes", "plain", "ann", annToken, 403, "cannot act", ""},
		{"a person named with nothing", anybody, "/open", "-", "ann", "", 403, "API token required.", ""},
		{"a person named with a token", anybody, "/notes", "-", "ann", annToken, 403, "API token required.", ""},
		{"elevated ones switched off", lowered, "/notes", "high", "ann", "", 403, "cannot act", ""},
		{"elevated ones switched off, for nobody", lowered, "/open", "high", "-", "", 200, "", ""},
		{"an unknown person", anybody, "/notes", "high", "eve", "", 404, `"not_found"`, ""},
		{"an empty name", anybody, "/notes", "high", "", "", 404, `"not_found"`, ""},
		{"a person who is disabled", anybody, "/notes", "high", "bob", "", 404, `"not_found"`, ""},
		{"an operator", anybody, "/notes", "high", "op", "", 403, "do not act", ""},
		{"the token of another person", anybody, "/notes", "high", `EDU\zoë`, annToken, 403, "another person", ""},
		{"the token of a client", anybody, "/notes", "high", "ann", readToken, 403, "another person", ""},
		{"the token of the same person", anybody, "/notes", "high", "ann", annToken, 200, "", "ann-id"},
		{"a bad token beside", anybody, "/notes", "high", "ann", "bad", 401, `"invalid_token"`, ""},
		{"elevated, needing a user, alone", anybody, "/notes", "high-with", "ann", "", 401, `"invalid_token"`, ""},
		{"elevated, needing a user, with one", anybody, "/notes", "high-with", "ann", annToken, 200, "", "ann-id"},

		{"more than the API token's scope", anybody, "/write", "high", "ann", "", 403, `"scope":"write"`, ""},
		{"its scope and everybody's right", anybody, "/write", "high-all", "ann", "", 200, "", "ann-id"},
		{"its scope and not the person's right", anybody, "/teach", "high-all", "ann", "", 403, `"scope":"teach"`, ""},
		{"its scope and the person's right", anybody, "/teach", "high-all", `EDU\zoë`, "", 200, "", "zoe-id"},
		{"the person's right and not its scope", anybody, "/teach", "high", `EDU\zoë`, "", 403, `"insufficient_scope"`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := start(t, nil, timetable(people(), row.site))
			text := "GET " + row.path + " HTTP/1.1"
			for _, h := range [][2]string{{"apiToken", row.token}, {"requestedAuth", row.person}} {
				if h[1] != "-" {
					text += "\n" + h[0] + ": " + h[1]
				}
			}
			if row.bearer != "" {
				text += "\nAuthorization: Bearer " + row.bearer
			}
			got := f.send(t, text)
			said := body(t, got)
			if got.StatusCode != row.status || !strings.Contains(said, row.says) {
				t.Errorf("%d %s", got.StatusCode, said)
			}
			if row.status != 200 {
				if len(f.reached()) > 0 {
					t.Error("the API was reached")
				}
				if !strings.HasPrefix(said, "{") {
					t.Errorf("a refusal is no object: %s", said)
				}
				return
			}
			h := f.reached()[0].Header
			if h.Get("Grantway-Account") != row.account || h.Get("Apitoken") != "" || h.Get("Requestedauth") != "" || h.Get("Authorization") != "" {
				t.Errorf("the API is told %v", h)
			}
		})
	}
}

// TestActs: what an elevated API token does for a person is written down before
// it happens, the API learns for whom, and rights are the narrower ones.
func TestActs(t *testing.T) {
	d := people()
	f := start(t, nil, timetable(d))
	if got := f.send(t, "GET /teach HTTP/1.1\napiToken: high-all\nrequestedAuth: EDU\\zoë"); got.StatusCode != 200 {
		t.Fatal(got.Status)
	}
	h := f.reached()[0].Header
	for name, want := range map[string]string{
		"Grantway-Account": "zoe-id", "Grantway-Subject": "zoe-id", "Grantway-User": "EDU%5Czo%C3%AB", "Grantway-Roles": "teacher time%20tabler",
		"Grantway-Scope": "read write teach", "Grantway-Api-Token": "all-id", "Grantway-Client": "",
	} {
		if h.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, h.Get(name), want)
		}
	}
	if want := []string{"all-id for zoe-id by api-token:all-id trace-of-this"}; !slices.Equal(d.acted, want) || !slices.Equal(d.used, []string{"all-id"}) {
		t.Errorf("written down: %q, used %q", d.acted, d.used)
	}
	if fact := <-f.facts; fact.Client != "api-token:all-id" || fact.Event != "call.passed" {
		t.Errorf("%+v", fact)
	}
	f.send(t, "GET /write HTTP/1.1\napiToken: high\nrequestedAuth: ann")
	if len(d.acted) != 1 {
		t.Errorf("a refused call is written down as done: %q", d.acted)
	}
	d.failed = store.ErrUnavailable
	if got := f.send(t, "GET /notes HTTP/1.1\napiToken: high\nrequestedAuth: ann"); got.StatusCode != 503 || len(f.reached()) != 1 {
		t.Errorf("what cannot be written down happens: %d", got.StatusCode)
	}
}

// TestRightsOfPersons is row U53: a token's scope is worth what its person may do.
func TestRightsOfPersons(t *testing.T) {
	roles := func(a *catalogue.API) { a.Scopes[0].Roles = []string{"teacher"} }
	f := start(t, nil, timetable(people(), roles))
	if got := f.get(t, "GET", "/notes", annToken); got.StatusCode != 403 {
		t.Errorf("without the role: %d", got.StatusCode)
	}
	if got := f.get(t, "GET", "/notes", readToken); got.StatusCode != 200 {
		t.Errorf("a client's own token: %d", got.StatusCode)
	}
	if got := f.get(t, "GET", "/write", annToken); got.StatusCode != 200 || f.reached()[1].Header.Get("Grantway-Scope") != "write" {
		t.Errorf("another scope: %d, %v", got.StatusCode, f.reached())
	}
}

// TestAPITokensAreCounted: each by itself, wherever it comes from.
func TestAPITokensAreCounted(t *testing.T) {
	d := people()
	d.tokens["second"] = &store.APIToken{ID: "second-id", APIs: []string{"notes"}}
	f := start(t, nil, timetable(d, func(a *catalogue.API) { a.Rate = catalogue.Rate{Requests: 1, Per: time.Hour} }))
	for _, row := range []struct {
		headers string
		status  int
	}{
		{"apiToken: plain", 200}, {"apiToken: plain", 429}, {"apiToken: second", 200}, {"apiToken: second", 429}, {"Accept: */*", 200}, {"Accept: */*", 429},
	} {
		if got := f.send(t, "GET /open HTTP/1.1\n"+row.headers); got.StatusCode != row.status || !strings.HasPrefix(body(t, got)+"{", map[int]string{200: "here", 429: "{"}[row.status]) {
			t.Errorf("%s: %d", row.headers, got.StatusCode)
		}
	}
}

// TestPrivateHeaders is row S04 for the headers that a catalogue names: no
// spelling of them is forwarded, to whichever API.
func TestPrivateHeaders(t *testing.T) {
	f := start(t, nil, timetable(people(), func(a *catalogue.API) { a.Tokens.For = "requested-Auth" }))
	f.send(t, "GET /other HTTP/1.1\nAuthorization: Bearer "+otherToken+
		"\napiToken: plain\nAPITOKEN: x\nrequested-auth: ann\nREQUESTED_AUTH: ann\nrequested.auth: ann\nX-Api-Token: mine")
	h := f.reached()[0].Header
	if len(f.reached()) != 1 || h.Get("X-Api-Token") != "mine" {
		t.Fatalf("%v", h)
	}
	for name := range h {
		if low := strings.ToLower(name); low == "apitoken" || strings.HasPrefix(low, "requested") {
			t.Errorf("%s reaches the API", name)
		}
	}
	for _, twice := range []string{"apiToken: plain\nApiToken: plain", "apiToken: high\nrequested-auth: ann\nrequested-auth: ann"} {
		if got := f.send(t, "GET /open HTTP/1.1\n"+twice); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d", twice, got.StatusCode)
		}
	}
}

// TestWithoutDirectory: a gateway that does not know API tokens passes none.
func TestWithoutDirectory(t *testing.T) {
	f := start(t, nil, timetable(nil), func(f *fixture) { f.settings.Directory = nil })
	if got := f.send(t, "GET /open HTTP/1.1\napiToken: plain"); got.StatusCode != 503 {
		t.Errorf("%d", got.StatusCode)
	}
	if got := f.get(t, "GET", "/notes", annToken); got.StatusCode != 200 || f.reached()[0].Header.Get("Grantway-Subject") != "ann-id" {
		t.Errorf("%d", got.StatusCode)
	}
}
