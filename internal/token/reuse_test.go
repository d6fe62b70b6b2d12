package token

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/store"
)

// A frugal issuer gives tokens of an hour again while ten minutes are left.
type frugal struct {
	*Issuer
	at    time.Time
	ended []func(revocation.Token) bool
	asks  int // of ended
}

func thrifty(t testing.TB) (*frugal, *catalogue.API) {
	t.Helper()
	f := &frugal{at: now.UTC().Truncate(time.Second)}
	f.Issuer, _, _ = issuer(t)
	f.Now = func() time.Time { return f.at }
	f.Reuse = NewReuse(func(token revocation.Token) bool {
		f.asks++
		return slices.ContainsFunc(f.ended, func(is func(revocation.Token) bool) bool { return is(token) })
	})
	api := api("notes", time.Hour)
	api.Token.Reuse = 10 * time.Minute
	return f, api
}

func own(client *store.Client, scope []string, apis ...*catalogue.API) Authorization {
	return Authorization{ClientID: client.ID, SecretID: "secret1", APIs: apis, Scope: scope, Client: client, Method: "client_secret_post"}
}

// ask is what the token endpoint does: the token, and whether it is one of before.
func (f *frugal) ask(t testing.TB, a Authorization) (text string, expiresIn int64, again bool) {
	t.Helper()
	if answer, ok := f.Again(a); ok {
		return answer.AccessToken, answer.ExpiresIn, true
	}
	answer, err := f.Issue(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return answer.AccessToken, answer.ExpiresIn, false
}

// TestReuse: the same is given for the same, and each row differs in one thing.
func TestReuse(t *testing.T) {
	read, both := []string{"read"}, []string{"read", "write"}
	for _, row := range []struct {
		what  string
		then  func(*frugal, *catalogue.API, *Authorization)
		again bool
	}{
		{"the same", func(*frugal, *catalogue.API, *Authorization) {}, true},
		{"the scopes in another order", func(_ *frugal, _ *catalogue.API, a *Authorization) { a.Scope = []string{"write", "read"} }, true},
		{"fewer scopes", func(_ *frugal, _ *catalogue.API, a *Authorization) { a.Scope = read }, false},
		{"other scopes", func(_ *frugal, _ *catalogue.API, a *Authorization) { a.Scope = []string{"read", "admin"} }, false},
		{"another secret", func(_ *frugal, _ *catalogue.API, a *Authorization) { a.SecretID = "secret2" }, false},
		{"another method", func(_ *frugal, _ *catalogue.API, a *Authorization) { a.Method = "client_secret_basic" }, false},
		{"another API", func(_ *frugal, one *catalogue.API, a *Authorization) {
			other := *one
			other.Name = "other"
			a.APIs = []*catalogue.API{&other}
		}, false},
		{"an API more", func(_ *frugal, one *catalogue.API, a *Authorization) {
			other := *one
			a.APIs = []*catalogue.API{one, &other}
		}, false},
		{"another client", func(_ *frugal, _ *catalogue.API, a *Authorization) { a.Client = &store.Client{ID: "client2"} }, false},
		{"the client was read again", func(_ *frugal, _ *catalogue.API, a *Authorization) {
			a.Client = &store.Client{ID: "client1", Allotted: map[string][]string{"notes": {"read", "write"}}, Secrets: []store.Secret{{ID: "secret1"}}}
		}, true},
		{"the client was narrowed", func(_ *frugal, _ *catalogue.API, a *Authorization) {
			a.Client = &store.Client{ID: "client1", Allotted: map[string][]string{"notes": {"read"}}}
		}, false},
		{"a person", func(_ *frugal, _ *catalogue.API, a *Authorization) { a.Person = &Person{} }, false},
		{"something is spent", func(_ *frugal, _ *catalogue.API, a *Authorization) { a.Spend = &Spend{} }, false},
		{"no secret", func(_ *frugal, _ *catalogue.API, a *Authorization) { a.SecretID = "" }, false},
		{"as much left as is asked for", func(f *frugal, _ *catalogue.API, _ *Authorization) { f.at = f.at.Add(50 * time.Minute) }, true},
		{"a moment less", func(f *frugal, _ *catalogue.API, _ *Authorization) { f.at = f.at.Add(50*time.Minute + 1) }, false},
		{"expired", func(f *frugal, _ *catalogue.API, _ *Authorization) { f.at = f.at.Add(time.Hour) }, false},
		{"the clock was set back", func(f *frugal, _ *catalogue.API, _ *Authorization) { f.at = f.at.Add(-time.Second) }, false},
		{"the token has ended", func(f *frugal, _ *catalogue.API, _ *Authorization) {
			f.ended = append(f.ended, func(t revocation.Token) bool { return t.ID != "" && t.IssuedAt.Equal(f.at) })
		}, false},
		{"the secret has ended", func(f *frugal, _ *catalogue.API, _ *Authorization) {
			f.ended = append(f.ended, func(t revocation.Token) bool { return t.SecretID == "secret1" })
		}, false},
		{"the client has ended", func(f *frugal, _ *catalogue.API, _ *Authorization) {
			f.ended = append(f.ended, func(t revocation.Token) bool { return t.ClientID == "client1" })
		}, false},
		{"the key has ended", func(f *frugal, _ *catalogue.API, _ *Authorization) {
			f.ended = append(f.ended, func(t revocation.Token) bool { return t.KeyID == "k1" })
		}, false},
		{"another key signs", func(f *frugal, _ *catalogue.API, _ *Authorization) {
			key, err := jose.Generate(jose.ES256)
			if err != nil {
				panic(err)
			}
			signer, err := jose.NewSigner(jose.ES256, "k2", key, dialect.RFC.Header("ES256", "k2"))
			if err != nil {
				panic(err)
			}
			f.Signers = signers{jose.ES256: signer}
		}, false},
	} {
		t.Run(row.what, func(t *testing.T) {
			f, api := thrifty(t)
			a := own(&store.Client{ID: "client1", Allotted: map[string][]string{"notes": both}}, both, api)
			first, expires, again := f.ask(t, a)
			if again || expires != 3600 {
				t.Fatalf("the first is %v, for %d s", again, expires)
			}
			row.then(f, api, &a)
			answer, ok := f.Again(a)
			if ok != row.again || ok && answer.AccessToken != first {
				t.Fatalf("given again: %v, want %v", ok, row.again)
			}
			if left := int64(f.at.Sub(now) / time.Second); ok && answer.ExpiresIn > 3600-left {
				t.Errorf("%d s are said to be left", answer.ExpiresIn)
			}
		})
	}
}

// TestReuseIsOff where an API does not allow it, or a second one does not, or one
// asks for more.
func TestReuseIsOff(t *testing.T) {
	f, allows := thrifty(t)
	strict, never := api("strict", time.Hour), api("never", time.Hour)
	strict.Token.Reuse = 30 * time.Minute
	client := &store.Client{ID: "client1"}
	for _, row := range []struct {
		apis  []*catalogue.API
		after time.Duration
		again bool
	}{
		{[]*catalogue.API{never}, 0, false},
		{[]*catalogue.API{allows, never}, 0, false},
		{[]*catalogue.API{never, allows}, 0, false},
		{[]*catalogue.API{allows}, 30*time.Minute + time.Second, true},
		{[]*catalogue.API{allows, strict}, 30 * time.Minute, true},
		{[]*catalogue.API{allows, strict}, 30*time.Minute + time.Second, false},
		{[]*catalogue.API{strict, allows}, 30*time.Minute + time.Second, false},
	} {
		f.ask(t, own(client, []string{"read"}, row.apis...))
		f.at = f.at.Add(row.after)
		if _, _, again := f.ask(t, own(client, []string{"read"}, row.apis...)); again != row.again {
			t.Errorf("%s after %v: %v", row.apis[0].Name, row.after, again)
		}
		f.at = f.at.Add(24 * time.Hour)
	}
	f.Reuse = nil
	if _, _, again := f.ask(t, own(client, []string{"read"}, allows)); again {
		t.Error("given again by an issuer that remembers nothing")
	}
}

// TestReuseOfOpaque: what is stored once is not stored again.
func TestReuseOfOpaque(t *testing.T) {
	f, api := thrifty(t)
	api.Token.Format = catalogue.Opaque
	kept := f.Opaque.(*shelf)
	a := own(&store.Client{ID: "client1"}, []string{"read"}, api)
	first, _, _ := f.ask(t, a)
	f.at = f.at.Add(time.Minute)
	second, expires, again := f.ask(t, a)
	if !again || second != first || expires != 3540 || len(kept.saved) != 1 {
		t.Errorf("%v, %d s left, %d stored", again, expires, len(kept.saved))
	}
	kept.err = store.ErrUnavailable
	a.Scope = nil
	if _, err := f.Issue(t.Context(), a); err == nil {
		t.Fatal("issued, though it was not stored")
	}
	if _, ok := f.Again(a); ok {
		t.Error("a token was given that was never stored")
	}
}

// TestReuseIsBounded: by tokens of one client, and by bytes.
func TestReuseIsBounded(t *testing.T) {
	f, api := thrifty(t)
	client := &store.Client{ID: "client1"}
	scope := func(i int) []string { return []string{fmt.Sprint("scope", i)} }
	for i := range reuseOfClient {
		f.ask(t, own(client, scope(i), api))
		f.at = f.at.Add(time.Second)
	}
	for i := range reuseOfClient {
		if _, _, again := f.ask(t, own(client, scope(i), api)); !again {
			t.Errorf("token %d of %d was forgotten", i, reuseOfClient)
		}
	}
	f.ask(t, own(client, scope(reuseOfClient), api))
	first, second := own(client, scope(0), api), own(client, scope(1), api)
	if _, ok := f.Again(first); ok {
		t.Error("one more, and the first is still there")
	}
	if _, ok := f.Again(second); !ok {
		t.Error("one more, and the second is gone too")
	}

	f.Reuse.room = 10 * 1024
	for i := range 1000 {
		a := own(&store.Client{ID: fmt.Sprint("many", i)}, scope(0), api)
		f.ask(t, a)
		if _, ok := f.Again(a); !ok {
			t.Fatal("what was just issued is not there")
		}
	}
	for i := range f.Reuse.shards {
		s := &f.Reuse.shards[i]
		bytes := 0
		for _, h := range s.holders {
			for j := range h.tokens {
				bytes += h.tokens[j].size()
			}
		}
		if bytes != s.bytes || bytes > f.Reuse.room || bytes < f.Reuse.room/2 {
			t.Errorf("%d bytes, said to be %d, of %d", bytes, s.bytes, f.Reuse.room)
		}
	}
}

// TestReuseAtOnce is for the race detector.
func TestReuseAtOnce(t *testing.T) {
	f, api := thrifty(t)
	f.Reuse.ended = func(revocation.Token) bool { return false }
	done := make(chan error)
	for i := range 8 {
		go func() {
			for j := range 200 {
				a := own(&store.Client{ID: fmt.Sprint("client", (i+j)%4)}, []string{"read"}, api)
				if _, ok := f.Again(a); !ok {
					if _, err := f.Issue(t.Context(), a); err != nil {
						done <- err
						return
					}
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkAgain beside BenchmarkAgainOff: what is off must cost nothing.
func BenchmarkAgain(b *testing.B) {
	f, api := thrifty(b)
	f.Reuse.ended = func(revocation.Token) bool { return false }
	a := own(&store.Client{ID: "client1"}, []string{"read", "write"}, api)
	f.ask(b, a)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := f.Again(a); !ok {
			b.Fatal("forgotten")
		}
	}
}

func BenchmarkAgainOff(b *testing.B) {
	f, api := thrifty(b)
	f.Reuse = nil
	a := own(&store.Client{ID: "client1"}, []string{"read", "write"}, api)
	b.ReportAllocs()
	for b.Loop() {
		f.Again(a)
	}
}
