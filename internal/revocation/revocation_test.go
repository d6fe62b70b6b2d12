package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/store"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// A journal is what was revoked, as a store keeps it.
type journal struct {
	store.Revocations // a set reads only

	mu  sync.Mutex
	all []store.Revocation
	err error
}

func (j *journal) Since(_ context.Context, seq int64, now time.Time) ([]store.Revocation, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return nil, j.err
	}
	return slices.DeleteFunc(slices.Clone(j.all), func(r store.Revocation) bool { return r.Seq <= seq || now.After(r.ForgetAt) }), nil
}

func (j *journal) add(kind, id string, before time.Time, life time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, store.Revocation{Seq: int64(len(j.all) + 1), Kind: kind, ID: id, IssuedBefore: before, ForgetAt: before.Add(life)})
}

func refreshed(t testing.TB, s *revocation.Set) {
	t.Helper()
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func of(client, secret, id string, issued time.Time) revocation.Token {
	return revocation.Token{ID: id, ClientID: client, SecretID: secret, IssuedAt: issued}
}

// TestEnded: what each kind ends, and up to when. Tokens say whole seconds.
func TestEnded(t *testing.T) {
	j := &journal{}
	j.add(store.RevokedClient, "client", noon.Add(700*time.Millisecond), time.Hour)
	j.add(store.RevokedSecret, "secret", noon, time.Hour)
	j.add(store.RevokedToken, "token", noon, time.Hour)
	j.add(store.RevokedGrant, "grant", noon, time.Hour)
	j.add(store.RevokedAccount, "account", noon, time.Hour)
	j.add(store.RevokedKey, "key", noon, time.Hour)
	s := revocation.New(j, func() time.Time { return noon })
	if s.Ended(of("client", "", "", noon)) {
		t.Error("before it was read")
	}
	refreshed(t, s)
	for _, row := range []struct {
		name  string
		token revocation.Token
		ended bool
	}{
		{"the client's", of("client", "s", "t", noon.Add(-time.Hour)), true},
		{"the client's of the same second", of("client", "s", "t", noon), true},
		{"the client's of the next second", of("client", "s", "t", noon.Add(time.Second)), false},
		{"the secret's of the same second", of("c", "secret", "t", noon), true},
		{"the secret's of the next second", of("c", "secret", "t", noon.Add(time.Second)), false},
		{"the token", of("c", "s", "token", noon), true},
		{"another's", of("c", "s", "t", noon.Add(-time.Hour)), false},
		{"an id of another kind", of("secret", "token", "client", noon.Add(-time.Hour)), false},
		{"one that says nothing", of("", "", "", noon), false},
		{"the grant's", revocation.Token{GrantID: "grant", IssuedAt: noon}, true},
		{"the grant's of the next second", revocation.Token{GrantID: "grant", IssuedAt: noon.Add(time.Second)}, false},
		{"the account's", revocation.Token{GrantID: "g", Subject: "account", IssuedAt: noon}, true},
		{"the account's of the next second", revocation.Token{GrantID: "g", Subject: "account", IssuedAt: noon.Add(time.Second)}, false},
		{"a client that is called as the account", revocation.Token{ClientID: "account", Subject: "account", IssuedAt: noon}, false},
		{"an account that is called as the client", revocation.Token{GrantID: "g", ClientID: "c", Subject: "client", IssuedAt: noon}, false},
		{"the key's, whenever it was issued", revocation.Token{KeyID: "key", IssuedAt: noon.Add(time.Hour)}, true},
	} {
		if got := s.Ended(row.token); got != row.ended {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

// TestHeard: an answer counts, be it that there was nothing new; silence does not.
func TestHeard(t *testing.T) {
	now := noon
	j := &journal{}
	s := revocation.New(j, func() time.Time { return now })
	if !s.Heard().IsZero() {
		t.Error("heard of nothing")
	}
	refreshed(t, s)
	now = noon.Add(time.Minute)
	refreshed(t, s)
	if got := s.Heard(); got != now {
		t.Errorf("heard at %v", got)
	}
	j.err = store.ErrUnavailable
	now = noon.Add(time.Hour)
	if err := s.Refresh(t.Context()); !errors.Is(err, store.ErrUnavailable) || s.Heard() != noon.Add(time.Minute) {
		t.Errorf("heard of a silent store at %v: %v", s.Heard(), err)
	}
}

// TestForgetting: not a moment before no token can be left.
func TestForgetting(t *testing.T) {
	now := noon
	j := &journal{}
	j.add(store.RevokedClient, "client", noon, time.Hour)
	s := revocation.New(j, func() time.Time { return now })
	refreshed(t, s)
	now = noon.Add(time.Hour)
	refreshed(t, s)
	if !s.Ended(of("client", "", "", noon)) {
		t.Error("forgotten at its time, when a token may be checked still")
	}
	now = noon.Add(time.Hour + time.Minute)
	refreshed(t, s)
	if s.Ended(of("client", "", "", noon)) {
		t.Error("kept for longer than a minute more")
	}
}

// TestMerging: a second revocation adds to the first and takes nothing away.
func TestMerging(t *testing.T) {
	now := noon
	j := &journal{}
	s := revocation.New(j, func() time.Time { return now })
	j.add(store.RevokedClient, "client", noon, 2*time.Hour)
	refreshed(t, s)
	j.add(store.RevokedClient, "client", noon.Add(-time.Minute), time.Hour) // of a clock that is behind
	refreshed(t, s)
	if !s.Ended(of("client", "", "", noon)) {
		t.Error("an earlier time undid a later one")
	}
	now = noon.Add(90 * time.Minute)
	refreshed(t, s)
	if !s.Ended(of("client", "", "", noon)) {
		t.Error("forgotten with the one that ends first")
	}
	j.add(store.RevokedClient, "client", now, 2*time.Hour)
	refreshed(t, s)
	if !s.Ended(of("client", "", "", noon.Add(time.Hour))) {
		t.Error("the second did not count")
	}
}

// TestUnavailable: when the store does not answer, what was known counts on.
func TestUnavailable(t *testing.T) {
	now := noon
	j := &journal{}
	j.add(store.RevokedSecret, "secret", noon, time.Minute)
	s := revocation.New(j, func() time.Time { return now })
	refreshed(t, s)
	j.err = store.ErrUnavailable
	now = noon.Add(time.Hour)
	if err := s.Refresh(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
	if !s.Ended(of("", "secret", "", noon)) {
		t.Error("it forgot without being able to ask")
	}
}

// TestReadOneByOne: however the news are cut into readings, the set is the same
// as what the journal says.
func TestReadOneByOne(t *testing.T) {
	kinds := []string{store.RevokedClient, store.RevokedSecret, store.RevokedToken}
	rapid.Check(t, func(t *rapid.T) {
		j := &journal{}
		s := revocation.New(j, func() time.Time { return noon })
		for range rapid.IntRange(0, 20).Draw(t, "news") {
			before := noon.Add(time.Duration(rapid.IntRange(-10, 10).Draw(t, "before")) * time.Second)
			j.add(rapid.SampledFrom(kinds).Draw(t, "kind"), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id"), before, time.Hour)
			if rapid.Bool().Draw(t, "read") {
				if err := s.Refresh(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.Refresh(context.Background()); err != nil {
			t.Fatal(err)
		}
		for second := -11; second <= 11; second++ {
			issued := noon.Add(time.Duration(second) * time.Second)
			for _, id := range []string{"a", "b"} {
				for kind, token := range map[string]revocation.Token{
					store.RevokedClient: of(id, "x", "x", issued), store.RevokedSecret: of("x", id, "x", issued), store.RevokedToken: of("x", "x", id, issued),
				} {
					want := slices.ContainsFunc(j.all, func(r store.Revocation) bool { return r.Kind == kind && r.ID == id && !issued.After(r.IssuedBefore) })
					if got := s.Ended(token); got != want {
						t.Fatalf("%s %s issued %v: %v", kind, id, issued, got)
					}
				}
			}
		}
	})
}

// TestConcurrently: what one goroutine has read no other sees undone.
func TestConcurrently(t *testing.T) {
	j := &journal{}
	s := revocation.New(j, func() time.Time { return noon })
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 50 {
				id := fmt.Sprint(worker, "-", i)
				j.add(store.RevokedClient, id, noon, time.Hour)
				if err := s.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
				if !s.Ended(of(id, "", "", noon)) {
					t.Errorf("%s is not ended after Refresh", id)
				}
			}
		})
	}
	wg.Wait()
	for worker := range 8 {
		if id := fmt.Sprint(worker, "-", 0); !s.Ended(of(id, "", "", noon)) {
			t.Errorf("%s came back", id)
		}
	}
}

func BenchmarkEnded(b *testing.B) {
	j := &journal{}
	for i := range 10_000 {
		j.add(store.RevokedSecret, fmt.Sprint("secret", i), noon, time.Hour)
	}
	s := revocation.New(j, func() time.Time { return noon })
	refreshed(b, s)
	token := of("client", "secret", "token", noon)
	b.ReportAllocs()
	for b.Loop() {
		if s.Ended(token) {
			b.Fatal("ended")
		}
	}
}
