package resource_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
	"github.com/grantway/grantway/resource"
)

// TestBearer is row S02, and what RFC 6750 §2.1 allows.
func TestBearer(t *testing.T) {
	token := good(resource.RFC9068).token()
	c := checker(t, config(resource.RFC9068))
	for _, row := range []struct {
		name, query string
		headers     []string
		reason      *refusal.Reason // nil: it passes
	}{
		{"as usual", "", []string{"Bearer " + token}, nil},
		{"lower case", "", []string{"bearer " + token}, nil},
		{"two spaces", "", []string{"BEARER  " + token}, nil},
		{"another parameter", "my_access_token=1&access_tokens=2&x=access_token", []string{"Bearer " + token}, nil},
		{"nothing", "", nil, refusal.TokenMissing},
		{"S01 an empty header", "", []string{""}, refusal.TokenMissing},
		{"Basic", "", []string{"Basic YTpi"}, refusal.TokenScheme},
		{"the token alone", "", []string{token}, refusal.TokenScheme},
		{"no space", "", []string{"Bearer" + token}, refusal.TokenScheme},
		{"scheme alone", "", []string{"Bearer "}, refusal.TokenMalformed},
		{"twice in one", "", []string{"Bearer " + token + ", Bearer " + token}, refusal.TokenMalformed},
		{"scheme twice", "", []string{"Bearer Bearer " + token}, refusal.TokenMalformed},
		{"too long", "", []string{"Bearer " + strings.Repeat("a", 9000)}, refusal.TokenMalformed},
		{"S02 two headers", "", []string{"Bearer " + token, "Bearer " + token}, refusal.TokenTwice},
		{"S02 Basic and Bearer", "", []string{"Basic YTpi", "Bearer " + token}, refusal.TokenTwice},
		{"S02 in the query", "access_token=" + token, nil, refusal.TokenInURL},
		{"S02 in the query too", "a=1&access_token=x", []string{"Bearer " + token}, refusal.TokenInURL},
		{"S02 empty in the query", "access_token", []string{"Bearer " + token}, refusal.TokenInURL},
		{"S02 in the query, escaped", "access%5Ftoken=x", []string{"Bearer " + token}, refusal.TokenInURL},
		{"S02 in the query, all escaped", "a=b&%61%63%63%65%73%73%5f%74%6f%6b%65%6e=x", []string{"Bearer " + token}, refusal.TokenInURL},
		{"S02 in the query, by a semicolon", "a=b;access_token=x", []string{"Bearer " + token}, refusal.TokenInURL},
		{"S02 beside a broken pair", "%zz=1&access_token=x", []string{"Bearer " + token}, refusal.TokenInURL},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/?"+row.query, nil)
			r.Header["Authorization"] = row.headers
			_, err := c.Authenticate(r)
			if row.reason == nil && err != nil || row.reason != nil && !errors.Is(err, row.reason) {
				t.Errorf("got %v, want %v", err, row.reason)
			}
		})
	}
}

// TestExpiry: exact to the second, with and without leeway.
func TestExpiry(t *testing.T) {
	token := good(resource.RFC9068).token()
	for _, row := range []struct {
		leeway, after time.Duration
		good          bool
	}{
		{0, time.Hour - time.Nanosecond, true},
		{0, time.Hour, false},
		{0, time.Hour + time.Second, false},
		{time.Minute, time.Hour + time.Minute - time.Nanosecond, true},
		{time.Minute, time.Hour + time.Minute, false},
		{0, -time.Minute, true},
		{0, -time.Minute - time.Nanosecond, false},
	} {
		c := config(resource.RFC9068)
		c.Leeway, c.Now = row.leeway, func() time.Time { return now.Add(row.after) }
		_, err := checker(t, c).Check(t.Context(), token)
		if (err == nil) != row.good {
			t.Errorf("leeway %v, after %v: %v", row.leeway, row.after, err)
		}
	}
}

func TestOpaque(t *testing.T) {
	live := resource.Token{
		ID: "x.y", Issuer: issuer, Subject: "client1", ClientID: "client1", Audience: []string{audience}, Scope: []string{"read"},
		IssuedAt: now, ExpiresAt: now.Add(time.Minute),
	}
	broken := errors.New("the store is gone")
	for _, row := range []struct {
		name   string
		change func(*resource.Token)
		err    error
		reason *refusal.Reason
	}{
		{"it passes", func(*resource.Token) {}, nil, nil},
		{"unknown", func(*resource.Token) {}, fmt.Errorf("wrapped: %w", resource.ErrUnknown), refusal.TokenUnknown},
		{"the store cannot say", func(*resource.Token) {}, broken, refusal.Unavailable},
		{"S03 another API", func(k *resource.Token) { k.Audience = []string{"other"} }, nil, refusal.TokenForAnotherAPI},
		{"no API", func(k *resource.Token) { k.Audience = nil }, nil, refusal.TokenForAnotherAPI},
		{"expired", func(k *resource.Token) { k.ExpiresAt = now }, nil, refusal.TokenExpired},
		{"not yet", func(k *resource.Token) { k.IssuedAt = now.Add(2 * time.Minute) }, nil, refusal.TokenNotYetValid},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := config(resource.RFC9068)
			c.Opaque = func(_ context.Context, token string) (resource.Token, error) {
				if token != "opaque-token" {
					t.Errorf("asked for %q", token)
				}
				k := live
				row.change(&k)
				return k, row.err
			}
			got, err := checker(t, c).Check(t.Context(), "opaque-token")
			switch {
			case row.reason == nil && (err != nil || !reflect.DeepEqual(*got, live)):
				t.Errorf("got %v, %v", got, err)
			case row.reason != nil && (!errors.Is(err, row.reason) || got != nil):
				t.Errorf("got %v, %v; want %s", got, err, row.reason.ID)
			}
			if row.err == broken && !errors.Is(err, broken) {
				t.Error("the cause is lost")
			}
		})
	}
	if _, err := checker(t, config(resource.RFC9068)).Check(t.Context(), "opaque-token"); !errors.Is(err, refusal.TokenMalformed) {
		t.Errorf("where there are none: %v", err)
	}
}

func TestEnded(t *testing.T) {
	c := config(resource.RFC9068)
	var asked *resource.Token
	ended := true
	c.Ended = func(k *resource.Token) bool { asked = k; return ended }
	made := checker(t, c)
	token := good(resource.RFC9068)
	if got, err := made.Check(t.Context(), token.token()); !errors.Is(err, refusal.TokenRevoked) || got != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if asked.ClientID != "client1" || asked.ID != "random.secret1" || !asked.IssuedAt.Equal(now) {
		t.Errorf("asked about %+v", asked)
	}
	ended, asked = false, nil
	if _, err := made.Check(t.Context(), token.token()); err != nil {
		t.Error(err)
	}
	asked = nil
	token.key = other
	if _, err := made.Check(t.Context(), token.token()); err == nil || asked != nil {
		t.Errorf("asked about a token that was not verified: %v, %v", asked, err)
	}
}

func TestNew(t *testing.T) {
	for name, change := range map[string]func(*resource.Config){
		"no issuer":                            func(c *resource.Config) { c.Issuer = "" },
		"no keys, and an issuer that has none": func(c *resource.Config) { c.Key, c.Issuer = nil, "auth.example" },
		"keys over plain HTTP":                 func(c *resource.Config) { c.Key, c.Keys = nil, resource.JWKS("http://auth.example/jwks", nil) },
		"two sources of keys":                  func(c *resource.Config) { c.Keys = resource.JWKS("https://auth.example/jwks", nil) },
		"keys from nowhere":                    func(c *resource.Config) { c.Key, c.Keys = nil, &resource.KeySet{} },
		"two ways for opaque tokens": func(c *resource.Config) {
			c.Opaque, c.Introspection = unknown, resource.Introspect("https://auth.example/introspect", "a", "b", nil)
		},
		"introspection over plain HTTP": func(c *resource.Config) {
			c.Introspection = resource.Introspect("http://auth.example/introspect", "a", "b", nil)
		},
		"introspection by nobody":    func(c *resource.Config) { c.Key, c.Introspection = nil, &resource.Introspection{} },
		"a quote in the realm":       func(c *resource.Config) { c.Challenge.Realm = `a"b` },
		"no audience":                func(c *resource.Config) { c.Audience = nil },
		"no scopes for Cognito":      func(c *resource.Config) { c.Shape, c.Scopes = resource.Cognito, nil },
		"opaque without an audience": func(c *resource.Config) { c.Shape, c.Audience, c.Opaque = resource.Cognito, nil, unknown },
	} {
		c := config("")
		if _, err := resource.New(c); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if made, err := resource.New(c); err == nil || made != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func unknown(context.Context, string) (resource.Token, error) {
	return resource.Token{}, resource.ErrUnknown
}

// TestChallenge: RFC 6750 §3, RFC 9728 §5.1, row S01.
func TestChallenge(t *testing.T) {
	const metadata = "https://api.example/.well-known/oauth-protected-resource"
	for _, row := range []struct {
		challenge resource.Challenge
		err       error
		want      string
	}{
		{resource.Challenge{Realm: "r"}, refusal.TokenMissing, `Bearer realm="r"`},
		{resource.Challenge{Realm: "r"}, refusal.TokenScheme, `Bearer realm="r"`},
		{resource.Challenge{Realm: "r", Metadata: metadata, Scope: []string{"a"}}, refusal.TokenMissing, `Bearer realm="r", resource_metadata="` + metadata + `"`},
		{resource.Challenge{Realm: "r"}, refusal.TokenExpired.From(errors.New("secret cause")), `Bearer realm="r", error="invalid_token", error_description="The access token expired"`},
		{resource.Challenge{Realm: "r"}, refusal.TokenTwice, `Bearer realm="r", error="invalid_request", error_description="the request carries more than one set of credentials"`},
		{
			resource.Challenge{Realm: "r", Metadata: metadata, Scope: []string{"a", "b"}},
			refusal.ScopeInsufficient.Naming("a", "b"),
			`Bearer realm="r", error="insufficient_scope", error_description="the access token lacks a scope that this call needs: a b", scope="a b", resource_metadata="` + metadata + `"`,
		},
		{resource.Challenge{Realm: "r"}, refusal.Unavailable, ""},
		{resource.Challenge{Realm: "r"}, errors.New("whatever"), ""},
	} {
		if got := row.challenge.Header(row.err); got != row.want {
			t.Errorf("%v:\n got %s\nwant %s", row.err, got, row.want)
		}
	}
}

func TestHas(t *testing.T) {
	token := &resource.Token{Scope: []string{"a", "b"}}
	if !token.Has() || !token.Has("a") || !token.Has("b", "a") || token.Has("a", "c") || token.Has("A") || token.Has("") {
		t.Error("Has is wrong")
	}
}

// TestDependencies: whoever imports this package gets little else.
func TestDependencies(t *testing.T) {
	list, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{
		"github.com/grantway/grantway/resource": true, "github.com/grantway/grantway/oauth": true,
		"github.com/grantway/grantway/internal/jose": true, "github.com/grantway/grantway/internal/wire": true,
		"github.com/grantway/grantway/internal/refusal": true, "github.com/grantway/grantway/internal/disk": true,
	}
	for path := range strings.FieldsSeq(string(list)) {
		if !allowed[path] && !strings.HasPrefix(path, "github.com/go-json-experiment/json") {
			t.Errorf("it depends on %s", path)
		}
	}
}

// FuzzCheck: what nobody signed is never good, and nothing makes it panic.
func FuzzCheck(f *testing.F) {
	token := good(resource.RFC9068).token()
	for _, seed := range []string{"", ".", "..", "a.b.c", token[:len(token)-2], token + "A", flip(token), "eyJhbGciOiJub25lIn0.e30."} {
		f.Add(seed)
	}
	var made []*resource.Checker
	for _, shape := range []resource.Shape{resource.RFC9068, resource.Auth0, resource.Cognito} {
		c := config(shape)
		c.Opaque = unknown
		made = append(made, checker(f, c))
	}
	f.Fuzz(func(t *testing.T, presented string) {
		if presented == token {
			return
		}
		for _, c := range made {
			got, err := c.Check(t.Context(), presented)
			if got != nil || err == nil || !errors.Is(err, oauth.InvalidToken) {
				t.Errorf("%q: %v, %v", presented, got, err)
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	forgetful := config(resource.RFC9068)
	forgetful.Remember = -1
	c := checker(b, forgetful)
	for name, m := range map[string]*minted{"ES256": good(resource.RFC9068), "RS256": rs256()} {
		token := m.token()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Check(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func rs256() *minted {
	m := good(resource.RFC9068)
	m.header["alg"], m.header["kid"], m.key = "RS256", "rs", crypto.Signer(keyRS)
	return m
}
