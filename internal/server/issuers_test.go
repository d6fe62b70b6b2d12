package server

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/jose"
)

// A formerIssuer is what clients are moving away from: it publishes keys, and
// signs what it is told to.
type formerIssuer struct {
	url     string
	keys    []jose.PublicKey
	signers map[string]*jose.Signer // by the typ of the header
	down    atomic.Bool
	fetches atomic.Int64
}

// former runs an issuer whose key has the id kid.
func former(t testing.TB, kid string) *formerIssuer {
	t.Helper()
	f := &formerIssuer{signers: map[string]*jose.Signer{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL + "/pool"
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []string{"at+jwt", "JWT", ""} {
		header := map[string]any{"alg": "ES256", "kid": kid}
		if typ != "" {
			header["typ"] = typ
		}
		text, _ := json.Marshal(header)
		if f.signers[typ], err = jose.NewSigner(jose.ES256, kid, key, text); err != nil {
			t.Fatal(err)
		}
	}
	f.keys = []jose.PublicKey{f.signers[""].Public()}
	return f
}

// ServeHTTP is http.Handler's.
func (f *formerIssuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.fetches.Add(1)
	if f.down.Load() {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	switch r.URL.Path {
	case "/pool/.well-known/openid-configuration":
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, f.url, f.url+"/keys")
	case "/pool/keys":
		set, _ := jose.MarshalJWKSet(f.keys)
		w.Write(set)
	default:
		http.NotFound(w, r)
	}
}

const oldAudience = "https://old.example"

// claims are those of a good token at a time; more replaces some, nil removes.
func (f *formerIssuer) claims(now time.Time, more map[string]any) map[string]any {
	claims := map[string]any{
		"iss": f.url, "aud": oldAudience, "sub": "someone", "client_id": "YOUR_CLIENT_ID", "scope": "read:moves", "jti": "a.s1",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(claims, more)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func (f *formerIssuer) sign(t testing.TB, typ string, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	token, err := f.signers[typ].Sign(t.Context(), body)
	if err != nil {
		t.Fatal(err)
	}
	disclosed(token)
	return token
}

// end is when the former issuers of these tests end.
var end = begin.Add(48 * time.Hour)

// trusts has the API of staging trust an issuer.
func trusts(f *formerIssuer, shape string, more ...func(*catalogue.Catalogue)) func(*catalogue.Catalogue) {
	return func(c *catalogue.Catalogue) {
		api := c.Environments[0].APIs[0]
		i := &catalogue.Issuer{URL: f.url, Shape: shape, Audience: []string{oldAudience}, Until: end}
		if shape == "cognito" {
			i.Audience = nil
		}
		api.Issuers = append(api.Issuers, i)
		api.Scopes = append([]*catalogue.Scope{}, api.Scopes...)
		accounts := *api.Scopes[0]
		accounts.Aliases = []string{"https://old.example/accounts.read"}
		api.Scopes[0] = &accounts
		for _, change := range more {
			change(c)
		}
	}
}

// call sends a guarded request.
func (s *site) call(t testing.TB, path, token string) answer {
	t.Helper()
	return s.send(t, s.request("GET "+path+" HTTP/1.1", "", "Authorization: Bearer "+token))
}

const moves = "/staging/api/moves"

// TestFormerIssuer: each row is a token of the former issuer, or one that wants
// to pass for it; rows G19, S03, G25, and confusion of issuers.
func TestFormerIssuer(t *testing.T) {
	t.Parallel()
	behind := &upstream{}
	unlisted := former(t, "k1")
	// The key id is the environment's own: nothing but the issuer tells them apart.
	prepared := start(t, setup{example: "fitness"})
	kid := prepared.environment("staging").resources.ring.Public()[0].KeyID
	old := former(t, kid)
	s := start(t, setup{example: "fitness", api: behind, change: trusts(old, "plain")})
	ownKid := s.environment("staging").resources.ring.Public()[0].KeyID
	if ownKid != kid {
		t.Fatal("the two sites have different keys")
	}
	now := s.clock.Now()
	own := s.token(t, good)
	token := func(typ string, more map[string]any) string { return old.sign(t, typ, old.claims(now, more)) }
	us := s.environment("staging")
	parts := strings.Split(own, ".")
	for _, row := range []struct {
		name, path, token string
		status            int
		refusal           string
		client            string
	}{
		{"good", moves, token("at+jwt", nil), 200, "", old.url + "#YOUR_CLIENT_ID"},
		{"good, typ JWT", moves, token("JWT", nil), 200, "", old.url + "#YOUR_CLIENT_ID"},
		{"our own", moves, own, 200, "", "YOUR_CLIENT_ID"},
		{"an id that looks like ours behind another issuer", moves, token("JWT", map[string]any{"client_id": "a#b c\n%", "sub": "x#y"}), 200, "", old.url + "#a%23b%20c%0A%25"},
		{"client in azp", moves, token("JWT", map[string]any{"client_id": nil, "azp": "former"}), 200, "", old.url + "#former"},
		{"several audiences", moves, token("JWT", map[string]any{"aud": []string{"x", oldAudience}}), 200, "", old.url + "#YOUR_CLIENT_ID"},
		{"scope by alias", "/staging/api/accounts", token("JWT", map[string]any{"scope": "openid https://old.example/accounts.read read:accounts"}), 200, "", old.url + "#YOUR_CLIENT_ID"},

		{"another scope", "/staging/api/accounts", token("JWT", nil), 403, "scope-insufficient", ""},
		{"no scope", moves, token("JWT", map[string]any{"scope": nil}), 403, "scope-insufficient", ""},
		{"no client", moves, token("JWT", map[string]any{"client_id": nil}), 401, "token-for-another-api", ""},
		{"client of 256", moves, token("JWT", map[string]any{"client_id": strings.Repeat("x", 256)}), 401, "token-for-another-api", ""},
		{"no audience", moves, token("JWT", map[string]any{"aud": nil}), 401, "token-for-another-api", ""},
		{"another audience", moves, token("JWT", map[string]any{"aud": "https://other.example"}), 401, "token-for-another-api", ""},
		{"our own audience", moves, token("JWT", map[string]any{"aud": us.APIs[0].Audience}), 401, "token-for-another-api", ""},
		{"an ID token", moves, token("JWT", map[string]any{"nonce": "n"}), 401, "token-for-another-api", ""},
		{"a bound token", moves, token("JWT", map[string]any{"cnf": map[string]any{"jkt": "x"}}), 401, "token-for-another-api", ""},
		{"expired", moves, token("JWT", map[string]any{"exp": now.Unix()}), 401, "token-expired", ""},
		{"from the future", moves, token("JWT", map[string]any{"iat": now.Add(2 * time.Minute).Unix()}), 401, "token-not-yet-valid", ""},
		{"issuer with a slash", moves, token("JWT", map[string]any{"iss": old.url + "/"}), 401, "", ""},
		{"issuer in another case", moves, token("JWT", map[string]any{"iss": strings.ToUpper(old.url)}), 401, "", ""},
		{"no issuer", moves, token("JWT", map[string]any{"iss": nil}), 401, "", ""},
		{"our issuer, their key, our kid", moves, token("at+jwt", map[string]any{"iss": us.issuer(), "aud": us.APIs[0].Audience}), 401, "token-forged", ""},
		{"their issuer, our signature", moves, parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf(`{"iss":%q}`, old.url))) + "." + parts[2], 401, "token-forged", ""},
		{"their issuer twice", moves, twice(old, us, now, t), 401, "", ""},
		{"their issuer, an unlisted one's key", moves, unlisted.sign(t, "JWT", old.claims(now, nil)), 401, "", ""},
		{"an unlisted issuer", moves, unlisted.sign(t, "JWT", unlisted.claims(now, nil)), 401, "", ""},
		{"alg none", moves, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(token("JWT", nil), ".")[1] + ".", 401, "", ""},
		{"another environment", "/production/api/moves", token("JWT", nil), 401, "token-of-another-issuer", ""},
	} {
		behind.take()
		got := s.call(t, row.path, row.token)
		line := s.logged(got)
		if got.code != row.status || !strings.Contains(line, `"refusal":"`+row.refusal) && row.refusal != "" {
			t.Errorf("%s: %s\n%s", row.name, got, line)
		}
		seen := behind.take()
		if len(seen) != map[bool]int{true: 1}[row.status == 200] {
			t.Errorf("%s: %d requests reached the API", row.name, len(seen))
			continue
		}
		if row.status != 200 {
			continue
		}
		h := seen[0].Header
		if h.Get("Grantway-Client") != row.client || strings.Contains(row.client, "#") != strings.HasPrefix(h.Get("Grantway-Subject"), old.url+"#") {
			t.Errorf("%s: the API saw client %q, subject %q", row.name, h.Get("Grantway-Client"), h.Get("Grantway-Subject"))
		}
		if scope := h.Get("Grantway-Scope"); scope != "read:moves" && scope != "read:accounts" {
			t.Errorf("%s: the API saw the scope %q", row.name, scope)
		}
		if strings.Contains(line, `"secret_id":"s1"`) {
			t.Errorf("%s: another issuer's jti is taken for ours: %s", row.name, line)
		}
	}
	if n := unlisted.fetches.Load(); n != 0 {
		t.Errorf("an issuer that nobody listed was asked %d times", n)
	}
}

// twice has a token say two issuers: the one that chooses and the one that counts.
func twice(f *formerIssuer, us *environment, now time.Time, t testing.TB) string {
	body, err := json.Marshal(f.claims(now, nil))
	if err != nil {
		t.Fatal(err)
	}
	token, err := f.signers["JWT"].Sign(t.Context(), append(fmt.Appendf(nil, `{"iss":%q,`, us.issuer()), body[1:]...))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestFormerCognito: tokens without typ and audience, which their scopes bind.
func TestFormerCognito(t *testing.T) {
	t.Parallel()
	old := former(t, "pool-key")
	s := start(t, setup{example: "fitness", change: trusts(old, "cognito")})
	now := s.clock.Now()
	base := map[string]any{"aud": nil, "token_use": "access"}
	for name, row := range map[string]struct {
		typ    string
		more   map[string]any
		status int
	}{
		"good":         {"", nil, 200},
		"by alias":     {"", map[string]any{"scope": "https://old.example/accounts.read"}, 403}, // good, and the route needs another
		"an ID token":  {"", map[string]any{"token_use": "id", "aud": "YOUR_CLIENT_ID"}, 401},
		"other scopes": {"", map[string]any{"scope": "aws.cognito.signin.user.admin"}, 401},
		"no scope":     {"", map[string]any{"scope": nil}, 401},
		"typ":          {"JWT", nil, 401},
	} {
		claims := old.claims(now, base)
		maps.Copy(claims, row.more)
		maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
		if got := s.call(t, moves, old.sign(t, row.typ, claims)); got.code != row.status {
			t.Errorf("%s: %s\n%s", name, got, s.logged(got))
		}
	}
}

// TestFormerIssuerEnds: its tokens pass until the end, at n and n+1, and ours go on.
func TestFormerIssuerEnds(t *testing.T) {
	t.Parallel()
	old := former(t, "k1")
	s := start(t, setup{example: "fitness", change: trusts(old, "plain")})
	s.clock.move(end.Add(-time.Second).Sub(s.clock.Now()))
	token := old.sign(t, "JWT", old.claims(s.clock.Now(), nil))
	own := s.token(t, good)
	if got := s.call(t, moves, token); got.code != 200 {
		t.Errorf("a second before the end: %s", got)
	}
	s.clock.move(time.Second)
	got := s.call(t, moves, token)
	if got.code != 401 || !strings.Contains(got.header.Get("Www-Authenticate"), `error="invalid_token"`) || !strings.Contains(got.body, "/errors/issuer-ended") {
		t.Errorf("at the end: %s", got)
	}
	if got := s.call(t, moves, own); got.code != 200 {
		t.Errorf("our own, at the end: %s", got)
	}
	page := s.send(t, s.request("GET /staging/auth/errors/issuer-ended HTTP/1.1", ""))
	if page.code != 200 || !strings.Contains(page.body, "credentials") && !strings.Contains(page.body, "Credentials") {
		t.Errorf("the page: %s", page)
	}
}

// TestFormerIssuerDown: without its keys its tokens wait with 503, and ours pass.
func TestFormerIssuerDown(t *testing.T) {
	t.Parallel()
	old := former(t, "k1")
	old.down.Store(true)
	s := start(t, setup{example: "fitness", change: trusts(old, "plain")})
	token := old.sign(t, "JWT", old.claims(s.clock.Now(), nil))
	if got := s.call(t, moves, token); got.code != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("its token: %s", got)
	}
	if got := s.call(t, moves, s.token(t, good)); got.code != 200 {
		t.Errorf("ours: %s", got)
	}
	until(t, "the line that says so", func() bool { return strings.Contains(s.log.all(), "keys of another issuer not fetched") })
	old.down.Store(false)
	until(t, "recovery", func() bool { return s.call(t, moves, token).code == 200 })
}

// TestFormerClientsHaveTheirOwnRate: a client there is not the one here that has
// the same id, nor the one at a third issuer.
func TestFormerClientsHaveTheirOwnRate(t *testing.T) {
	t.Parallel()
	one, two := former(t, "k1"), former(t, "k1")
	s := start(t, setup{example: "fitness", change: trusts(one, "plain", trusts(two, "plain"), func(c *catalogue.Catalogue) {
		c.Environments[0].APIs[0].Rate = catalogue.Rate{Requests: 3, Per: time.Hour}
	})})
	now := s.clock.Now()
	for name, token := range map[string]string{
		"ours": s.token(t, good), "one's": one.sign(t, "JWT", one.claims(now, nil)), "two's": two.sign(t, "JWT", two.claims(now, nil)),
	} {
		for n := range 4 {
			if got := s.call(t, moves, token); got.code != map[bool]int{true: 200, false: 429}[n < 3] {
				t.Errorf("%s, request %d: %s", name, n+1, got)
			}
		}
	}
	// The keys of one do not open the other, although they are called the same.
	for _, mixed := range []string{one.sign(t, "JWT", two.claims(now, nil)), two.sign(t, "JWT", one.claims(now, nil))} {
		if got := s.call(t, moves, mixed); got.code != 401 || !strings.Contains(s.logged(got), `"refusal":"token-forged"`) {
			t.Errorf("mixed up: %s", got)
		}
	}
}

// TestFormerIssuerElsewhere: a gateway apart and other proxies' questions take
// the same tokens, and count them.
func TestFormerIssuerElsewhere(t *testing.T) {
	t.Parallel()
	old := former(t, "k1")
	s := start(t, setup{example: "fitness", change: trusts(old, "plain")})
	apart := s.apart(t, "fitness", t.TempDir(), func(o *GatewayOptions) { trusts(old, "plain")(o.Catalogue) })
	until(t, "a ready gateway", apart.isReady)
	now := s.clock.Now()
	token := old.sign(t, "JWT", old.claims(now, nil))
	forged := old.sign(t, "at+jwt", old.claims(now, map[string]any{"iss": s.environment("staging").issuer()}))
	asked := *s
	asked.address = s.verifying(t)
	for presented, want := range map[string]int{token: 200, forged: 401, s.token(t, good): 200} {
		if got := apart.call(t, "/moves", presented); got != want {
			t.Errorf("the gateway apart: %d, want %d", got, want)
		}
		got := asked.call(t, "/verify/staging/fitness/staging/api/moves", presented)
		if got.code != want {
			t.Errorf("asked by a proxy: %s", got)
		}
		if client := got.header.Get("Grantway-Client"); presented == token && client != old.url+"#YOUR_CLIENT_ID" {
			t.Errorf("the proxy is told %q", client)
		}
	}
	for name, process := range map[string]http.Handler{"server": s.server.Operations(), "gateway apart": apart.Operations()} {
		w := httptest.NewRecorder()
		process.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
		want := fmt.Sprintf("grantway_other_issuer_calls_total{api=\"fitness\",environment=\"staging\",issuer=%q} 1\n", old.url)
		if !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "YOUR_CLIENT_ID") {
			t.Errorf("%s does not count %s", name, want)
		}
	}
	// Our endpoints know nothing of such a token.
	s.register(t, "staging", registration{id: "asker", secret: "the asker's secret", resource: true})
	got := s.send(t, s.request("POST /staging/auth/oauth2/introspect HTTP/1.1", "token="+token, formType, basic("asker", "the+asker%27s+secret")))
	if got.code != 200 || strings.TrimSpace(got.body) != `{"active":false}` {
		t.Errorf("introspection: %s", got)
	}
}
