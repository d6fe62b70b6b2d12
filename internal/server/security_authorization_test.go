package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/store"
)

const (
	goodVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	goodChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// A flow is the authorization code flow of a client, in steps that a row can
// change one thing of.
type flow struct {
	*site
	ask      url.Values // authorization request
	exchange url.Values // token request, without its code
}

// peopleSite has Anna, signed in, and a client called app.
func peopleSite(t testing.TB, change ...func(*catalogue.Catalogue)) *flow {
	t.Helper()
	of := setup{example: "people", handler: deciding}
	if len(change) > 0 {
		of.change = change[0]
	}
	s := start(t, of)
	s.person(t, "staging", "anna")
	secret := s.register(t, "staging", registration{
		id: "app", kind: store.TypeWeb, signIn: store.SignIn{Redirects: []string{"https://app.example/cb", "https://app.example/other"}},
	})
	return &flow{
		site: s,
		ask: url.Values{
			"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {"https://app.example/cb"}, "scope": {"read:notes"}, "state": {"xyz"},
			"code_challenge": {goodChallenge}, "code_challenge_method": {"S256"},
		},
		exchange: url.Values{
			"grant_type": {"authorization_code"}, "client_id": {"app"}, "client_secret": {secret}, "redirect_uri": {"https://app.example/cb"},
			"code_verifier": {goodVerifier},
		},
	}
}

// with is a copy of parameters with some changed; an empty value takes one away.
func with(v url.Values, changes ...string) url.Values {
	copied := url.Values{}
	for name, values := range v {
		copied[name] = append([]string{}, values...)
	}
	for i := 0; i < len(changes); i += 2 {
		if copied.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			copied.Del(changes[i])
		}
	}
	return copied
}

func (f *flow) authorize(t testing.TB, query string) answer {
	t.Helper()
	return f.send(t, f.request("GET "+f.environment("staging").Issuer.Path+"/oauth2/authorize?"+query+" HTTP/1.1", ""))
}

// location is where an answer leads to, and its parameters.
func (a answer) location(t testing.TB) (string, url.Values) {
	t.Helper()
	to := a.header.Get("Location")
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(to, "?"+u.RawQuery), u.Query()
}

// code lets Anna allow what is asked for, and returns the code.
func (f *flow) code(t testing.TB, ask url.Values) string {
	t.Helper()
	got := f.authorize(t, ask.Encode())
	_, to := got.location(t)
	if got.code != http.StatusFound || to.Get("request") == "" {
		t.Fatalf("not asked: %s", got)
	}
	decided := f.send(t, f.request("GET "+decidePath+"?as=anna&request="+to.Get("request")+" HTTP/1.1", ""))
	_, back := decided.location(t)
	if decided.code != http.StatusSeeOther || back.Get("code") == "" {
		t.Fatalf("no code: %s", decided)
	}
	disclosed(back.Get("code")) // row C14
	return back.Get("code")
}

func (f *flow) token(t testing.TB, form url.Values) answer {
	t.Helper()
	return f.send(t, f.request("POST "+f.environment("staging").Issuer.Path+"/oauth2/token HTTP/1.1", form.Encode(), formType))
}

// isPage says that the person was shown a page and nobody was sent anything.
func isPage(t *testing.T, name string, got answer, status int) {
	t.Helper()
	if got.code != status || got.header.Get("Location") != "" || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") ||
		got.header.Get("X-Frame-Options") != "DENY" || !strings.Contains(got.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
		got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: want a page with %d: %s", name, status, got)
	}
	if strings.Contains(got.body, "evil") || strings.Contains(got.body, "<script") {
		t.Errorf("%s: the page repeats what was sent: %s", name, got.body)
	}
}

// TestNothingIsSentBeforeTheRedirectIsProven is rows A01 to A21, B16: whatever else
// is wrong with the request.
func TestNothingIsSentBeforeTheRedirectIsProven(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	good := f.ask.Get("redirect_uri")
	for name, change := range map[string][]string{
		"A01 unregistered":    {"redirect_uri", "https://evil.example/cb"},
		"A02 suffix":          {"redirect_uri", good + "/"},
		"A02 traversal":       {"redirect_uri", good + "/../cb"},
		"A02 case":            {"redirect_uri", "https://app.example/CB"},
		"A02 trailing dot":    {"redirect_uri", "https://app.example./cb"},
		"A05 query":           {"redirect_uri", good + "?a=b"},
		"A06 fragment":        {"redirect_uri", good + "#evil"},
		"A09 loopback":        {"redirect_uri", "http://127.0.0.1:1/cb"},
		"A11 script":          {"redirect_uri", "javascript:evil()"},
		"A13 absent":          {"redirect_uri", ""},
		"A21 too long":        {"redirect_uri", good + "?" + strings.Repeat("a", 2049)},
		"A21 longer still":    {"redirect_uri", good + "?" + strings.Repeat("a", 4097)},
		"B16 unknown client":  {"client_id", "<script>evil"},
		"B16 no client":       {"client_id", ""},
		"B16 a machine":       {"client_id", "YOUR_CLIENT_ID"},
		"B16 another's":       {"client_id", "phone"},
		"B16 NUL in a client": {"client_id", "app\x00"},
	} {
		for _, also := range [][]string{
			nil, {"response_type", "token"}, {"scope", "nothing"}, {"code_challenge", ""}, {"prompt", "none"}, {"request", "x"}, {"state", "\xff"},
		} {
			query := with(with(f.ask, also...), change...).Encode() // row A15
			isPage(t, name, f.authorize(t, query), http.StatusBadRequest)
		}
	}
	isPage(t, "A14 twice", f.authorize(t, f.ask.Encode()+"&redirect_uri="+url.QueryEscape(good)), http.StatusBadRequest)
	isPage(t, "B14 client twice", f.authorize(t, f.ask.Encode()+"&client_id=app"), http.StatusBadRequest)
	path := f.environment("staging").Issuer.Path + "/oauth2/authorize"
	isPage(t, "A14 query and body", f.send(t, f.request("POST "+path+"?redirect_uri="+url.QueryEscape(good)+" HTTP/1.1", f.ask.Encode(), formType)), http.StatusBadRequest)
	for _, ask := range []url.Values{f.ask, with(f.ask, "prompt", "none")} {
		if got := f.send(t, f.request("POST "+path+" HTTP/1.1", ask.Encode(), formType)); got.code != http.StatusFound {
			t.Errorf("POST: %s", got)
		}
	}
	for _, method := range []string{"PUT", "DELETE", "TRACE", "OPTIONS", "HEAD", "PATCH"} {
		got := f.send(t, f.request(method+" "+path+"?"+f.ask.Encode()+" HTTP/1.1", "", "Origin: https://app.example"))
		if got.code != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, POST" || got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("B25, B32: %s: %s", method, got)
		}
	}
	if err := f.environment("staging").resources.store.Clients().Disable(t.Context(), "app", f.forget(), f.by()); err != nil {
		t.Fatal(err)
	}
	f.settle(t, "staging")
	isPage(t, "B16 disabled", f.authorize(t, f.ask.Encode()), http.StatusBadRequest)
}

// TestWhatIsWrongGoesBackToTheApplication is rows B01 to B30, D01 to D06, H14: each
// breaks one thing. Every answer has state and issuer (B06).
func TestWhatIsWrongGoesBackToTheApplication(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	long := func(n int) string { return strings.Repeat("a", n) }
	words := func(n int) string { return strings.TrimSpace(strings.Repeat("a ", n)) }
	for _, row := range []struct {
		name, error string // empty: it is asked
		change      []string
	}{
		{"good", "", nil},
		{"B01 missing", "invalid_request", []string{"response_type", ""}},
		{"B01 unknown", "unsupported_response_type", []string{"response_type", "cod"}},
		{"B03 token", "unsupported_response_type", []string{"response_type", "token"}},
		{"B03 hybrid", "unsupported_response_type", []string{"response_type", "code id_token"}},
		{"B04 mode", "invalid_request", []string{"response_mode", "fragment"}},
		{"B04 query", "", []string{"response_mode", "query"}},
		{"B07 2 KiB of state", "", []string{"state", long(2048)}},
		{"B07 longer state", "invalid_request", []string{"state", long(2049)}},
		{"B09 none", "login_required", []string{"prompt", "none"}},
		{"B09 none and login", "invalid_request", []string{"prompt", "none login"}},
		{"B09 unknown", "invalid_request", []string{"prompt", "create"}},
		{"B11 negative", "invalid_request", []string{"max_age", "-1"}},
		{"B11 float", "invalid_request", []string{"max_age", "1.5"}},
		{"B11 huge", "invalid_request", []string{"max_age", "99999999999999999999"}},
		{"B11 zero", "", []string{"max_age", "0"}},
		{"B12 hint", "invalid_request", []string{"id_token_hint", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIn0."}},
		{"B17 extra", "", []string{"extra", "evil"}},
		{"B18 unknown scope", "invalid_scope", []string{"scope", "evil"}},
		{"B18 malformed scope", "invalid_scope", []string{"scope", `"`}},
		{"B19 many scopes", "invalid_scope", []string{"scope", strings.Join(strings.Split(long(65), ""), "b ")}},
		{"B29 odd locales", "", []string{"ui_locales", "../../x nl"}},
		{"B29 many locales", "invalid_request", []string{"ui_locales", words(11)}},
		{"10 locales", "", []string{"ui_locales", words(10)}},
		{"20 classes", "", []string{"acr_values", words(20)}},
		{"21 classes", "invalid_request", []string{"acr_values", words(21)}},
		{"1024 bytes of classes", "", []string{"acr_values", long(1024)}},
		{"1025 bytes of classes", "invalid_request", []string{"acr_values", long(1025)}},
		{"512 bytes of nonce", "", []string{"nonce", long(512)}},
		{"513 bytes of nonce", "invalid_request", []string{"nonce", long(513)}},
		{"256 bytes of hint", "", []string{"login_hint", long(256)}},
		{"257 bytes of hint", "invalid_request", []string{"login_hint", long(257)}},
		{"B30 claims", "", []string{"claims", `{"id_token":{"email":null,"acr":{"essential":true,"value":"urn:grantway:acr:2"}}}`}},
		{"B30 no JSON", "invalid_request", []string{"claims", `{`}},
		{"B30 no object", "invalid_request", []string{"claims", `[]`}},
		{"B30 deep", "invalid_request", []string{"claims", `{"userinfo":` + strings.Repeat(`{"a":`, 17) + `1` + strings.Repeat(`}`, 17) + `}`}},
		{"B30 twice", "invalid_request", []string{"claims", `{"userinfo":{},"userinfo":{}}`}},
		{"D01 no challenge", "invalid_request", []string{"code_challenge", "", "code_challenge_method", ""}},
		{"D02 plain", "invalid_request", []string{"code_challenge_method", "plain"}},
		{"D02 no method", "invalid_request", []string{"code_challenge_method", ""}},
		{"D06 short", "invalid_request", []string{"code_challenge", goodChallenge[:42]}},
		{"D06 long", "invalid_request", []string{"code_challenge", goodChallenge + "A"}},
		{"D06 other letters", "invalid_request", []string{"code_challenge", goodChallenge[:42] + "+"}},
		{"H14 object", "request_not_supported", []string{"request", "x.y.z"}},
		{"H14 reference", "request_uri_not_supported", []string{"request_uri", "https://evil.example/"}},
		{"resource", "invalid_target", []string{"resource", "urn:nothing"}},
	} {
		got := f.authorize(t, with(f.ask, row.change...).Encode())
		to, said := got.location(t)
		if row.error == "" {
			if got.code != http.StatusFound || to != f.environment("staging").Issuer.String()+"/login" || len(said) != 1 {
				t.Errorf("%s: %s", row.name, got)
			}
			continue
		}
		state := "xyz"
		if row.name == "B07 longer state" {
			state = ""
		}
		if got.code != http.StatusSeeOther || to != "https://app.example/cb" || said.Get("error") != row.error || said.Get("error_description") == "" ||
			said.Get("state") != state || said.Get("iss") != f.environment("staging").issuer() || strings.Contains(got.header.Get("Location"), "evil") {
			t.Errorf("%s: %s", row.name, got)
		}
	}
	for name := range f.ask { // row B14
		if name == "client_id" || name == "redirect_uri" {
			continue
		}
		got := f.authorize(t, f.ask.Encode()+"&"+name+"="+f.ask.Get(name))
		if to, said := got.location(t); to != "https://app.example/cb" || said.Get("error") != "invalid_request" {
			t.Errorf("B14: %s twice: %s", name, got)
		}
	}
}

// TestFormPostEscapes is row B05.
func TestFormPostEscapes(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	got := f.authorize(t, with(f.ask, "response_mode", "form_post", "scope", "nothing", "state", `"><script>alert(1)</script>`).Encode())
	policy := got.header.Get("Content-Security-Policy")
	if got.code != http.StatusOK || strings.Contains(got.body, "<script>alert") || !strings.Contains(got.body, `&lt;script&gt;alert(1)`) ||
		!strings.Contains(got.body, ` method="post" action="https://app.example/cb"`) || strings.Count(got.body, "<script") != 1 ||
		!strings.HasPrefix(policy, "default-src 'none';") || !strings.Contains(policy, "; script-src 'self';") || strings.Contains(policy, "unsafe") ||
		got.header.Get("X-Frame-Options") != "DENY" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("B05: %s", got)
	}
}

// TestCodes is rows C03, C04, C10, A20, D03, D05, D06, E07, E08.
func TestCodes(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	other := f.register(t, "staging", registration{id: "other", kind: store.TypeWeb, signIn: store.SignIn{Redirects: []string{"https://app.example/cb"}}})
	f.person(t, "staging", "bert")
	good := func(code string) answer { return f.token(t, with(f.exchange, "code", code)) }
	if got := good(f.code(t, f.ask)); got.code != http.StatusOK {
		t.Fatalf("the fixture: %s", got)
	}
	for _, row := range []struct {
		name, error string
		spent       bool
		change      []string
	}{
		{"C03 another client", "invalid_grant", true, []string{"client_id", "other", "client_secret", other}},
		{"A20 other redirect", "invalid_grant", true, []string{"redirect_uri", "https://app.example/other"}},
		{"A20 none", "invalid_grant", true, []string{"redirect_uri", ""}},
		{"D03 no verifier", "invalid_grant", true, []string{"code_verifier", ""}},
		{"D05 wrong verifier", "invalid_grant", true, []string{"code_verifier", goodVerifier[:42] + "Z"}},
		{"D06 short", "invalid_request", false, []string{"code_verifier", goodVerifier[:42]}},
		{"D06 long", "invalid_request", false, []string{"code_verifier", strings.Repeat("a", 129)}},
		{"D06 illegal", "invalid_request", false, []string{"code_verifier", goodVerifier[:42] + "!"}},
		{"E07 id only", "invalid_client", false, []string{"client_secret", ""}},
		{"wrong secret", "invalid_client", false, []string{"client_secret", "wrong"}},
		{"E18 no grant", "unsupported_grant_type", false, []string{"grant_type", "password"}},
	} {
		code := f.code(t, f.ask)
		got := f.token(t, with(with(f.exchange, "code", code), row.change...))
		if got.code == http.StatusOK || got.member("error") != row.error || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s", row.name, got)
		}
		if again := good(code); (again.code != http.StatusOK) != row.spent {
			t.Errorf("%s: spent, but for %v: %s", row.name, row.spent, again)
		}
	}
	late := f.code(t, f.ask)
	f.clock.move(60 * time.Second)
	if got := good(late); got.member("error") != "invalid_grant" {
		t.Errorf("C04: %s", got)
	}
	inTime := f.code(t, f.ask)
	f.clock.move(60*time.Second - time.Microsecond)
	if got := good(inTime); got.code != http.StatusOK {
		t.Errorf("C04: %s", got)
	}
	gone := f.code(t, f.ask)
	if err := f.environment("staging").resources.store.Accounts().SetDisabled(t.Context(), "anna", true, f.forget(), f.by()); err != nil {
		t.Fatal(err)
	}
	if got := good(gone); got.member("error") != "invalid_grant" {
		t.Errorf("C10: %s", got)
	}
}

// TestPublicClients is rows E07, E08 and A09: they prove nothing, and the grants
// for them are few.
func TestPublicClients(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	ask := with(f.ask, "client_id", "phone", "redirect_uri", "http://127.0.0.1:49152/cb")
	exchange := with(f.exchange, "client_id", "phone", "client_secret", "", "redirect_uri", "http://127.0.0.1:49152/cb")
	got := f.token(t, with(exchange, "code", f.code(t, ask)))
	if got.code != http.StatusOK || got.member("refresh_token") == "" {
		t.Fatalf("native: %s", got)
	}
	refresh := url.Values{"grant_type": {"refresh_token"}, "client_id": {"phone"}, "refresh_token": {got.member("refresh_token")}}
	if got := f.token(t, refresh); got.code != http.StatusOK {
		t.Errorf("refresh: %s", got)
	}
	f.register(t, "staging", registration{id: "gadget", kind: store.TypeNative, grants: []string{"client_credentials"}})
	if got := f.token(t, url.Values{"grant_type": {"client_credentials"}, "client_id": {"gadget"}}); got.code != 400 || got.member("error") != "unauthorized_client" {
		t.Errorf("E08: %s", got)
	}
	if got := f.token(t, with(refresh, "client_id", "app")); got.code != 401 || got.member("error") != "invalid_client" {
		t.Errorf("E07: %s", got)
	}
	if got := f.token(t, with(exchange, "code", f.code(t, ask), "client_secret", "anything")); got.code != 401 {
		t.Errorf("a secret of a client that has none: %s", got)
	}
	for uri, good := range map[string]bool{
		"http://127.0.0.1/cb": true, "org.example.phone:/cb": true, "http://127.0.0.1:80/cb/": false,
		"http://localhost:49152/cb": false, "http://127.0.0.1.evil.example/cb": false, "http://127.0.0.1:1/cb?x": false,
	} {
		if got := f.authorize(t, with(ask, "redirect_uri", uri).Encode()); (got.code == http.StatusFound) != good {
			t.Errorf("A09: %s: %s", uri, got)
		}
	}
	introspect := f.request("POST "+f.environment("staging").Issuer.Path+"/oauth2/introspect HTTP/1.1", "client_id=phone&token=x", formType)
	if got := f.send(t, introspect); got.code != 401 {
		t.Errorf("M01: %s", got)
	}
}

// TestOriginsOfPages is row E29: a page reads the answers for its own application.
func TestOriginsOfPages(t *testing.T) {
	t.Parallel()
	f := peopleSite(t)
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"page"}, "refresh_token": {"x"}}
	for _, row := range []struct {
		client, origin, allowed string
	}{
		{"page", "https://page.example", "https://page.example"},
		{"page", "https://evil.example", ""},
		{"page", "null", ""},
		{"phone", "https://page.example", ""},
	} {
		for path, form := range map[string]url.Values{"/oauth2/token": form, "/oauth2/revoke": {"client_id": {"page"}, "token": {"x"}}} {
			got := f.send(t, f.request("POST "+f.environment("staging").Issuer.Path+path+" HTTP/1.1", with(form, "client_id", row.client).Encode(), formType, "Origin: "+row.origin))
			if got.header.Get("Access-Control-Allow-Origin") != row.allowed || got.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("E29: %s at %s from %s: %s", row.client, path, row.origin, got)
			}
		}
	}
}
