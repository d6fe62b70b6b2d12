package resource_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/resource"
)

// asking returns a checker that asks about everything, and what is active.
func (a *authority) asking(t testing.TB) *resource.Checker {
	return checker(t, resource.Config{
		Issuer: a.issuer, Audience: []string{audience},
		Introspection: resource.Introspect(a.issuer+"/introspect", "notes api", "s3cret/", a.client()),
	})
}

func (a *authority) activate(token string, instead map[string]any) {
	said := map[string]any{
		"active": true, "iss": a.issuer, "aud": audience, "sub": "client1", "client_id": "client1", "scope": "read write",
		"token_type": "Bearer", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "tenant": "school-7",
	}
	maps.Copy(said, instead)
	maps.DeleteFunc(said, func(_ string, v any) bool { return v == nil })
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active[token] = said
}

func (a *authority) revoke(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.active, token)
}

func TestIntrospection(t *testing.T) {
	for _, row := range []struct {
		name string
		said map[string]any
		want error
	}{
		{"active", nil, nil},
		{"without what is optional", map[string]any{"iss": nil, "sub": nil, "client_id": nil, "scope": nil, "token_type": nil, "iat": nil, "exp": nil}, nil},
		{"aud as an array", map[string]any{"aud": []string{"x", audience}}, nil},
		{"type in small letters", map[string]any{"token_type": "bearer"}, nil},
		{"another audience", map[string]any{"aud": "https://other.example"}, refusal.TokenForAnotherAPI},
		{"no audience", map[string]any{"aud": nil}, refusal.TokenForAnotherAPI},
		{"another issuer", map[string]any{"iss": "https://other.example"}, refusal.TokenOfAnotherIssuer},
		{"expired", map[string]any{"exp": 1}, refusal.TokenExpired},
		{"in the future", map[string]any{"nbf": 1 << 40}, refusal.TokenNotYetValid},
		{"bound to a key", map[string]any{"token_type": "DPoP"}, refusal.TokenForAnotherAPI},
		{"bound to a certificate", map[string]any{"cnf": map[string]any{"x5t#S256": "x"}}, refusal.TokenForAnotherAPI},
		{"a refresh token", map[string]any{"token_use": "refresh_token"}, refusal.TokenForAnotherAPI},
		{"active as text", map[string]any{"active": "true"}, refusal.Unavailable},
		{"not said", map[string]any{"active": nil}, refusal.Unavailable},
		{"scope as a number", map[string]any{"scope": 1}, refusal.Unavailable},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAuthority(t)
				a.activate("ory_at_x.y", row.said)
				got, err := a.asking(t).Check(t.Context(), "ory_at_x.y")
				if !errors.Is(err, row.want) || (got == nil) != (row.want != nil) {
					t.Fatalf("got %v, %v", got, err)
				}
				var claims struct{ Tenant string }
				if row.want == nil && (got.Claims(&claims) != nil || claims.Tenant != "school-7" || got.ExpiresAt.IsZero()) {
					t.Errorf("%+v, %+v", got, claims)
				}
			})
		})
	}
}

// TestIntrospectionIsRemembered for five seconds, and its refusals for one.
func TestIntrospectionIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		c := a.asking(t)
		asked := func(want int64) {
			t.Helper()
			if n := a.questions.Load(); n != want {
				t.Errorf("the issuer was asked %d times and not %d", n, want)
			}
		}
		a.activate("token", map[string]any{"exp": time.Now().Add(7 * time.Second).Unix()})
		passes(t, c, "token")
		a.revoke("token")
		time.Sleep(5*time.Second - 1)
		passes(t, c, "token")
		asked(1)
		time.Sleep(time.Nanosecond)
		refused(t, c, "token", refusal.TokenUnknown)
		asked(2)
		a.activate("token", map[string]any{"exp": time.Now().Add(2 * time.Second).Unix()})
		time.Sleep(time.Second - 1)
		refused(t, c, "token", refusal.TokenUnknown)
		asked(2)
		time.Sleep(time.Nanosecond)
		passes(t, c, "token")
		asked(3)
		time.Sleep(time.Second)
		refused(t, c, "token", refusal.TokenExpired) // dropped at exp
		asked(3)
	})
}

// TestIntrospectionAudience: an issuer that names none must be trusted expressly.
func TestIntrospectionAudience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		a.activate("none", map[string]any{"aud": nil})
		a.activate("another", map[string]any{"aud": "another"})
		c := checker(t, resource.Config{
			Issuer: a.issuer, Audience: []string{audience}, UncheckedAudience: true,
			Introspection: resource.Introspect(a.issuer+"/introspect", "notes api", "s3cret/", a.client()),
		})
		passes(t, c, "none")
		refused(t, c, "another", refusal.TokenForAnotherAPI)
	})
}

// TestJWTAndIntrospection: with keys, only what is no JWT is asked about.
func TestJWTAndIntrospection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		c := checker(t, resource.Config{
			Issuer: a.issuer, Audience: []string{audience}, Keys: resource.Discover(a.issuer, a.client()),
			Introspection: resource.Introspect(a.issuer+"/introspect", "notes api", "s3cret/", a.client()),
		})
		a.activate("ya29.x", nil)
		passes(t, c, "ya29.x")
		passes(t, c, a.token(t, nil))
		if n := a.questions.Load(); n != 1 {
			t.Errorf("the issuer was asked %d times", n)
		}
	})
}

// TestIntrospectionOnce: R15 for questions.
func TestIntrospectionOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		a.activate("token", nil)
		a.breakdown(func(http.ResponseWriter) bool { time.Sleep(time.Second); return false }) // merely slow
		c := a.asking(t)
		var wg sync.WaitGroup
		for range 2000 {
			wg.Go(func() { passes(t, c, "token") })
		}
		wg.Wait()
		if n := a.questions.Load(); n != 1 {
			t.Errorf("the issuer was asked %d times", n)
		}
	})
}

// TestIntrospectionFails: 503, never through, and by the caller's deadline.
func TestIntrospectionFails(t *testing.T) {
	for name, broken := range map[string]func(w http.ResponseWriter) bool{
		"500":               func(w http.ResponseWriter) bool { w.WriteHeader(500); return true },
		"401":               func(w http.ResponseWriter) bool { w.WriteHeader(401); fmt.Fprint(w, padded(100)); return true },
		"garbage":           func(w http.ResponseWriter) bool { fmt.Fprint(w, "active"); return true },
		"64 KiB and one":    func(w http.ResponseWriter) bool { fmt.Fprint(w, padded(64<<10+1)); return true },
		"active twice":      func(w http.ResponseWriter) bool { fmt.Fprint(w, `{"active":false,"active":true}`); return true },
		"an empty answer":   func(http.ResponseWriter) bool { return true },
		"what is no object": func(w http.ResponseWriter) bool { fmt.Fprint(w, `true`); return true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAuthority(t)
				a.activate("token", nil)
				c := a.asking(t)
				a.breakdown(broken)
				_, err := c.Check(t.Context(), "token")
				if !errors.Is(err, refusal.Unavailable) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "token=") {
					t.Errorf("got %v", err)
				}
				a.breakdown(nil)
				passes(t, c, "token") // a failure is not remembered
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		a.activate("token", nil)
		c := a.asking(t)
		a.breakdown(func(w http.ResponseWriter) bool { fmt.Fprint(w, padded(64<<10)); return true })
		refused(t, c, "token", refusal.TokenUnknown) // 64 KiB are read
		a.breakdown(nil)
		recovered := a.hang()
		for _, deadline := range []time.Duration{300 * time.Millisecond, time.Hour} {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			before := time.Now()
			_, err := c.Check(ctx, "another")
			if took := time.Since(before); !errors.Is(err, refusal.Unavailable) || took > min(deadline, 5*time.Second) {
				t.Errorf("with %v: %v after %v", deadline, err, took)
			}
			cancel()
		}
		recovered()
		time.Sleep(time.Second)
		passes(t, c, "token")
	})
}

// TestIntrospectionFlood: tokens that strangers make up and do not wait for are
// bounded in number, and who comes meanwhile is told at once.
func TestIntrospectionFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		a.activate("token", nil)
		c := a.asking(t)
		recovered := a.hang()
		left, leave := context.WithCancel(t.Context())
		leave()
		for i := range 5000 {
			_, err := c.Check(left, fmt.Sprintf("made-up-%d", i))
			if !errors.Is(err, refusal.Unavailable) {
				t.Fatal(err)
			}
		}
		before := time.Now()
		_, err := c.Check(t.Context(), "token")
		if took := time.Since(before); !errors.Is(err, refusal.Unavailable) || took != 0 {
			t.Errorf("%v after %v", err, took)
		}
		recovered()
		time.Sleep(10 * time.Second)
		passes(t, c, "token")
	})
}

// padded is an answer of n bytes that says "not active".
func padded(n int) string {
	const said = `{"active":false}`
	return said + strings.Repeat(" ", n-len(said))
}

// TestSecretIsNotPrinted is row U04.
func TestSecretIsNotPrinted(t *testing.T) {
	i := resource.Introspect("https://auth.example/introspect", "api", "s3cret", nil)
	if said := fmt.Sprintf("%v %+v %#v", i, i, i); strings.Contains(said, "s3cret") {
		t.Error(said)
	}
}
