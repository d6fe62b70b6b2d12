package server

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// TestSelfServiceWhy: the last refusals are one's own, and a trace id of another
// partner, or of nobody, is answered alike.
func TestSelfServiceWhy(t *testing.T) {
	t.Parallel()
	h := helps(t)
	refused := func(client string) string {
		t.Helper()
		a := &applicant{site: h.site, t: t, staging: h.environment("staging"), client: client}
		got := a.asks(secretOf("wrong"))
		if got.code != http.StatusUnauthorized {
			t.Fatalf("%s", got.status)
		}
		h.logged(got) // and so it is recorded
		return got.header.Get(TraceHeader)
	}
	mine, theirs := refused(h.own.Client.ID), refused(h.others.Client.ID)
	if err := h.environment("staging").resources.activity.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if words := h.developer.visit("/portal/why").words(); !strings.Contains(words, mine) || strings.Contains(words, theirs) || !strings.Contains(h.developer.body, "/portal/staging/errors#credentials-wrong") {
		t.Errorf("the last refusals:\n%s", words)
	}
	if words := h.developer.visit("/portal/why?trace=" + mine).words(); !strings.Contains(words, h.own.Client.ID) {
		t.Errorf("my own:\n%s", words)
	}
	scoped := &applicant{site: h.site, t: t, staging: h.environment("staging"), client: h.own.Client.ID}
	h.logged(scoped.asks(h.own.Secret, "nobodys:scope"))
	if err := h.environment("staging").resources.activity.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if words := h.developer.visit("/portal/why").words(); !strings.Contains(words, "this client may request: …") || strings.Contains(words, "{names}") {
		t.Errorf("names are left open:\n%s", words)
	}
	var shapes []string
	for _, trace := range []string{theirs, strings.Repeat("0", 32)} {
		if h.developer.visit("/portal/why?trace=" + trace); h.developer.code != http.StatusOK {
			t.Errorf("%d", h.developer.code)
		}
		shapes = append(shapes, traceID.ReplaceAllString(h.developer.body, ""))
	}
	if shapes[0] != shapes[1] || !strings.Contains(shapes[0], "No refused request of your clients") {
		t.Errorf("another's and an unknown one differ:\n%s\n%s", shapes[0], shapes[1])
	}
}

// TestSelfServiceTry: a call goes through the gateway with a token of its own kind,
// and nowhere else.
func TestSelfServiceTry(t *testing.T) {
	t.Parallel()
	h := helps(t)
	b := h.developer
	mine := "staging " + h.own.Client.ID
	b.visit("/portal/try").submit("/try", "client", mine, "method", "GET", "path", "/notes")
	got := b.text("got")
	if b.code != http.StatusOK || !strings.HasPrefix(got, "HTTP/1.1 200") || !strings.Contains(b.text("sent"), "GET "+h.environment("staging").Base.Path+"/notes HTTP/1.1") {
		t.Fatalf("%d\n%s\n%s", b.code, b.text("sent"), got)
	}
	if regexp.MustCompile(`eyJ[\w-]{12,}\.eyJ[\w-]{12,}\.`).MatchString(b.body) { // three letters stand in many a random text
		t.Error("the token can be read")
	}
	trace := regexp.MustCompile(`X-Request-Id: ([0-9a-f]{32})`).FindStringSubmatch(got)
	if trace == nil || !strings.Contains(h.log.line(trace[1]), `"portal"`) {
		t.Errorf("the log does not tell it from others: %v", trace)
	}
	b.submit("/try", "client", mine, "method", "POST", "path", "/notes", "body", `{"text":"from the portal"}`)
	if !strings.HasPrefix(b.text("got"), "HTTP/1.1 20") {
		t.Errorf("POST:\n%s", b.text("got"))
	}
	added := regexp.MustCompile(`"id":"([^"]+)"`).FindStringSubmatch(b.text("got"))
	if added == nil {
		t.Fatalf("no note was added:\n%s", b.text("got"))
	}
	for _, want := range []string{"HTTP/1.1 204", "HTTP/1.1 404"} { // once, and it is gone
		if b.submit("/try", "client", mine, "method", "DELETE", "path", "/notes/"+added[1]); !strings.HasPrefix(b.text("got"), want) {
			t.Errorf("DELETE, %s:\n%s", want, b.text("got"))
		}
	}
	if words := b.visit("/portal/try").words(); !strings.Contains(words, "DELETE /notes/{id} notes:write") {
		t.Errorf("what there is to call: %s", words)
	}
	live, err := h.environment("production").partners.Create(t.Context(), partner.New{Name: "Live", Partner: h.partner.ID, Scopes: []string{partner.AllScopes}}, h.by())
	if err != nil {
		t.Fatal(err)
	}
	e := h.environment("staging")
	made, err := e.trialToken(t.Context(), h.own.Client.ID, e.APIs[0], []string{"notes:read"})
	if err != nil {
		t.Fatal(err)
	}
	said := saidBy(t, made.Reveal())
	if said["exp"].(float64)-said["iat"].(float64) != 60 || !strings.HasSuffix(said["jti"].(string), ".portal") || said["scope"] != "notes:read" {
		t.Errorf("the token says %v", said)
	}
	for _, row := range []struct {
		what, client, method, path, body string
		want                             int
	}{
		{"another partner's client", "staging " + h.others.Client.ID, "GET", "/notes", "", http.StatusNotFound},
		{"an unknown client", "staging nobodysClient00", "GET", "/notes", "", http.StatusNotFound},
		{"another environment", "production " + h.own.Client.ID, "GET", "/notes", "", http.StatusNotFound},
		{"an environment that is live", "production " + live.Client.ID, "GET", "/notes", "", http.StatusNotFound},
		{"home", "home grantway-portal", "GET", "/admin/v1/environments", "", http.StatusNotFound},
		{"another method", mine, "TRACE", "/notes", "", http.StatusUnprocessableEntity},
		{"another host", mine, "GET", "//evil.example/notes", "", http.StatusOK},
		{"a whole address", mine, "GET", "http://evil.example/notes", "", http.StatusUnprocessableEntity},
		{"a place to fill in", mine, "GET", "/notes/{id}", "", http.StatusUnprocessableEntity},
		{"a line break", mine, "GET", "/notes%0d%0aX: y", "", http.StatusUnprocessableEntity},
		{"a body that is just right", mine, "POST", "/notes", strings.Repeat(" ", 8<<10-18) + `{"text":"limited"}`, http.StatusOK},
		{"a body too long", mine, "POST", "/notes", strings.Repeat(" ", 8<<10-17) + `{"text":"limited"}`, http.StatusUnprocessableEntity},
	} {
		b.visit("/portal/try").submit("/try", "client", row.client, "method", row.method, "path", row.path, "body", row.body)
		if b.code != row.want || strings.HasPrefix(b.text("got"), "HTTP/1.1 200") && row.what == "another host" {
			t.Errorf("%s: %d, want %d\n%s", row.what, b.code, row.want, b.text("got"))
		}
	}
	for _, path := range []string{"/../home/account", "/..%2fhome/account", "/../auth/token"} {
		if b.visit("/portal/try").submit("/try", "client", mine, "method", "GET", "path", path); strings.HasPrefix(b.text("got"), "HTTP/1.1 200") {
			t.Errorf("%s leads out of the API:\n%s", path, b.text("got"))
		}
	}
	h.clock.move(time.Hour)
	b = h.member(t, "dan")
	for i := range triedPerAccount + 1 {
		b.visit("/portal/try").submit("/try", "client", mine, "method", "GET", "path", "/notes")
		if want := map[bool]int{true: http.StatusOK, false: http.StatusTooManyRequests}[i < triedPerAccount]; b.code != want {
			t.Fatalf("call %d: %d", i+1, b.code)
		}
	}
}

// saidBy are the claims of a token, unchecked.
func saidBy(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// TestSelfServiceUse: the chart counts, and who fetches tokens for every call is told.
func TestSelfServiceUse(t *testing.T) {
	t.Parallel()
	h := helps(t)
	page := h.of("/portal/application?environment=staging&id=$C", false)
	if words := h.developer.visit(page).words(); !strings.Contains(words, "No tokens in this time") || strings.Contains(words, "needlessly") || !strings.Contains(words, "Never used") || !strings.Contains(words, "/portal/staging/overview") {
		t.Errorf("before: %s", words)
	}
	err := h.environment("staging").resources.store.Activity().Add(t.Context(), []store.Tally{
		{Hour: h.clock.Now().Truncate(time.Hour), Client: h.own.Client.ID, Secret: h.own.SecretID, API: "notes", Event: "token.issued", Count: 1200},
		{Hour: h.clock.Now().Truncate(time.Hour), Client: h.others.Client.ID, Secret: h.others.SecretID, API: "notes", Event: "token.issued", Count: 7},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if words := h.developer.visit(page).words(); !strings.Contains(words, "1 200 tokens in all") || !strings.Contains(words, "needlessly: 1 200 for notes, where 1 would do") {
		t.Errorf("after: %s", words)
	}
}
