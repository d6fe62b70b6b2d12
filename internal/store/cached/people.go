package cached

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// People finds accounts and API tokens in memory and, where they are not there,
// in the store. What is found is shared: nobody may change it. It is safe for
// concurrent use.
type People struct {
	accounts store.Accounts
	tokens   store.APITokens
	trusted  func() bool
	o        Options

	byID    memory[string, *store.Account]
	byKey   memory[string, string] // ids; a key is another account's only when the first is gone
	byHash  memory[[32]byte, *store.APIToken]
	unknown memory[[32]byte, time.Time] // hashes that there are not, and until when
}

// NewPeople returns a memory in front of accounts and tokens. It must be told of
// every change of the same store, by Note and ForgetAll: Clients does, where both
// are among its hooks. While trusted says no, every question goes to the store;
// Clients.Following is meant.
func NewPeople(accounts store.Accounts, tokens store.APITokens, trusted func() bool, o Options) *People {
	o.complete()
	return &People{
		accounts: accounts, tokens: tokens, trusted: trusted, o: o,
		byID: newMemory[string, *store.Account](o.Size), byKey: newMemory[string, string](o.Size),
		byHash: newMemory[[32]byte, *store.APIToken](o.Size), unknown: newMemory[[32]byte, time.Time](o.Unknown),
	}
}

// Account returns the account with this id, disabled or not; store.ErrNotFound if
// there is none, store.ErrUnavailable when it cannot be said.
func (p *People) Account(ctx context.Context, id string) (*store.Account, error) {
	return recall(&p.byID, p.trusted(), id, func() (*store.Account, error) {
		found, err := p.accounts.Find(ctx, id)
		return &found, err
	})
}

// AccountByKey is Account by the key of the account's name. An e-mail address,
// by which people sign in too, is no key.
func (p *People) AccountByKey(ctx context.Context, key string) (*store.Account, error) {
	trusted := p.trusted()
	if id, ok := p.byKey.get(key); ok && trusted {
		if found, err := p.Account(ctx, id); !errors.Is(err, store.ErrNotFound) {
			return found, err
		}
		p.byKey.forget(key)
	}
	began, beganKey := p.byID.generation(), p.byKey.generation()
	found, err := p.accounts.FindBy(ctx, key)
	if err == nil && found.Key != key {
		err = fmt.Errorf("find account: %w", store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	if trusted {
		p.byID.put(found.ID, &found, began)
		p.byKey.put(strings.Clone(key), found.ID, beganKey)
	}
	return &found, nil
}

// APIToken returns the API token with this hash, good or not; errors are
// Account's. That there is none is remembered for a moment, since strangers can
// ask for any.
func (p *People) APIToken(ctx context.Context, hash [32]byte) (*store.APIToken, error) {
	trusted := p.trusted()
	if until, ok := p.unknown.get(hash); ok && trusted && p.o.Now().Before(until) {
		return nil, fmt.Errorf("find API token: %w", store.ErrNotFound)
	}
	began := p.unknown.generation()
	found, err := recall(&p.byHash, trusted, hash, func() (*store.APIToken, error) {
		found, err := p.tokens.Find(ctx, hash)
		return &found, err
	})
	if trusted && errors.Is(err, store.ErrNotFound) {
		p.unknown.put(hash, p.o.Now().Add(p.o.UnknownFor), began)
	}
	return found, err
}

// Note forgets what a change is about. It is a hook for Clients.OnChange.
func (p *People) Note(c store.Change) {
	switch {
	case strings.HasPrefix(c.Kind, "account."):
		p.byID.forget(c.ID)
	case c.Kind == "api-token.acted": // which alters no token
	case c.Kind == "api-token.created":
		p.unknown.clear()
	case strings.HasPrefix(c.Kind, "api-token."):
		p.byHash.forgetIf(func(t *store.APIToken) bool { return t.ID == c.ID })
	}
}

// ForgetAll forgets everything. It is a hook for Clients.OnReset.
func (p *People) ForgetAll() {
	p.byID.clear()
	p.byKey.clear()
	p.byHash.clear()
	p.unknown.clear()
}

// recall answers from a memory, or asks and remembers. Errors are not remembered.
func recall[K comparable, V any](m *memory[K, V], trusted bool, key K, ask func() (V, error)) (V, error) {
	if value, ok := m.get(key); ok && trusted {
		return value, nil
	}
	began := m.generation()
	value, err := ask()
	if err != nil {
		var none V
		return none, err
	}
	if trusted {
		m.put(key, value, began)
	}
	return value, nil
}

// A memory keeps a bounded number of values. Whatever is forgotten begins another
// generation: what was read in an earlier one may be from before the change, and
// is not kept.
type memory[K comparable, V any] struct {
	most int

	mu     *sync.RWMutex
	values map[K]V
	now    uint64
}

func newMemory[K comparable, V any](most int) memory[K, V] {
	return memory[K, V]{most: most, mu: new(sync.RWMutex), values: map[K]V{}}
}

func (m *memory[K, V]) get(key K) (V, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	value, ok := m.values[key]
	return value, ok
}

func (m *memory[K, V]) generation() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.now
}

// put keeps a value that was read in a generation, in the place of any other when
// there are too many.
func (m *memory[K, V]) put(key K, value V, generation uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if generation != m.now {
		return
	}
	if _, there := m.values[key]; !there && len(m.values) >= m.most {
		for other := range m.values {
			delete(m.values, other)
			break
		}
	}
	m.values[key] = value
}

func (m *memory[K, V]) forget(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now++
	delete(m.values, key)
}

func (m *memory[K, V]) forgetIf(is func(V) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now++
	for key, value := range m.values {
		if is(value) {
			delete(m.values, key)
		}
	}
}

func (m *memory[K, V]) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now++
	clear(m.values)
}
