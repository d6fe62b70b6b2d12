package resource_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/resource"
)

// TestColdStart is R15: two thousand at once, one fetch.
func TestColdStart(t *testing.T) {
	a := served(t)
	c := a.guard(t, nil)
	var tokens []string
	for range 20 {
		tokens = append(tokens, a.token(t, nil))
	}
	var wg sync.WaitGroup
	for i := range 2000 {
		wg.Go(func() { passes(t, c, tokens[i%len(tokens)]) })
	}
	wg.Wait()
	if m, k := a.metadataFetches.Load(), a.keyFetches.Load(); m != 1 || k != 1 {
		t.Errorf("the metadata was fetched %d times and the keys %d times", m, k)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// TestRotation is R11 in short form: keys rotate for an hour, three verifiers
// check tokens of every age all the while, and none is ever refused.
func TestRotation(t *testing.T) {
	for _, row := range []struct {
		name            string
		every, announce time.Duration // before it signs
	}{
		{"announced", 150 * time.Second, time.Minute},
		{"at once", 11 * time.Second, 0}, // no oftener than an unknown key id makes us look
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAuthority(t)
				a.cache = "max-age=60"
				var verifiers []*resource.Checker
				for range 3 {
					verifiers = append(verifiers, a.guard(t, resource.Discover(a.issuer, a.client())))
				}
				for _, c := range verifiers[1:] { // one of them only fetches when it has to
					if err := c.Start(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				var rotating sync.WaitGroup
				rotating.Go(func() {
					for ctx.Err() == nil {
						time.Sleep(row.every - row.announce)
						use := a.announce(t, true)
						time.Sleep(row.announce)
						use()
					}
				})
				defer func() { cancel(); rotating.Wait() }()
				var tokens []string
				for minute := range 60 {
					for range 6 {
						tokens = append(tokens, a.token(t, nil))
						for _, c := range verifiers {
							passes(t, c, tokens[len(tokens)-1])
							passes(t, c, tokens[(minute*7)%len(tokens)])
						}
						time.Sleep(10 * time.Second)
					}
				}
			})
		})
	}
}

// TestRemoval is row N05: a key that is gone ends its tokens, remembered or not.
func TestRemoval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		a.cache = "max-age=60"
		c := a.guard(t, resource.Discover(a.issuer, a.client()))
		old, unseen := a.token(t, nil), a.token(t, nil)
		passes(t, c, old)
		a.rotate(t)
		a.remove()
		time.Sleep(61 * time.Second)
		refused(t, c, old, refusal.TokenOfAnotherIssuer)
		refused(t, c, unseen, refusal.TokenOfAnotherIssuer)
		passes(t, c, a.token(t, nil))
	})
}

// TestHangingIssuer is R5 for an issuer that accepts and never answers.
func TestHangingIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		a.cache = "max-age=60"
		c := a.guard(t, resource.Discover(a.issuer, a.client()))
		known := a.token(t, map[string]any{"exp": time.Now().Add(48 * time.Hour).Unix()})
		passes(t, c, known)
		recovered := a.hang()

		begun, waited := time.Now(), time.Duration(0)
		for time.Since(begun) < 24*time.Hour {
			time.Sleep(time.Minute)
			before := time.Now()
			passes(t, c, known)
			waited += time.Since(before)
		}
		if waited > 2*time.Second {
			t.Errorf("known keys were waited for, %v in all", waited)
		}

		a.rotate(t)
		unknown := a.token(t, nil)
		time.Sleep(10 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		before := time.Now()
		if _, err := c.Check(ctx, unknown); !errors.Is(err, refusal.TokenOfAnotherIssuer) {
			t.Errorf("an unknown key id: %v", err) // row N07
		}
		if took := time.Since(before); took > 300*time.Millisecond {
			t.Errorf("it waited %v, beyond its caller's deadline", took)
		}
		before = time.Now()
		refused(t, c, unknown, refusal.TokenOfAnotherIssuer)
		if took := time.Since(before); took > 2*time.Second {
			t.Errorf("without a deadline it waited %v", took)
		}

		time.Sleep(5 * time.Minute)
		refused(t, c, known, refusal.Unavailable) // a day and more

		recovered()
		time.Sleep(10 * time.Second)
		passes(t, c, unknown)
		passes(t, c, known)
	})
}

// TestPatience: of those who come while keys are past their life and the issuer
// hangs, only the first ones wait, and only two seconds altogether.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		c := a.guard(t, resource.JWKS(a.issuer+"/jwks", a.client()))
		token := a.token(t, nil)
		passes(t, c, token)
		time.Sleep(10 * time.Minute)
		recovered := a.hang()
		for i, want := range []time.Duration{2 * time.Second, 0, 0} {
			before := time.Now()
			passes(t, c, token)
			if took := time.Since(before); took != want {
				t.Errorf("check %d waited %v", i, took)
			}
		}
		time.Sleep(5 * time.Second)
		before := time.Now()
		passes(t, c, token)
		if took := time.Since(before); took != 0 {
			t.Errorf("after a failure it waited %v", took)
		}
		recovered()
	})
}

// TestColdAndHanging: who cannot be told yet learns so by its own deadline.
func TestColdAndHanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		c := a.guard(t, resource.Discover(a.issuer, a.client()))
		token := a.token(t, nil)
		recovered := a.hang()
		for _, deadline := range []time.Duration{time.Millisecond, time.Second, time.Hour} {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			before := time.Now()
			_, err := c.Check(ctx, token)
			if took := time.Since(before); !errors.Is(err, refusal.Unavailable) || took > min(deadline, 5*time.Second) {
				t.Errorf("with %v: %v after %v", deadline, err, took)
			}
			cancel()
		}
		if err := c.Start(t.Context()); err == nil {
			t.Error("Start found keys")
		}
		recovered()
		time.Sleep(6 * time.Second)
		passes(t, c, token)
	})
}

// TestNonsense is row N07: what is no key set leaves the last good one in place.
func TestNonsense(t *testing.T) {
	body := func(s string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool { w.Write([]byte(s)); return true }
	}
	status := func(code int) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.Header().Set("Location", "https://elsewhere.example/jwks")
			w.WriteHeader(code)
			w.Write([]byte(`{"keys":[]}`))
			return true
		}
	}
	for name, broken := range map[string]func(http.ResponseWriter) bool{
		"nothing": body(""), "garbage": body("<html>"), "no keys": body("{}"), "another type": body(`{"keys":{}}`),
		"cut off": body(`{"keys":[{"kty":"EC"`), "a private key": body(`{"keys":[{"kty":"EC","d":"AA"}]}`),
		"huge": body(`{"keys":[]` + strings.Repeat(" ", 256<<10) + "}"),
		"500":  status(500), "a redirect": status(302), "204": status(204),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAuthority(t)
				c := a.guard(t, resource.JWKS(a.issuer+"/jwks", a.client()))
				older := a.token(t, map[string]any{"exp": time.Now().Add(2 * time.Hour).Unix()})
				passes(t, c, older)
				a.breakdown(broken)
				a.rotate(t)
				newer := a.token(t, map[string]any{"exp": time.Now().Add(2 * time.Hour).Unix()})
				time.Sleep(time.Hour)
				passes(t, c, older)
				refused(t, c, newer, refusal.TokenOfAnotherIssuer)
				a.breakdown(nil)
				time.Sleep(10 * time.Second)
				passes(t, c, newer)
			})
		})
	}
}

// TestKeySetSize: 256 KiB and one byte more.
func TestKeySetSize(t *testing.T) {
	for extra, want := range map[int]error{0: nil, 1: refusal.Unavailable} {
		synctest.Test(t, func(t *testing.T) {
			a := newAuthority(t)
			document, err := jose.MarshalJWKSet(a.keys)
			if err != nil {
				t.Fatal(err)
			}
			a.breakdown(func(w http.ResponseWriter) bool {
				fmt.Fprint(w, string(document), strings.Repeat(" ", 256<<10-len(document)+extra))
				return true
			})
			c := a.guard(t, resource.JWKS(a.issuer+"/jwks", a.client()))
			if _, err := c.Check(t.Context(), a.token(t, nil)); !errors.Is(err, want) {
				t.Errorf("%d bytes beyond: %v", extra, err)
			}
		})
	}
}

// TestUnknownKeys is row N06: inventing key ids makes us ask at most every ten seconds.
func TestUnknownKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		c := a.guard(t, resource.Discover(a.issuer, a.client()))
		passes(t, c, a.token(t, nil))
		for i := range 1000 {
			forged, err := signerOf(t, fmt.Sprint("invented", i), other).Sign(t.Context(), []byte(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			refused(t, c, forged, refusal.TokenOfAnotherIssuer)
			time.Sleep(100 * time.Millisecond)
		}
		if n := a.keyFetches.Load(); n < 10 || n > 11 { // in 100 seconds, and one at the start
			t.Errorf("the keys were fetched %d times", n)
		}
	})
}

// TestUnnamedKeys: neither a key nor a token needs a kid (RFC 7515 §4.1.4).
func TestUnnamedKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		a.keys = nil
		a.announce(t, false)()
		c := a.guard(t, resource.Discover(a.issuer, a.client()))
		first := a.token(t, nil)
		passes(t, c, first)
		passes(t, c, first)
		time.Sleep(10 * time.Second)
		a.announce(t, false)()
		passes(t, c, a.token(t, nil)) // only its signature says that there is a new key
		passes(t, c, first)
		forged, err := signerOf(t, "", other).Sign(t.Context(), []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		refused(t, c, forged, refusal.TokenForged)
	})
}

// TestUnnamedKeysAreFew is row G06: five keys are tried, and no sixth.
func TestUnnamedKeysAreFew(t *testing.T) {
	for first, want := range map[int]error{5: nil, 6: refusal.TokenForged} {
		synctest.Test(t, func(t *testing.T) {
			a := newAuthority(t)
			a.keys = nil
			for i := range 6 {
				use := a.announce(t, false)
				if i+1 == first {
					use()
				}
			}
			c := a.guard(t, resource.JWKS(a.issuer+"/jwks", a.client()))
			if _, err := c.Check(t.Context(), a.token(t, nil)); !errors.Is(err, want) {
				t.Errorf("signed with key %d: %v", first, err)
			}
		})
	}
}

// TestStart: the keys are fetched again in the background, and until ctx ends.
func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		a.cache = "public, max-age=300"
		c := a.guard(t, resource.Discover(a.issuer, a.client()))
		ctx, cancel := context.WithCancel(t.Context())
		if err := c.Start(ctx); err != nil || a.keyFetches.Load() != 1 {
			t.Fatalf("%v, %d fetches", err, a.keyFetches.Load())
		}
		time.Sleep(time.Hour + time.Second)
		if n := a.keyFetches.Load(); n != 1+3600/240 {
			t.Errorf("in an hour it was fetched %d times", n)
		}
		if n := a.metadataFetches.Load(); n != 1 {
			t.Errorf("the metadata was fetched %d times", n)
		}
		cancel()
		synctest.Wait()
		before := a.keyFetches.Load()
		time.Sleep(time.Hour)
		if a.keyFetches.Load() != before {
			t.Error("it goes on when it was told to stop")
		}
	})
}
