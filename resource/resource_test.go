package resource_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
	"github.com/grantway/grantway/resource"
)

var (
	now   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	keyES = generate(jose.ES256)
	keyRS = generate(jose.RS256)
	other = generate(jose.ES256) // a key that the API does not know
)

const (
	issuer   = "https://auth.example/staging"
	audience = "https://api.example/notes"
)

func generate(algorithm jose.Algorithm) crypto.Signer {
	key, err := jose.Generate(algorithm)
	if err != nil {
		panic(err)
	}
	return key
}

// A minted is a token in the making: rows change it before it is signed.
type minted struct {
	header map[string]any
	claims map[string]any
	key    crypto.Signer
	alter  func(token string) string
}

// good is a token of a shape that passes.
func good(shape resource.Shape) *minted {
	m := &minted{
		header: map[string]any{"alg": "ES256", "kid": "es"},
		claims: map[string]any{
			"iss": issuer, "sub": "client1", "jti": "random.secret1", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "scope": "read write",
		},
		key: keyES,
	}
	switch shape {
	case resource.RFC9068:
		m.header["typ"] = "at+jwt"
		m.claims["aud"], m.claims["client_id"] = audience, "client1"
	case resource.Auth0:
		m.header["typ"] = "JWT"
		m.claims["aud"], m.claims["azp"], m.claims["sub"] = audience, "client1", "client1@clients"
	case resource.Cognito:
		m.claims["token_use"], m.claims["client_id"] = "access", "client1"
	}
	return m
}

// token signs what stands there, whatever it is.
func (m *minted) token() string {
	encode := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	input := encode(m.header) + "." + encode(m.claims)
	digest := sha256.Sum256([]byte(input))
	var signature []byte
	switch key := m.key.(type) {
	case nil:
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			panic(err)
		}
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	default:
		var err error
		if signature, err = key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
			panic(err)
		}
	}
	token := input + "." + base64.RawURLEncoding.EncodeToString(signature)
	if m.alter != nil {
		token = m.alter(token)
	}
	return token
}

func config(shape resource.Shape) resource.Config {
	return resource.Config{
		Issuer: issuer, Audience: []string{audience, "notes"}, Shape: shape, Scopes: []string{"read", "write"},
		Now: func() time.Time { return now },
		Key: func(_ context.Context, id string) (crypto.PublicKey, string, error) {
			switch id {
			case "es":
				return keyES.Public(), "ES256", nil
			case "rs":
				return keyRS.Public(), "RS256", nil
			}
			return nil, "", errors.New("unknown kid")
		},
	}
}

func checker(t testing.TB, c resource.Config) *resource.Checker {
	t.Helper()
	made, err := resource.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestGood(t *testing.T) {
	for _, shape := range []resource.Shape{resource.RFC9068, resource.Auth0, resource.Cognito} {
		m := good(shape)
		got, err := checker(t, config(shape)).Check(t.Context(), m.token())
		if err != nil {
			t.Errorf("%s: %v", shape, err)
			continue
		}
		want := &resource.Token{
			ID: "random.secret1", Issuer: issuer, Subject: m.claims["sub"].(string), ClientID: "client1",
			Scope: []string{"read", "write"}, IssuedAt: now, ExpiresAt: now.Add(time.Hour),
		}
		if shape != resource.Cognito {
			want.Audience = []string{audience}
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(resource.Token{})); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", shape, diff)
		}
	}
}

// A row breaks one thing about a good token. Nil as a claim's value takes the
// claim away.
type row struct {
	name   string
	header map[string]any
	claims map[string]any
	change func(*minted)
	reason *refusal.Reason // nil: it stays good
	only   resource.Shape  // empty: every shape
}

func (r row) run(t *testing.T, shape resource.Shape) {
	if r.only != "" && r.only != shape {
		return
	}
	t.Run(string(shape)+"/"+r.name, func(t *testing.T) {
		m := good(shape)
		for into, from := range map[*map[string]any]map[string]any{&m.header: r.header, &m.claims: r.claims} {
			maps.Copy(*into, from)
			maps.DeleteFunc(*into, func(_ string, v any) bool { return v == nil })
		}
		if r.change != nil {
			r.change(m)
		}
		c := checker(t, config(shape))
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Header.Set("Authorization", "Bearer "+m.token())
		got, err := c.Authenticate(request)
		if r.reason == nil {
			if err != nil {
				t.Error(err)
			}
			return
		}
		if !errors.Is(err, r.reason) || got != nil {
			t.Errorf("got %v, %v; want %s", got, err, r.reason.ID)
		}
		if !errors.Is(err, oauth.InvalidToken) || refusal.Of(err).HTTPStatus() != http.StatusUnauthorized {
			t.Errorf("it is no 401 invalid_token: %v", err)
		}
	})
}

func TestRefused(t *testing.T) {
	claims := func(pairs ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
		}
		return m
	}
	in := func(d time.Duration) int64 { return now.Add(d).Unix() }
	rows := []row{
		{name: "G01 none", header: claims("alg", "none"), change: unsigned, reason: refusal.TokenMalformed},
		{name: "G01 None", header: claims("alg", "None"), change: unsigned, reason: refusal.TokenMalformed},
		{name: "G01 empty", header: claims("alg", ""), change: unsigned, reason: refusal.TokenMalformed},
		{name: "G01 missing", header: claims("alg", nil), change: unsigned, reason: refusal.TokenMalformed},
		{name: "G01 no signature", change: unsigned, reason: refusal.TokenForged},
		{name: "G02 HMAC", header: claims("alg", "HS256", "kid", "rs"), reason: refusal.TokenMalformed},
		{name: "G03 another algorithm than the key's", header: claims("alg", "RS256"), change: signedBy(keyRS), reason: refusal.TokenForged},
		{name: "G03 PS256 with an RS256 key", header: claims("alg", "PS256", "kid", "rs"), change: signedBy(keyRS), reason: refusal.TokenForged},
		{name: "another good key", header: claims("alg", "RS256", "kid", "rs"), change: signedBy(keyRS)},
		{name: "G04 jwk", header: claims("jwk", map[string]string{"kty": "EC"}), reason: refusal.TokenMalformed},
		{name: "G04 jku", header: claims("jku", "https://evil.example"), reason: refusal.TokenMalformed},
		{name: "G04 x5u", header: claims("x5u", "https://evil.example"), reason: refusal.TokenMalformed},
		{name: "G04 x5c", header: claims("x5c", []string{"MII"}), reason: refusal.TokenMalformed},
		{name: "G15 crit", header: claims("crit", []string{"b64"}), reason: refusal.TokenMalformed},
		{name: "another kid", header: claims("kid", "unknown"), reason: refusal.TokenOfAnotherIssuer},
		{name: "no kid", header: claims("kid", nil), reason: refusal.TokenOfAnotherIssuer},
		{name: "another's key under our kid", change: signedBy(other), reason: refusal.TokenForged},
		{name: "G19 no aud", claims: claims("aud", nil), reason: refusal.TokenForAnotherAPI, only: resource.RFC9068},
		{name: "G19 no aud", claims: claims("aud", nil), reason: refusal.TokenForAnotherAPI, only: resource.Auth0},
		{name: "G19 aud empty list", claims: claims("aud", []string{}), reason: refusal.TokenForAnotherAPI, only: resource.RFC9068},
		{name: "S03 another aud", claims: claims("aud", "https://api.example/other"), reason: refusal.TokenForAnotherAPI, only: resource.RFC9068},
		{name: "S03 another aud", claims: claims("aud", "https://api.example/other"), reason: refusal.TokenForAnotherAPI, only: resource.Auth0},
		{name: "S03 a slash more", claims: claims("aud", audience+"/"), reason: refusal.TokenForAnotherAPI, only: resource.RFC9068},
		{name: "S03 case", claims: claims("aud", strings.ToUpper(audience)), reason: refusal.TokenForAnotherAPI, only: resource.RFC9068},
		{name: "aud list with ours", claims: claims("aud", []string{"x", audience}), only: resource.RFC9068},
		{name: "the API's other name", claims: claims("aud", "notes"), only: resource.RFC9068},
		{name: "S03 scopes of another API", claims: claims("scope", "other"), reason: refusal.TokenForAnotherAPI, only: resource.Cognito},
		{name: "S03 no scope", claims: claims("scope", ""), reason: refusal.TokenForAnotherAPI, only: resource.Cognito},
		{name: "no scope", claims: claims("scope", nil), only: resource.RFC9068},
		{name: "G19 iss with a slash", claims: claims("iss", issuer+"/"), reason: refusal.TokenOfAnotherIssuer},
		{name: "G19 iss case", claims: claims("iss", strings.ToUpper(issuer)), reason: refusal.TokenOfAnotherIssuer},
		{name: "G19 iss of production", claims: claims("iss", "https://auth.example/production"), reason: refusal.TokenOfAnotherIssuer},
		{name: "G19 no iss", claims: claims("iss", nil), reason: refusal.TokenOfAnotherIssuer},
		{name: "G20 no sub", claims: claims("sub", nil), reason: refusal.TokenForAnotherAPI},
		{name: "G20 empty sub", claims: claims("sub", ""), reason: refusal.TokenForAnotherAPI},
		{name: "G20 sub of 255", claims: claims("sub", strings.Repeat("s", 255))},
		{name: "G20 sub of 256", claims: claims("sub", strings.Repeat("s", 256)), reason: refusal.TokenForAnotherAPI},
		{name: "G20 sub a number", claims: claims("sub", 1), reason: refusal.TokenMalformed},
		{name: "no client", claims: claims("client_id", nil, "azp", nil), reason: refusal.TokenForAnotherAPI},
		{name: "no exp", claims: claims("exp", nil), reason: refusal.TokenForAnotherAPI},
		{name: "no iat", claims: claims("iat", nil), reason: refusal.TokenForAnotherAPI},
		{name: "exp a string", claims: claims("exp", "never"), reason: refusal.TokenMalformed},
		{name: "exp beyond 2^53", claims: claims("exp", 1<<60), reason: refusal.TokenMalformed},
		{name: "exp zero", claims: claims("exp", 0), reason: refusal.TokenExpired},
		{name: "expired now", claims: claims("exp", in(0)), reason: refusal.TokenExpired},
		{name: "a second left", claims: claims("exp", in(time.Second))},
		{name: "iat 60 s ahead", claims: claims("iat", in(time.Minute))},
		{name: "iat 61 s ahead", claims: claims("iat", in(61*time.Second)), reason: refusal.TokenNotYetValid},
		{name: "nbf 60 s ahead", claims: claims("nbf", in(time.Minute))},
		{name: "nbf 61 s ahead", claims: claims("nbf", in(61*time.Second)), reason: refusal.TokenNotYetValid},
		{name: "another typ", header: claims("typ", "JOSE"), reason: refusal.TokenForAnotherAPI},
		{name: "S03 an ID token", header: claims("typ", "JWT"), reason: refusal.TokenForAnotherAPI, only: resource.RFC9068},
		{name: "no typ", header: claims("typ", nil), reason: refusal.TokenForAnotherAPI, only: resource.RFC9068},
		{name: "no typ", header: claims("typ", nil), reason: refusal.TokenForAnotherAPI, only: resource.Auth0},
		{name: "typ in full", header: claims("typ", "application/at+JWT"), only: resource.RFC9068},
		{name: "an RFC 9068 token", header: claims("typ", "at+jwt"), reason: refusal.TokenForAnotherAPI, only: resource.Auth0},
		{name: "an RFC 9068 token", header: claims("typ", "at+jwt"), reason: refusal.TokenForAnotherAPI, only: resource.Cognito},
		{name: "S03 token_use id", claims: claims("token_use", "id"), reason: refusal.TokenForAnotherAPI, only: resource.Cognito},
		{name: "no token_use", claims: claims("token_use", nil), reason: refusal.TokenForAnotherAPI, only: resource.Cognito},
		{name: "a Cognito claim", claims: claims("token_use", "access"), reason: refusal.TokenForAnotherAPI, only: resource.Auth0},
		{name: "cut off", change: altered(func(s string) string { return s[:len(s)-1] }), reason: refusal.TokenMalformed},
		{name: "another first byte of the signature", change: altered(flip), reason: refusal.TokenForged},
		{name: "four segments", change: altered(func(s string) string { return s + ".e30" }), reason: refusal.TokenMalformed},
		{name: "in quotes", change: altered(func(s string) string { return `"` + s + `"` }), reason: refusal.TokenMalformed},
		{name: "nothing", change: altered(func(string) string { return "" }), reason: refusal.TokenMalformed},
		{name: "a placeholder", change: altered(func(string) string { return "ACCESS_TOKEN" }), reason: refusal.TokenMalformed},
	}
	for _, shape := range []resource.Shape{resource.RFC9068, resource.Auth0, resource.Cognito} {
		for _, r := range rows {
			r.run(t, shape)
		}
	}
}

func unsigned(m *minted) { m.key = nil }

func signedBy(key crypto.Signer) func(*minted) { return func(m *minted) { m.key = key } }

func altered(f func(string) string) func(*minted) { return func(m *minted) { m.alter = f } }

// flip changes the first byte of the signature.
func flip(s string) string {
	i := strings.LastIndexByte(s, '.') + 1
	if s[i] == 'A' {
		return s[:i] + "B" + s[i+1:]
	}
	return s[:i] + "A" + s[i+1:]
}
