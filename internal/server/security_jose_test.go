package server

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
)

// members are those of a JOSE header or of claims.
type members map[string]any

func (m members) with(name string, value any) members {
	changed := members{}
	for n, v := range m {
		changed[n] = v
	}
	if changed[name] = value; value == nil {
		delete(changed, name)
	}
	return changed
}

func (m members) encoded() string {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// signingKey is the private key of an environment, as only its server knows it.
func (s *site) signingKey(t testing.TB, environment string) (kid string, key crypto.Signer) {
	t.Helper()
	stored, err := s.environment(environment).resources.store.Keys().List(t.Context())
	if err != nil || len(stored) == 0 {
		t.Fatalf("the keys of %s: %d, %v", environment, len(stored), err)
	}
	sealing, err := seal()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(stored, func(k store.Key) bool { return k.Algorithm == "ES256" && k.Purpose == keys.AccessToken })
	kid = stored[at].ID
	bound := bytes.Join([][]byte{[]byte("grantway signing key"), []byte(environment), []byte(keys.AccessToken), []byte(kid)}, []byte{0})
	der, err := sealing.Open(stored[at].Sealed, bound)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return kid, parsed.(crypto.Signer)
}

// es256 signs as RFC 7518 §3.4 says.
func es256(t testing.TB, key crypto.Signer, input string) string {
	t.Helper()
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key.(*ecdsa.PrivateKey), digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func hs256(secret []byte, input string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// TestForgedTokens is group G as far as access tokens at the gateway go: a token
// that the environment's own key signed is good, and each row breaks one thing.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	kid, key := s.signingKey(t, "staging")
	otherKid, otherKey := s.signingKey(t, "production")
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var fetched atomic.Int32
	canary := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
	defer canary.Close()

	e := s.environment("staging")
	now := s.clock.Now().Unix()
	header := members{"kid": kid, "alg": "ES256", "typ": "at+jwt"}
	claims := members{
		"iss": e.Issuer.String(), "sub": "YOUR_CLIENT_ID", "aud": e.APIs[0].Audience, "client_id": "YOUR_CLIENT_ID", "scope": "read:moves",
		"iat": now, "exp": now + 60, "jti": "x.y",
	}
	sign := func(header, claims members) string { return es256(t, key, header.encoded()+"."+claims.encoded()) }
	raw := func(claims string) string {
		return es256(t, key, header.encoded()+"."+base64.RawURLEncoding.EncodeToString([]byte(claims)))
	}
	whole, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	jwk := members{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": kid,
		"x": b64int(stranger.X), "y": b64int(stranger.Y),
	}
	genuine := sign(header, claims)
	body := header.encoded() + "." + claims.encoded()
	signature := genuine[strings.LastIndexByte(genuine, '.')+1:]

	type row struct{ row, what, token string }
	rows := []row{
		{"G02", "HS256 with the public key, PEM", hs256(public, header.with("alg", "HS256").encoded()+"."+claims.encoded())},
		{"G02", "HS256 with the public key, DER", hs256(der, header.with("alg", "HS256").encoded()+"."+claims.encoded())},
		{"G02", "HS256 with the kid", hs256([]byte(kid), header.with("alg", "HS256").encoded()+"."+claims.encoded())},
		{"G04", "a jwk of a stranger", es256(t, stranger, header.with("jwk", jwk).encoded()+"."+claims.encoded())},
		{"G04", "a jwk of a stranger, no kid", es256(t, stranger, header.with("kid", nil).with("jwk", jwk).encoded()+"."+claims.encoded())},
		{"G04", "jku", es256(t, stranger, header.with("jku", canary.URL).encoded()+"."+claims.encoded())},
		{"G04", "x5u", es256(t, stranger, header.with("x5u", canary.URL).encoded()+"."+claims.encoded())},
		{"G04", "x5c", es256(t, stranger, header.with("x5c", []string{base64.StdEncoding.EncodeToString(der)}).encoded()+"."+claims.encoded())},
		{"G04", "jku on a good token", sign(header.with("jku", canary.URL), claims)},
		{"G15", "crit that is unknown", sign(header.with("crit", []string{"x"}).with("x", 1), claims)},
		{"G15", "crit of exp", sign(header.with("crit", []string{"exp"}), claims)},
		{"G15", "b64 false", sign(header.with("b64", false).with("crit", []string{"b64"}), claims)},
		{"G15", "two signatures", genuine + "." + signature},
		{"G15", "five segments", body + "." + signature + "." + signature + "." + signature},
		{"G19", "aud missing", sign(header, claims.with("aud", nil))},
		{"G19", "aud another", sign(header, claims.with("aud", "https://other.example"))},
		{"G19", "aud an array of others", sign(header, claims.with("aud", []string{"https://other.example", e.APIs[0].Audience + "/"}))},
		{"G19", "aud empty", sign(header, claims.with("aud", []string{}))},
		{"G19", "aud a number", sign(header, claims.with("aud", 7))},
		{"G19", "iss missing", sign(header, claims.with("iss", nil))},
		{"G19", "iss with a slash", sign(header, claims.with("iss", e.Issuer.String()+"/"))},
		{"G19", "iss in another case", sign(header, claims.with("iss", strings.ToUpper(e.Issuer.String())))},
		{"G19", "iss of production", sign(header, claims.with("iss", s.environment("production").Issuer.String()))},
		{"G19", "another environment's key under its kid", es256(t, otherKey, header.with("kid", otherKid).encoded()+"."+claims.encoded())},
		{"G19", "another environment's key under our kid", es256(t, otherKey, header.encoded()+"."+claims.encoded())},
		{"G20", "sub missing", sign(header, claims.with("sub", nil))},
		{"G20", "sub empty", sign(header, claims.with("sub", ""))},
		{"G20", "sub of 256 bytes", sign(header, claims.with("sub", strings.Repeat("s", 256)))},
		{"G20", "sub a number", sign(header, claims.with("sub", 1))},
		{"G20", "client_id missing", sign(header, claims.with("client_id", nil))},
		{"G21", "nested 17 deep", raw(strings.TrimSuffix(string(whole), "}") + `,"x":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + "}")},
		{"G21", "a number beyond 2^53", raw(strings.TrimSuffix(string(whole), "}") + `,"x":9007199254740993}`)},
		{"G21", "a claim twice", raw(strings.TrimSuffix(string(whole), "}") + `,"sub":"other"}`)},
		{"G21", "something behind the claims", raw(string(whole) + "{}")},
		{"rule 9", "typ missing", sign(header.with("typ", nil), claims)},
		{"rule 9", "typ JWT", sign(header.with("typ", "JWT"), claims)},
		{"rule 9", "typ of an ID token", sign(header.with("typ", "id_token+jwt"), claims)},
		{"exp", "missing", sign(header, claims.with("exp", nil))},
		{"exp", "text", sign(header, claims.with("exp", fmt.Sprint(now+60)))},
		{"exp", "now", sign(header, claims.with("exp", now))},
		{"iat", "missing", sign(header, claims.with("iat", nil))},
		{"iat", "61 s ahead", sign(header, claims.with("iat", now+61))},
		{"nbf", "61 s ahead", sign(header, claims.with("nbf", now+61))},
		{"signature", "missing", body + "."},
		{"signature", "zero", body + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64))},
		{"signature", "of other claims", header.encoded() + "." + claims.with("scope", "write:accounts").encoded() + "." + signature},
		{"signature", "padded", genuine + "=="},
		{"kid", "missing", sign(header.with("kid", nil), claims)},
		{"kid", "unknown", sign(header.with("kid", "unknown"), claims)},
		{"form", "two segments", body},
		{"form", "empty segments", ".."},
		{"form", "a line of dots", strings.Repeat(".", 1000)},
	}
	for _, alg := range []any{"none", "None", "nOnE", "", nil, 1, "ES256 ", "es256", "HS256", "RS256", "PS256", "EdDSA", "ES384"} {
		id := "G03"
		if text, ok := alg.(string); !ok || strings.EqualFold(text, "none") || text == "" {
			id = "G01"
		}
		changed := header.with("alg", alg)
		rows = append(rows,
			row{id, fmt.Sprintf("alg %v, unsigned", alg), changed.encoded() + "." + claims.encoded() + "."},
			row{id, fmt.Sprintf("alg %v, signed", alg), sign(changed, claims)})
	}
	call := func(token string) answer {
		return s.send(t, s.request("GET /staging/api/moves?limit=1 HTTP/1.1", "", "Authorization: Bearer "+token))
	}
	for what, token := range map[string]string{
		"the token that the rows break": genuine,
		"with aud in an array":          sign(header, claims.with("aud", []string{"https://other.example", e.APIs[0].Audience})), // RFC 9068 §4
		"with typ application/at+jwt":   sign(header.with("typ", "application/at+JWT"), claims),
		"with iat a minute ahead":       sign(header, claims.with("iat", now+60)),
		"with sub of 255 bytes":         sign(header, claims.with("sub", strings.Repeat("s", 255))),
		"nested 16 deep":                raw(strings.TrimSuffix(string(whole), "}") + `,"x":` + strings.Repeat("[", 15) + strings.Repeat("]", 15) + "}"),
	} {
		if got := call(token); got.code != 200 {
			t.Errorf("%s: %s\n%s", what, got, s.logged(got))
		}
	}
	for _, row := range rows {
		t.Run(row.row+" "+row.what, func(t *testing.T) {
			got := call(row.token)
			if got.code != 401 || !strings.Contains(got.header.Get("WWW-Authenticate"), `error="invalid_token"`) || got.member("error") != "invalid_token" {
				t.Errorf("want 401 invalid_token, got %s\n%s", got, s.logged(got))
			}
		})
	}
	if n := fetched.Load(); n != 0 {
		t.Errorf("G04: %d requests to a URL in a token", n)
	}
	if got := call(`{"payload":"` + claims.encoded() + `","signatures":[]}`); got.code != 401 {
		t.Errorf("G15: JSON serialisation: %s", got)
	}
}

func b64int(n *big.Int) string {
	return base64.RawURLEncoding.EncodeToString(n.FillBytes(make([]byte, 32)))
}

// TestTokensOfAnotherKind is rule 9 for the shapes that lack typ or aud: what
// stands in for them is checked.
func TestTokensOfAnotherKind(t *testing.T) {
	t.Parallel()
	e256 := func(s *site) (members, members, func(members, members) string) {
		kid, key := s.signingKey(t, "staging")
		e := s.environment("staging")
		now := s.clock.Now().Unix()
		return members{"kid": kid, "alg": "ES256"}, members{"iss": e.issuer(), "sub": "c", "iat": now, "exp": now + 60, "jti": "x.y"},
			func(h, c members) string { return es256(t, key, h.encoded()+"."+c.encoded()) }
	}
	type row struct {
		what   string
		header [2]any
		claim  [2]any
	}
	systems := []struct {
		dialect string
		header  members
		claims  members
		rows    []row
	}{
		{
			"cognito",
			members{},
			members{"client_id": "c", "token_use": "access", "scope": "read:moves"},
			[]row{
				{what: "an ID token", claim: [2]any{"token_use", "id"}},
				{what: "no token_use", claim: [2]any{"token_use", nil}},
				{what: "a typ", header: [2]any{"typ", "JWT"}},
				{what: "an RFC 9068 typ", header: [2]any{"typ", "at+jwt"}},
				{what: "no scope of the API", claim: [2]any{"scope", "read:other"}},
				{what: "no scope", claim: [2]any{"scope", nil}},
				{what: "no client", claim: [2]any{"client_id", nil}},
			},
		},
		{
			"auth0",
			members{"typ": "JWT"},
			members{"azp": "c", "aud": "urn:moves", "scope": "read:moves", "gty": "client-credentials"},
			[]row{
				{what: "no typ", header: [2]any{"typ", nil}},
				{what: "another typ", header: [2]any{"typ", "at+jwt"}},
				{what: "a token_use", claim: [2]any{"token_use", "access"}},
				{what: "another audience", claim: [2]any{"aud", "urn:accounts"}},
				{what: "no audience", claim: [2]any{"aud", nil}},
				{what: "no client", claim: [2]any{"azp", nil}},
			},
		},
	}
	for _, system := range systems {
		s := start(t, setup{example: "two-apis", change: dialectOf(system.dialect)})
		header, claims, sign := e256(s)
		for n, v := range system.header {
			header = header.with(n, v)
		}
		for n, v := range system.claims {
			claims = claims.with(n, v)
		}
		call := func(token string) answer {
			return s.send(t, s.request("GET "+s.environment("staging").Base.Path+"/moves HTTP/1.1", "", "Authorization: Bearer "+token))
		}
		if got := call(sign(header, claims)); got.code != 200 {
			t.Errorf("%s: the token that the rows break: %s\n%s", system.dialect, got, s.logged(got))
		}
		for _, row := range system.rows {
			h, c := header, claims
			if row.header[0] != nil {
				h = h.with(row.header[0].(string), row.header[1])
			}
			if row.claim[0] != nil {
				c = c.with(row.claim[0].(string), row.claim[1])
			}
			if got := call(sign(h, c)); got.code != 401 {
				t.Errorf("%s: %s: %s", system.dialect, row.what, got)
			}
		}
	}
}
