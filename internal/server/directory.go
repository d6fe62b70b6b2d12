package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/cached"
)

// A directory is what the gateway of an environment knows of API tokens and
// people: a gateway.Directory. It is kept over reloads.
type directory struct {
	people *cached.People
	tokens store.APITokens

	mu    sync.Mutex
	used  map[string]time.Time // not written yet
	acted map[acted]int64      // the day that was written
}

// acted is a person for whom an API token acted.
type acted struct{ token, account string }

// actedRemembered bounds directory.acted; what is beyond asks the store.
const actedRemembered = 10_000

// newDirectory has the follower of the store's changes tell it what to forget. It
// is called before that one runs.
func newDirectory(accounts store.Accounts, tokens store.APITokens, clients *cached.Clients, now func() time.Time) *directory {
	d := &directory{
		people: cached.NewPeople(accounts, tokens, clients.Following, cached.Options{Now: now}),
		tokens: tokens, used: map[string]time.Time{}, acted: map[acted]int64{},
	}
	clients.OnChange(d.people.Note)
	clients.OnReset(func() {
		d.people.ForgetAll()
		d.mu.Lock()
		clear(d.acted)
		d.mu.Unlock()
	})
	return d
}

// APIToken is gateway.Directory's.
func (d *directory) APIToken(ctx context.Context, hash [32]byte) (*store.APIToken, error) {
	return d.people.APIToken(ctx, hash)
}

// Person is gateway.Directory's.
func (d *directory) Person(ctx context.Context, id string) (*store.Account, error) {
	return d.people.Account(ctx, id)
}

// Named is gateway.Directory's. What cannot be a name is nobody's.
func (d *directory) Named(ctx context.Context, name string) (*store.Account, error) {
	key, err := account.NameKey(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrNotFound, err)
	}
	return d.people.AccountByKey(ctx, key)
}

// Used is gateway.Directory's.
func (d *directory) Used(id string, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used[id] = at
}

// flush writes when API tokens were last used. What cannot be written is tried
// again.
func (d *directory) flush(ctx context.Context) error {
	d.mu.Lock()
	used := d.used
	d.used = map[string]time.Time{}
	d.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	err := d.tokens.Used(ctx, used)
	if err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		maps.Copy(used, d.used)
		d.used = used
	}
	return err
}

// apiTokens are the operations on the API tokens of an environment, nil when
// there is none of that name.
func (s *Server) apiTokens(environment string) *partner.APITokens {
	for _, e := range s.current.Load().environments {
		if e.Name == environment {
			return e.apiTokens
		}
	}
	return nil
}

// ActedFor is gateway.Directory's. The store writes once a day, token and person;
// the rest of the day is remembered here.
func (d *directory) ActedFor(ctx context.Context, id, accountID string, by store.By) error {
	day := by.At.Unix() / (24 * 60 * 60)
	key := acted{id, accountID}
	d.mu.Lock()
	written, ok := d.acted[key]
	d.mu.Unlock()
	if ok && written == day {
		return nil
	}
	err := d.tokens.ActedFor(ctx, id, accountID, by)
	if err != nil {
		if errors.Is(err, store.ErrNotFound) {
			err = fmt.Errorf("%w: the API token is gone: %w", store.ErrUnavailable, err)
		}
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.acted) >= actedRemembered {
		clear(d.acted)
	}
	d.acted[key] = day
	return nil
}
