package server

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// Where the decider answers that stands in the place of the pages.
const decidePath = "/test/decide"

// deciding is the public handler with a page that decides what the query says:
//
//	request=HANDLE as=ACCOUNT scope=… (all without) refused=REASON remember=1
func deciding(s *Server) http.Handler {
	public := s.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != decidePath {
			public.ServeHTTP(w, r)
			return
		}
		asked := r.URL.Query()
		environments := s.current.Load().environments
		e := environments[slices.IndexFunc(environments, func(e *environment) bool { return e.signIn != nil })]
		hash := secret.HashOf(asked.Get("request"))
		if id := asked.Get("refused"); id != "" {
			e.signIn.authorization.Done(w, r, hash, grant.Decision{Refused: refusal.Find(id)})
			return
		}
		account, err := e.resources.store.Accounts().Find(r.Context(), asked.Get("as"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusTeapot)
			return
		}
		sessions, err := e.resources.store.Sessions().List(r.Context(), account.ID, s.options.Now())
		if err != nil || len(sessions) == 0 {
			http.Error(w, "nobody is signed in", http.StatusTeapot)
			return
		}
		d := grant.Decision{
			Account: &account, Session: &sessions[0], ACR: "urn:grantway:acr:1", Remember: asked.Get("remember") != "",
			Scope: strings.Fields(asked.Get("scope")),
		}
		if !asked.Has("scope") {
			d.Scope = allScopes(e)
		}
		e.signIn.authorization.Done(w, r, hash, d)
	})
}

// allScopes are every scope that there is.
func allScopes(e *environment) (all []string) {
	for _, api := range e.Grantable() {
		for _, s := range api.Scopes {
			all = append(all, s.Name)
		}
	}
	return all
}

// person makes an account with a session, and returns the session's handle.
func (s *site) person(t testing.TB, environment, id string, roles ...string) string {
	t.Helper()
	db := s.environment(environment).resources.store
	err := db.Accounts().Create(t.Context(), store.Account{
		ID: id, Name: id, Key: id, Roles: roles, CreatedAt: s.clock.Now(),
		Profile: store.Profile{FullName: "Person " + id, GivenName: "Person", Email: id + "@example.com", EmailVerified: true, Locale: "nl"},
	}, nil, s.by())
	if err != nil {
		t.Fatal(err)
	}
	handle, err := secret.NewOpaque(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Sessions().Start(t.Context(), store.Session{
		Hash: secret.HashOf(handle.Reveal()), ID: "session-" + id, AccountID: id, Methods: []string{"pwd"}, Agent: "Test",
		CreatedAt: s.clock.Now(), AuthenticatedAt: s.clock.Now(), SeenAt: s.clock.Now(), EndsAt: s.clock.Now().Add(8760 * 3600e9),
	}, [32]byte{}, s.by())
	if err != nil {
		t.Fatal(err)
	}
	return handle.Reveal()
}

// playPerson makes an account that is signed in: > person ID roles=a,b.
func playPerson(p *player, s step, words []string) {
	var roles []string
	for _, word := range words[1:] {
		value, ok := strings.CutPrefix(word, "roles=")
		if !ok {
			p.fail(s, "a person has no %q", word)
		}
		roles = strings.Split(value, ",")
	}
	p.known[words[0]+".session"] = p.up().person(p.t, p.environment, words[0], roles...)
}
