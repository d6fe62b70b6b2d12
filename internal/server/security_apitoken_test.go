package server

import (
	"crypto/rand"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

const timetableCall = " HTTP/1.1"

// raised lets elevated API tokens act.
func raised(c *catalogue.Catalogue) {
	for _, e := range c.Environments {
		e.APIs[0].Tokens.Elevated = true
	}
}

// apiToken makes an API token, and has it approved where it is elevated.
func (s *site) apiToken(t testing.TB, environment string, n partner.NewAPIToken) (id, text string) {
	t.Helper()
	tokens := s.environment(environment).apiTokens
	made, err := tokens.Create(t.Context(), n, s.by())
	if err == nil && n.Elevated {
		_, err = tokens.Approve(t.Context(), made.Token.ID, store.By{Actor: "another operator"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return made.Token.ID, made.Text.Reveal()
}

// TestAPITokenEnds: what is revoked anywhere is over within a second, and when one
// was last used is written.
func TestAPITokenEnds(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "mytimetable"})
	id, text := s.apiToken(t, "university", partner.NewAPIToken{Name: "Displays"})
	call := func() answer {
		return s.send(t, s.request("GET /university/api/v0/timetabletypes"+timetableCall, "", "apiToken: "+text))
	}
	if got := call(); got.code != 200 {
		t.Fatalf("%s", got)
	}
	db := s.environment("university").resources.store.APITokens()
	if !soon(func() bool {
		all, err := db.List(t.Context(), "", 10)
		i := slices.IndexFunc(all, func(a store.APIToken) bool { return a.ID == id })
		return err == nil && i >= 0 && all[i].LastUsedAt.Equal(s.clock.Now())
	}, 30*time.Second) {
		t.Error("its use is not written")
	}
	if err := db.Revoke(t.Context(), id, s.by()); err != nil { // as another node does
		t.Fatal(err)
	}
	if !soon(func() bool { return call().code == 403 }, promptly) {
		t.Error("a revoked one stays good")
	}
	if strings.Contains(s.log.all(), text) {
		t.Error("an API token is in the log")
	}
}

// soon reports whether something is true within a time.
func soon(is func() bool, limit time.Duration) bool {
	for began := time.Now(); time.Since(began) < limit; time.Sleep(10 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return false
}

// TestElevatedAPIToken: it acts for a person, within that person's rights (U53),
// by name, and it is written down.
func TestElevatedAPIToken(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "mytimetable", change: raised})
	s.person(t, "demo", "ann", "student")
	s.person(t, "demo", "root", "operator")
	id, text := s.apiToken(t, "demo", partner.NewAPIToken{
		Name: "Portal", Elevated: true, Scopes: []string{"user_read", "alltimetables"}, Addresses: []string{"127.0.0.1"}, EndsAt: s.clock.Now().Add(time.Hour),
	})
	call := func(path, person string) answer {
		return s.send(t, s.request("GET /demo/api/v0/"+path+timetableCall, "", "apiToken: "+text, "requestedAuth: "+person))
	}
	for _, row := range []struct {
		path, person string
		status       int
		has, hasNot  string
	}{
		{"user", "ann", 200, `{"roles":["student"],"username":"ann"}`, ""},
		{"user", "ANN", 200, `"username":"ann"`, ""},
		{"user", "ann@example.com", 404, "not_found", ""},
		{"user", "eve", 404, "not_found", ""},
		{"user", "a name", 404, "not_found", ""},
		{"user", "root", 403, "do not act", ""},
		{"alltimetables", "ann", 200, "programme-1", "staff-1"},
		{"timetable", "ann", 403, `"scope":"profile_read"`, ""},
	} {
		got := call(row.path, row.person)
		if got.code != row.status || !strings.Contains(got.body, row.has) || row.hasNot != "" && strings.Contains(got.body, row.hasNot) {
			t.Errorf("%s for %s: %s", row.path, row.person, got)
		}
	}
	db := s.environment("demo").resources.store
	changes, err := db.Changes().Since(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	changes = slices.DeleteFunc(changes, func(c store.Change) bool { return c.Kind != "api-token.acted" })
	if len(changes) != 1 || changes[0].ID != id || changes[0].Actor != "api-token:"+id || !strings.Contains(changes[0].Detail, `"ann"`) {
		t.Errorf("written down is %+v", changes)
	}
	if err := db.Accounts().SetDisabled(t.Context(), "ann", true, s.forget(), s.by()); err != nil {
		t.Fatal(err)
	}
	if !soon(func() bool { return call("user", "ann").code == 404 }, promptly) {
		t.Error("it acts for somebody who is disabled")
	}
	s.clock.move(time.Hour)
	if got := call("user", "root"); got.code != 403 || !strings.Contains(got.body, "API token invalid.") {
		t.Errorf("past its end: %s", got)
	}
}

// TestTokenInTheQuery is step 4 of the document: the token that a person allowed,
// in the query, which nobody else sees.
func TestTokenInTheQuery(t *testing.T) {
	t.Parallel()
	behind := &upstream{}
	s := start(t, setup{example: "mytimetable", handler: deciding, api: behind})
	s.person(t, "demo", "ann", "student")
	token := s.granted(t, "ann")
	got := s.send(t, s.request("GET /demo/api/v0/timetable?limit=1&access_token="+url.QueryEscape(token)+timetableCall, ""))
	if got.code != 200 || got.header.Get("Cache-Control") != "private, no-store" || got.header.Get("Referrer-Policy") != "no-referrer" {
		t.Fatalf("%s", got)
	}
	seen := behind.take()
	if len(seen) != 1 || strings.Contains(seen[0].RequestURI, "token") || seen[0].Header.Get("Grantway-User") != "ann" ||
		seen[0].Header.Get("Grantway-Roles") != "student" || strings.Contains(seen[0].Header.Get("Grantway-Scope"), "profile_write") {
		t.Errorf("the API sees %s %v", seen[0].RequestURI, seen[0].Header)
	}
	if got := s.send(t, s.request("GET /demo/api/v0/timetable"+timetableCall, "", "Authorization: Bearer "+token)); got.code != 200 {
		t.Errorf("in the header: %s", got)
	}
	if h := behind.take()[0].Header; !strings.Contains(h.Get("Grantway-Scope"), "profile_write") {
		t.Errorf("in the header it carries %v", h)
	}
	if err := s.environment("demo").resources.store.Accounts().SetDisabled(t.Context(), "ann", true, s.forget(), s.by()); err != nil {
		t.Fatal(err)
	}
	if !soon(func() bool {
		return s.send(t, s.request("GET /demo/api/v0/timetable?access_token="+url.QueryEscape(token)+timetableCall, "")).code == 401
	}, promptly) {
		t.Error("the token of somebody who is disabled is good")
	}
	if strings.Contains(s.log.all(), token) {
		t.Error("the token is in the log")
	}
}

// granted is an access token that a person allowed by the document's own request.
func (s *site) granted(t testing.TB, person string) string {
	t.Helper()
	text := s.register(t, "demo", registration{id: "web", kind: store.TypeWeb, signIn: store.SignIn{Redirects: []string{"http://localhost"}, Legacy: true}})
	asked := s.send(t, s.request("GET /demo/oauth/authorize?response_type=code&client_id=web&redirect_uri=http://localhost"+timetableCall, ""))
	_, handle, ok := strings.Cut(asked.header.Get("Location"), "request=")
	if !ok {
		t.Fatalf("%s", asked)
	}
	cookie, _, _ := strings.Cut(asked.header.Get("Set-Cookie"), ";")
	decided := s.send(t, s.request("GET "+decidePath+"?as="+person+"&request="+handle+timetableCall, "", "Cookie: "+cookie))
	to, err := url.Parse(decided.header.Get("Location"))
	if err != nil || to.Query().Get("code") == "" {
		t.Fatalf("%s", decided)
	}
	got := s.send(t, s.request("POST /demo/oauth/token"+timetableCall, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"web"}, "client_secret": {text}, "code": {to.Query().Get("code")}, "redirect_uri": {"http://localhost"},
	}.Encode(), formType))
	if got.code != 200 {
		t.Fatalf("%s", got)
	}
	return got.member("access_token")
}

// TestAPITokensApart: where no store is, nobody can say which API tokens are good,
// and a gateway there does not begin.
func TestAPITokensApart(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "mytimetable"})
	_, err := NewGateway(t.Context(), GatewayOptions{
		Catalogue: s.catalogue, Now: s.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err == nil || !strings.Contains(err.Error(), "knows API tokens") {
		t.Errorf("%v", err)
	}
}
