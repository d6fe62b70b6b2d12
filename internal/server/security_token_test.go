package server

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
)

// good is the body of a token request that succeeds.
const good = "grant_type=client_credentials&client_id=YOUR_CLIENT_ID&client_secret=YOUR_CLIENT_SECRET&scope=read:moves"

const formType = "Content-Type: application/x-www-form-urlencoded"

// ask sends a form to the token endpoint of staging.
func (s *site) ask(t testing.TB, form string, headers ...string) answer {
	t.Helper()
	return s.send(t, s.request("POST "+s.environment("staging").Issuer.Path+"/oauth2/token HTTP/1.1", form, append([]string{formType}, headers...)...))
}

func basic(id, secret string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// echoed is part of what the rows below send and no answer may hold (rule 8).
const echoed = "zqmark"

// TestTokenEndpoint is group E: each row breaks one thing of a request that
// succeeds.
func TestTokenEndpoint(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	if got := s.ask(t, good); got.code != 200 {
		t.Fatalf("the request that the rows break: %s", got)
	}
	known := func(r registration) string { return s.register(t, "staging", r) }
	byBasic := known(registration{id: "byBasic", methods: []string{"client_secret_basic"}})
	byPost := known(registration{id: "byPost", methods: []string{"client_secret_post"}})
	web := known(registration{id: "web", grants: []string{"authorization_code"}})
	reader := known(registration{id: "reader", allotted: map[string][]string{"fitness": {"read:moves"}}})
	expired := known(registration{id: "expired", expires: time.Second})
	fresh := known(registration{id: "fresh", expires: 2 * time.Second})
	disabled := known(registration{id: "disabled"})
	if err := s.environment("staging").resources.store.Clients().Disable(t.Context(), "disabled", s.forget(), s.by()); err != nil {
		t.Fatal(err)
	}
	s.settle(t, "staging")
	s.clock.move(time.Second)
	credentials := func(id, secret string) string {
		return "grant_type=client_credentials&client_id=" + id + "&client_secret=" + secret
	}
	without := "grant_type=client_credentials"

	rows := []struct {
		row, what    string
		method, path string // empty: POST, the endpoint
		headers      []string
		body         string
		status       int
		code         string
	}{
		{"E01", "GET", "GET", "", nil, "", 405, "invalid_request"},
		{"E01", "PUT", "PUT", "", []string{formType}, good, 405, "invalid_request"},
		{"E01", "DELETE", "DELETE", "", []string{formType}, good, 405, "invalid_request"},
		{"E01", "an invented method", "ZQMARK", "", []string{formType}, good, 405, "invalid_request"},
		{"E02", "multipart", "", "", []string{"Content-Type: multipart/form-data; boundary=" + echoed}, good, 400, "invalid_request"},
		{"E02", "text/plain", "", "", []string{"Content-Type: text/plain"}, good, 400, "invalid_request"},
		{"E02", "another charset", "", "", []string{formType + "; charset=utf-16" + echoed}, good, 400, "invalid_request"},
		{"E02", "JSON text as a form", "", "", []string{formType}, `{"grant_type":"client_credentials"}`, 400, "invalid_request"},
		{"E03", "the secret in the URL", "", "?client_secret=" + echoed + "0", []string{formType}, good, 400, "invalid_request"},
		{"E03", "its name escaped", "", "?%63lient_secret=" + echoed + "1", []string{formType}, good, 400, "invalid_request"},
		{"E03", "an assertion in the URL", "", "?client_assertion=" + echoed + "2", []string{formType}, good, 400, "invalid_request"},
		{"E03", "a refresh token in the URL", "", "?refresh_token=" + echoed + "3", []string{formType}, good, 400, "invalid_request"},
		{"E03", "a query that cannot be read", "", "?a=%zz&client_secret=" + echoed + "4", []string{formType}, good, 400, "invalid_request"},
		{"E03", "everything in the URL", "", "?" + strings.Replace(good, "YOUR", echoed, 2), []string{formType}, "", 400, "invalid_request"},
		{"E04", "an unknown client", "", "", []string{formType}, credentials(echoed, "YOUR_CLIENT_SECRET"), 401, "invalid_client"},
		{"E04", "a wrong secret", "", "", []string{formType}, credentials("YOUR_CLIENT_ID", echoed+"-secret"), 401, "invalid_client"},
		{"E04", "another client's secret", "", "", []string{formType}, credentials("reader", byPost), 401, "invalid_client"},
		{"E06", "basic, registered for post", "", "", []string{formType, basic("byPost", byPost)}, without, 401, "invalid_client"},
		{"E06", "post, registered for basic", "", "", []string{formType}, credentials("byBasic", byBasic), 401, "invalid_client"},
		{"E07", "only the client_id", "", "", []string{formType}, without + "&client_id=YOUR_CLIENT_ID", 401, "invalid_client"},
		{"E07", "an empty secret", "", "", []string{formType}, credentials("YOUR_CLIENT_ID", ""), 401, "invalid_client"},
		{"E07", "an empty secret by basic", "", "", []string{formType, basic("YOUR_CLIENT_ID", "")}, without, 401, "invalid_client"},
		{"E08", "a client without this grant", "", "", []string{formType}, credentials("web", web), 400, "unauthorized_client"},
		{"E17", "the password grant", "", "", []string{formType}, strings.Replace(good, "client_credentials", "password", 1) + "&username=" + echoed + "&password=" + echoed + "-word", 400, "unsupported_grant_type"},
		{"E18", "an unknown grant", "", "", []string{formType}, strings.Replace(good, "client_credentials", echoed, 1), 400, "unsupported_grant_type"},
		{"E20", "a scope that is not allotted", "", "", []string{formType}, credentials("reader", reader) + "&scope=read:moves+write:accounts", 400, "invalid_scope"},
		{"E20", "a scope that does not exist", "", "", []string{formType}, credentials("reader", reader) + "&scope=" + echoed, 400, "invalid_scope"},
		{"E22", "a disabled client", "", "", []string{formType}, credentials("disabled", disabled), 401, "invalid_client"},
		{"E22", "a disabled client by basic", "", "", []string{formType, basic("disabled", disabled)}, without, 401, "invalid_client"},
		{"E23", "an expired secret", "", "", []string{formType}, credentials("expired", expired), 401, "invalid_client"},
	}
	for _, row := range rows {
		t.Run(row.row+" "+row.what, func(t *testing.T) {
			method := row.method
			if method == "" {
				method = "POST"
			}
			got := s.send(t, s.request(method+" /staging/auth/oauth2/token"+row.path+" HTTP/1.1", row.body, row.headers...))
			if got.code != row.status || got.member("error") != row.code {
				t.Errorf("want %d %s, got %s", row.status, row.code, got)
			}
			if row.status == 405 && got.header.Get("Allow") != "POST" {
				t.Error("no Allow: POST")
			}
			if row.status == 401 && !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Basic ") {
				t.Error("no challenge")
			}
			uncacheable(t, got)
			if strings.Contains(strings.ToLower(fmt.Sprint(got.body, got.header)), echoed) {
				t.Errorf("rule 8: the answer repeats what was sent: %s", got)
			}
			if d := got.member("error_description"); strings.ContainsAny(d, "\"\\\r\n\t") {
				t.Errorf("the description holds what RFC 6749 §5.2 excludes: %q", d)
			}
		})
	}
	uncacheable(t, s.ask(t, good))
	if got := s.ask(t, credentials("fresh", fresh)); got.code != 200 {
		t.Errorf("E23: a secret in its last second: %s", got)
	}
	if got := s.ask(t, without, basic("byBasic", byBasic)); got.code != 200 {
		t.Errorf("E06: basic, registered for basic: %s", got)
	}
	if got := s.ask(t, credentials("byPost", byPost)); got.code != 200 {
		t.Errorf("E06: post, registered for post: %s", got)
	}
}

// uncacheable is row E24.
func uncacheable(t testing.TB, got answer) {
	t.Helper()
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("E24: without no-store or nosniff: %s", got)
	}
}

// TestUnknownClientLooksLikeWrongSecret is row E04: not a byte differs but the
// trace id, in each dialect.
func TestUnknownClientLooksLikeWrongSecret(t *testing.T) {
	t.Parallel()
	for _, example := range []string{"fitness", "timeback", "studyteam"} {
		s := start(t, setup{example: example})
		id := demonstrated(example, s.catalogue)["staging"].ClientID
		form := func(id string) string {
			return "grant_type=client_credentials&audience=AUDIENCE&client_id=" + id + "&client_secret=not-the-secret"
		}
		wrong, unknown := s.ask(t, form(id)), s.ask(t, form("nobody"))
		for _, a := range []*answer{&wrong, &unknown} {
			a.header.Del(TraceHeader)
			a.header.Del("Date")
		}
		if wrong.String() != unknown.String() {
			t.Errorf("E04: %s: a wrong secret:\n%s\nan unknown client:\n%s", example, wrong, unknown)
		}
	}
}

// TestGuessing is row E16: a client and address has 30 failures a minute; then
// nothing is looked at, and Retry-After says until when.
func TestGuessing(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	secret := s.register(t, "staging", registration{id: "guessed"})
	guess := func(password string) answer {
		return s.ask(t, "grant_type=client_credentials&client_id=guessed&client_secret="+password)
	}
	for i := range 30 {
		if got := guess("wrong-guess-" + strconv.Itoa(i)); got.code != 401 {
			t.Fatalf("E16: guess %d: %s", i+1, got)
		}
	}
	got := guess("wrong-guess-30")
	wait, err := strconv.Atoi(got.header.Get("Retry-After"))
	if got.code != 429 || got.member("error") != "too_many_requests" || err != nil || wait < 1 || wait > 60 {
		t.Fatalf("E16: guess 31: %s", got)
	}
	uncacheable(t, got)
	if got := guess(secret); got.code != 429 {
		t.Errorf("E16: the right secret while locked: %s", got)
	}
	if got := s.ask(t, good); got.code != 200 {
		t.Errorf("E16: another client from the same address: %s", got)
	}
	s.clock.move(time.Duration(wait) * time.Second)
	if got := guess(secret); got.code != 200 {
		t.Errorf("E16: after Retry-After: %s", got)
	}
}

// TestRetryInAnotherStyleIsOneFailure: Go's oauth2 repeats in the body what
// failed by Basic; both are one attempt (dialects.md 5.2).
func TestRetryInAnotherStyleIsOneFailure(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	secret := s.register(t, "staging", registration{id: "gopher"})
	for i := range 29 {
		wrong := "wrong-guess-" + strconv.Itoa(i)
		first := s.ask(t, "grant_type=client_credentials", basic("gopher", wrong))
		second := s.ask(t, "grant_type=client_credentials&client_id=gopher&client_secret="+wrong)
		if first.code != 401 || second.code != 401 {
			t.Fatalf("5.2: pair %d: %s\n%s", i+1, first, second)
		}
	}
	if got := s.ask(t, "grant_type=client_credentials", basic("gopher", secret)); got.code != 200 {
		t.Errorf("5.2: after 29 pairs: %s", got)
	}
}

// TestStorageFailure is row E27: 503 and nothing issued.
func TestStorageFailure(t *testing.T) {
	t.Parallel()
	for _, format := range []catalogue.Format{catalogue.JWT, catalogue.Opaque} {
		s := start(t, setup{example: "fitness", change: func(c *catalogue.Catalogue) {
			for _, e := range c.Environments {
				e.APIs[0].Token.Format = format
			}
		}})
		if got := s.ask(t, good); got.code != 200 {
			t.Fatalf("E27: before: %s", got)
		}
		if err := s.environment("staging").resources.store.Close(); err != nil {
			t.Fatal(err)
		}
		form := good // an opaque token has to be stored
		if format == catalogue.JWT {
			form = strings.Replace(good, "YOUR_CLIENT_ID", "not-in-memory", 1)
		}
		got := s.ask(t, form)
		if got.code != 503 || got.member("error") != "temporarily_unavailable" || got.header.Get("Retry-After") == "" || strings.Contains(got.body, "access_token") {
			t.Errorf("E27: %s: %s", format, got)
		}
		uncacheable(t, got)
	}
}

// TestNoCORS is row E29.
func TestNoCORS(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	for _, got := range []answer{
		s.ask(t, good, "Origin: https://app.example"),
		s.ask(t, good, "Origin: null"),
		s.ask(t, "grant_type=client_credentials", "Origin: https://app.example"),
		s.send(t, s.request("OPTIONS /staging/auth/oauth2/token HTTP/1.1", "", "Origin: https://app.example", "Access-Control-Request-Method: POST")),
	} {
		for name := range got.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("E29: %s in %s", name, got)
			}
		}
	}
	published := s.send(t, s.request("GET /staging/auth/.well-known/jwks.json HTTP/1.1", "", "Origin: https://app.example"))
	if published.header.Get("Access-Control-Allow-Origin") != "*" || published.header[http.CanonicalHeaderKey("Access-Control-Allow-Credentials")] != nil {
		t.Errorf("E29: keys are public, without credentials: %s", published)
	}
}

// TestOtherEnvironmentIsNotTold is row U4: staging's credentials at production
// are answered as a wrong secret is, byte for byte and without waiting for what
// only the log is told.
func TestOtherEnvironmentIsNotTold(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "timeback"})
	made := s.register(t, "staging", registration{id: "both"})
	s.register(t, "production", registration{id: "both"})
	ask := func(secret string) answer {
		return s.send(t, s.request("POST /production/auth/oauth2/token HTTP/1.1", "grant_type=client_credentials&client_id=both&client_secret="+secret, formType))
	}
	wrong, foreign := ask("wrong-for-both"), ask(made)
	s.logged(wrong) // nobody looks elsewhere for it any more
	for what, note := range map[string]answer{`"notes":["other-environment:staging"]`: foreign} {
		if line := s.logged(note); !strings.Contains(line, what) {
			t.Errorf("U4: the log does not say %s: %s", what, line)
		}
	}
	for _, a := range []*answer{&wrong, &foreign} {
		a.header.Del(TraceHeader)
		a.header.Del("Date")
	}
	if wrong.String() != foreign.String() {
		t.Errorf("U4: a wrong secret:\n%s\nstaging's:\n%s", wrong, foreign)
	}

	looking, answered := make(chan struct{}), make(chan struct{})
	elsewhere := s.environment("production").auth.Elsewhere
	s.environment("production").auth.Elsewhere = func(ctx context.Context, id string, secret secret.Secret) string {
		close(looking)
		select {
		case <-answered:
		case <-time.After(time.Minute):
			t.Error("U4: the answer waits for the look at other environments")
		}
		return elsewhere(ctx, id, secret)
	}
	connection, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	io.WriteString(connection, s.request("POST /production/auth/oauth2/token HTTP/1.1", "grant_type=client_credentials&client_id=both&client_secret=wrong-for-both", formType))
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err == nil {
		_, err = io.ReadAll(io.LimitReader(response.Body, response.ContentLength))
	}
	if err != nil || response.StatusCode != 400 {
		t.Errorf("U4: %v, %v", response, err)
	}
	<-looking
	close(answered)
}
