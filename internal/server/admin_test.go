package server

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// A caller is a program with a token of home.
type caller struct {
	*site
	token string
}

// caller gives a new client of home every permission there, and a token.
func (s *site) caller(t testing.TB, id string) *caller {
	t.Helper()
	home := s.environment("home")
	api := home.API(catalogue.AdminAPI)
	var scopes []string
	for _, scope := range api.Scopes {
		scopes = append(scopes, scope.Name)
	}
	kept := s.register(t, "home", registration{id: id, allotted: map[string][]string{api.Name: scopes}})
	got := s.send(t, s.request("POST "+home.Issuer.Path+"/oauth2/token HTTP/1.1", "grant_type=client_credentials&client_id="+id+"&client_secret="+kept, formType))
	if got.code != http.StatusOK {
		t.Fatalf("a token of home: %s", got)
	}
	return &caller{s, got.member("access_token")}
}

// call asks the admin API at a path as it is seen from outside.
func (c *caller) call(t testing.TB, method, path, body string, headers ...string) answer {
	t.Helper()
	headers = slices.Concat([]string{"Authorization: Bearer " + c.token, "Content-Type: application/json"}, headers)
	return c.send(t, c.request(method+" "+path+" HTTP/1.1", body, headers...))
}

// TestLocationsLeadThere: what an answer of the admin API points to is where it was
// asked, also where home lies below a path.
func TestLocationsLeadThere(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "quickstart", home: true})
	c := s.caller(t, "steward")
	api := s.environment("home").Base.Path + catalogue.AdminPath
	if api == catalogue.AdminPath {
		t.Fatal("home does not lie below a path here")
	}
	made := func(path, body string, headers ...string) string {
		t.Helper()
		got := c.call(t, http.MethodPost, path, body, headers...)
		at := got.header.Get("Location")
		if got.code != http.StatusCreated || !strings.HasPrefix(at, api+"/") {
			t.Fatalf("POST %s: %s\nLocation: %s", path, got, at)
		}
		return at
	}
	leads := func(at string) {
		t.Helper()
		if got := c.call(t, http.MethodGet, at, ""); got.code != http.StatusOK {
			t.Errorf("GET %s: %s", at, got)
		}
	}
	client := made(api+"/environments/staging/clients", `{"name":"Harbour","scopes":["all"]}`)
	leads(client)
	if got := c.call(t, http.MethodDelete, made(client+"/secrets", `{}`), ""); got.code != http.StatusOK {
		t.Errorf("the secret is not where its Location says: %s", got)
	}
	leads(made(api+"/environments/home/accounts", `{"name":"nell"}`))
	leads(made(api+"/operators", `{"name":"nell","roles":["auditor"]}`))
	const key = "Idempotency-Key: harbour-1"
	partner := made(api+"/partners", `{"name":"Harbour","email":"it@harbour.example"}`, key)
	leads(partner)
	if again := made(api+"/partners", `{"name":"Harbour","email":"it@harbour.example"}`, key); again != partner {
		t.Errorf("the same answer again has the Location %s, at first %s", again, partner)
	}
	leads(made(partner+"/members", `{"email":"ada@harbour.example","role":"admin"}`))
	if described := c.call(t, http.MethodGet, api+"/openapi.json", ""); !strings.Contains(described.body, `"servers":[{"url":"`+strings.TrimSuffix(api, catalogue.AdminPath)+`"}]`) {
		t.Errorf("the API's own description does not say where it is: %.300s", described)
	}
}

// TestClientsAreNoSecondOperator: whoever has an account and the credentials of a
// client is one person. The client neither makes what the person could approve nor
// approves what the person made.
func TestClientsAreNoSecondOperator(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "mytimetable", home: true, change: raised})
	c := s.caller(t, "steward")
	tokens := s.environment("home").Base.Path + catalogue.AdminPath + "/environments/university/api-tokens"
	made, err := s.environment("university").apiTokens.Create(t.Context(), partner.NewAPIToken{
		Name: "Crane", Elevated: true, Scopes: []string{"user_read"}, Addresses: []string{"192.0.2.7"}, EndsAt: s.clock.Now().Add(time.Hour),
	}, s.by())
	if err != nil {
		t.Fatal(err)
	}
	if got := c.call(t, http.MethodPost, tokens+"/"+made.Token.ID+"/approve", ""); got.code != http.StatusNotFound {
		t.Errorf("a client approves: %s", got)
	}
	elevated := `{"name":"Crane","elevated":true,"scopes":["user_read"],"addresses":["192.0.2.7"],"ends_at":"` + s.clock.Now().Add(time.Hour).Format(time.RFC3339) + `"}`
	if got := c.call(t, http.MethodPost, tokens, elevated); got.code != http.StatusConflict {
		t.Errorf("a client makes one: %s", got)
	}
	if got := c.call(t, http.MethodPost, tokens, `{"name":"Crane"}`); got.code != http.StatusCreated {
		t.Errorf("a plain one: %s", got)
	}
	if list, _, err := s.environment("university").apiTokens.List(t.Context(), "", 10); err != nil || slices.ContainsFunc(list, func(t store.APIToken) bool { return !t.ApprovedAt.IsZero() }) {
		t.Errorf("approved: %v %v", list, err)
	}
}
