package server

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/home"
)

// doored is a site with a part at /console that lets people of home in and says
// who they are.
func doored(t *testing.T, twoFactors bool) *site {
	t.Helper()
	return start(t, setup{example: "quickstart", home: true, handler: func(s *Server) http.Handler {
		g := s.current.Load()
		at := g.catalogue.Console.URL
		e := g.environments[len(g.environments)-1]
		door := s.door(e, "console", catalogue.ConsoleClient, at, twoFactors)
		mux := http.NewServeMux()
		mux.Handle("/", s.Handler())
		part := http.NewServeMux()
		part.HandleFunc("/signed-in", func(w http.ResponseWriter, r *http.Request) {
			if err := door.SignedIn(w, r); err != nil {
				status := http.StatusInternalServerError
				switch {
				case errors.Is(err, home.ErrAnswer):
					status = http.StatusBadRequest
				case errors.Is(err, home.ErrRefused):
					status = http.StatusForbidden
				}
				http.Error(w, err.Error(), status)
			}
		})
		part.HandleFunc("POST /sign-out", func(w http.ResponseWriter, r *http.Request) {
			if err := door.SignOut(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
		part.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			v, err := door.Visitor(r)
			recent := time.Duration(0)
			if r.URL.Query().Has("recent") {
				recent = time.Minute
			}
			if err == nil && (v == nil || recent > 0 && s.options.Now().Sub(v.Session.AuthenticatedAt) > recent) {
				err = door.SignIn(w, r, recent)
				v = nil
			}
			switch {
			case err != nil:
				http.Error(w, err.Error(), http.StatusInternalServerError)
			case v != nil:
				fmt.Fprintf(w, "%s at %s", v.Account.Name, r.URL.RequestURI())
			}
		})
		mux.Handle("/console/", http.StripPrefix("/console", part))
		return s.observe(mux)
	}})
}

// visitor opens pages of the part as a browser.
func (s *site) visitor(t testing.TB) *browser {
	b := s.browser(t, "home")
	b.issuer = "http://" + s.address + "/home"
	return b
}

// visit opens an address of the server, wherever it lies.
func (b *browser) visit(path string) *browser {
	return b.do(http.MethodGet, "http://"+b.address+path, nil)
}

// TestPeopleOfHomeComeIn goes through the door: to home, back to the page that was
// asked for, and out again when the session ends.
func TestPeopleOfHomeComeIn(t *testing.T) {
	t.Parallel()
	s := doored(t, false)
	anna := s.resident(t, "home", "anna", "operator")
	b := s.visitor(t)
	b.visit("/console/clients?q=a%20b").is("/login", http.StatusOK)
	b.signIn("anna", goodPassword)
	if b.body != "anna at /clients?q=a%20b" || b.at.Path != "/console/clients" {
		t.Fatalf("after signing in: %s at %s", b.body, b.at)
	}
	if b.visit("/console/").body != "anna at /" {
		t.Fatalf("the second page: %s", b.body)
	}

	t.Run("a recent sign-in is wanted", func(t *testing.T) {
		s.clock.move(2 * time.Minute)
		b.visit("/console/sharp?recent=1").is("/login", http.StatusOK)
		if b.signIn("anna", goodPassword); b.body != "anna at /sharp?recent=1" {
			t.Fatalf("after signing in again: %s", b.body)
		}
	})
	t.Run("whose session ended is out", func(t *testing.T) {
		other := s.visitor(t)
		other.visit("/console/").is("/login", http.StatusOK)
		other.signIn("anna", goodPassword)
		e := s.environment("home")
		sessions, err := e.resources.store.Sessions().List(t.Context(), anna.ID, s.clock.Now())
		if err != nil || len(sessions) != 2 {
			t.Fatalf("sessions %d, %v", len(sessions), err)
		}
		for _, session := range sessions {
			if err := e.resources.store.Sessions().End(t.Context(), anna.ID, session.ID, s.forget(), s.by()); err != nil {
				t.Fatal(err)
			}
		}
		other.visit("/console/").is("/login", http.StatusOK)
		b.visit("/console/").is("/login", http.StatusOK)
	})
	t.Run("who is disabled is out", func(t *testing.T) {
		b.signIn("anna", goodPassword)
		if b.body != "anna at /" {
			t.Fatalf("%s", b.body)
		}
		if err := s.environment("home").resources.store.Accounts().SetDisabled(t.Context(), anna.ID, true, s.forget(), s.by()); err != nil {
			t.Fatal(err)
		}
		b.visit("/console/").is("/login", http.StatusOK)
	})
}

// TestAnswersOfOthersOpenNoDoor: what an attacker's page makes a browser bring is
// not taken, and neither is a cookie of anybody's making.
func TestAnswersOfOthersOpenNoDoor(t *testing.T) {
	t.Parallel()
	s := doored(t, false)
	s.resident(t, "home", "anna")
	b := s.visitor(t)
	if b.visit("/console/signed-in?code=x&state=y"); b.code != http.StatusBadRequest {
		t.Errorf("an answer that nobody asked for: %d", b.code)
	}
	b.visit("/console/").is("/login", http.StatusOK)
	if b.visit("/console/signed-in?code=x&state=y&iss=http://" + s.address + "/home"); b.code != http.StatusBadRequest {
		t.Errorf("another state: %d %s", b.code, b.body)
	}
	b.visit("/console/").is("/login", http.StatusOK)
	s.clock.move(16 * time.Minute)
	stale := s.visitor(t)
	stale.visit("/console/").is("/login", http.StatusOK)
	stale.signIn("anna", goodPassword)
	if stale.body != "anna at /" {
		t.Fatalf("%s", stale.body)
	}
	for name, headers := range map[string][]string{
		"no cookie of ours": {"Cookie: grantway-console-visit=AAAA"},
		"a cookie twice":    {"Cookie: grantway-console-visit=a; grantway-console-visit=b"},
	} {
		got := s.send(t, s.request("GET /console/ HTTP/1.1", "", headers...))
		if got.code == http.StatusOK || strings.Contains(got.body, "anna") {
			t.Errorf("%s: %s", name, got.status)
		}
	}
}

// TestTwoFactorsAtTheDoor: where two are wanted, one does not do, however the
// session came about.
func TestTwoFactorsAtTheDoor(t *testing.T) {
	t.Parallel()
	s := doored(t, true)
	s.resident(t, "home", "anna", "operator")
	b := s.visitor(t)
	b.visit("/home/account").is("/login", http.StatusOK)
	b.signIn("anna", goodPassword).is("/account", http.StatusOK) // a session with one factor
	b.visit("/console/").is("/account/totp", http.StatusOK)
	b.protect()
	if b.visit("/console/").body != "anna at /" {
		t.Fatalf("with two factors: %s at %s", b.body, b.at)
	}
}
