package cached_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/cached"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

// countedPeople count the reads of a real store, and can hold one up once it has
// read.
type countedPeople struct {
	store.Accounts
	store.APITokens
	reads atomic.Int64
	hold  func()
}

type countedAccounts struct{ *countedPeople }

func (c countedAccounts) Find(ctx context.Context, id string) (store.Account, error) {
	c.reads.Add(1)
	return c.Accounts.Find(ctx, id)
}

func (c countedAccounts) FindBy(ctx context.Context, key string) (store.Account, error) {
	c.reads.Add(1)
	return c.Accounts.FindBy(ctx, key)
}

func (c countedAccounts) List(ctx context.Context, after string, limit int) ([]store.Account, error) {
	return c.Accounts.List(ctx, after, limit)
}

func (c countedAccounts) Create(ctx context.Context, a store.Account, factors []store.Factor, by store.By) error {
	return c.Accounts.Create(ctx, a, factors, by)
}

type countedTokens struct{ *countedPeople }

func (c countedTokens) Find(ctx context.Context, hash [32]byte) (store.APIToken, error) {
	c.reads.Add(1)
	found, err := c.APITokens.Find(ctx, hash)
	if c.hold != nil {
		c.hold()
	}
	return found, err
}

func (c countedTokens) List(ctx context.Context, after string, limit int) ([]store.APIToken, error) {
	return c.APITokens.List(ctx, after, limit)
}

func (c countedTokens) Create(ctx context.Context, t store.APIToken, by store.By) error {
	return c.APITokens.Create(ctx, t, by)
}

// startPeople returns a memory that follows a real store.
func startPeople(t *testing.T, o cached.Options) (*cached.People, *sqlstore.Store, *countedPeople, *cached.Clients) {
	t.Helper()
	s := open(t, filepath.Join(t.TempDir(), "a.db"))
	inner := &countedPeople{Accounts: s.Accounts(), APITokens: s.APITokens()}
	clients := cached.New(s.Clients(), s.Changes(), o)
	p := cached.NewPeople(countedAccounts{inner}, countedTokens{inner}, clients.Following, o)
	clients.OnChange(p.Note)
	clients.OnReset(p.ForgetAll)
	follow(t, clients)
	return p, s, inner, clients
}

func TestPeople(t *testing.T) {
	p, s, inner, clients := startPeople(t, cached.Options{})
	ctx := t.Context()
	must(t, s.Accounts().Create(ctx, store.Account{
		ID: "ann-id", Name: "Ann", Key: "ann", Profile: store.Profile{Email: "ann@example.org", EmailVerified: true}, CreatedAt: time.Now(),
	}, nil, by()))
	must(t, clients.Sync(ctx))
	for range 3 {
		byKey, err := p.AccountByKey(ctx, "ann")
		must(t, err)
		byID, err := p.Account(ctx, "ann-id")
		must(t, err)
		if byKey.ID != "ann-id" || byID.Name != "Ann" {
			t.Errorf("%+v, %+v", byKey, byID)
		}
	}
	if n := inner.reads.Load(); n != 1 {
		t.Errorf("the store was asked %d times", n)
	}
	for _, key := range []string{"ann@example.org", "bob"} {
		if _, err := p.AccountByKey(ctx, key); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", key, err)
		}
	}
	must(t, s.Accounts().Describe(ctx, "ann-id", store.Profile{}, []string{"teacher"}, time.Now(), by()))
	eventually(t, patience, "the role", func() bool {
		found, err := p.AccountByKey(ctx, "ann")
		return err == nil && len(found.Roles) == 1
	})
	must(t, s.Accounts().Delete(ctx, "ann-id", time.Now(), by()))
	eventually(t, patience, "that Ann is gone", func() bool {
		_, err := p.Account(ctx, "ann-id")
		_, byKey := p.AccountByKey(ctx, "ann")
		return errors.Is(err, store.ErrNotFound) && errors.Is(byKey, store.ErrNotFound)
	})
	// The name is free, and another person's from now on.
	must(t, s.Accounts().Create(ctx, store.Account{ID: "ann2-id", Name: "Ann", Key: "ann", CreatedAt: time.Now()}, nil, by()))
	if found, err := p.AccountByKey(ctx, "ann"); err != nil || found.ID != "ann2-id" {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestPeoplesAPITokens(t *testing.T) {
	p, s, inner, clients := startPeople(t, cached.Options{UnknownFor: time.Hour})
	ctx, hash := t.Context(), [32]byte{1}
	unknown := func() bool {
		_, err := p.APIToken(ctx, hash)
		return errors.Is(err, store.ErrNotFound)
	}
	for range 2 {
		if !unknown() {
			t.Error("there is one")
		}
	}
	if inner.reads.Load() != 1 {
		t.Errorf("an unknown one was looked for %d times", inner.reads.Load())
	}
	must(t, s.APITokens().Create(ctx, store.APIToken{
		ID: "t", Hash: hash, Name: "app", Elevated: true, CreatedAt: time.Now(), EndsAt: time.Now().Add(time.Hour), CreatedBy: "first",
	}, by()))
	eventually(t, patience, "that it was created", func() bool { return !unknown() })
	before := inner.reads.Load()
	must(t, s.APITokens().ActedFor(ctx, "t", "ann-id", by()))
	must(t, clients.Sync(ctx))
	if got, err := p.APIToken(ctx, hash); err != nil || got.Good(time.Now()) || inner.reads.Load() != before {
		t.Errorf("%+v, %v after %d more reads", got, err, inner.reads.Load()-before)
	}
	must(t, s.APITokens().Approve(ctx, "t", by()))
	eventually(t, patience, "that it was approved", func() bool {
		got, err := p.APIToken(ctx, hash)
		return err == nil && got.Good(time.Now())
	})
	// One that is read while it is revoked is not remembered as it was.
	revoked := make(chan struct{})
	inner.hold = func() {
		inner.hold = nil
		must(t, s.APITokens().Revoke(ctx, "t", by()))
		must(t, clients.Sync(ctx))
		close(revoked)
	}
	p.ForgetAll()
	if got, err := p.APIToken(ctx, hash); err != nil || !got.Good(time.Now()) {
		t.Fatalf("%+v, %v", got, err)
	}
	<-revoked
	if got, err := p.APIToken(ctx, hash); err != nil || got.Good(time.Now()) {
		t.Errorf("a revoked one is good: %+v, %v", got, err)
	}
}

// TestPeopleAreBounded at n and n+1, and nothing is trusted that is not followed.
func TestPeopleAreBounded(t *testing.T) {
	const most = 3
	p, s, inner, clients := startPeople(t, cached.Options{Size: most})
	for i := range most + 1 {
		id := fmt.Sprint("p", i)
		must(t, s.Accounts().Create(t.Context(), store.Account{ID: id, Name: id, Key: id, CreatedAt: time.Now()}, nil, by()))
	}
	must(t, clients.Sync(t.Context()))
	ask := func(n int) (reads int64) {
		before := inner.reads.Load()
		for range 2 {
			for i := range n {
				if _, err := p.Account(t.Context(), fmt.Sprint("p", i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		return inner.reads.Load() - before
	}
	if got := ask(most); got != most {
		t.Errorf("%d reads of %d accounts", got, most)
	}
	if got := ask(most + 1); got < 1 || got > 2*(most+1) {
		t.Errorf("%d reads of %d accounts", got, most+1)
	}
	alone := cached.NewPeople(countedAccounts{inner}, countedTokens{inner}, func() bool { return false }, cached.Options{})
	before := inner.reads.Load()
	for range 3 {
		if _, err := alone.AccountByKey(t.Context(), "p0"); err != nil {
			t.Fatal(err)
		}
		if _, err := alone.Account(t.Context(), "p0"); err != nil {
			t.Fatal(err)
		}
	}
	if got := inner.reads.Load() - before; got != 6 {
		t.Errorf("%d of 6 questions went to the store", got)
	}
}
