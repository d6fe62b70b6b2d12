package resource_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/resource"
)

// TestSeenIsJudged is row S15: what is remembered is that a token is genuine, and
// nothing that was decided about it.
func TestSeenIsJudged(t *testing.T) {
	newer := generate("ES256")
	for _, shape := range []resource.Shape{resource.RFC9068, resource.Auth0, resource.Cognito} {
		var key crypto.PublicKey = keyES.Public()
		var keyError error
		var ended bool
		clock := now
		c := config(shape)
		c.Now = func() time.Time { return clock }
		c.Ended = func(*resource.Token) bool { return ended }
		c.Leeway = time.Minute
		c.Key = func(context.Context, string) (crypto.PublicKey, string, error) { return key, "ES256", keyError }
		made := checker(t, c)
		token := good(shape).token()
		passes(t, made, token)
		first, _ := made.Check(t.Context(), token)
		if second, _ := made.Check(t.Context(), strings.Clone(token)); first != second {
			t.Error("it is not remembered")
		}
		for name, row := range map[string]struct {
			breaks, mends func()
			want          error
		}{
			"ended":           {func() { ended = true }, func() { ended = false }, refusal.TokenRevoked},
			"expired":         {func() { clock = now.Add(61 * time.Minute) }, func() { clock = now }, refusal.TokenExpired},
			"the clock fell":  {func() { clock = now.Add(-61 * time.Second) }, func() { clock = now }, refusal.TokenNotYetValid},
			"its key is gone": {func() { keyError = errors.New("gone") }, func() { keyError = nil }, refusal.TokenOfAnotherIssuer},
			"keys are down":   {func() { keyError = resource.ErrUnavailable }, func() { keyError = nil }, refusal.Unavailable},
			"another key":     {func() { key = newer.Public() }, func() { key = keyES.Public() }, refusal.TokenForged},
		} {
			passes(t, made, token)
			row.breaks()
			if got, err := made.Check(t.Context(), token); got != nil || !errors.Is(err, row.want) {
				t.Errorf("%s: got %v, %v", name, got, err)
			}
			row.mends()
			passes(t, made, token)
		}
		clock = now.Add(61*time.Minute - 1)
		passes(t, made, token)
		for i := range len(token) { // no other spelling is found
			if changed := token[:i] + "x" + token[i+1:]; changed != token {
				if got, err := made.Check(t.Context(), changed); err == nil {
					t.Fatalf("changed at %d: %v", i, got)
				}
			}
		}
	}
}

// TestRefusalsAreNotRemembered: what was refused may become good.
func TestRefusalsAreNotRemembered(t *testing.T) {
	ended := true
	c := config(resource.RFC9068)
	c.Ended = func(*resource.Token) bool { return ended }
	made := checker(t, c)
	token := good(resource.RFC9068).token()
	refused(t, made, token, refusal.TokenRevoked)
	ended = false
	passes(t, made, token)
}

func TestRememberNothing(t *testing.T) {
	c := config(resource.RFC9068)
	c.Remember = -1
	made := checker(t, c)
	token := good(resource.RFC9068).token()
	first, _ := made.Check(t.Context(), token)
	if second, err := made.Check(t.Context(), token); err != nil || first == second {
		t.Errorf("it is remembered, or refused: %v", err)
	}
}

// TestSeenAllocatesNothing: a check of a token seen before makes no garbage.
func TestSeenAllocatesNothing(t *testing.T) {
	ctx := t.Context()
	for _, shape := range []resource.Shape{resource.RFC9068, resource.Auth0, resource.Cognito} {
		made, token := checker(t, config(shape)), good(shape).token()
		passes(t, made, token)
		if n := testing.AllocsPerRun(100, func() { made.Check(ctx, token) }); n != 0 {
			t.Errorf("%s: %v allocations", shape, n)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		made, token := a.guard(t, resource.Discover(a.issuer, a.client())), a.token(t, nil)
		passes(t, made, token)
		time.Sleep(6 * time.Minute)
		passes(t, made, token) // by now the keys were fetched again
		if n := testing.AllocsPerRun(100, func() { made.Check(ctx, token) }); n != 0 || a.keyFetches.Load() != 2 {
			t.Errorf("with published keys: %v allocations, %d fetches", n, a.keyFetches.Load())
		}
	})
}

func BenchmarkCheckSeen(b *testing.B) {
	a := newAuthority(b)
	for name, keys := range map[string]*resource.KeySet{"function": nil, "published": resource.Discover(a.issuer, a.client())} {
		c := config(resource.RFC9068)
		token := good(resource.RFC9068).token()
		if keys != nil {
			c = resource.Config{Issuer: a.issuer, Audience: []string{audience}, Keys: keys}
			token = a.token(b, nil)
		}
		made := checker(b, c)
		passes(b, made, token)
		ctx := b.Context()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := made.Check(ctx, token); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, err := made.Check(ctx, token); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkCheckNewES256 stands beside what the check of a signature costs by
// itself: the goal is 1.1 times that.
func BenchmarkCheckNewES256(b *testing.B) {
	token := good(resource.RFC9068).token()
	last := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[last+1:])
	if err != nil {
		b.Fatal(err)
	}
	der := derOf(signature)
	key := keyES.Public().(*ecdsa.PublicKey)
	b.Run("raw", func(b *testing.B) {
		for b.Loop() {
			digest := sha256.Sum256([]byte(token[:last]))
			if !ecdsa.VerifyASN1(key, digest[:], der) {
				b.Fatal("does not verify")
			}
		}
	})
	var tokens []string
	for range 2000 {
		tokens = append(tokens, good(resource.RFC9068).token()) // ECDSA: every signature is another one
	}
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		c := config(resource.RFC9068)
		c.Remember = 64 // so that it is full, and each is new again
		made := checker(b, c)
		ctx := b.Context()
		for i := 0; b.Loop(); i++ {
			if _, err := made.Check(ctx, tokens[i%len(tokens)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("forgetful", func(b *testing.B) {
		b.ReportAllocs()
		c := config(resource.RFC9068)
		c.Remember = -1
		made := checker(b, c)
		ctx := b.Context()
		for i := 0; b.Loop(); i++ {
			if _, err := made.Check(ctx, tokens[i%len(tokens)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// derOf writes r and s as crypto/ecdsa wants them.
func derOf(raw []byte) []byte {
	integer := func(b []byte) []byte {
		for len(b) > 1 && b[0] == 0 {
			b = b[1:]
		}
		if b[0] >= 0x80 {
			b = append([]byte{0}, b...)
		}
		return append([]byte{2, byte(len(b))}, b...)
	}
	both := append(integer(raw[:32]), integer(raw[32:])...)
	return append([]byte{0x30, byte(len(both))}, both...)
}
